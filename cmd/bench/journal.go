package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// journal knows when each command was to be sent, and which are answered.
type journal struct {
	intended []atomic.Int64 // Unix nanoseconds, by sequence number; -1 when answered, 0 when not sent
	sent     atomic.Int64
	answered atomic.Int64
	repeated atomic.Int64
	refused  atomic.Int64 // results other than accepted

	mu    sync.Mutex
	phase *phase
}

// phase collects the answers to the commands from sequence number from on.
type phase struct {
	from     int
	latency  *hdrhistogram.Histogram // microseconds
	answered int64
	byPart   map[int32]time.Time // when each partition answered first
	began    time.Time
	last     map[int32]time.Time     // when each partition answered last, whatever the command
	silence  map[int32]time.Duration // the longest time in which it did not
}

// maxCommands is how many commands one contender gets at most.
const maxCommands = 1 << 24

func newJournal() *journal { return &journal{intended: make([]atomic.Int64, maxCommands)} }

// begin starts a phase with the next command.
func (j *journal) begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.phase = &phase{
		from: int(j.sent.Load()), latency: hdrhistogram.New(1, 600_000_000, 3), byPart: map[int32]time.Time{},
		began: time.Now(), last: map[int32]time.Time{}, silence: map[int32]time.Duration{},
	}
}

// heard enters that a partition has answered.
func (p *phase) heard(partition int32, at time.Time) {
	since, ok := p.last[partition]
	if !ok {
		since = p.began
	}
	p.silence[partition], p.last[partition] = max(p.silence[partition], at.Sub(since)), at
}

// silences returns, for each of so many partitions, the longest time since the phase
// began in which no result of it was seen.
func (j *journal) silences(partitions int32) map[int32]time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := map[int32]time.Duration{}
	for p := range partitions {
		j.phase.heard(p, time.Now())
		all[p] = j.phase.silence[p]
	}
	return all
}

// current calls fn with the phase.
func (j *journal) current(fn func(*phase)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fn(j.phase)
}

// next returns the sequence number of a command that is to be sent at a time.
func (j *journal) next(at time.Time) int {
	seq := int(j.sent.Load()) // one goroutine sends
	j.intended[seq].Store(at.UnixNano())
	j.sent.Add(1)
	return seq
}

// answer takes a result that was read at a time. It reports whether the result
// is the first of its command.
func (j *journal) answer(seq int, partition int32, at time.Time) bool {
	was := j.intended[seq].Swap(-1)
	if was < 0 {
		j.repeated.Add(1)
		return false
	}
	j.answered.Add(1)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.phase != nil {
		j.phase.heard(partition, at)
	}
	if j.phase == nil || seq < j.phase.from {
		return true
	}
	j.phase.answered++
	_ = j.phase.latency.RecordValue(max(1, (at.UnixNano()-was)/1000))
	if _, ok := j.phase.byPart[partition]; !ok {
		j.phase.byPart[partition] = at
	}
	return true
}

func (j *journal) outstanding() int64 { return j.sent.Load() - j.answered.Load() }

// latencyOf puts a distribution down in milliseconds.
func latencyOf(h *hdrhistogram.Histogram) *report.Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	l := &report.Latency{
		Mean: h.Mean() / 1000, P50: ms(h.ValueAtQuantile(50)), P99: ms(h.ValueAtQuantile(99)),
		P999: ms(h.ValueAtQuantile(99.9)), Max: ms(h.Max()),
	}
	for _, p := range []float64{1, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99} {
		l.Percentiles = append(l.Percentiles, [2]float64{p, ms(h.ValueAtQuantile(p))})
	}
	return l
}
