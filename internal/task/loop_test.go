package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// echo writes each record that it reads, and takes its time.
type echo struct{ takes time.Duration }

func (echo) TakeOver(context.Context) error { return nil }
func (echo) Begin(*Scope)                   {}
func (echo) Finish(*Scope) error            { return nil }
func (echo) Kept(Commit) error              { return nil }
func (echo) Look(context.Context) error     { return nil }

func (e echo) Process(s *Scope, m *sarama.ConsumerMessage) error {
	if e.takes > 0 {
		time.Sleep(e.takes) // of synctest
	}
	s.Emit(&sarama.ProducerMessage{Topic: "out", Value: sarama.ByteEncoder(m.Value)})
	return nil
}

// watcher keeps what it is told of fences.
type watcher struct{ fenced error }

func (*watcher) Claimed(int32)               {}
func (*watcher) Released(int32)              {}
func (*watcher) TakenOver(TakenOver)         {}
func (*watcher) Decided(Decided)             {}
func (*watcher) Transacted(txn.Report)       {}
func (w *watcher) Fenced(_ int32, err error) { w.fenced = err }
func (*watcher) Ended(string)                {}

// claimed is a claim without Kafka, whose batches get what commit returns.
func claimed(t *testing.T, p Processor, commit func(*txn.Request) error) (*Claim, *watcher) {
	t.Helper()
	w := &watcher{}
	logger := slog.New(slog.DiscardHandler)
	r := New(&Task{Input: "in", Partitions: 1}, Config{Observer: w, Logger: logger, StuckAfter: 10 * time.Second})
	return &Claim{
		Logger: logger, MaxBatch: 500, task: r.task, runner: r, processor: p, finish: t.Context(), limit: 1 << 20,
		commit: func(_ context.Context, q *txn.Request) error { return commit(q) },
	}, w
}

// inputs are n records, from an offset on.
func inputs(n int, from int64) []*sarama.ConsumerMessage {
	var all []*sarama.ConsumerMessage
	for i := range n {
		all = append(all, &sarama.ConsumerMessage{Topic: "in", Offset: from + int64(i), Value: []byte("v"), Timestamp: time.Now()})
	}
	return all
}

// committing is a claim whose batches get the given outcomes, one after the other,
// and are committed afterwards; it notes how many records each has.
func committing(t *testing.T, outcomes ...error) (c *Claim, w *watcher, sizes *[]int) {
	t.Helper()
	sizes = &[]int{}
	c, w = claimed(t, echo{}, func(q *txn.Request) (err error) {
		*sizes = append(*sizes, len(q.Records))
		if len(outcomes) > 0 {
			err, outcomes = outcomes[0], outcomes[1:]
		}
		return err
	})
	return c, w, sizes
}

// A batch is aborted because the session has ended. The records behind it must
// not be processed: a commit may succeed for a moment, and its offset would skip
// the batch.
func TestNothingIsSkippedWhenTheSessionEnds(t *testing.T) {
	t.Parallel()
	for _, outcome := range []error{txn.ErrAborted, txn.ErrDoubt, sarama.ErrIllegalGeneration, statestore.ErrBroken} {
		ctx, end := context.WithCancel(t.Context())
		c, _ := claimed(t, echo{}, func(*txn.Request) error { end(); return outcome })
		if err := c.process(ctx, inputs(1, 0)); !errors.Is(err, outcome) {
			t.Errorf("process returned %v for a batch that was not committed, want %v", err, outcome)
		}
	}
}

// sarama may begin below the offset that the group has committed since: what is
// done is not done again.
func TestWhatIsDoneIsSkipped(t *testing.T) {
	t.Parallel()
	c := Claim{Next: 5}
	var kept []*sarama.ConsumerMessage
	for _, m := range inputs(8, 0) {
		kept = c.add(kept, m)
	}
	if len(kept) != 3 || kept[0].Offset != 5 {
		t.Errorf("kept %v, want those from 5 on", kept)
	}
}

// A batch that fails for its size, or because its transaction was out of time,
// is halved, and what is committed lets the next ones grow.
func TestABatchThatIsTooMuchIsHalved(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrProducerFenced, sarama.ErrInvalidProducerEpoch,
		sarama.ErrInvalidTxnState, sarama.ErrRequestTimedOut,
		timeout{},
	} {
		err := fmt.Errorf("%w: %w", txn.ErrAborted, failure)
		c, _, sizes := committing(t, err, err, err, nil, err)
		if err := c.process(t.Context(), inputs(64, 0)); err != nil {
			t.Errorf("%v: %v", failure, err)
		}
		want := []int{64, 32, 16, 8, 16, 8, 16, 32}
		if !slices.Equal(*sizes, want) || c.Next != 64 {
			t.Errorf("%v: batches of %v up to %d, want %v up to 64", failure, *sizes, c.Next, want)
		}
	}
}

// timeout is what a connection says whose answer has not come in time.
type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// What fails for another reason is tried again as it is.
func TestABatchThatFailsOtherwiseIsNotHalved(t *testing.T) {
	t.Parallel()
	c, _, sizes := committing(t, txn.ErrAborted, fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrOutOfOrderSequenceNumber))
	if err := c.process(t.Context(), inputs(8, 0)); err != nil || !slices.Equal(*sizes, []int{8, 8, 8}) {
		t.Errorf("batches with %v records, %v, want 8 each time", *sizes, err)
	}
}

// Records that are done once more lie below those that are done. What a batch has no
// room for of them is in the next.
func TestAPortionOfWhatIsDoneAgain(t *testing.T) {
	t.Parallel()
	c, _, sizes := committing(t)
	c.Next, c.portion = 100, portion{most: 3}
	if err := c.process(t.Context(), inputs(10, 5)); err != nil || !slices.Equal(*sizes, []int{3, 6, 1}) || c.Next != 100 {
		t.Errorf("batches with %v records up to %d, %v, want [3 6 1] up to 100", *sizes, c.Next, err)
	}
}

// A batch whose records are slow takes no more of them: they all wait for its last
// one.
func TestABatchIsBoundedByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := claimed(t, echo{30 * time.Millisecond}, nil)
		begun := time.Now()
		b, err := c.decide(inputs(500, 0))
		if took := time.Since(begun); err != nil || b.Inputs < 2 || took > 2*batchTime {
			t.Errorf("a batch of %d records took %v, %v, want several in about %v", b.Inputs, took, err, batchTime)
		}
	})
}

// A batch that writes much takes no more records.
func TestABatchIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	c, _ := claimed(t, echo{}, nil)
	records := inputs(500, 0)
	for _, m := range records {
		m.Value = make([]byte, 1<<20)
	}
	if b, err := c.decide(records); err != nil || b.Inputs != BatchBytes>>20 {
		t.Errorf("a batch of %d records, %v, want %d", b.Inputs, err, BatchBytes>>20)
	}
}

// A member that is fenced says so, and whoever observes it learns of it.
func TestAFenceIsObserved(t *testing.T) {
	t.Parallel()
	c, w, _ := committing(t, sarama.ErrIllegalGeneration)
	err := c.process(t.Context(), inputs(1, 0))
	if !errors.Is(err, errLost) || !errors.Is(w.fenced, sarama.ErrIllegalGeneration) {
		t.Errorf("process returned %v, and %v was observed", err, w.fenced)
	}
}
