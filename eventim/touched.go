package eventim

import (
	"context"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// lookAtMost is how long a look at the snapshots may hold up the commands.
const lookAtMost = 500 * time.Millisecond

// Look implements task.Processor.
func (w *worker[S, C, E]) Look(ctx context.Context) error { return w.lookAtSnapshots(ctx) }

// lookAtSnapshots finds what somebody else has written into the snapshots. This
// store is what they have to be, so that is restored, and soon: once compaction
// has removed the last snapshot of an aggregate, and its tombstone, whoever
// restores a store begins it anew, at version 1; and where something foreign is
// left under a key that no aggregate has, he stops.
func (w *worker[S, C, E]) lookAtSnapshots(ctx context.Context) error {
	known, next, err := w.readSnapshots(ctx)
	if err != nil {
		return nil //nolint:nilerr // Kafka is away, or a transaction is open: the checkpoint waits, and the next look will tell
	}
	var mended []*sarama.ProducerMessage
	for _, aggregate := range sortedKeys(known) {
		m, err := w.mended(aggregate, known[aggregate])
		if err != nil {
			return err
		}
		if m != nil {
			mended = append(mended, m)
		}
	}
	if err := w.Write(ctx, w.agg.Topics().Snapshots, mended); err != nil {
		return err
	}
	if next > w.Checkpoint[tableSnapshots] {
		w.Saw(tableSnapshots, next, false)
	}
	return nil
}

// mended is what has to follow the last record of an aggregate, nil for nothing:
// its state when that is older, or none at all, and a tombstone when it cannot be
// read and there is no such aggregate.
func (w *worker[S, C, E]) mended(aggregate string, last lastSnapshot) (*sarama.ProducerMessage, error) {
	kept, found, err := w.store.snapshot(aggregate)
	if err != nil {
		return nil, err
	}
	at := []any{slog.String("aggregate_id", aggregate), slog.Int64("offset", last.offset)}
	switch {
	case !found && last.unreadable():
		w.Logger.Warn("somebody else has written into the snapshots, and there is no such aggregate; deleting it", append(at, slog.Any("error", last.err))...)
		m := message(w.agg.Topics().Snapshots, aggregate, nil, headers{})
		m.Value = nil
		return m, nil
	case found && last.version < kept.version:
		w.Logger.Warn("somebody else has written into the snapshots; writing what was there again", append(at, slog.Int64("version", kept.version))...)
		return w.snapshotRecord(aggregate, kept), nil
	}
	return nil, nil
}

// lastSnapshot is the last record of an aggregate: -1 is the version of one that
// is none.
type lastSnapshot struct {
	offset, version int64
	err             error // it cannot be read
}

func (l lastSnapshot) unreadable() bool { return l.err != nil }

// readSnapshots reads what follows the checkpoint. Between two batches that is a
// marker, and nothing when there was none since the last look.
func (w *worker[S, C, E]) readSnapshots(ctx context.Context) (known map[string]lastSnapshot, next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookAtMost)
	defer cancel()
	topic := w.agg.Topics().Snapshots
	end, err := kafkalog.Offset(ctx, w.Restorer.Client, topic, w.Partition, sarama.OffsetNewest)
	if err != nil || end <= w.Checkpoint[tableSnapshots] {
		return nil, 0, err
	}
	known = map[string]lastSnapshot{}
	// Of an open transaction it says nothing yet: no command waits for its end.
	reader := kafkalog.Reader{Client: w.Restorer.Client, Topic: topic, Partition: w.Partition, Stalled: func(context.Context) { cancel() }}
	next, err = reader.Read(ctx, w.Checkpoint[tableSnapshots], end, eachRecord(topic, w.Partition, func(rec Record) error {
		known[string(rec.Key)] = lastSnapshotOf(rec)
		return nil
	}))
	return known, next, err
}

func lastSnapshotOf(rec Record) lastSnapshot {
	last := lastSnapshot{offset: rec.Position.Offset, version: -1}
	if rec.Value == nil {
		return last
	}
	v, err := storedOf(rec)
	if last.err = err; err == nil {
		last.version = v.version
	}
	return last
}
