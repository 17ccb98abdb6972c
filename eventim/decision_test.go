package eventim

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/task"
)

type (
	tick  struct{ N int }
	ticks struct{ Sum int }
)

// ticker is the smallest aggregate.
func ticker() *Aggregate[ticks, tick, tick] {
	return Aggregate[ticks, tick, tick]{
		Name: "ticker", Partitions: 1, Commands: JSON[tick]("Tick"), Events: JSON[tick]("Ticked"),
		Decider: Decider[ticks, tick, tick]{
			Decide: func(_ ticks, cmd Command[tick]) ([]tick, error) { return []tick{cmd.Payload}, nil },
			Evolve: func(s ticks, e tick) ticks { return ticks{s.Sum + e.N} },
		},
	}.withDefaults()
}

// batchOf is a batch of commands on a state that has nothing.
func batchOf[S, C, E any](a *Aggregate[S, C, E], limit int, now time.Time) *batch[S, C, E] {
	return &batch[S, C, E]{
		Scope: task.NewScope(0, limit, now, nil), agg: a, partitioner: sarama.NewMurmur2Partitioner(""), crashed: func(Record, any, []byte) {},
		snapshot:  func(id string) (Snapshot[S], error) { return Snapshot[S]{Aggregate: id}, nil },
		answer:    func(commandKey) (answer, bool, error) { return answer{}, false, nil },
		snapshots: map[string]changed[S]{}, answers: map[commandKey]given{},
	}
}

// decided decides commands on a state that has nothing, and returns what is written.
func decided(t testing.TB, a *Aggregate[ticks, tick, tick], limit int, records ...Record) []*sarama.ProducerMessage {
	t.Helper()
	b := batchOf(a, limit, time.Time{})
	for _, r := range records {
		b.Now = r.Time // both clocks are right
		if err := b.add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.finish(); err != nil {
		t.Fatal(err)
	}
	return b.Commit().Records
}

// written turns what is to be written into what will be read.
func written(t rapid.TB, m *sarama.ProducerMessage) Record {
	t.Helper()
	r := Record{Topic: m.Topic}
	for _, field := range []struct {
		from sarama.Encoder
		to   *[]byte
	}{{m.Key, &r.Key}, {m.Value, &r.Value}} {
		if field.from == nil {
			continue
		}
		data, err := field.from.Encode()
		if err != nil {
			t.Fatal(err)
		}
		*field.to = data
	}
	for i := range m.Headers {
		r.Headers = append(r.Headers, (*Header)(&m.Headers[i]))
	}
	return r
}

func tickRecord(t *testing.T, a *Aggregate[ticks, tick, tick], id string, at time.Time) Record {
	t.Helper()
	m, err := a.encodeCommand(Command[tick]{ID: id, Aggregate: "a", Payload: tick{1}})
	if err != nil {
		t.Fatal(err)
	}
	r := written(t, m)
	r.Time = at
	return r
}

// Whatever timestamp a sender writes, what is written about its command can be
// read again.
func TestTimestampsOfSenders(t *testing.T) {
	t.Parallel()
	a := ticker()
	for _, ms := range []int64{math.MinInt64, -1, 0, 1, time.Now().UnixMilli(), 253402300799999, 253402300800000, math.MaxInt64} {
		for _, value := range []string{`{"N":1}`, "{"} {
			rec := tickRecord(t, a, "c", time.UnixMilli(ms))
			rec.Value = []byte(value)
			for _, m := range decided(t, a, maxOutputBytes, rec) {
				var err error
				switch m.Topic {
				case a.Topics().Results:
					_, err = a.decodeResult(written(t, m))
				case a.Topics().Events:
					_, err = a.decodeEvent(written(t, m))
				case a.Topics().Snapshots:
					_, err = a.decodeSnapshot(written(t, m))
				}
				if err != nil {
					t.Errorf("timestamp %d, command %s: %v", ms, value, err)
				}
			}
		}
	}
}

// However little fits into a record, a failed command gets a result and a dead
// letter that do.
func TestFailureFits(t *testing.T) {
	t.Parallel()
	a := ticker()
	big := make([]byte, 3000)
	for limit := kafkalog.BatchOverhead + 1000; limit < 20_000; limit += 100 {
		rec := tickRecord(t, a, "c", time.Now())
		rec.Value = append([]byte("{"), big...)
		rec.Headers = append(rec.Headers, &Header{Key: []byte(headerActor), Value: big})
		rec.Key = big[:500]
		d := decided(t, a, limit, rec)
		if len(d) != 2 {
			t.Fatalf("limit %d: %d records, want a result and a dead letter", limit, len(d))
		}
		for _, m := range d {
			if size := m.ByteSize(2) + kafkalog.BatchOverhead; size > limit {
				t.Errorf("limit %d: the record for %s has %d bytes", limit, m.Topic, size)
			}
		}
	}
}

// bell is a domain that keeps times, as beginners do: it compares them with ==.
type (
	rung struct{ At time.Time }
	bell struct {
		Last  time.Time
		Times map[time.Time]int
	}
)

// The time that a decision is given, whole seconds and what a sender has stamped
// included, is in milliseconds and UTC, and what is kept of it comes back equal.
func TestTimesComeBackAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	var times []time.Time
	a := Aggregate[bell, rung, rung]{
		Name: "bell", Partitions: 1, Commands: JSON[rung]("ring"), Events: JSON[rung]("rung"),
		Decider: Decider[bell, rung, rung]{
			Decide: func(_ bell, cmd Command[rung]) ([]rung, error) {
				times = append(times, cmd.Time)
				return []rung{{cmd.Time}}, nil
			},
			Evolve: func(_ bell, e rung) bell { return bell{e.At, map[time.Time]int{e.At: 1}} },
		},
	}.withDefaults()
	whole := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{
		"a whole second": whole, "of another location": whole.In(time.FixedZone("", 3600)), "half a second": whole.Add(500 * time.Millisecond),
		"a millisecond": whole.Add(time.Millisecond), "with nanoseconds": whole.Add(123456789), "of this clock": time.Now(), "the first": time.UnixMilli(0),
	} {
		m, err := a.encodeCommand(Command[rung]{ID: "c", Aggregate: "a"})
		if err != nil {
			t.Fatal(err)
		}
		rec := written(t, m)
		rec.Time, times = at, nil
		b := batchOf(a, maxOutputBytes, at)
		b.crashed = func(_ Record, reason any, _ []byte) { t.Error(reason) }
		if err := b.add(rec); err != nil {
			t.Fatal(err)
		}
		err = b.finish()
		d := b.Commit().Records
		if err != nil || len(d) != 3 {
			t.Fatalf("%s: %d records, %v, want a result, an event and a snapshot", name, len(d), err)
		}
		want := at.UTC().Truncate(time.Millisecond)
		res, err1 := a.decodeResult(written(t, d[0]))
		event, err2 := a.decodeEvent(written(t, d[1]))
		snap, err3 := a.decodeSnapshot(written(t, d[2]))
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, got := range map[string]time.Time{
			"a decision": times[0], "a result": res.Time, "an event": event.Time, "its payload": event.Payload.At,
			"a snapshot": snap.Time, "a state": snap.State.Last, "a result's state": res.Snapshot.State.Last, "a result's event": res.Events[0].Time,
		} {
			if got != want {
				t.Errorf("%s, %s: %v, want %v, by ==", name, what, got, want)
			}
		}
		if snap.State.Times[want] != 1 {
			t.Errorf("%s: %v, want it to be found by its time", name, snap.State.Times)
		}
	}
}
