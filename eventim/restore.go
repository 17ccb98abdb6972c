package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/member"
	"github.com/eventim-go/eventim/internal/statestore"
)

// historyError is an event or a snapshot that cannot be read. History is never
// skipped: the partition stops until the program or the topic is mended.
type historyError struct{ err error }

func (e *historyError) Error() string {
	return "unreadable history: " + e.err.Error() +
		"; the partition stays stopped until a program that can read it is started"
}

func (e *historyError) Unwrap() error { return e.err }

// errRefold asks for the states to be folded again from the events: they were
// folded by an older revision of the code, or some of them are gone.
var errRefold = errors.New("the snapshots are not the states")

// restorer fills the state store of a partition from Kafka.
type restorer[S, C, E any] struct {
	agg     *Aggregate[S, C, E]
	client  sarama.Client
	dir     string // of the aggregate
	cluster kafkalog.Cluster
	horizon time.Duration // delete.retention.ms of the snapshots
	options statestore.Options
	fencer  *member.Fencer
	report  func(RestoreProgress)
	logger  *slog.Logger
}

func (r *restorer[S, C, E]) storeDir(partition int32) string {
	return filepath.Join(r.dir, strconv.Itoa(int(partition)))
}

func (r *restorer[S, C, E]) identity(partition int32) statestore.Identity {
	return statestore.Identity{
		Cluster: r.cluster.ID, Topic: r.cluster.Topics[r.agg.Topics().Snapshots], Partition: partition,
		Revision: r.agg.Revision, Format: storeFormat,
	}
}

// open returns the store of a partition, with everything in it that the log
// holds now. What was kept is used when it is a copy of this very partition
// that only lacks the latest records; anything else is wiped and read anew.
// The caller has ended the transactions of dead owners.
func (r *restorer[S, C, E]) open(ctx context.Context, partition int32) (*tables, error) {
	s, err := r.kept(ctx, partition)
	if err != nil {
		return nil, err
	}
	if s != nil {
		if err = r.catchUp(ctx, s, partition); err == nil {
			return s, nil
		}
		err = errors.Join(err, s.Close())
		if !errors.Is(err, statestore.ErrBroken) {
			return nil, err
		}
		r.logger.Warn("the state store is not usable, restoring it from Kafka",
			slog.Int("partition", int(partition)), slog.Any("reason", err))
	}
	return r.fill(ctx, partition)
}

// kept opens the store that is there, and returns nil when it is of no use.
func (r *restorer[S, C, E]) kept(ctx context.Context, partition int32) (*tables, error) {
	dir := r.storeDir(partition)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	s, err := openTables(dir, r.identity(partition), r.options)
	if err == nil {
		var why string
		if why, err = r.stale(ctx, s, partition); err == nil && why == "" {
			return s, nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %s", statestore.ErrBroken, why)
		}
		err = errors.Join(err, s.Close())
	}
	if !errors.Is(err, statestore.ErrBroken) {
		return nil, err
	}
	r.logger.Warn("the state store is not usable, restoring it from Kafka",
		slog.Int("partition", int(partition)), slog.Any("reason", err))
	return nil, nil
}

// stale says why a store must not be rolled forward; "" when it may be.
func (r *restorer[S, C, E]) stale(ctx context.Context, s *tables, partition int32) (string, error) {
	c, err := s.checkpoint()
	if err != nil {
		return "", err
	}
	if c, err = r.reanchor(s, c); err != nil {
		return "", err
	}
	start, end, err := r.bounds(ctx, r.agg.Topics().Snapshots, partition)
	if err != nil {
		return "", err
	}
	_, results, err := r.bounds(ctx, r.agg.Topics().Results, partition)
	if err != nil {
		return "", err
	}
	age := faultpoint.Now().Sub(time.UnixMilli(c.Time))
	switch {
	case c == checkpoint{}:
		return "it was never filled", nil
	case c.Snapshots > end:
		return fmt.Sprintf("it is ahead of the log (%d > %d)", c.Snapshots, end), nil
	case c.Results > results: // answers would be missed
		return fmt.Sprintf("it is ahead of the results (%d > %d)", c.Results, results), nil
	case c.Snapshots < start:
		return fmt.Sprintf("the log no longer reaches back to it (%d < %d)", c.Snapshots, start), nil
	case end-c.Snapshots > 1 && r.horizon > 0 && age > r.horizon/2: // more than a marker is missing
		// Rolled over a tombstone that compaction has removed since, it would
		// bring a deleted aggregate back (KIP-1259).
		return fmt.Sprintf("it is %v old, and deletions are kept for %v", age.Round(time.Second), r.horizon), nil
	}
	return "", nil
}

func (r *restorer[S, C, E]) bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	if start, err = kafkalog.Offset(ctx, r.client, topic, partition, sarama.OffsetOldest); err == nil {
		// The high watermark, not the last stable offset: an open transaction
		// of a dead owner pins the latter below newer committed snapshots,
		// which would then be missed and overwritten (KAFKA-10167).
		end, err = kafkalog.Offset(ctx, r.client, topic, partition, sarama.OffsetNewest)
	}
	return start, end, err
}

// fill wipes the store and reads it from the beginning.
func (r *restorer[S, C, E]) fill(ctx context.Context, partition int32) (*tables, error) {
	dir, id := r.storeDir(partition), r.identity(partition)
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("wipe state store: %w", err)
	}
	faultpoint.At("wiped")
	if err := r.complete(ctx, partition); err != nil {
		return nil, err
	}
	s, err := createTables(dir, id, r.options, true)
	if err != nil {
		return nil, err
	}
	err = r.readAll(ctx, s, partition)
	if err == nil {
		err = s.Flush()
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return openTables(dir, id, r.options)
}

// complete finds snapshots that are missing as a whole. Nobody deletes them but
// an operator, with the topic or a part of it, or a cleanup policy that did: to
// restore from what is left would begin their aggregates anew, at version 1.
func (r *restorer[S, C, E]) complete(ctx context.Context, partition int32) error {
	start, end, err := r.bounds(ctx, r.agg.Topics().Snapshots, partition)
	if err != nil {
		return err
	}
	_, events, err := r.bounds(ctx, r.agg.Topics().Events, partition)
	switch {
	case err != nil:
		return err
	case start > 0:
		return fmt.Errorf("%w: those below offset %d were deleted", errRefold, start)
	case end == 0 && events > 0:
		return fmt.Errorf("%w: there are events, and no snapshot", errRefold)
	}
	return nil
}

// readAll catches up with a client of its own: a broker serves a connection one
// request at a time, and the partitions would wait for each other.
func (r *restorer[S, C, E]) readAll(ctx context.Context, s *tables, partition int32) error {
	client, err := r.fencer.Kafka.Client()
	if err != nil {
		return err
	}
	own := *r
	own.client = client
	return errors.Join(own.catchUp(ctx, s, partition), client.Close())
}

// catchUp reads what the log has beyond the checkpoint.
func (r *restorer[S, C, E]) catchUp(ctx context.Context, s *tables, partition int32) error {
	c, err := s.checkpoint()
	if err != nil {
		return err
	}
	t := r.agg.Topics()
	filter := snapshotFilter{
		revision: r.agg.Revision, outdated: map[string]bool{}, broken: map[string]error{}, readable: map[schema]bool{},
		decode: func(v storedSnapshot) error { _, err := DecodeWhole(r.agg.State, v.payload()); return err },
	}
	c.Snapshots, err = r.stretch(ctx, s, t.Snapshots, partition, c.Snapshots, filter.put,
		func(w *tablesWrite, next int64) {
			if len(filter.outdated) == 0 && len(filter.broken) == 0 {
				w.setCheckpoint(checkpoint{next, c.Results, c.Time})
			}
		})
	if err != nil {
		return err
	}
	for _, err := range filter.broken {
		return &historyError{err}
	}
	if len(filter.outdated) > 0 {
		return fmt.Errorf("%w: %d of them were folded by an older revision of the code, or deleted", errRefold, len(filter.outdated))
	}
	c.Results, err = r.stretch(ctx, s, t.Results, partition, c.Results, putAnswer(t.Commands),
		func(w *tablesWrite, next int64) { w.setCheckpoint(checkpoint{c.Snapshots, next, c.Time}) })
	if err != nil {
		return err
	}
	c.Time = faultpoint.Now().UnixMilli()
	return s.setCheckpoint(c)
}

// Each batch of a bulk store becomes a table: few and large ones are cheaper to
// make, and to compact afterwards.
const restoreBatchBytes = 8 << 20

// restoreRecordBytes is a generous guess at what the store keeps of a record: a
// store that lacks a few needs no large batch.
const restoreRecordBytes = 1 << 10

// stretch reads one partition from an offset to its end into the store, and
// moves the checkpoint along, so that a killed restore goes on where it was.
func (r *restorer[S, C, E]) stretch(ctx context.Context, s *tables, topic string, partition int32, from int64,
	put func(*tablesWrite, Record) error, mark func(*tablesWrite, int64),
) (int64, error) {
	start, end, err := r.bounds(ctx, topic, partition)
	if err != nil {
		return 0, err
	}
	from = max(from, start) // what retention has removed is out of the window
	if from >= end {
		return from, nil
	}
	size := int(min(restoreBatchBytes*9/8, (end-from)*restoreRecordBytes))
	w := s.write(size)
	commit := func(next int64) error {
		mark(w, next)
		return w.Commit()
	}
	m := newMeter(r.agg.Name, topic, partition, from, end, r.report)
	reader := kafkalog.Reader{
		Client: r.client, Topic: topic, Partition: partition,
		Stalled:  r.fencer.StalledAt(partition, topic),
		Advanced: m.advance,
	}
	next, err := reader.Read(ctx, from, end, func(b *sarama.RecordBatch, rec *sarama.Record) error {
		m.Records++
		r := recordOf(topic, partition, b, rec)
		if err := put(w, r); err != nil || w.Len() < restoreBatchBytes {
			return err
		}
		err := commit(r.Position.Offset + 1)
		w = s.write(size)
		return err
	})
	if err != nil {
		return next, errors.Join(err, w.Discard())
	}
	if err := commit(next); err != nil {
		return next, err
	}
	m.done(next)
	return next, nil
}

// snapshotFilter takes snapshots into the store and knows which of them were
// folded by an older revision of the code. The log has such, superseded by
// newer ones, until it is compacted; the checkpoint waits while the last one of
// an aggregate is.
//
// A tombstone counts as one of them. The handler writes none: somebody has
// deleted a state whose events are still there, for ever, and an aggregate that
// is gone from the states would begin anew, at version 1, beside its history.
type snapshotFilter struct {
	revision int
	outdated map[string]bool
	broken   map[string]error // the last one cannot be read
	decode   func(storedSnapshot) error
	readable map[schema]bool // what decode has read
}

// schema is the wire name and the schema version of a payload.
type schema struct {
	name    string
	version int
}

func (f snapshotFilter) put(w *tablesWrite, rec Record) error {
	aggregate := string(rec.Key)
	delete(f.outdated, aggregate)
	delete(f.broken, aggregate)
	if rec.Value == nil {
		f.outdated[aggregate] = true
		return nil
	}
	v, err := storedOf(rec)
	if err == nil {
		err = f.check(rec, v)
	}
	if err != nil {
		return f.keepBroken(aggregate, err)
	}
	if v.revision < f.revision {
		f.outdated[aggregate] = true
	}
	w.setSnapshot(aggregate, v)
	return nil
}

// keepBroken remembers that the last snapshot of an aggregate cannot be read. A
// later one, or a tombstone, mends it: so can an operator what somebody else
// has written into the topic.
func (f snapshotFilter) keepBroken(aggregate string, err error) error {
	const enough = 1000
	f.broken[aggregate] = err
	if len(f.broken) > enough {
		return &historyError{err}
	}
	return nil
}

// check finds out at once whether this program can read what is there. It
// decodes one snapshot of each schema; a state that is broken by itself shows
// when it is needed.
func (f snapshotFilter) check(rec Record, v storedSnapshot) error {
	if v.revision > f.revision {
		return fmt.Errorf("%s %s: state revision %d is newer than this program's %d: upgrade it",
			rec.Topic, rec.Position, v.revision, f.revision)
	}
	s := schema{v.typ, v.schemaVersion}
	if v.revision < f.revision || f.readable[s] { // an outdated one is not read, but folded again
		return nil
	}
	if err := f.decode(v); err != nil {
		return fmt.Errorf("%s %s: %w", rec.Topic, rec.Position, err)
	}
	f.readable[s] = true
	return nil
}

func putAnswer(commands string) func(*tablesWrite, Record) error {
	return func(w *tablesWrite, rec Record) error {
		command, a, first, err := answerOf(commands, rec)
		if err != nil {
			return &historyError{err}
		}
		if first {
			w.setAnswer(command, a)
		}
		return nil
	}
}
