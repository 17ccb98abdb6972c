package checker

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// world writes the log of a handler that makes no mistake. The domain is a
// counter: the state is the sum of what was added.
type world struct {
	log      Log
	ledger   []string
	now      time.Time
	versions map[string]int64
	sums     map[string]int64
	answers  map[[2]string][]byte // by key and command id
}

const partitions = 3

func newWorld() *world {
	w := &world{
		log: *newLog("counter"), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		versions: map[string]int64{}, sums: map[string]int64{}, answers: map[[2]string][]byte{},
	}
	w.log.Committed = map[int32]int64{}
	for _, t := range w.log.topics() {
		t.Partitions = make([]Partition, partitions)
	}
	return w
}

func addFold(state any, e Event) (any, error) {
	sum, _ := state.(int64)
	var v struct{ N int64 }
	err := json.Unmarshal(e.Data, &v)
	return sum + v.N, err
}

func (w *world) options() Options {
	return Options{Aggregate: "counter", Fold: addFold, Acknowledged: w.ledger}
}

func (w *world) judge() *Report { return Judge(&w.log, w.options()) }

func home(key string) int32 {
	return int32(kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte(key)}, partitions))
}

// order is a command to the world.
type order struct {
	id, key  string
	n        int64 // 0 is rejected, below 0 fails
	events   int
	expected int64 // -1: any
}

// write appends a record that is visible at once.
func (w *world) write(t *Topic, partition int32, key string, value []byte, headers ...string) *Record {
	p := &t.Partitions[partition]
	r := Record{
		Topic: t.Name, Partition: partition, Offset: p.End, Time: w.now, Key: []byte(key), Value: value,
		ProducerID: 7, Transactional: t != &w.log.Commands,
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, Header{headers[i], []byte(headers[i+1])})
	}
	p.End, p.Stable = p.End+1, p.End+1
	p.Visible, p.All = append(p.Visible, r), append(p.All, r)
	return &r
}

// end writes the markers of a transaction.
func (w *world) end(partition int32, kind Control, topics ...*Topic) {
	for _, t := range topics {
		p := &t.Partitions[partition]
		p.All = append(p.All, Record{Topic: t.Name, Partition: partition, Offset: p.End, ProducerID: 7, Transactional: true, Control: kind})
		p.End, p.Stable = p.End+1, p.End+1
	}
}

// abort writes a record whose transaction is aborted.
func (w *world) abort(t *Topic, key string) {
	w.write(t, home(key), key, []byte("{}"))
	p := &t.Partitions[home(key)]
	p.Visible = p.Visible[:len(p.Visible)-1]
	w.end(home(key), Abort, t)
}

// do lets a command be sent and answered.
func (w *world) do(o order) {
	p := home(o.key)
	headers := []string{"ce_id", o.id, "ce_type", "Add", "ce_schemaversion", "1"}
	if o.expected >= 0 {
		headers = append(headers, "ce_expectedversion", strconv.FormatInt(o.expected, 10))
	}
	cmd := w.write(&w.log.Commands, p, o.key, fmt.Appendf(nil, `{"N":%d}`, o.n), headers...)
	w.ledger = append(w.ledger, o.id)
	w.log.Committed[p] = cmd.Offset + 1
	at := strconv.FormatInt(cmd.Offset, 10)
	if first, ok := w.answers[[2]string{o.key, o.id}]; ok {
		w.result(p, o, at, first, "ce_replay", "true")
		w.end(p, Commit, &w.log.Results)
		return
	}
	v := resultValue{Outcome: "accepted", Version: w.versions[o.key]}
	switch {
	case o.expected >= 0 && o.expected != v.Version:
		v.Outcome, v.Code = "rejected", "version_conflict"
	case o.n == 0:
		v.Outcome, v.Code = "rejected", "zero"
	case o.n < 0:
		v.Outcome, v.Code = "failed", "negative"
	default:
		w.apply(o, cmd.Offset, &v)
	}
	value, _ := json.Marshal(v)
	w.answers[[2]string{o.key, o.id}] = value
	w.result(p, o, at, value)
	w.rest(p, o, cmd, v)
	w.end(p, Commit, &w.log.Results, &w.log.Events, &w.log.Snapshots, &w.log.DeadLetters)
}

func (w *world) apply(o order, offset int64, v *resultValue) {
	for range o.events {
		w.sums[o.key] += o.n
		v.Version++
		v.Events = append(v.Events, resultEvent{
			Type: "Added", SchemaVersion: 1, Version: v.Version, Command: o.id, CommandOffset: offset, Data: fmt.Appendf(nil, `{"N":%d}`, o.n),
		})
	}
	w.versions[o.key] = v.Version
	v.Snapshot = &resultEvent{
		Type: "counter", SchemaVersion: 1, Version: v.Version, Revision: 1, Data: fmt.Appendf(nil, "%d", w.sums[o.key]),
	}
}

func (w *world) result(p int32, o order, at string, value []byte, more ...string) {
	var v resultValue
	_ = json.Unmarshal(value, &v)
	headers := append([]string{"ce_commandid", o.id, "ce_commandoffset", at, "ce_version", strconv.FormatInt(v.Version, 10)}, more...)
	w.write(&w.log.Results, p, o.key, value, headers...)
}

// rest writes what follows a result: events, the snapshot, a dead letter.
func (w *world) rest(p int32, o order, cmd *Record, v resultValue) {
	at := strconv.FormatInt(cmd.Offset, 10)
	for _, e := range v.Events {
		w.write(&w.log.Events, p, o.key, e.Data, "ce_type", e.Type, "ce_schemaversion", "1",
			"ce_version", strconv.FormatInt(e.Version, 10), "ce_commandid", o.id, "ce_commandoffset", at)
	}
	if len(v.Events) > 0 {
		w.write(&w.log.Snapshots, p, o.key, v.Snapshot.Data, "ce_version", strconv.FormatInt(v.Version, 10),
			"ce_staterevision", "1", "ce_commandid", o.id, "ce_commandoffset", at)
	}
	if v.Outcome == "failed" {
		headers := []string{}
		for _, h := range cmd.Headers {
			headers = append(headers, h.Name, string(h.Value))
		}
		w.write(&w.log.DeadLetters, p, o.key, cmd.Value, append(headers, "deadletter-code", v.Code, "deadletter-reason", "why",
			"deadletter-topic", cmd.Topic, "deadletter-partition", strconv.Itoa(int(p)), "deadletter-offset", at, "ce_commandoffset", at)...)
	}
}

// populated is a world in which everything has happened.
func populated() *world {
	w := newWorld()
	for i := range int64(12) {
		key := fmt.Sprint("k", i%4)
		w.do(order{id: fmt.Sprint("a", i), key: key, n: i + 1, events: int(i%3) + 1, expected: -1})
		w.abort(&w.log.Events, key)
	}
	w.do(order{id: "a0", key: "k1", n: 1, events: 1, expected: -1}) // another one than that of k0
	w.do(order{id: "zero", key: "k0", n: 0, expected: -1})
	w.do(order{id: "poison", key: "k1", n: -1, expected: -1})
	poison := w.log.Commands.Partitions[home("k1")].Visible
	w.write(&w.log.DeadLetters, home("k1"), "k1", []byte(`{"state":"discarded"}`), "deadletter-id", poison[len(poison)-1].where())
	w.end(home("k1"), Commit, &w.log.DeadLetters)
	w.do(order{id: "stale", key: "k2", n: 5, events: 1, expected: 1})
	w.do(order{id: "fresh", key: "k2", n: 5, events: 1, expected: w.versions["k2"]})
	w.do(order{id: "a3", key: "k3", n: 4, events: 1, expected: -1})
	w.do(order{id: "zero", key: "k0", n: 0, expected: -1})
	return w
}

// edit changes the visible records of a partition, in both readings.
func (w *world) edit(t *Topic, p int32, fn func([]Record) []Record) {
	t.Partitions[p].Visible = fn(t.Partitions[p].Visible)
	kept := map[int64]Record{}
	for _, r := range t.Partitions[p].Visible {
		kept[r.Offset] = r
	}
	var all []Record
	for _, r := range t.Partitions[p].All {
		if v, ok := kept[r.Offset]; ok {
			all = append(all, v)
			delete(kept, r.Offset)
		} else if r.Control != Data {
			all = append(all, r)
		}
	}
	t.Partitions[p].All = all
}
