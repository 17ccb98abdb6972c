package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/member"
	"github.com/eventim-go/eventim/internal/txn"
)

// consume runs the consumer group, session after session.
func (r *Runner) consume(ctx context.Context, instance string) error {
	client, err := connectGroup(r.config.Kafka, r.groupConfig(instance))
	if err != nil {
		return err
	}
	// The lanes outlive ctx until the claims have ended.
	lanesCtx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	ctx, supersede := context.WithCancelCause(ctx)
	r.lanes = txn.Start(lanesCtx, r.config.Lanes, func() *txn.Lane {
		l := txn.NewLane(r.config.Kafka, r.fencer.IDs, r.fencer.Settle, r.limits.OutputBytes, r.logger)
		l.Transacted = r.config.Observer.Transacted
		return l
	})
	watch, unwatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { r.watch(watch) })
	watching.Go(func() { r.watchBusy(watch) })
	watching.Go(func() { r.fencer.Watch(watch, r.assigning, func() { supersede(member.ErrIdentityInUse) }) })
	err = r.attend(ctx, client, supersede)
	superseded := errors.Is(context.Cause(ctx), member.ErrIdentityInUse)
	supersede(nil)
	unwatch()
	watching.Wait()
	r.fencing.Wait()
	giveUp()
	r.lanes.Stop()
	if superseded {
		err = errors.Join(fmt.Errorf("instance %s: %w", instance, member.ErrIdentityInUse), err)
	}
	return errors.Join(err, client.Close())
}

// attend is a member of the group until ctx ends, by one protocol or the other.
func (r *Runner) attend(ctx context.Context, client groupClient, supersede context.CancelCauseFunc) error {
	for speaks := cooperative; ctx.Err() == nil; {
		group, err := sarama.NewConsumerGroupFromClient(r.task.Group, client.speaking(r.offers(ctx, speaks)))
		if err != nil {
			return fmt.Errorf("join group %s: %w", r.task.Group, err)
		}
		r.group = group
		var drained sync.WaitGroup
		drained.Go(func() {
			for err := range group.Errors() {
				r.logger.Warn("consumer group", slog.Any("error", err))
			}
		})
		speaks = r.sessions(ctx, speaks, supersede)
		err = group.Close()
		drained.Wait()
		if ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// sessions takes part in the group, session after session, until ctx ends or another
// protocol is to be spoken, which it returns.
func (r *Runner) sessions(ctx context.Context, speaks protocol, supersede context.CancelCauseFunc) protocol {
	for ctx.Err() == nil {
		err := r.join(ctx)
		if next := r.next(speaks, err); next != speaks {
			return next
		}
		if err != nil && ctx.Err() == nil {
			r.logger.Warn("session ended, joining again", slog.Any("error", err))
			kafkalog.Sleep(ctx, 200*time.Millisecond)
		}
		if ctx.Err() == nil && r.fencer.Superseded() {
			supersede(member.ErrIdentityInUse)
		}
	}
	return speaks
}

// join runs one session of the group. Topics that were deleted and made anew
// have other ids then; what that means, each partition finds when it is taken
// over.
func (r *Runner) join(ctx context.Context) error {
	id, err := kafkalog.Describe(ctx, r.fencer.Client, r.task.Topics()...)
	if err != nil {
		return err
	}
	session, end := context.WithCancel(ctx)
	defer end()
	r.mu.Lock()
	r.restorer.Cluster, r.rejoin = id, end
	r.mu.Unlock()
	defer r.givenUp()
	return r.group.Consume(session, []string{r.task.Input}, (*sessionHandler)(r))
}

const (
	rebalanceTimeout = 10 * time.Second
	// heartbeat is how often a member asks whether the group has changed: a partition
	// that moves waits for about one, since its owner gives it up in one rebalance, of
	// which it learns by a heartbeat, and the next one gets it in another.
	heartbeat = 250 * time.Millisecond
)

func (r *Runner) groupConfig(instance string) *sarama.Config {
	k := r.config.Kafka
	k.ClientID = instance // tells the living from the dead, see Fencer.fence
	c := k.Config()
	c.Consumer.Return.Errors = true
	c.Consumer.MaxProcessingTime = time.Second
	c.Consumer.Group.Session.Timeout = r.config.Session
	c.Consumer.Group.Heartbeat.Interval = min(r.config.Session/5, heartbeat)
	c.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	// A group that moves on while it is joined is joined anew, at once.
	c.Consumer.Group.Rebalance.Retry.Backoff = 50 * time.Millisecond
	c.Consumer.Group.Rebalance.Retry.Max = 200
	c.ChannelBufferSize = 1024
	// RequireStable makes the fetch of the offsets wait for pending
	// transactions, of which each ends within its timeout. Beyond that, sarama ends
	// the whole session.
	c.Metadata.Retry.Max = 500
	c.Metadata.Retry.Backoff = 50 * time.Millisecond
	return c
}

func (r *Runner) pause(partition int32) {
	r.group.Pause(map[string][]int32{r.task.Input: {partition}})
}

func (r *Runner) resume(partition int32) {
	r.group.Resume(map[string][]int32{r.task.Input: {partition}})
}
