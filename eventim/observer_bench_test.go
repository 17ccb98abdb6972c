package eventim

import (
	"fmt"
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/task"
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
				noted := observedBatch(b, a, o.Answered != nil, records)
				observed{&o}.Decided(task.Decided{Records: len(records)})
				o.answered(noted)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/command")
		})
	}
}

func observedBatch(tb testing.TB, a *Aggregate[ticks, tick, tick], wanted bool, records []Record) []Answered {
	tb.Helper()
	batch := batchOf(a, maxOutputBytes, time.Now())
	batch.observed = wanted
	for _, rec := range records {
		if err := batch.add(rec); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.finish(); err != nil {
		tb.Fatal(err)
	}
	return batch.noted
}
