package eventim

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/IBM/sarama"
	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// endedClaim is a claim whose session has ended with commands left in it.
type endedClaim struct {
	sarama.ConsumerGroupClaim
	messages chan *sarama.ConsumerMessage
}

func (endedClaim) Topic() string                              { return "ticker-commands" }
func (c endedClaim) Messages() <-chan *sarama.ConsumerMessage { return c.messages }

// A batch is aborted because the session has ended. The commands behind it must
// not be handled: a commit may succeed for a moment, and its offset would skip
// the batch.
func TestNothingIsSkippedWhenTheSessionEnds(t *testing.T) {
	t.Parallel()
	for _, outcome := range []error{txn.ErrAborted, txn.ErrDoubt, sarama.ErrIllegalGeneration, statestore.ErrBroken} {
		s, done := newStore(t)
		ctx, end := context.WithCancel(t.Context())
		ls := &txn.Lanes{Queue: make(chan *txn.Request, 1)}
		ls.Wait.Go(func() {
			for r := range ls.Queue {
				end()
				r.Done <- outcome
			}
		})
		a := ticker()
		w := &worker[ticks, tick, tick]{
			Handler: &Handler[ticks, tick, tick]{agg: a, lanes: ls, config: HandlerConfig{}.withDefaults(), status: map[int32]PartitionStatus{}},
			claim:   endedClaim{messages: make(chan *sarama.ConsumerMessage, 1)},
			logger:  slog.New(slog.DiscardHandler), finish: t.Context(), limit: maxOutputBytes,
			partitioner: sarama.NewMurmur2Partitioner(""), store: s,
		}
		w.states, _ = lru.NewLRU[string, Snapshot[ticks]](10, nil)
		rec := Record{Topic: "ticker-commands", Key: []byte("a"), Value: []byte("{"), Time: time.Now()}
		err := w.process(ctx, []Record{rec})
		close(ls.Queue)
		ls.Wait.Wait()
		done()
		if !errors.Is(err, outcome) {
			t.Errorf("process returned %v for a batch that was not committed, want %v", err, outcome)
		}
	}
}

// sarama may begin below the offset that the group has committed since: what is
// handled is not handled again.
func TestHandledCommandsAreSkipped(t *testing.T) {
	t.Parallel()
	w := worker[ticks, tick, tick]{skip: 5}
	var kept []Record
	for offset := range int64(8) {
		kept = w.keep(kept, &sarama.ConsumerMessage{Offset: offset})
	}
	if len(kept) != 3 || kept[0].Position.Offset != 5 {
		t.Errorf("kept %v, want those from 5 on", kept)
	}
}
