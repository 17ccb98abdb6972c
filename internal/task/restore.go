package task

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

// Restorer fills the state store of a partition from Kafka.
type Restorer struct {
	Client  sarama.Client
	Cluster kafkalog.Cluster
	Fencer  *member.Fencer
	Dir     string        // of the task
	Horizon time.Duration // delete.retention.ms of the compacted tables; 0: not known
	Options statestore.Options
	Report  func(Progress)
	Logger  *slog.Logger

	task *Task
}

// NewRestorer makes a restorer for the tables of a task; the caller sets its fields.
func NewRestorer(t *Task) *Restorer { return &Restorer{task: t} }

// StoreDir is where the store of a partition is.
func (r *Restorer) StoreDir(partition int32) string {
	return filepath.Join(r.Dir, strconv.Itoa(int(partition)))
}

// Identity says what the store of a partition is a copy of.
func (r *Restorer) Identity(partition int32) statestore.Identity {
	return statestore.Identity{
		Cluster: r.Cluster.ID, Topic: r.Cluster.Topics[r.task.Identity], Partition: partition,
		Revision: r.task.Revision, Format: r.task.Format,
	}
}

// open returns the store of a partition, with everything in it that the log
// holds now. What was kept is used when it is a copy of this very partition
// that only lacks the latest records; anything else is wiped and read anew.
// The caller has ended the transactions of dead owners.
func (r *Restorer) open(ctx context.Context, partition int32) (*statestore.Store, error) {
	s, err := r.kept(ctx, partition)
	if err != nil {
		return nil, err
	}
	if s != nil {
		if err = r.CatchUp(ctx, s, partition); err == nil {
			return s, nil
		}
		err = errors.Join(err, s.Close())
		if !errors.Is(err, statestore.ErrBroken) {
			return nil, err
		}
		r.unusable(partition, err)
	}
	return r.fill(ctx, partition)
}

func (r *Restorer) unusable(partition int32, why error) {
	r.Logger.Warn("the state store is not usable, restoring it from Kafka",
		slog.Int("partition", int(partition)), slog.Any("reason", why))
}

// kept opens the store that is there, and returns nil when it is of no use.
func (r *Restorer) kept(ctx context.Context, partition int32) (*statestore.Store, error) {
	dir := r.StoreDir(partition)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	s, err := statestore.Open(dir, r.Identity(partition), r.Options)
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
	r.unusable(partition, err)
	return nil, nil
}

// stale says why a store must not be rolled forward; "" when it may be.
func (r *Restorer) stale(ctx context.Context, s *statestore.Store, partition int32) (string, error) {
	c, err := CheckpointOf(s)
	if err == nil && r.task.Reanchor != nil {
		c, err = r.task.Reanchor(r, s, c)
	}
	switch {
	case err != nil:
		return "", err
	case c.empty():
		return "it was never filled", nil
	}
	for _, t := range r.task.Tables {
		start, end, err := r.Bounds(ctx, t.Topic, partition)
		if err != nil {
			return "", err
		}
		if why := r.staleIn(t, c, start, end); why != "" {
			return why, nil
		}
	}
	return "", nil
}

func (r *Restorer) staleIn(t Table, c Checkpoint, start, end int64) string {
	at, age := c[t.Name], faultpoint.Now().Sub(time.UnixMilli(c[checkpointTime]))
	switch {
	case at > end: // something would be missed
		return fmt.Sprintf("it is ahead of the %s (%d > %d)", t.Name, at, end)
	case !t.Compacted:
		return ""
	case at < start:
		return fmt.Sprintf("the %s no longer reach back to it (%d < %d)", t.Name, at, start)
	case end-at > 1 && r.Horizon > 0 && age > r.Horizon/2: // more than a marker is missing
		// Rolled over a tombstone that compaction has removed since, it would
		// bring back what was deleted (KIP-1259).
		return fmt.Sprintf("it is %v old, and deletions are kept for %v", age.Round(time.Second), r.Horizon)
	}
	return ""
}

// Bounds returns the first and the next offset of a partition.
func (r *Restorer) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	if start, err = kafkalog.Offset(ctx, r.Client, topic, partition, sarama.OffsetOldest); err == nil {
		// The high watermark, not the last stable offset: an open transaction
		// of a dead owner pins the latter below newer committed records,
		// which would then be missed and overwritten (KAFKA-10167).
		end, err = kafkalog.Offset(ctx, r.Client, topic, partition, sarama.OffsetNewest)
	}
	return start, end, err
}

// fill wipes the store and reads it from the beginning.
func (r *Restorer) fill(ctx context.Context, partition int32) (*statestore.Store, error) {
	dir, id := r.StoreDir(partition), r.Identity(partition)
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("wipe state store: %w", err)
	}
	faultpoint.At("wiped")
	if r.task.Complete != nil {
		if err := r.task.Complete(ctx, r, partition); err != nil {
			return nil, err
		}
	}
	s, err := statestore.Create(dir, id, r.Options, true)
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
	return statestore.Open(dir, id, r.Options)
}

// readAll catches up with a client of its own: a broker serves a connection one
// request at a time, and the partitions would wait for each other.
func (r *Restorer) readAll(ctx context.Context, s *statestore.Store, partition int32) error {
	client, err := r.Fencer.Kafka.Client()
	if err != nil {
		return err
	}
	own := *r
	own.Client = client
	return errors.Join(own.CatchUp(ctx, s, partition), client.Close())
}

// CatchUp reads what the log has beyond the checkpoint, one table after the other.
func (r *Restorer) CatchUp(ctx context.Context, s *statestore.Store, partition int32) error {
	c, err := CheckpointOf(s)
	if err != nil {
		return err
	}
	for _, t := range r.task.Tables {
		if c, err = r.stretch(ctx, s, t, partition, c); err != nil {
			return err
		}
	}
	return c.with(checkpointTime, faultpoint.Now().UnixMilli()).Save(s)
}

// RestoreBatchBytes is how much is restored at a time: each batch of a bulk store
// becomes a table, and few and large ones are cheaper to make, and to compact
// afterwards.
const RestoreBatchBytes = 8 << 20

// restoreRecordBytes is a generous guess at what the store keeps of a record: a
// store that lacks a few needs no large batch.
const restoreRecordBytes = 1 << 10

// stretch reads the topic of a table from the checkpoint to its end into the store,
// and moves the checkpoint along, so that a killed restore goes on where it was.
func (r *Restorer) stretch(ctx context.Context, s *statestore.Store, t Table, partition int32, c Checkpoint) (Checkpoint, error) {
	start, end, err := r.Bounds(ctx, t.Topic, partition)
	if err != nil {
		return c, err
	}
	into := t.Restore(s, partition)
	from := max(c[t.Name], start) // what retention has removed is out of the window
	c = c.with(t.Name, from)
	if from >= end {
		return c, into.Done()
	}
	size := int(min(RestoreBatchBytes*9/8, (end-from)*restoreRecordBytes))
	w := s.Begin(size)
	commit := func(next int64) error {
		if into.Settled() {
			c.with(t.Name, next).put(w)
		}
		return w.Commit()
	}
	m := NewMeter(r.task.Name, t.Topic, partition, from, end, r.Report)
	reader := kafkalog.Reader{
		Client: r.Client, Topic: t.Topic, Partition: partition,
		Stalled:  r.Fencer.StalledAt(partition, t.Topic),
		Advanced: m.Advance,
	}
	next, err := reader.Read(ctx, from, end, func(b *sarama.RecordBatch, rec *sarama.Record) error {
		m.Records++
		if err := into.Put(w, b, rec); err != nil || w.Len() < RestoreBatchBytes {
			return err
		}
		err := commit(kafkalog.OffsetOf(b, rec) + 1)
		w = s.Begin(size)
		return err
	})
	if err != nil {
		return c, errors.Join(err, w.Discard())
	}
	if err := commit(next); err != nil {
		return c, err
	}
	m.Done(next)
	return c.with(t.Name, next), into.Done()
}
