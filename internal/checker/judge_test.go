package checker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCorrectWorld(t *testing.T) {
	t.Parallel()
	w := populated()
	o := w.options()
	o.Copies = []Copy{w.copy()}
	r := Judge(&w.log, o)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(r.Commands, r.Accepted, r.Rejected, r.Failed, r.Repeated, r.Events, r.Aggregates, r.DeadLetters, r.Aborted, r.CopiedStates)
	if want := "19 14 2 1 2 26 4 1 12 4"; got != want {
		t.Errorf("counted %s, want %s\n%s", got, want, r)
	}
	if !strings.Contains(r.String(), "no violation") {
		t.Errorf("report %q, want it to say that nothing is wrong", r)
	}
}

func (w *world) copy() Copy {
	c := Copy{Name: "view", States: map[string]State{}}
	for key, version := range w.versions {
		c.States[key] = State{version, fmt.Appendf(nil, "%d", w.sums[key])}
	}
	return c
}

// find returns the index of the n-th record of a key; n counts from the end
// when it is negative.
func find(records []Record, key string, n int) int {
	var at []int
	for i, r := range records {
		if string(r.Key) == key {
			at = append(at, i)
		}
	}
	if n < 0 {
		n += len(at)
	}
	return at[n]
}

func set(r *Record, name, value string) {
	r.Headers = slices.Clone(r.Headers)
	for i := range r.Headers {
		if r.Headers[i].Name == name {
			r.Headers[i].Value = []byte(value)
			return
		}
	}
	r.Headers = append(r.Headers, Header{name, []byte(value)})
}

func unset(r *Record, name string) {
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h Header) bool { return h.Name == name })
}

// change edits the n-th record of a key in a topic.
func change(t func(*Log) *Topic, key string, n int, fn func(*Record)) func(*world) {
	return func(w *world) {
		w.edit(t(&w.log), home(key), func(records []Record) []Record {
			fn(&records[find(records, key, n)])
			return records
		})
	}
}

func drop(t func(*Log) *Topic, key string, n int) func(*world) {
	return func(w *world) {
		w.edit(t(&w.log), home(key), func(records []Record) []Record {
			i := find(records, key, n)
			return slices.Delete(records, i, i+1)
		})
	}
}

// double appends a copy of a record.
func double(t func(*Log) *Topic, key string, n int) func(*world) {
	return func(w *world) {
		topic := t(&w.log)
		p := &topic.Partitions[home(key)]
		r := p.Visible[find(p.Visible, key, n)]
		r.Offset = p.End
		p.End, p.Stable = p.End+1, p.End+1
		p.Visible, p.All = append(p.Visible, r), append(p.All, r)
		w.end(home(key), Commit, topic)
	}
}

func commands(l *Log) *Topic    { return &l.Commands }
func results(l *Log) *Topic     { return &l.Results }
func events(l *Log) *Topic      { return &l.Events }
func snapshots(l *Log) *Topic   { return &l.Snapshots }
func deadLetters(l *Log) *Topic { return &l.DeadLetters }

func replace(from, to string) func(*Record) {
	return func(r *Record) { r.Value = bytes.Replace(bytes.Clone(r.Value), []byte(from), []byte(to), 1) }
}

// Each corruption of a correct log is found, by its rule.
func TestCorruptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		corrupt func(*world)
		rule    Rule
	}{
		{"acknowledged command lost", func(w *world) { w.ledger = append(w.ledger, "lost") }, CommandKept},
		{"acknowledged command removed", drop(commands, "k1", 0), KnownCause},
		{"result lost", drop(results, "k2", 1), OneAnswer},
		{"result doubled", double(results, "k2", 1), OneAnswer},
		{"results swapped", func(w *world) {
			w.edit(&w.log.Results, home("k1"), func(r []Record) []Record {
				a, b := find(r, "k1", 0), find(r, "k1", 1)
				r[a].Headers, r[b].Headers, r[a].Value, r[b].Value = r[b].Headers, r[a].Headers, r[b].Value, r[a].Value
				return r
			})
		}, OneAnswer},
		{"result of another command", change(results, "k1", 0, func(r *Record) { set(r, "ce_commandid", "a2") }), KnownCause},
		{"result without a command", change(results, "k1", 0, func(r *Record) { set(r, "ce_commandoffset", "999") }), KnownCause},
		{"result that cannot be read", change(results, "k1", 0, func(r *Record) { r.Value = []byte("{") }), Readable},
		{"result of no outcome", change(results, "k0", 0, replace("accepted", "perhaps")), Readable},
		{"result of another version", change(results, "k0", 0, replace(`"version":1,"code"`, `"version":2,"code"`)), NoGap},
		{"state in a result", change(results, "k0", 0, replace(`"data":1}}`, `"data":2}}`)), StateIsFold},
		{"repeat that is not marked", change(results, "k3", -1, func(r *Record) { unset(r, "ce_replay") }), OneEffect},
		{"repeat with another answer", change(results, "k3", -1, replace(`"N":4`, `"N":5`)), SameAnswer},
		{"repeat called reused", change(results, "k3", -1, func(r *Record) {
			r.Value = []byte(`{"outcome":"rejected","code":"command_id_reused","version":1}`)
		}), SameAnswer},
		{"reused id with the first answer", change(commands, "k3", -1, replace(`4`, `5`)), SameAnswer},
		{"first answer marked as a repeat", change(results, "k1", 0, func(r *Record) { set(r, "ce_replay", "true") }), SameAnswer},
		{"id of another aggregate called reused", func(w *world) {
			w.answers[[2]string{"k2", "a4"}] = []byte(`{"outcome":"rejected","code":"command_id_reused","version":1}`)
			w.do(order{id: "a4", key: "k2", n: 1, events: 1, expected: -1})
		}, SameAnswer},
		{"second effect of an id", func(w *world) {
			delete(w.answers, [2]string{"k0", "a0"})
			w.do(order{id: "a0", key: "k0", n: 1, events: 1, expected: -1})
		}, OneEffect},
		{"event lost", drop(events, "k1", 1), NoGap},
		{"last event lost", drop(events, "k0", -1), Atomic},
		{"event doubled", double(events, "k1", -1), NoGap},
		{"events swapped", func(w *world) {
			w.edit(&w.log.Events, home("k1"), func(r []Record) []Record {
				a, b := find(r, "k1", 0), find(r, "k1", 1)
				r[a].Headers, r[b].Headers = r[b].Headers, r[a].Headers
				return r
			})
		}, NoGap},
		{"event of another amount", change(events, "k2", 0, replace("3", "4")), Atomic},
		{"event in another partition", func(w *world) {
			r := w.log.Events.Partitions[home("k1")].Visible[0]
			r.Key = []byte("k1")
			p := (home("k1") + 1) % partitions
			w.write(&w.log.Events, p, "k1", r.Value, "ce_version", "1", "ce_commandoffset", "0", "ce_type", "Added", "ce_schemaversion", "1")
			w.end(p, Commit, &w.log.Events)
		}, OwnPartition},
		{"event of a rejected command", func(w *world) {
			w.write(&w.log.Events, home("k0"), "k0", []byte(`{"N":1}`), "ce_version", fmt.Sprint(w.versions["k0"]+1), "ce_type", "Added",
				"ce_schemaversion", "1", "ce_commandid", "zero", "ce_commandoffset", w.offsetOf("zero"))
			w.end(home("k0"), Commit, &w.log.Events)
		}, Atomic},
		{"event of an unanswered command", func(w *world) {
			drop(results, "k1", 0)(w)
			drop(commands, "k1", 0)(w)
		}, Atomic},
		{"event of the command of another key", change(events, "k1", 0, func(r *Record) { set(r, "ce_commandid", "a2") }), KnownCause},
		{"snapshot lost", func(w *world) {
			w.edit(&w.log.Snapshots, home("k2"), func(r []Record) []Record {
				return slices.DeleteFunc(r, func(r Record) bool { return string(r.Key) == "k2" })
			})
		}, StateIsFold},
		{"snapshot behind", drop(snapshots, "k2", -1), StateIsFold},
		{"snapshot of another state", change(snapshots, "k2", -1, func(r *Record) { r.Value = []byte("1") }), StateIsFold},
		{"snapshot that went back", double(snapshots, "k2", 0), StateIsFold},
		{"snapshot of an older revision", change(snapshots, "k2", -1, func(r *Record) { set(r, "ce_staterevision", "0") }), StateIsFold},
		{"snapshot of another command", change(snapshots, "k2", -1, func(r *Record) { set(r, "ce_commandid", "a1") }), StateIsFold},
		{"state deleted", change(snapshots, "k2", -1, func(r *Record) { r.Value = nil }), StateIsFold},
		{"snapshot without events", func(w *world) {
			w.write(&w.log.Snapshots, home("ghost"), "ghost", []byte("1"), "ce_version", "1", "ce_staterevision", "1")
			w.end(home("ghost"), Commit, &w.log.Snapshots)
		}, KnownCause},
		{"stale version accepted", change(commands, "k2", -1, func(r *Record) { set(r, "ce_expectedversion", "1") }), ExpectedVersion},
		{"current version rejected", change(commands, "k2", -2, func(r *Record) { set(r, "ce_expectedversion", "6") }), ExpectedVersion},
		{"dead letter lost", drop(deadLetters, "k1", 0), DeadLetterKept},
		{"dead letter doubled", double(deadLetters, "k1", 0), DeadLetterKept},
		{"dead letter of a command that did not fail", change(deadLetters, "k1", 0, func(r *Record) {
			set(r, "ce_commandoffset", "0")
			set(r, "deadletter-offset", "0")
		}), DeadLetterKept},
		{"dead letter with other bytes", change(deadLetters, "k1", 0, func(r *Record) { r.Value = []byte("{}") }), DeadLetterKept},
		{"dead letter without the headers", change(deadLetters, "k1", 0, func(r *Record) { unset(r, "ce_type") }), DeadLetterKept},
		{"dead letter of another code", change(deadLetters, "k1", 0, func(r *Record) { set(r, "deadletter-code", "x") }), DeadLetterKept},
		{"dead letter from nowhere", change(deadLetters, "k1", 0, func(r *Record) { unset(r, "deadletter-topic") }), DeadLetterKept},
		{"note of no dead letter", change(deadLetters, "k1", 1, func(r *Record) { set(r, "deadletter-id", "counter-commands/0:0") }), DeadLetterKept},
		{"offset behind", func(w *world) { w.log.Committed[home("k0")]-- }, OffsetExact},
		{"offset ahead", func(w *world) { w.log.Committed[home("k0")]++ }, OffsetExact},
		{"command left", func(w *world) {
			w.write(&w.log.Commands, home("k0"), "k0", []byte("{}"), "ce_id", "left")
		}, Settled},
		{"transaction left open", func(w *world) { w.log.Events.Partitions[0].Stable-- }, Settled},
		{"aborted record visible", func(w *world) {
			p := &w.log.Events.Partitions[home("k0")]
			for _, r := range p.All {
				if r.Control == Data && !slices.ContainsFunc(p.Visible, func(v Record) bool { return v.Offset == r.Offset }) {
					p.Visible = append(p.Visible, r)
					return
				}
			}
		}, AbortedHidden},
		{"committed record hidden", func(w *world) {
			p := &w.log.Results.Partitions[home("k0")]
			p.Visible = p.Visible[1:]
		}, AbortedHidden},
		{"undecided record visible", func(w *world) {
			p := &w.log.Results.Partitions[home("k0")]
			p.All = p.All[:len(p.All)-1]
		}, AbortedHidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := populated()
			c.corrupt(w)
			r := w.judge()
			if r.Count()[c.rule] == 0 {
				t.Errorf("not found by the rule %q\n%s", c.rule, r)
			}
			if r.Err() == nil || !strings.Contains(r.String(), string(c.rule)) {
				t.Errorf("the report does not show it\n%s", r)
			}
		})
	}
}

func (w *world) offsetOf(id string) string {
	for _, p := range w.log.Commands.Partitions {
		for _, r := range p.Visible {
			if r.header("ce_id") == id {
				return fmt.Sprint(r.Offset)
			}
		}
	}
	return ""
}

// A torn transaction: its results are visible, the rest of it is not.
func TestTornTransaction(t *testing.T) {
	t.Parallel()
	w := populated()
	w.do(order{id: "torn", key: "k1", n: 2, events: 2, expected: -1})
	for _, topic := range []*Topic{&w.log.Events, &w.log.Snapshots} {
		w.edit(topic, home("k1"), func(records []Record) []Record {
			return slices.DeleteFunc(records, func(r Record) bool { return r.header("ce_commandid") == "torn" })
		})
	}
	if r := w.judge(); r.Count()[Atomic] != 1 || len(r.Violations) != 1 {
		t.Errorf("want one violation, of %q\n%s", Atomic, r)
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		corrupt func(*Copy)
		rule    Rule
	}{
		{"row missing", func(c *Copy) { delete(c.States, "k1") }, StateIsFold},
		{"row too many", func(c *Copy) { c.States["ghost"] = State{} }, KnownCause},
		{"row behind", func(c *Copy) { c.States["k1"] = State{1, nil} }, StateIsFold},
		{"row ahead", func(c *Copy) { c.Behind, c.States["k1"] = true, State{99, nil} }, StateIsFold},
		{"old row of another state", func(c *Copy) { c.Behind, c.States["k1"] = true, State{1, []byte("7")} }, StateIsFold},
		{"row of another state", func(c *Copy) { c.States["k1"] = State{c.States["k1"].Version, []byte("0")} }, StateIsFold},
		{"row that cannot be read", func(c *Copy) { c.States["k1"] = State{c.States["k1"].Version, []byte("{")} }, Readable},
		{"row of another fold", func(c *Copy) {
			c.Fold = func(state any, e Event) (any, error) { return e.Type, nil }
		}, StateIsFold},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := populated()
			view := w.copy()
			c.corrupt(&view)
			o := w.options()
			o.Copies = []Copy{view}
			if r := Judge(&w.log, o); r.Count()[c.rule] == 0 {
				t.Errorf("not found by the rule %q\n%s", c.rule, r)
			}
		})
	}
}

// A copy of one partition has the aggregates of that partition only.
func TestCopyOfPartition(t *testing.T) {
	t.Parallel()
	w := populated()
	part := w.copy()
	part.Partitions = []int32{home("k1")}
	for key := range w.versions {
		if home(key) != home("k1") {
			delete(part.States, key)
		}
	}
	o := w.options()
	o.Copies = []Copy{part}
	if err := Judge(&w.log, o).Err(); err != nil {
		t.Fatal(err)
	}
	part.Partitions = []int32{(home("k1") + 1) % partitions}
	o.Copies = []Copy{part}
	if r := Judge(&w.log, o); r.Count()[KnownCause] == 0 {
		t.Errorf("the store of another partition is not found out\n%s", r)
	}
}

// A copy that may be behind is right when it is the fold of fewer events.
func TestCopyBehind(t *testing.T) {
	t.Parallel()
	w := populated()
	o := w.options()
	o.Copies = []Copy{{Name: "store", Behind: true, States: map[string]State{"k0": {1, []byte("1")}}}}
	if err := Judge(&w.log, o).Err(); err != nil {
		t.Error(err)
	}
}

// Retention may have removed commands and answers, and an id is free again
// after the window.
func TestRetention(t *testing.T) {
	t.Parallel()
	w := populated()
	for _, topic := range []*Topic{&w.log.Commands, &w.log.Results} {
		for p := range topic.Partitions {
			n := len(topic.Partitions[p].Visible) / 2
			start := topic.Partitions[p].Visible[n].Offset
			w.edit(topic, int32(p), func(r []Record) []Record { return r[n:] })
			topic.Partitions[p].Start = start
			topic.Partitions[p].All = slices.DeleteFunc(topic.Partitions[p].All, func(r Record) bool { return r.Offset < start })
		}
	}
	if err := w.judge().Err(); err != nil {
		t.Error(err)
	}

	w = populated()
	w.now = w.now.Add(25 * time.Hour)
	delete(w.answers, [2]string{"k0", "a0"})
	w.do(order{id: "a0", key: "k0", n: 1, events: 1, expected: -1})
	if err := w.judge().Err(); err != nil {
		t.Error(err)
	}
}
