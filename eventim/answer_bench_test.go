package eventim

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// BenchmarkRestoreAnswers is what one result costs a restore, once it has been read
// from Kafka: taking from its headers what is to be kept, and keeping it.
func BenchmarkRestoreAnswers(b *testing.B) {
	a := ticker()
	results := make([]Record, 50_000)
	for i := range results {
		at := time.UnixMilli(1_780_000_000_000).Add(time.Duration(i) * a.Deduplication / time.Duration(len(results)))
		res := Result[ticks, tick]{
			Command: fmt.Sprintf("019bd3a2-7000-7000-8000-%012d", i), Aggregate: fmt.Sprint("invoice-", i%1000), Outcome: Accepted,
			Version: int64(i), Time: at, CommandPosition: Position{Offset: int64(i)}, Metadata: Metadata{Origin: "web-1", Actor: "ada"},
		}
		m, err := a.encodeResult(res, commandDigest{byte(i), byte(i >> 8)}, nil, Payload{})
		if err != nil {
			b.Fatal(err)
		}
		results[i] = Record{Topic: m.Topic, Key: []byte(res.Aggregate), Value: make([]byte, 2000), Time: at, Position: Position{Offset: int64(i)}}
		for _, h := range m.Headers {
			results[i].Headers = append(results[i].Headers, &Header{Key: h.Key, Value: h.Value})
		}
	}
	store, err := statestore.Create(b.TempDir(), statestore.Identity{}, statestore.Options{Logger: slog.New(slog.DiscardHandler)}, true)
	if err != nil {
		b.Fatal(err)
	}
	answers, err := dedup.Open(store, a.Deduplication)
	if err != nil {
		b.Fatal(err)
	}
	s := tables{store, answers}
	filter, w := answerFilter{commands: a.Topics().Commands}, s.write()
	for i := 0; b.Loop(); i++ {
		if err := filter.put(w, results[i%len(results)]); err != nil {
			b.Fatal(err)
		}
		if w.Len() < task.RestoreBatchBytes {
			continue
		}
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		w = s.write()
	}
	if err := w.Commit(); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
