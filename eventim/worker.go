package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/IBM/sarama"
	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// worker handles the commands of one partition for one session of the group.
// It is used by one goroutine.
type worker[S, C, E any] struct {
	*Handler[S, C, E]
	partition int32
	session   sarama.ConsumerGroupSession
	claim     sarama.ConsumerGroupClaim
	logger    *slog.Logger
	finish    context.Context // outlives the session by commitGrace, see commit
	limit     int             // bytes of a record
	errand    *errand
	portion   portion // of the commands that are there, for a batch

	partitioner sarama.Partitioner
	looks       chan struct{} // it is time to look at the snapshots; has room for one

	store          *tables
	checkpoint     checkpoint
	marker         bool                          // of our last transaction, stands at the checkpoint of the snapshots
	states         *lru.LRU[string, Snapshot[S]] // decoded states of the store
	swept          int64                         // record time of the last sweep of old answers
	skip           int64                         // commands below are handled, but for those of again
	marked         bool                          // a handler has committed skip, and not an operator
	answeredBefore int64                         // the results of commands below are not in the topic, see origins
	again          []Record                      // commands below skip that were acknowledged and have no result
}

// errLost ends the session: the group has given the partition to another
// member, or will.
var errLost = errors.New("the partition is no longer ours")

// run takes the partition over and handles its commands until the session
// ends. It returns errLost to end the session of the whole process; any other
// trouble is dealt with here, since returning takes the other partitions of
// the process away too.
func (w *worker[S, C, E]) run() error {
	ctx := w.session.Context()
	if w.partition >= w.agg.Partitions {
		w.stop(ctx, w.beyond())
		return nil
	}
	err := w.takeOver(ctx)
	w.resume()
	for err == nil {
		var records []Record
		if records, err = w.take(ctx); errors.Is(err, statestore.ErrBroken) {
			err = w.restore(ctx)
			continue
		}
		if records == nil {
			return nil
		}
		faultpoint.At("consumed")
		err = w.process(ctx, records)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the next owner meets whatever it was
	}
	if _, unreadable := errors.AsType[*historyError](err); unreadable {
		w.stop(ctx, err)
		return nil
	}
	return err
}

// stop holds the partition and does nothing, visibly, until the session ends.
func (w *worker[S, C, E]) stop(ctx context.Context, err error) {
	w.setStatus(w.partition, Stopped, err)
	logger := w.logger
	if c, ok := errors.AsType[*crash](err); ok {
		logger = logger.With(slog.Any("crash", c))
	}
	logger.Error("partition stopped", slog.Any("error", err))
	w.pause()
	<-ctx.Done()
}

// A partition that is not being read would hold up the others, which come in
// the same fetch; so it is not fetched either.
func (w *worker[S, C, E]) pause() {
	w.group.Pause(map[string][]int32{w.claim.Topic(): {w.partition}})
}

func (w *worker[S, C, E]) resume() {
	w.group.Resume(map[string][]int32{w.claim.Topic(): {w.partition}})
}

// takeOver makes the partition ours, in this order, of which each step rests
// on the one before:
//
//  1. The generation of the session is known: what an older owner commits from
//     now on is refused.
//  2. Open transactions of dead owners are ended (fencer.fence, before sarama
//     fetched the offsets, and again here while something is pending).
//  3. The committed offset is read again, stable: no transaction with another
//     one is pending, so no older owner can still commit.
//  4. The ends of the snapshots and the results are read: nothing committed
//     can be added below or above them by anyone else.
//  5. The store is brought up to those ends, and agrees with the last results,
//     and these with the committed offset.
func (w *worker[S, C, E]) takeOver(ctx context.Context) error {
	w.pause()
	w.setStatus(w.partition, Restoring, nil)
	begun := faultpoint.Now()
	for attempt, pause := 1, 50*time.Millisecond; ; attempt, pause = attempt+1, min(2*pause, 2*time.Second) {
		err := w.tryTakeOver(ctx)
		if err == nil {
			w.config.Observer.takenOver(TakenOver{w.partition, max(w.skip, 0), attempt, faultpoint.Now().Sub(begun)})
			return nil
		}
		if _, unreadable := errors.AsType[*historyError](err); unreadable || ctx.Err() != nil {
			return err
		}
		w.setStatus(w.partition, Restoring, err)
		w.logger.Warn("cannot take the partition over, trying again", slog.Any("error", err))
		if errors.Is(err, statestore.ErrBroken) {
			w.discard() // a file that cannot be read would fail again
		}
		kafkalog.Sleep(ctx, pause)
	}
}

func (w *worker[S, C, E]) tryTakeOver(ctx context.Context) (err error) {
	w.release()
	if w.skip, w.marked, err = w.fencer.Committed(ctx, w.partition); err != nil {
		return err
	}
	faultpoint.At("taking-over")
	if err := w.verifyPosition(ctx); err != nil {
		return err
	}
	w.moved(w.partition, w.skip, time.Time{}) // from here on, it is known how much waits
	if w.store, err = w.restorer.open(ctx, w.partition); errors.Is(err, errRefold) {
		err = w.refold(ctx, err)
	}
	if err != nil {
		return err
	}
	if w.checkpoint, err = w.store.checkpoint(); err != nil {
		return err
	}
	w.marker = false // restoring has read it
	if err := w.verifyOrigins(ctx); err != nil {
		return err
	}
	if err := w.verifyAgreement(ctx); err != nil {
		return err
	}
	if err := w.verifyUnique(ctx); err != nil {
		return err
	}
	if err := w.verifyContinuity(ctx); err != nil {
		return err
	}
	w.states, _ = lru.NewLRU[string, Snapshot[S]](w.config.CachedStates, nil) // fails for a size of 0 only
	faultpoint.At("taken-over")
	w.setStatus(w.partition, Running, nil)
	w.moved(w.partition, w.skip, time.Time{})
	w.logger.Info("partition taken over", slog.Int64("offset", w.skip), slog.Int64("snapshots", w.checkpoint.Snapshots))
	return nil
}

func (w *worker[S, C, E]) release() {
	if w.store == nil {
		return
	}
	if err := w.store.Close(); err != nil {
		w.logger.Warn("cannot close the state store", slog.Any("error", err))
	}
	w.store = nil
}

// discard wipes the store, so that taking over restores it from Kafka.
func (w *worker[S, C, E]) discard() {
	w.release()
	if err := os.RemoveAll(w.restorer.storeDir(w.partition)); err != nil {
		w.logger.Warn("cannot wipe the state store", slog.Any("error", err))
	}
}

// restore makes the store anew from Kafka.
func (w *worker[S, C, E]) restore(ctx context.Context) error {
	w.discard()
	err := w.takeOver(ctx)
	w.resume()
	return err
}

// take waits for a command and returns all that are there, at most a batch;
// nil when the session ends. It fails when the store is found to be broken.
func (w *worker[S, C, E]) take(ctx context.Context) ([]Record, error) {
	if n := min(len(w.again), w.config.MaxBatch); n > 0 {
		records := w.again[:n]
		w.again = w.again[n:]
		return records, nil
	}
	var records []Record
	for len(records) == 0 {
		select {
		case m, ok := <-w.claim.Messages():
			if !ok {
				return nil, nil
			}
			records = w.keep(records, m)
		case <-w.looks:
			if err := w.lookAtSnapshots(ctx); err != nil {
				return nil, err
			}
		case <-w.store.Damaged:
			return nil, fmt.Errorf("%w: it is corrupt", statestore.ErrBroken)
		case <-ctx.Done():
			return nil, nil
		}
	}
	for len(records) < w.config.MaxBatch {
		select {
		case m, ok := <-w.claim.Messages():
			if !ok {
				return records, nil
			}
			records = w.keep(records, m)
		default:
			return records, nil
		}
	}
	return records, nil
}

func (w *worker[S, C, E]) keep(records []Record, m *sarama.ConsumerMessage) []Record {
	if m.Offset < w.skip {
		return records
	}
	return append(records, recordOfMessage(m))
}

// process handles records until they are committed. It returns an error when
// they are not: to go on with those behind them would lose them, and one may
// still commit for a moment after the session has ended.
func (w *worker[S, C, E]) process(ctx context.Context, records []Record) error {
	w.waits(w.partition, records[0].Position.Offset, records[0].Time)
	for attempt := 0; len(records) > 0; attempt++ {
		d, err := w.decide(records)
		if err == nil {
			var ends map[string]int64
			if ends, err = w.commit(d); err == nil {
				w.config.Observer.answered(d.answered)
				err = w.apply(d, ends)
				records, attempt = records[d.commands:], 0
				w.portion.grow()
			}
		}
		if ctx.Err() != nil {
			return err
		}
		if err == nil {
			continue
		}
		if records, err = w.recover(ctx, err, records, d.commands, attempt); err != nil {
			return err
		}
	}
	return nil
}

// decide decides as many records as a batch takes, from the first on.
func (w *worker[S, C, E]) decide(records []Record) (decision[S], error) {
	b := batch[S, C, E]{
		agg: w.agg, partition: w.partition, limit: w.limit, now: faultpoint.Now(), partitioner: w.partitioner,
		snapshot: w.snapshot, answer: w.store.answer, results: w.results, crashed: w.crashed, errand: w.errand,
		observed: w.config.Observer.Answered != nil,
		decision: decision[S]{snapshots: map[string]changed[S]{}, answers: map[commandKey]given{}},
	}
	begun := time.Now()
	if err := b.addAll(records[:w.portion.of(len(records))]); err != nil {
		return b.decision, err
	}
	d, err := b.finish()
	if err == nil {
		w.config.Observer.decided(Decided{w.partition, d.commands, d.size, time.Since(begun)})
	}
	return d, err
}

func (w *worker[S, C, E]) crashed(cmd Record, reason any, stack []byte) {
	w.logger.Error("the decision panicked", slog.Int64("offset", cmd.Position.Offset),
		slog.String("command_id", cmd.Header(headerID)), slog.Any("reason", reason), slog.String("stack", string(stack)))
}

// snapshot returns the committed snapshot of an aggregate.
func (w *worker[S, C, E]) snapshot(aggregate string) (Snapshot[S], error) {
	if s, ok := w.states.Get(aggregate); ok {
		return s, nil
	}
	stored, found, err := w.store.snapshot(aggregate)
	if err != nil || !found {
		return Snapshot[S]{Aggregate: aggregate}, err
	}
	s, err := w.agg.snapshotOf(aggregate, w.partition, stored)
	if err != nil {
		return s, &historyError{fmt.Errorf("snapshot of %s at version %d: %w", aggregate, stored.version, err)}
	}
	w.states.Add(aggregate, s)
	return s, nil
}

// commitGrace is how long a batch may take after its session has ended: less
// than the group waits for us, so that a batch that is begun is finished and
// kept when a member joins or leaves.
const commitGrace = rebalanceTimeout * 7 / 10

func (w *worker[S, C, E]) commit(d decision[S]) (map[string]int64, error) {
	r := &txn.Request{
		Records: d.records, Size: d.size, Input: w.claim.Topic(), Partition: w.partition, Next: max(d.next, w.skip), Done: make(chan error, 1),
		Metadata: w.metadata,
	}
	if err := w.lanes.Commit(w.finish, r); err != nil {
		return nil, err // in doubt, the lane may still have the request
	}
	return r.Ends, nil
}

// metadata is that of the moment: the generation changes under a running claim.
func (w *worker[S, C, E]) metadata() *sarama.ConsumerGroupMetadata {
	return sarama.NewConsumerGroupMetadataFromSession(w.session, w.agg.Group(), nil)
}

// apply keeps what was committed, with the checkpoint, in one atomic write.
func (w *worker[S, C, E]) apply(d decision[S], ends map[string]int64) error {
	write := w.store.write(0)
	d.keep(write)
	for aggregate, c := range d.snapshots {
		w.states.Add(aggregate, c.Snapshot)
	}
	t := w.agg.Topics()
	if end := ends[t.Snapshots]; end > 0 && w.undisturbed(d.records) {
		w.checkpoint.Snapshots, w.marker = end, true
	}
	w.checkpoint.Results = max(w.checkpoint.Results, ends[t.Results])
	w.checkpoint.Time = faultpoint.Now().UnixMilli()
	write.setCheckpoint(w.checkpoint)
	w.skip = max(w.skip, d.next)
	w.moved(w.partition, w.skip, faultpoint.Now())
	faultpoint.At("storing")
	if err := write.Commit(); err != nil {
		return err
	}
	faultpoint.At("stored")
	return w.sweep(d.latest, d.commands)
}

// recover decides how to go on after the first n of records could not be
// committed or kept. It returns what is still to be handled.
func (w *worker[S, C, E]) recover(ctx context.Context, err error, records []Record, n, attempt int) ([]Record, error) {
	if _, unreadable := errors.AsType[*historyError](err); unreadable {
		return nil, err
	}
	w.logger.Warn("batch not committed", slog.Int("commands", n), slog.Any("error", kafkalog.Explained(err)))
	alone := n == 1
	if tooLarge(err) || outOfTime(err) {
		w.portion.halve(n)
	}
	if errors.Is(err, statestore.ErrBroken) {
		w.discard() // a file that cannot be read would fail again
	}
	switch {
	case fenced(err):
		w.config.Observer.fenced(w.partition, err)
		return nil, fmt.Errorf("%w: %w", errLost, err)
	case errors.Is(err, txn.ErrDoubt), errors.Is(err, statestore.ErrBroken):
		// The log knows what has happened, and the lane has made sure that
		// nothing more will: take over from ourselves.
		if err := w.takeOver(ctx); err != nil {
			return nil, err
		}
		w.resume()
		return w.unhandled(records), nil
	case tooLarge(err) && alone:
		// The broker takes less than it said when we started.
		w.limit = max(w.limit/2, kafkalog.BatchOverhead)
		return records, nil
	case tooLarge(err):
		return records, nil
	}
	kafkalog.Sleep(ctx, min(time.Millisecond<<min(attempt, 10), time.Second))
	return records, nil
}

func (w *worker[S, C, E]) unhandled(records []Record) []Record {
	for len(records) > 0 && records[0].Position.Offset < w.skip {
		records = records[1:]
	}
	return records
}

// fenced tells whether the coordinator refused the offsets of a member that no
// longer has the partition.
func fenced(err error) bool {
	return errors.Is(err, sarama.ErrIllegalGeneration) || errors.Is(err, sarama.ErrUnknownMemberId) ||
		errors.Is(err, sarama.ErrFencedInstancedId) || errors.Is(err, sarama.ErrRebalanceInProgress)
}
