package eventim

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/eventim-go/eventim/internal/task"
)

// alone is a worker of partition 0 with a store and without Kafka.
func alone(t *testing.T) *worker[ticks, tick, tick] {
	t.Helper()
	s, done := newStore(t)
	t.Cleanup(done)
	w := &worker[ticks, tick, tick]{
		Claim: &task.Claim{}, agg: ticker(), config: HandlerConfig{}.withDefaults(), partitioner: sarama.NewMurmur2Partitioner(""), store: s,
	}
	w.states, _ = lru.NewLRU[string, Snapshot[ticks]](10, nil)
	return w
}

// commits has a worker decide commands, and keep what they lead to, as if it had been
// written to Kafka. It returns how many of them the batch took.
func commits(t *testing.T, w *worker[ticks, tick, tick], commands []*sarama.ConsumerMessage) int {
	t.Helper()
	s := task.NewScope(0, maxOutputBytes, time.Now(), w.store.Store)
	if err := s.Run(w, commands); err != nil {
		t.Fatal(err)
	}
	c, write := s.Commit(), w.store.Begin(0)
	c.Write(write)
	if err := write.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := w.Kept(c); err != nil {
		t.Fatal(err)
	}
	return c.Inputs
}

// garbled are n commands that cannot be read, from an offset on: each has a
// failed result and a dead letter.
func garbled(n int, from int64) []*sarama.ConsumerMessage {
	var all []*sarama.ConsumerMessage
	for i := range n {
		all = append(all, &sarama.ConsumerMessage{
			Topic: "ticker-commands", Offset: from + int64(i), Key: []byte("a"), Value: []byte("{"), Timestamp: time.Now(),
		})
	}
	return all
}
