package eventim

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// What an observer costs: nothing when it is not there.
func BenchmarkObserver(b *testing.B) {
	a := ticker()
	var records []Record
	for i := range 500 {
		m, err := a.encodeCommand(Command[tick]{ID: fmt.Sprint("c", i), Aggregate: "a", Payload: tick{1}})
		if err != nil {
			b.Fatal(err)
		}
		rec := written(b, m)
		rec.Time = time.Now()
		records = append(records, rec)
	}
	seen := 0
	for name, o := range map[string]Observer{
		"none": {}, "all": {Answered: func(Answered) { seen++ }, Decided: func(Decided) { seen++ }},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := observedBatch(b, a, o.Answered != nil, records)
				o.decided(Decided{Commands: d.commands})
				o.answered(d.answered)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/command")
		})
	}
}

func observedBatch(tb testing.TB, a *Aggregate[ticks, tick, tick], wanted bool, records []Record) decision[ticks] {
	tb.Helper()
	batch := batch[ticks, tick, tick]{
		agg: a, limit: maxOutputBytes, now: time.Now(), partitioner: sarama.NewMurmur2Partitioner(""), observed: wanted,
		snapshot: func(id string) (Snapshot[ticks], error) { return Snapshot[ticks]{Aggregate: id}, nil },
		answer:   func(commandKey) (answer, bool, error) { return answer{}, false, nil },
		decision: decision[ticks]{snapshots: map[string]changed[ticks]{}, answers: map[commandKey]given{}},
	}
	for _, rec := range records {
		if err := batch.add(rec); err != nil {
			tb.Fatal(err)
		}
	}
	d, err := batch.finish()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}
