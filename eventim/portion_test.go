package eventim

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/eventim-go/eventim/internal/txn"
)

// committing is a worker whose batches get the given outcomes, one after the
// other, and are committed afterwards; it notes how many commands each has.
func committing(t *testing.T, outcomes ...error) (w *worker[ticks, tick, tick], sizes *[]int) {
	t.Helper()
	s, done := newStore(t)
	ls := &txn.Lanes{Queue: make(chan *txn.Request)}
	sizes = &[]int{}
	ls.Wait.Go(func() {
		for r := range ls.Queue {
			*sizes = append(*sizes, len(r.Records)) // failed results and dead letters
			var err error
			if len(outcomes) > 0 {
				err, outcomes = outcomes[0], outcomes[1:]
			}
			r.Ends = map[string]int64{}
			r.Done <- err
		}
	})
	t.Cleanup(func() {
		close(ls.Queue)
		ls.Wait.Wait()
		done()
	})
	w = &worker[ticks, tick, tick]{
		Handler: &Handler[ticks, tick, tick]{agg: ticker(), lanes: ls, config: HandlerConfig{}.withDefaults(), status: map[int32]PartitionStatus{}},
		claim:   endedClaim{}, logger: slog.New(slog.DiscardHandler), finish: t.Context(), limit: maxOutputBytes,
		partitioner: sarama.NewMurmur2Partitioner(""), store: s,
	}
	w.states, _ = lru.NewLRU[string, Snapshot[ticks]](10, nil)
	return w, sizes
}

// garbled are n commands that cannot be read, from an offset on: each has a
// failed result and a dead letter.
func garbled(n int, from int64) []Record {
	var records []Record
	for i := range n {
		records = append(records, Record{
			Topic: "ticker-commands", Position: Position{0, from + int64(i)}, Key: []byte("a"), Value: []byte("{"), Time: time.Now(),
		})
	}
	return records
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
		w, sizes := committing(t, err, err, err, nil, err)
		if err := w.process(t.Context(), garbled(64, 0)); err != nil {
			t.Errorf("%v: %v", failure, err)
		}
		commands := make([]int, 0, len(*sizes))
		for _, n := range *sizes {
			commands = append(commands, n/2)
		}
		want := []int{64, 32, 16, 8, 16, 8, 16, 32}
		if !slices.Equal(commands, want) || w.skip != 64 {
			t.Errorf("%v: batches of %v up to %d, want %v up to 64", failure, commands, w.skip, want)
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
	w, sizes := committing(t, txn.ErrAborted, fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrOutOfOrderSequenceNumber))
	if err := w.process(t.Context(), garbled(8, 0)); err != nil || !slices.Equal(*sizes, []int{16, 16, 16}) {
		t.Errorf("batches with %v records, %v, want 16 each time", *sizes, err)
	}
}

// Commands whose results Kafka has lost lie below those that are handled. What
// a batch has no room for of them is in the next.
func TestAPortionOfTheUnanswered(t *testing.T) {
	t.Parallel()
	w, sizes := committing(t)
	w.skip, w.portion = 100, portion{most: 3}
	if err := w.process(t.Context(), garbled(10, 5)); err != nil || !slices.Equal(*sizes, []int{6, 12, 2}) || w.skip != 100 {
		t.Errorf("batches with %v records up to %d, %v, want [6 12 2] up to 100", *sizes, w.skip, err)
	}
}

// A batch whose decisions are slow takes no more commands: they all wait for
// its last one.
func TestABatchIsBoundedByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := ticker()
		a.Decide = func(ticks, Command[tick]) ([]tick, error) {
			time.Sleep(30 * time.Millisecond)
			return nil, nil
		}
		b := batch[ticks, tick, tick]{
			agg: a, limit: maxOutputBytes, now: time.Now(), partitioner: sarama.NewMurmur2Partitioner(""),
			snapshot: func(id string) (Snapshot[ticks], error) { return Snapshot[ticks]{Aggregate: id}, nil },
			answer:   func(commandKey) (answer, bool, error) { return answer{}, false, nil },
			decision: decision[ticks]{snapshots: map[string]changed[ticks]{}, answers: map[commandKey]given{}},
		}
		var records []Record
		for i := range 500 {
			records = append(records, tickRecord(t, a, fmt.Sprint("c", i), time.Now()))
		}
		begun := time.Now()
		if err := b.addAll(records); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); b.commands < 2 || took > 2*batchTime {
			t.Errorf("a batch of %d commands took %v, want several in about %v", b.commands, took, batchTime)
		}
	})
}

// A member that is fenced says so, and whoever observes it learns of it.
func TestAFenceIsObserved(t *testing.T) {
	t.Parallel()
	w, _ := committing(t, sarama.ErrIllegalGeneration)
	var refused error
	w.config.Observer.Fenced = func(_ int32, err error) { refused = err }
	err := w.process(t.Context(), garbled(1, 0))
	if !errors.Is(err, errLost) || !errors.Is(refused, sarama.ErrIllegalGeneration) {
		t.Errorf("process returned %v, and %v was observed", err, refused)
	}
}
