package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// errLost ends the session: this member is none of the group any more, and others
// have its partitions, or will.
var errLost = errors.New("the partition is no longer ours")

// run takes the partition over and processes its records until it is taken away or
// the session ends. It returns errLost to end the session of the whole process; any other
// trouble is dealt with here, since returning takes the other partitions of
// the process away too.
func (c *Claim) run() error {
	ctx := c.ctx
	if c.Partition >= c.task.Partitions {
		c.stop(ctx, c.beyond())
		return nil
	}
	err := c.takeOver(ctx)
	c.resume()
	for err == nil {
		var records []*sarama.ConsumerMessage
		if records, err = c.take(ctx); errors.Is(err, statestore.ErrBroken) {
			err = c.restore(ctx)
			continue
		}
		switch {
		case err != nil:
		case records == nil:
			return nil
		case len(records) == 0:
			err = c.tick(ctx)
		default:
			faultpoint.At("consumed")
			err = c.process(ctx, records)
		}
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the next owner meets whatever it was
	}
	if _, unreadable := errors.AsType[*UnreadableError](err); unreadable {
		c.stop(ctx, err)
		return nil
	}
	return err
}

// beyond is the error of a partition that the topic should not have.
func (c *Claim) beyond() error {
	return fmt.Errorf("%s: it was declared with %d partitions, so that no record belongs into partition %d: "+
		"partitions were added to the topic, which cannot be undone; copy the topics to new ones (docs/topics.md)",
		c.task.Input, c.task.Partitions, c.Partition)
}

// damaged is closed when the store is found to be broken.
func (c *Claim) damaged() <-chan struct{} {
	if c.Store == nil {
		return nil
	}
	return c.Store.Damaged
}

// take waits for a record and returns all that are there, at most a batch; none when
// the claim is woken, and nil when the claim ends. It fails when the store is found to be broken.
func (c *Claim) take(ctx context.Context) ([]*sarama.ConsumerMessage, error) {
	if n := min(len(c.Again), c.MaxBatch); n > 0 {
		records := c.Again[:n]
		c.Again = c.Again[n:]
		return records, nil
	}
	var records []*sarama.ConsumerMessage
	for len(records) == 0 {
		select {
		case m, ok := <-c.messages:
			if !ok {
				return nil, nil
			}
			records = c.add(records, m)
		case <-c.woken:
			return []*sarama.ConsumerMessage{}, nil
		case <-c.looks:
			if err := c.processor.Look(ctx); err != nil {
				return nil, err
			}
		case <-c.damaged():
			return nil, fmt.Errorf("%w: it is corrupt", statestore.ErrBroken)
		case <-ctx.Done():
			return nil, nil
		}
	}
	for len(records) < c.MaxBatch {
		select {
		case m, ok := <-c.messages:
			if !ok {
				return records, nil
			}
			records = c.add(records, m)
		default:
			return records, nil
		}
	}
	return records, nil
}

// add leaves out what is done: sarama may begin below the offset that the group has
// committed since.
func (c *Claim) add(records []*sarama.ConsumerMessage, m *sarama.ConsumerMessage) []*sarama.ConsumerMessage {
	if m.Offset < c.Next {
		return records
	}
	return append(records, m)
}

// process processes records until what they cause is committed. It returns an error
// when it is not: to go on with those behind them would lose them, and one may
// still commit for a moment after the claim has ended.
func (c *Claim) process(ctx context.Context, records []*sarama.ConsumerMessage) error {
	c.runner.waits(c.Partition, records[0].Offset, records[0].Timestamp)
	for attempt := 0; len(records) > 0; attempt++ {
		b, err := c.decide(records)
		if err == nil {
			var ends map[string]int64
			if ends, err = c.commitBatch(b); err == nil {
				err = c.keep(b, ends)
				records, attempt = records[b.Inputs:], 0
				c.portion.grow()
			}
		}
		if ctx.Err() != nil {
			return err
		}
		if err == nil {
			continue
		}
		if records, err = c.recover(ctx, err, records, b.Inputs, attempt); err != nil {
			return err
		}
	}
	return nil
}

// tick commits what is due, until nothing is.
func (c *Claim) tick(ctx context.Context) error {
	p, acts := c.processor.(Ticker)
	for attempt := 0; acts; attempt++ {
		s := NewScope(c.Partition, c.limit, faultpoint.Now(), c.kept())
		c.processor.Begin(s)
		n, err := p.Tick(s, c.portion.of(c.MaxBatch))
		if err == nil && n == 0 {
			return nil
		}
		if err == nil {
			err = c.commitTick(s)
		}
		if ctx.Err() != nil {
			return err
		}
		if err == nil {
			attempt = 0
			c.portion.grow()
			continue
		}
		if _, err = c.recover(ctx, err, nil, n, attempt); err != nil {
			return err
		}
	}
	return nil
}

func (c *Claim) commitTick(s *Scope) error {
	if err := c.processor.Finish(s); err != nil {
		return err
	}
	b := s.Commit()
	ends, err := c.commitBatch(b)
	if err != nil {
		return err
	}
	return c.keep(b, ends)
}

// Wake has the claim tick, between two batches. Any goroutine may call it.
func (c *Claim) Wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// kept is what a batch may read.
func (c *Claim) kept() Store {
	if c.Store == nil {
		return nothing{}
	}
	return c.Store
}

// decide has as many records processed as a batch takes, from the first on.
func (c *Claim) decide(records []*sarama.ConsumerMessage) (Commit, error) {
	s := NewScope(c.Partition, c.limit, faultpoint.Now(), c.kept())
	begun := time.Now()
	err := s.Run(c.processor, records[:c.portion.of(len(records))])
	b := s.Commit()
	if err == nil {
		c.runner.config.Observer.Decided(Decided{c.Partition, b.Inputs, b.Size, time.Since(begun)})
	}
	return b, err
}

// commitGrace is how long a batch may take after its claim has ended: less
// than the group waits for us, so that a batch that is begun is finished and
// kept when a member joins or leaves.
const commitGrace = rebalanceTimeout * 7 / 10

// keep keeps what was committed, with the checkpoint, in one atomic write.
func (c *Claim) keep(b Commit, ends map[string]int64) error {
	c.Next = max(c.Next, b.Next)
	c.runner.committed(c.Partition, c.Next)
	if c.Store == nil {
		return c.processor.Kept(b)
	}
	w := c.Store.Begin(0)
	b.Write(w)
	c.advance(b.Records, ends)
	c.Checkpoint[checkpointTime] = faultpoint.Now().UnixMilli()
	c.Checkpoint.put(w)
	faultpoint.At("storing")
	if err := w.Commit(); err != nil {
		return err
	}
	faultpoint.At("stored")
	return c.processor.Kept(b)
}

// recover decides how to go on after the first n of records could not be
// committed or kept. It returns what is still to be processed.
func (c *Claim) recover(ctx context.Context, err error, records []*sarama.ConsumerMessage, n, attempt int) ([]*sarama.ConsumerMessage, error) {
	if _, unreadable := errors.AsType[*UnreadableError](err); unreadable {
		return nil, err
	}
	c.Logger.Warn("batch not committed", slog.Int("records", n), slog.Any("error", kafkalog.Explained(err)))
	alone := n == 1
	if tooLarge(err) || outOfTime(err) {
		c.portion.halve(n)
	}
	if errors.Is(err, statestore.ErrBroken) {
		c.discard() // a file that cannot be read would fail again
	}
	switch {
	case fenced(err):
		c.runner.config.Observer.Fenced(c.Partition, err)
		return nil, fmt.Errorf("%w: %w", errLost, err)
	case errors.Is(err, txn.ErrDoubt), errors.Is(err, statestore.ErrBroken):
		// The log knows what has happened, and the lane has made sure that
		// nothing more will: take over from ourselves.
		if err := c.takeOver(ctx); err != nil {
			return nil, err
		}
		c.resume()
		return c.unhandled(records), nil
	case tooLarge(err) && alone:
		// The broker takes less than it said when we started.
		c.limit = max(c.limit/2, kafkalog.BatchOverhead)
		return records, nil
	case tooLarge(err):
		return records, nil
	}
	kafkalog.Sleep(ctx, min(time.Millisecond<<min(attempt, 10), time.Second))
	return records, nil
}

func (c *Claim) unhandled(records []*sarama.ConsumerMessage) []*sarama.ConsumerMessage {
	for len(records) > 0 && records[0].Offset < c.Next {
		records = records[1:]
	}
	return records
}

// fenced tells whether the coordinator refused the offsets of a member that is none,
// or whose generation is not that of the group, and did not become it.
func fenced(err error) bool {
	return errors.Is(err, sarama.ErrIllegalGeneration) || errors.Is(err, sarama.ErrUnknownMemberId) ||
		errors.Is(err, sarama.ErrFencedInstancedId) || errors.Is(err, sarama.ErrRebalanceInProgress)
}
