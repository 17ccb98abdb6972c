package web

import (
	"bytes"
	"sync"

	"github.com/eventim-go/eventim/eventim"
)

// progress knows, for each partition of the commands, how far the handlers
// have come, and the last command that changed anything. So it can tell who
// waits for the effect of a command that it had none: a view never shows such
// a command, only those around it.
//
// It hears of each result from where the tail began, and of what was before in
// what recall found. Until then it does not answer.
type progress struct {
	mu         sync.Mutex
	recalled   bool
	partitions []handled
}

// handled is what is known of one partition of the commands. Offsets are -1
// for none.
type handled struct {
	decided int64 // the last command that has a result
	changed int64 // the last command that has events, as far as decided at least
	waits   map[chan<- eventim.Position]int64
}

func newProgress(partitions int) *progress {
	p := &progress{partitions: make([]handled, partitions)}
	for i := range p.partitions {
		p.partitions[i] = handled{decided: -1, changed: -1, waits: map[chan<- eventim.Position]int64{}}
	}
	return p
}

// await makes the position of the last command before at that changed anything
// arrive on the channel, as soon as that command is decided and if it changed
// nothing itself. The offset is -1 when none did. The returned function ends
// it.
func (p *progress) await(at eventim.Position) (effect <-chan eventim.Position, forget func()) {
	if int(at.Partition) >= len(p.partitions) {
		return nil, func() {}
	}
	c := make(chan eventim.Position, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partitions[at.Partition].waits[c] = at.Offset
	p.settle(at.Partition)
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.partitions[at.Partition].waits, c)
	}
}

// result is called with each record of the results topic.
func (p *progress) result(rec eventim.Record) {
	command, ok := rec.CommandPosition()
	if !ok || int(command.Partition) >= len(p.partitions) {
		return
	}
	changed := int64(-1)
	if changes(rec) {
		changed = command.Offset
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(command.Partition, command.Offset, changed)
}

// changes tells whether a result is that of a command which caused events: only
// such a result has a field of that name. A text "events" in an invoice passes
// for it, and then somebody waits longer than need be, as for a command whose
// result is not known. To decode every result would cost more than all else
// that is done with those that nobody here waits for.
func changes(rec eventim.Record) bool {
	return rec.Header(eventim.HeaderReplay) == "" && bytes.Contains(rec.Value, []byte(`"events"`))
}

// recall takes in what lies before the tail: the last command that was decided
// and the last that has events, by partition.
func (p *progress) recall(decided, changed offsets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recalled = true
	for i := range p.partitions {
		p.advance(int32(i), max(decided[i], changed[i]), changed[i]) //nolint:gosec // at most maxPartitions
	}
}

func (p *progress) advance(partition int32, decided, changed int64) {
	h := &p.partitions[partition]
	h.decided, h.changed = max(h.decided, decided), max(h.changed, changed)
	p.settle(partition)
}

// settle answers those whose command is decided. Whose command, or a later
// one, has changed something needs no answer: the view will show it.
func (p *progress) settle(partition int32) {
	h := &p.partitions[partition]
	if !p.recalled {
		return
	}
	for c, offset := range h.waits {
		if offset > h.decided {
			continue
		}
		delete(h.waits, c)
		if offset > h.changed {
			c <- eventim.Position{Partition: partition, Offset: h.changed}
		}
	}
}
