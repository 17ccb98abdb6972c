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
func (r *Runner) consume(ctx context.Context, instance string) (err error) {
	group, err := sarama.NewConsumerGroup(r.config.Kafka.Brokers, r.task.Group, r.groupConfig(ctx, instance))
	if err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", r.config.Kafka.Brokers, err)
	}
	r.group = group
	var drained sync.WaitGroup
	drained.Go(func() {
		for err := range group.Errors() {
			r.logger.Warn("consumer group", slog.Any("error", err))
		}
	})
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
	watching.Go(func() { r.fencer.Watch(watch, r.assigning.Load, func() { supersede(member.ErrIdentityInUse) }) })
	for ctx.Err() == nil {
		if err := r.join(ctx); err != nil && ctx.Err() == nil {
			r.logger.Warn("session ended, joining again", slog.Any("error", err))
			kafkalog.Sleep(ctx, 200*time.Millisecond)
		}
		r.assigning.Store(false)
		if ctx.Err() == nil && r.fencer.Superseded() {
			supersede(member.ErrIdentityInUse)
		}
	}
	superseded := errors.Is(context.Cause(ctx), member.ErrIdentityInUse)
	supersede(nil)
	err = group.Close()
	unwatch()
	watching.Wait()
	drained.Wait()
	giveUp()
	r.lanes.Stop()
	if superseded {
		err = errors.Join(fmt.Errorf("instance %s: %w", instance, member.ErrIdentityInUse), err)
	}
	return err
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
	return r.group.Consume(session, []string{r.task.Input}, (*sessionHandler)(r))
}

const rebalanceTimeout = 10 * time.Second

func (r *Runner) groupConfig(ctx context.Context, instance string) *sarama.Config {
	k := r.config.Kafka
	k.ClientID = instance // tells the living from the dead, see Fencer.fence
	c := k.Config()
	c.Consumer.Return.Errors = true
	c.Consumer.MaxProcessingTime = time.Second
	c.Consumer.Group.Session.Timeout = r.config.Session
	c.Consumer.Group.Heartbeat.Interval = min(r.config.Session/5, 3*time.Second)
	c.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{
		fencing{sarama.NewBalanceStrategySticky(), func() {
			r.assigning.Store(true) // until Setup: sarama waits for the committed offsets
			r.fencer.TakeOver(ctx)
		}},
	}
	c.ChannelBufferSize = 1024
	// RequireStable makes the fetch of the offsets wait for pending
	// transactions, of which each ends within its timeout.
	c.Metadata.Retry.Max = 500
	c.Metadata.Retry.Backoff = 50 * time.Millisecond
	return c
}

// fencing is a balance strategy that ends the transactions of dead owners as
// soon as the assignment of a generation is known, before sarama fetches the
// committed offsets, which waits for them.
type fencing struct {
	sarama.BalanceStrategy
	fence func()
}

// OnAssignment implements sarama.OnAssignmentBalanceStrategy.
func (f fencing) OnAssignment(*sarama.ConsumerGroupMemberAssignment, int32) { f.fence() }

// sessionHandler is the runner as sarama calls it.
type sessionHandler Runner

// Setup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler) Setup(session sarama.ConsumerGroupSession) error {
	r := (*Runner)(s)
	r.assigning.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = map[int32]Status{}
	for _, p := range session.Claims()[r.task.Input] {
		r.status[p] = newStatus(p)
	}
	return nil
}

// Cleanup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler) Cleanup(sarama.ConsumerGroupSession) error {
	r := (*Runner)(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = map[int32]Status{}
	return nil
}

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (s *sessionHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	r := (*Runner)(s)
	c := &Claim{
		Partition: claim.Partition(), Restorer: r.restorer, Errand: &Errand{}, MaxBatch: r.config.MaxBatch,
		Logger: r.logger.With(slog.Int("partition", int(claim.Partition())), slog.Int("generation", int(session.GenerationID()))),
		task:   r.task, runner: r, commit: r.lanes.Commit, session: session, messages: claim.Messages(),
		limit: r.limits.OutputBytes, looks: r.look(claim.Partition()), woken: make(chan struct{}, 1),
	}
	c.processor = r.task.New(c)
	r.update(c.Partition, func(s *Status) { s.errand = c.Errand })
	r.config.Observer.Claimed(c.Partition)
	defer r.config.Observer.Released(c.Partition)
	defer c.release()
	finish, cancel := context.WithCancel(context.WithoutCancel(session.Context()))
	defer cancel()
	defer context.AfterFunc(session.Context(), func() { time.AfterFunc(commitGrace, cancel) })()
	c.finish = finish
	return c.run()
}

func (r *Runner) pause(partition int32) {
	r.group.Pause(map[string][]int32{r.task.Input: {partition}})
}

func (r *Runner) resume(partition int32) {
	r.group.Resume(map[string][]int32{r.task.Input: {partition}})
}
