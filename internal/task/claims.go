package task

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// give is told which partitions the group has given to this member, by a heartbeat at
// the earliest, and before the session knows it. Those that it has no more end: what
// is begun is finished. Those that it has anew may wait for transactions of the dead.
//
// It must not wait: no heartbeat is sent meanwhile, and no partition that stays may
// commit with the generation of before.
func (r *Runner) give(ctx context.Context, partitions []int32) {
	r.mu.Lock()
	r.awaited = map[int32]bool{}
	for p, c := range r.claims {
		if !slices.Contains(partitions, p) {
			c.revoke()
		}
	}
	for p := range r.status {
		if r.claims[p] == nil {
			delete(r.status, p) // it was given, and taken away before it was claimed
		}
	}
	for _, p := range partitions {
		if r.claims[p] == nil {
			r.awaited[p], r.status[p] = true, newStatus(p)
		}
	}
	anew := len(r.awaited) > 0
	r.mu.Unlock()
	if anew {
		r.fencing.Go(func() { r.fencer.TakeOver(ctx) })
	}
}

// givenUp is called when a session has ended, and all claims with it.
func (r *Runner) givenUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited, r.claims, r.status = nil, map[int32]*Claim{}, map[int32]Status{}
}

// assigning tells whether there are partitions that the group has given to this
// member, and whose committed offsets sarama still waits for.
func (r *Runner) assigning() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.awaited) > 0
}

func (r *Runner) began(c *Claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, given := r.status[c.Partition]
	if !given {
		s = newStatus(c.Partition)
	}
	s.errand = c.Errand
	delete(r.awaited, c.Partition)
	r.claims[c.Partition], r.status[c.Partition] = c, s
}

func (r *Runner) ended(c *Claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.claims, c.Partition)
	delete(r.status, c.Partition)
}

// sessionHandler is the runner as sarama calls it.
type sessionHandler Runner

// Setup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim implements sarama.ConsumerGroupHandler. When it returns, somebody else
// may get the partition. For as long as the session goes on, it returns when the
// partition was taken away, and not before: sarama would end the session, with all
// partitions that stay.
func (s *sessionHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	r := (*Runner)(s)
	ctx, revoke := context.WithCancel(session.Context())
	finish, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(commitGrace, cancel) })()
	defer revoke()
	c := &Claim{
		Partition: claim.Partition(), Restorer: r.restorer, Errand: &Errand{}, MaxBatch: r.config.MaxBatch,
		Logger: r.logger.With(slog.Int("partition", int(claim.Partition())), slog.Int("generation", int(session.GenerationID()))),
		task:   r.task, runner: r, commit: r.lanes.Commit, session: session, messages: claim.Messages(),
		ctx: ctx, revoke: revoke, finish: finish,
		limit: r.limits.OutputBytes, looks: make(chan struct{}, 1), woken: make(chan struct{}, 1),
	}
	c.processor = r.task.New(c)
	r.began(c)
	r.config.Observer.Claimed(c.Partition)
	err := c.run()
	c.release()
	c.seal()
	r.config.Observer.Released(c.Partition)
	r.ended(c)
	if err == nil {
		awaitClosed(session.Context(), claim.Messages())
	}
	return err
}

// awaitClosed leaves out what there is, until there is nothing more.
func awaitClosed(ctx context.Context, messages <-chan *sarama.ConsumerMessage) {
	for {
		select {
		case _, open := <-messages:
			if !open {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
