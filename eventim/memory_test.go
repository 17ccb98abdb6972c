package eventim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// The answers of a handler are those of a model that remembers the first answer
// to each command of an aggregate, whatever ids are shared between aggregates,
// partitions and outcomes, batches are aborted, and stores are made anew from
// what was written.
func TestAnswersAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory(t)
		defer m.close()
		t.Repeat(map[string]func(*rapid.T){
			"batch":   m.batch,
			"abort":   m.abort,
			"restart": func(t *rapid.T) { m.restart(t, rapid.IntRange(0, 1).Draw(t, "partition")) },
			"sweep":   m.sweep,
			"later":   func(t *rapid.T) { m.now += rapid.SampledFrom([]int64{1, window / 2, window, 2 * window}).Draw(t, "ms") },
		})
	})
}

const (
	window = 1000 // milliseconds
	bucket = window / 8
)

// memory is two partitions of a handler's core, and the model that they are
// compared with.
type memory struct {
	agg   *Aggregate[ticks, tick, tick]
	now   int64
	swept int64
	parts [2]*part

	firsts   map[commandKey]first // the model
	versions map[string]int64
}

// part is a partition: its log and its store.
type part struct {
	store   *tables
	close   func()
	next    int64 // offset of the commands
	results []Record
	latest  map[string]Record // snapshots
}

// first is a first answer in the model.
type first struct {
	time  int64
	what  string
	value []byte
}

func newMemory(t *rapid.T) *memory {
	a := *ticker()
	a.Partitions, a.Deduplication = 2, window*time.Millisecond
	a.Decide = func(_ ticks, cmd Command[tick]) ([]tick, error) {
		switch cmd.Payload.N {
		case 0:
			return nil, errors.New("nothing")
		case 13:
			panic("thirteen")
		}
		return []tick{cmd.Payload}, nil
	}
	m := &memory{agg: &a, now: 1_700_000_000_000, firsts: map[commandKey]first{}, versions: map[string]int64{}}
	for i := range m.parts {
		p := &part{latest: map[string]Record{}}
		p.store, p.close = newStoreOn(t, vfs.NewMem(), "store", window*time.Millisecond)
		m.parts[i] = p
	}
	return m
}

func (m *memory) close() {
	for _, p := range m.parts {
		p.close()
	}
}

// draw makes a command, mostly one in its own partition.
func (m *memory) draw(t *rapid.T, partition int, offset int64) Record {
	key := rapid.SampledFrom([]string{"a", "b", "c", "d", ""}).Draw(t, "aggregate")
	commands := m.agg.Topics().Commands
	id := rapid.SampledFrom([]string{"x", "y", "", "d", positionID(commands, Position{0, offset}), positionID(commands, Position{0, offset + 1})}).Draw(t, "id")
	sent, err := m.agg.encodeCommand(Command[tick]{ID: id, Aggregate: key, Payload: tick{rapid.SampledFrom([]int{0, 1, 2, 13}).Draw(t, "n")}})
	if err != nil {
		t.Fatal(err)
	}
	rec := written(t, sent)
	if rapid.IntRange(0, 5).Draw(t, "broken") == 0 {
		rec.Value = []byte("{")
	}
	// Mostly, the broker has stamped it, and its clock is ours.
	at := rapid.SampledFrom([]int64{m.now, m.now, m.now, m.now - 25*window, m.now + 25*window, m.now - 1, 0, -1, math.MaxInt64}).Draw(t, "time")
	rec.Time, rec.Position = time.UnixMilli(at), Position{int32(partition), offset} //nolint:gosec // 0 or 1
	return rec
}

func (m *memory) decide(t *rapid.T) (*part, []Record, *batch[ticks, tick, tick]) {
	partition := rapid.IntRange(0, 1).Draw(t, "partition")
	p := m.parts[partition]
	b := batchOf(m.agg, maxOutputBytes, time.UnixMilli(m.now))
	b.Partition, b.answer = int32(partition), p.store.answer //nolint:gosec // 0 or 1
	b.snapshot = func(aggregate string) (Snapshot[ticks], error) {
		v, found, err := p.store.snapshot(aggregate)
		if err != nil || !found {
			return Snapshot[ticks]{Aggregate: aggregate}, err
		}
		return m.agg.snapshotOf(aggregate, b.Partition, v)
	}
	b.results = func(offsets []int64) (map[int64]writtenResult, error) {
		values := map[int64]writtenResult{}
		for _, offset := range offsets {
			values[offset] = writtenFrom(p.results[offset])
		}
		return values, nil
	}
	var records []Record
	for i := range rapid.Int64Range(1, 4).Draw(t, "commands") {
		records = append(records, m.draw(t, partition, p.next+i))
		if err := b.add(records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	return p, records, b
}

func (m *memory) abort(t *rapid.T) { m.decide(t) }

func (m *memory) batch(t *rapid.T) {
	p, records, b := m.decide(t)
	p.next += int64(len(records))
	for _, message := range b.Commit().Records {
		switch rec := written(t, message); message.Topic {
		case m.agg.Topics().Results:
			rec.Position.Offset, rec.Time = int64(len(p.results)), time.UnixMilli(m.now)
			message.Offset = rec.Position.Offset
			p.results = append(p.results, rec)
			m.judge(t, records[0], rec)
			records = records[1:]
		case m.agg.Topics().Snapshots:
			p.latest[string(rec.Key)] = rec
		}
	}
	if len(records) > 0 {
		t.Fatalf("%d commands are not answered", len(records))
	}
	w := p.store.write()
	b.keep(w)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// judge holds an answer against that of the model.
func (m *memory) judge(t *rapid.T, cmd, result Record) {
	res, err := m.agg.decodeResult(result)
	if err != nil {
		t.Fatal(err)
	}
	key, id := string(cmd.Key), cmd.Header(headerID)
	sum := string(cmd.Value)
	command := commandKey{key, id}
	known, found := m.firsts[command]
	at := writable(cmd.Time).UnixMilli()
	found = found && min(at, m.now)-known.time <= window
	version, code := m.versions[key], ""
	own := positionID(cmd.Topic, cmd.Position)
	switch {
	case key != "" && m.home(key) != cmd.Position.Partition:
		id, version, code = cmp.Or(id, own), 0, CodeWrongPartition
	case id == "" || id == own:
		id, code = own, CodeInvalidEnvelope
	case key == "":
		code = CodeInvalidEnvelope
	case found && known.what == sum:
		if !res.Replayed || !bytes.Equal(result.Value, known.value) {
			t.Fatalf("%s %s: %s, want again %s", command, sum, result.Value, known.value)
		}
		return
	case found:
		code = CodeCommandIDReused
	default:
		if code = codeOf(sum); code == "" {
			m.versions[key]++
			version++
		}
		m.firsts[command] = first{max(at, m.now), sum, result.Value}
	}
	got := ""
	if res.Rejection != nil {
		got = res.Rejection.Code
	}
	if code != CodeCommandIDReused && res.Version != version || got != code || res.Command != id || res.Aggregate != key || res.Replayed != (code == CodeCommandIDReused) {
		t.Fatalf("%s %s: %+v, want code %q at version %d", command, sum, res, code, version)
	}
}

func (m *memory) home(key string) int32 {
	p, _ := sarama.NewMurmur2Partitioner("").Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, m.agg.Partitions)
	return p
}

func codeOf(value string) string {
	switch value {
	case "{":
		return CodeUndecodable
	case `{"N":0}`:
		return CodeRejected
	case `{"N":13}`:
		return CodePanic
	}
	return ""
}

// restart makes a store anew from what the partition has written.
func (m *memory) restart(t *rapid.T, partition int) {
	p := m.parts[partition]
	p.close()
	p.store, p.close = newStoreOn(t, vfs.NewMem(), "store", window*time.Millisecond)
	w := p.store.write()
	filter := answerFilter{commands: m.agg.Topics().Commands}
	for _, rec := range p.results {
		if err := filter.put(w, rec); err != nil {
			t.Fatal(err)
		}
	}
	for key, rec := range p.latest {
		v, err := storedOf(rec)
		if err != nil {
			t.Fatal(err)
		}
		w.setSnapshot(key, v)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	m.forget(t, p) // as retention has removed what was swept
}

func (m *memory) sweep(t *rapid.T) {
	m.swept = m.now - window
	maps.DeleteFunc(m.firsts, func(_ commandKey, f first) bool { return f.time/bucket*bucket+bucket <= m.swept })
	for _, p := range m.parts {
		m.forget(t, p)
	}
}

func (m *memory) forget(t *rapid.T, p *part) {
	if err := p.store.answers.Forget(time.UnixMilli(m.swept)); err != nil {
		t.Fatal(err)
	}
}

func (k commandKey) String() string { return fmt.Sprintf("%q of %q", k.id, k.aggregate) }
