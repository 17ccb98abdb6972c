package eventim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"
)

// lookAtMost is how long a look at the snapshots may hold up the commands: an open
// transaction of somebody else would hold it up for as long as it lasts.
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

// lookAtSnapshots finds what somebody else has written into the snapshots, such
// as a tombstone. This store is what they have to be, so it is written again, and
// soon: once compaction has removed the last snapshot of an aggregate, and its
// tombstone, whoever restores a store begins it anew, at version 1.
func (w *worker[S, C, E]) lookAtSnapshots(ctx context.Context) error {
	known, next, err := w.readSnapshots(ctx)
	if err != nil {
		return nil //nolint:nilerr // Kafka is away, or a transaction is open: the checkpoint waits, and the next look will tell
	}
	again := map[string]storedSnapshot{}
	for aggregate, last := range known {
		kept, found, err := w.store.snapshot(aggregate)
		switch {
		case err != nil:
			return err
		case !found && last.err != nil:
			return &historyError{last.err}
		case found && last.version < kept.version:
			w.logger.Warn("somebody else has written into the snapshots; writing what was there again", slog.String("aggregate_id", aggregate),
				slog.Int64("offset", last.offset), slog.Int64("version", kept.version))
			again[aggregate] = kept
		}
	}
	if err := w.writeAgain(ctx, again); err != nil {
		return err
	}
	if next > w.checkpoint.Snapshots {
		w.checkpoint.Snapshots, w.marker = next, false
	}
	return nil
}

// lastSnapshot is the last record of an aggregate: -1 is the version of one that
// is none.
type lastSnapshot struct {
	offset, version int64
	err             error // it cannot be read
}

// readSnapshots reads what follows the checkpoint. Between two batches that is a
// marker, and nothing when there was none since the last look.
func (w *worker[S, C, E]) readSnapshots(ctx context.Context) (known map[string]lastSnapshot, next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookAtMost)
	defer cancel()
	topic := w.agg.Topics().Snapshots
	end, err := listOffset(ctx, w.restorer.client, topic, w.partition, sarama.OffsetNewest)
	if err != nil || end <= w.checkpoint.Snapshots {
		return nil, 0, err
	}
	known = map[string]lastSnapshot{}
	reader := partitionReader{client: w.restorer.client, topic: topic, partition: w.partition}
	next, err = reader.read(ctx, w.checkpoint.Snapshots, end, eachRecord(topic, w.partition, func(rec Record) error {
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

// writeAgain commits snapshots beside the offset that is already committed. Where
// that fails, the partition is taken over anew, which mends them, too.
func (w *worker[S, C, E]) writeAgain(ctx context.Context, snapshots map[string]storedSnapshot) error {
	_, err := w.publish(func(write func(string, storedSnapshot) error) error {
		for _, aggregate := range sortedKeys(snapshots) {
			if err := write(aggregate, snapshots[aggregate]); err != nil {
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
	w.logger.Warn("cannot write snapshots again, taking the partition over", slog.Any("error", explained(err)))
	err = w.takeOver(ctx)
	w.resume()
	return err
}
