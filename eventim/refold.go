package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// refold makes the state of every aggregate of the partition anew, from its
// events, because the code that folds them has changed, or because snapshots
// are gone, and publishes the snapshots for those who read them. It starts over when it is interrupted:
// the store counts as filled only at the end.
func (w *worker[S, C, E]) refold(ctx context.Context, why error) (err error) {
	w.Logger.Info("folding the states again from the events", slog.Int("revision", w.agg.Revision), slog.Any("reason", why))
	r, p := w.Restorer, w.Partition
	if err := os.RemoveAll(r.StoreDir(p)); err != nil {
		return fmt.Errorf("%w: wipe: %w", statestore.ErrBroken, err)
	}
	store, err := statestore.Create(r.StoreDir(p), r.Identity(p), r.Options, false)
	if err != nil {
		return err
	}
	s := &tables{Store: store}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	start, end, err := w.Bounds(ctx, w.agg.Topics().Snapshots)
	if err != nil {
		return err
	}
	if err := w.foldEvents(ctx, s); err != nil {
		return err
	}
	if err := w.verifyFolded(ctx, s, start, end); err != nil {
		return err
	}
	published, err := w.Publish(w.agg.Topics().Snapshots, func(write func(*sarama.ProducerMessage) error) error {
		return s.snapshots(func(aggregate string, v storedSnapshot) error { return write(w.snapshotRecord(aggregate, v)) })
	})
	if err != nil {
		return err
	}
	if err := w.refoldAnswers(ctx, s, max(end, published)); err != nil {
		return err
	}
	return w.Adopt(store)
}

const refoldBatch = 10_000

// foldEvents reads the partition's whole history into the store.
func (w *worker[S, C, E]) foldEvents(ctx context.Context, s *tables) error {
	topic := w.agg.Topics().Events
	start, end, err := w.Bounds(ctx, topic)
	if err != nil {
		return err
	}
	dirty := map[string]Snapshot[S]{}
	m := task.NewMeter(w.agg.Name, topic, w.Partition, start, end, w.Restorer.Report)
	reader := kafkalog.Reader{
		Client: w.Restorer.Client, Topic: topic, Partition: w.Partition, Advanced: m.Advance,
		Stalled: w.Restorer.Fencer.StalledAt(w.Partition, topic),
	}
	next, err := reader.Read(ctx, start, end, func(b *sarama.RecordBatch, rec *sarama.Record) error {
		m.Records++
		if err := w.foldEvent(s, dirty, recordOf(topic, w.Partition, b, rec)); err != nil {
			return err
		}
		if len(dirty) < refoldBatch {
			return nil
		}
		return w.keepFolded(s, dirty)
	})
	if err == nil {
		err = w.keepFolded(s, dirty)
	}
	if err == nil {
		m.Done(next)
	}
	return err
}

// verifyFolded holds the snapshots that are there against the fold: one that is
// ahead of it shows that events are missing, and a fold of the rest would give
// their versions again.
func (w *worker[S, C, E]) verifyFolded(ctx context.Context, s *tables, start, end int64) error {
	return w.each(ctx, w.agg.Topics().Snapshots, start, end, func(rec Record) error {
		version, err := strconv.ParseInt(rec.Header(headerVersion), 10, 64)
		if err != nil || rec.Value == nil {
			return nil //nolint:nilerr // what the fold replaces
		}
		folded, _, err := s.snapshot(string(rec.Key))
		if err == nil && folded.version < version {
			err = &historyError{Err: fmt.Errorf("%s %s is a snapshot of %s at version %d, and its events end at version %d: events are missing",
				rec.Topic, rec.Position, rec.Key, version, folded.version)}
		}
		return err
	})
}

func (w *worker[S, C, E]) foldEvent(s *tables, dirty map[string]Snapshot[S], rec Record) error {
	e, err := w.agg.decodeHistory(rec)
	if err != nil {
		return &historyError{Err: err}
	}
	snap, ok := dirty[e.Aggregate]
	if !ok {
		stored, found, err := s.snapshot(e.Aggregate)
		if err != nil {
			return err
		}
		if found {
			if snap, err = w.agg.snapshotOf(e.Aggregate, w.Partition, stored); err != nil {
				return &historyError{Err: err}
			}
		}
	}
	if e.Version != snap.Version+1 {
		return &historyError{Err: fmt.Errorf("%s %s: version %d of %s follows version %d", rec.Topic, rec.Position, e.Version, e.Aggregate, snap.Version)}
	}
	w.Errand.Begin("evolve", e.Aggregate, e.Command, rec.Position.Offset)
	state, err := w.evolve(snap.State, e)
	w.Errand.End()
	if err != nil {
		return &historyError{Err: fmt.Errorf("%s %s: %w", rec.Topic, rec.Position, err)}
	}
	dirty[e.Aggregate] = Snapshot[S]{
		Aggregate: e.Aggregate, Version: e.Version, Revision: w.agg.Revision, Time: e.Time, Command: e.Command,
		CommandPosition: e.CommandPosition, State: state,
	}
	return nil
}

// evolve folds an event that was accepted. A fold that panics has not been made
// for this history.
func (w *worker[S, C, E]) evolve(state S, e Event[E]) (_ S, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("the fold panicked", slog.String("event_id", e.ID()), slog.Any("reason", p), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("the fold panicked with version %d of %s: %v", e.Version, e.Aggregate, p)
		}
	}()
	return w.agg.Evolve(state, e.Payload), nil
}

// keepFolded writes the folded snapshots down and forgets them.
func (w *worker[S, C, E]) keepFolded(s *tables, dirty map[string]Snapshot[S]) error {
	write := s.write()
	for aggregate, snap := range dirty {
		p, err := writeBy(w.agg.State, snap.State)
		if err != nil {
			return &historyError{Err: err}
		}
		write.setSnapshot(aggregate, storedFrom(snap, p))
	}
	clear(dirty)
	return write.Commit()
}

// snapshotRecord is a snapshot of the store as it stands in the topic.
func (w *worker[S, C, E]) snapshotRecord(aggregate string, v storedSnapshot) *sarama.ProducerMessage {
	return w.agg.encodeSnapshot(Snapshot[S]{
		Aggregate: aggregate, Version: v.version, Revision: v.revision, Time: timeOf(v.time),
		Command: v.command, CommandPosition: Position{w.Partition, v.commandOffset},
	}, v.payload())
}

// refoldAnswers reads the answers and marks the store as filled.
func (w *worker[S, C, E]) refoldAnswers(ctx context.Context, s *tables, snapshots int64) error {
	if err := (task.Checkpoint{tableSnapshots: snapshots}).Save(s.Store); err != nil {
		return err
	}
	return w.Restorer.CatchUp(ctx, s.Store, w.Partition)
}
