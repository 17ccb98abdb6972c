package eventim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// lookAtMost is how long a look at the snapshots may hold up the commands.
const lookAtMost = 500 * time.Millisecond

// undisturbed tells whether the snapshots of a batch stand right behind those that
// are known, and behind the marker of our transaction before it. Anything else in
// between may be a deletion: the checkpoint waits before it until somebody
// has looked, so that no store is believed to have seen what nobody has.
func (w *worker[S, C, E]) undisturbed(records []*sarama.ProducerMessage) bool {
	next := w.checkpoint.Snapshots
	if w.marker {
		next++
	}
	for _, m := range records {
		if m.Topic != w.agg.Topics().Snapshots {
			continue
		}
		if m.Offset != next {
			return false
		}
		next++
	}
	return true
}

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
	if err := w.writeAgain(ctx, mended); err != nil {
		return err
	}
	if next > w.checkpoint.Snapshots {
		w.checkpoint.Snapshots, w.marker = next, false
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
		w.logger.Warn("somebody else has written into the snapshots, and there is no such aggregate; deleting it", append(at, slog.Any("error", last.err))...)
		m := message(w.agg.Topics().Snapshots, aggregate, nil, headers{})
		m.Value = nil
		return m, nil
	case found && last.version < kept.version:
		w.logger.Warn("somebody else has written into the snapshots; writing what was there again", append(at, slog.Int64("version", kept.version))...)
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
	end, err := kafkalog.Offset(ctx, w.restorer.client, topic, w.partition, sarama.OffsetNewest)
	if err != nil || end <= w.checkpoint.Snapshots {
		return nil, 0, err
	}
	known = map[string]lastSnapshot{}
	// Of an open transaction it says nothing yet: no command waits for its end.
	reader := kafkalog.Reader{Client: w.restorer.client, Topic: topic, Partition: w.partition, Stalled: func(context.Context) { cancel() }}
	next, err = reader.Read(ctx, w.checkpoint.Snapshots, end, eachRecord(topic, w.partition, func(rec Record) error {
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

// writeAgain commits what mends the snapshots beside the offset that is already
// committed, whose generation fences it. Where that fails, the partition is taken
// over anew, which mends them, too.
func (w *worker[S, C, E]) writeAgain(ctx context.Context, mended []*sarama.ProducerMessage) error {
	_, err := w.publish(func(write func(*sarama.ProducerMessage) error) error {
		for _, m := range mended {
			if err := write(m); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case fenced(err):
		return fmt.Errorf("%w: %w", errLost, err)
	}
	w.logger.Warn("cannot write snapshots again, taking the partition over", slog.Any("error", kafkalog.Explained(err)))
	err = w.takeOver(ctx)
	w.resume()
	return err
}
