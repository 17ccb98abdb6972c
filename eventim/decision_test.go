package eventim

import (
	"math"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"pgregory.net/rapid"
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

// decided decides commands on a state that has nothing.
func decided(t *testing.T, a *Aggregate[ticks, tick, tick], limit int, records ...Record) decision[ticks] {
	t.Helper()
	b := batch[ticks, tick, tick]{
		agg: a, limit: limit, partitioner: sarama.NewMurmur2Partitioner(""), crashed: func(Record, any, []byte) {},
		snapshot: func(id string) (Snapshot[ticks], error) { return Snapshot[ticks]{Aggregate: id}, nil },
		answer:   func(commandKey) (answer, bool, error) { return answer{}, false, nil },
		decision: decision[ticks]{snapshots: map[string]changed[ticks]{}, answers: map[commandKey]given{}},
	}
	for _, r := range records {
		b.now = r.Time // both clocks are right
		if err := b.add(r); err != nil {
			t.Fatal(err)
		}
	}
	d, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	return d
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
		r.Headers = append(r.Headers, &m.Headers[i])
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
			for _, m := range decided(t, a, maxOutputBytes, rec).records {
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
	for limit := batchOverhead + 1000; limit < 20_000; limit += 100 {
		rec := tickRecord(t, a, "c", time.Now())
		rec.Value = append([]byte("{"), big...)
		rec.Headers = append(rec.Headers, &sarama.RecordHeader{Key: []byte(headerActor), Value: big})
		rec.Key = big[:500]
		d := decided(t, a, limit, rec)
		if len(d.records) != 2 {
			t.Fatalf("limit %d: %d records, want a result and a dead letter", limit, len(d.records))
		}
		for _, m := range d.records {
			if size := m.ByteSize(2) + batchOverhead; size > limit {
				t.Errorf("limit %d: the record for %s has %d bytes", limit, m.Topic, size)
			}
		}
	}
}
