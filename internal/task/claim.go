package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// Claim is a partition that the group has given to this process, until it takes it away
// again or the session ends: other partitions may come and go meanwhile. It is used by
// one goroutine.
type Claim struct {
	Partition  int32
	Next       int64                     // records below are done, but for those of Again
	Marked     bool                      // a task has committed Next, and not an operator
	Again      []*sarama.ConsumerMessage // below Next, to be processed once more
	Store      *statestore.Store         // nil while there is none
	Checkpoint Checkpoint                // of the store
	Restorer   *Restorer
	Errand     *Errand
	Logger     *slog.Logger
	MaxBatch   int // records of the input in a transaction

	task      *Task
	runner    *Runner
	processor Processor
	commit    func(context.Context, *txn.Request) error // a lane's
	session   sarama.ConsumerGroupSession
	messages  <-chan *sarama.ConsumerMessage
	ctx       context.Context // ends when the partition is taken away, or the session ends
	revoke    context.CancelFunc
	finish    context.Context // outlives ctx by commitGrace
	limit     int             // bytes of a record
	portion   portion         // of the records that are there, for a batch
	looks     chan struct{}   // it is time to look; has room for one
	woken     chan struct{}   // it is time to tick; has room for one
	markers   map[string]bool // of our last transaction, stands at the checkpoint of the table
	fence     fence
}

// Context ends with the claim.
func (c *Claim) Context() context.Context { return c.ctx }

// Bounds returns the first and the next offset of the partition in a topic.
func (c *Claim) Bounds(ctx context.Context, topic string) (start, end int64, err error) {
	return c.Restorer.Bounds(ctx, topic, c.Partition)
}

// Each calls fn with the committed records of the partition in [from, to). What
// stands in the way of dead owners, it ends.
func (c *Claim) Each(ctx context.Context, topic string, from, to int64, fn func(*sarama.RecordBatch, *sarama.Record) error) error {
	reader := kafkalog.Reader{
		Client: c.Restorer.Client, Topic: topic, Partition: c.Partition,
		Stalled: c.Restorer.Fencer.StalledAt(c.Partition, topic),
	}
	_, err := reader.Read(ctx, from, to, func(b *sarama.RecordBatch, r *sarama.Record) error {
		if kafkalog.OffsetOf(b, r) >= to {
			return nil
		}
		return fn(b, r)
	})
	return err
}

// commitBatch commits a batch and returns the next offsets of the partition in the
// topics that it has written to. A batch that met a rebalance, after which the
// partition is still ours, is sent again.
func (c *Claim) commitBatch(b Commit) (map[string]int64, error) {
	next := max(b.Next, c.Next)
	records, err := c.marked(b.Records, next)
	if err != nil {
		return nil, err
	}
	for {
		r := &txn.Request{
			Records: records, Size: b.Size, Input: c.task.Input, Partition: c.Partition, Next: next, Done: make(chan error, 1),
			Metadata: c.metadata,
		}
		err := c.commit(c.finish, r)
		if err == nil {
			return r.Ends, nil
		}
		if !errors.Is(err, sarama.ErrIllegalGeneration) || errors.Is(err, txn.ErrDoubt) || !c.awaitGeneration(r.Sent) {
			return nil, err // in doubt, the lane may still have the request
		}
	}
}

// Publish writes records into the partition of a topic and returns where it then
// ends. The transactions commit the offset that is already committed: its generation
// fences them like any other.
func (c *Claim) Publish(topic string, each func(write func(*sarama.ProducerMessage) error) error) (end int64, err error) {
	var b Commit
	flush := func() error {
		if len(b.Records) == 0 {
			return nil
		}
		b.Next = max(c.Next, 0)
		ends, err := c.commitBatch(b)
		end, b = max(end, ends[topic]), Commit{}
		return err
	}
	err = each(func(m *sarama.ProducerMessage) error {
		m.Partition = c.Partition
		b.Records = append(b.Records, m)
		if m.Value != nil {
			b.Size += m.Value.Length()
		}
		if len(b.Records) < c.MaxBatch && b.Size < BatchBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return 0, err
	}
	return end, flush()
}

// Write commits records beside the offset that is already committed, whose generation
// fences them. Where that fails, the partition is taken over anew.
func (c *Claim) Write(ctx context.Context, topic string, records []*sarama.ProducerMessage) error {
	_, err := c.Publish(topic, func(write func(*sarama.ProducerMessage) error) error {
		for _, m := range records {
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
	c.Logger.Warn("cannot write beside the batches, taking the partition over", slog.Any("error", kafkalog.Explained(err)))
	err = c.takeOver(ctx)
	c.resume()
	return err
}

// Moved enters in the status that it is known where the records go on.
func (c *Claim) Moved() { c.runner.moved(c.Partition, c.Next) }
