package task

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/statestore"
)

// takeOver makes the partition ours, in this order, of which each step rests
// on the one before:
//
//  1. The claim is of a generation that began when the owner before had ended its
//     own: what that one commits from now on is refused (fence).
//  2. Open transactions of dead owners are ended (fencer.fence, while sarama
//     fetches the offsets, and again here while something is pending).
//  3. The committed offset is read again, stable: no transaction with another
//     one is pending, so no older owner can still commit.
//  4. The ends of the topics of the tables are read: nothing committed can be
//     added below or above them by anyone else.
//  5. The store is brought up to those ends, and agrees with what else the
//     processor knows.
func (c *Claim) takeOver(ctx context.Context) error {
	c.pause()
	c.runner.setStatus(c.Partition, Restoring, nil)
	begun := faultpoint.Now()
	for attempt, pause := 1, 50*time.Millisecond; ; attempt, pause = attempt+1, min(2*pause, 2*time.Second) {
		err := c.tryTakeOver(ctx)
		if err == nil {
			c.runner.config.Observer.TakenOver(TakenOver{c.Partition, max(c.Next, 0), attempt, faultpoint.Now().Sub(begun)})
			return nil
		}
		if _, unreadable := errors.AsType[*UnreadableError](err); unreadable || ctx.Err() != nil {
			return err
		}
		c.runner.setStatus(c.Partition, Restoring, err)
		c.Logger.Warn("cannot take the partition over, trying again", slog.Any("error", err))
		if errors.Is(err, statestore.ErrBroken) {
			c.discard() // a file that cannot be read would fail again
		}
		kafkalog.Sleep(ctx, pause)
	}
}

func (c *Claim) tryTakeOver(ctx context.Context) (err error) {
	c.release()
	c.Again, c.markers = nil, nil // restoring reads the markers
	if c.Next, c.Marked, err = c.runner.fencer.Committed(ctx, c.Partition); err != nil {
		return err
	}
	faultpoint.At("taking-over")
	if err := c.processor.TakeOver(ctx); err != nil {
		return err
	}
	faultpoint.At("taken-over")
	c.runner.setStatus(c.Partition, Running, nil)
	c.Moved()
	c.Logger.Info("partition taken over", slog.Int64("offset", c.Next))
	return nil
}

// Open opens the store, with everything in it that the log holds now.
func (c *Claim) Open(ctx context.Context) error {
	s, err := c.Restorer.open(ctx, c.Partition)
	if err != nil {
		return err
	}
	return c.Adopt(s)
}

// Adopt makes a store that is up to date the one of the claim, which closes it.
func (c *Claim) Adopt(s *statestore.Store) (err error) {
	c.Store = s
	c.Checkpoint, err = CheckpointOf(s)
	return err
}

func (c *Claim) release() {
	if c.Store == nil {
		return
	}
	if err := c.Store.Close(); err != nil {
		c.Logger.Warn("cannot close the state store", slog.Any("error", err))
	}
	c.Store = nil
}

// discard wipes the store, so that taking over restores it from Kafka.
func (c *Claim) discard() {
	c.release()
	if c.Restorer == nil {
		return
	}
	if err := os.RemoveAll(c.Restorer.StoreDir(c.Partition)); err != nil {
		c.Logger.Warn("cannot wipe the state store", slog.Any("error", err))
	}
}

// restore makes the store anew from Kafka.
func (c *Claim) restore(ctx context.Context) error {
	c.discard()
	err := c.takeOver(ctx)
	c.resume()
	return err
}

// A partition that is not being read would hold up the others, which come in
// the same fetch; so it is not fetched either.
func (c *Claim) pause() { c.runner.pause(c.Partition) }

func (c *Claim) resume() { c.runner.resume(c.Partition) }

// stop holds the partition and does nothing, visibly, until the claim ends.
func (c *Claim) stop(ctx context.Context, err error) {
	c.runner.setStatus(c.Partition, Stopped, err)
	logger := c.Logger
	if crash, ok := errors.AsType[CrashError](err); ok {
		logger = logger.With(slog.Any("crash", crash))
	}
	logger.Error("partition stopped", slog.Any("error", err))
	c.pause()
	<-ctx.Done()
}
