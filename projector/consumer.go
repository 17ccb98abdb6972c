package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// consumer consumes the topic of one view in a group, and is the handler of
// its sessions. Kafka only divides the partitions among the processes; where
// each one begins is in Postgres.
type consumer struct {
	view     *view
	pool     *pgxpool.Pool
	lanes    *lanes // nil: there are none
	kafka    eventim.Kafka
	logger   *slog.Logger
	maxBatch int
	swap     *swapper // nil: it is a rebuild, with lead and pace
	lead     *lead
	pace     *throttle

	client sarama.Client
	group  sarama.ConsumerGroup

	beginning *report // until there is a session

	mu         sync.Mutex
	partitions map[int32]*partition // of the current session, or of the last; nil before the first
}

func (c *consumer) open(group string) (err error) {
	config := kafkalog.Kafka(c.kafka).Config()
	config.ChannelBufferSize = c.maxBatch
	config.Consumer.MaxProcessingTime = 10 * time.Second
	// Nothing reads the offsets in Kafka but tools that show the lag.
	config.Consumer.Offsets.AutoCommit.Enable = true
	config.Consumer.Offsets.AutoCommit.Interval = 5 * time.Second
	if c.client, err = sarama.NewClient(c.kafka.Brokers, config); err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", c.kafka.Brokers, err)
	}
	if c.group, err = sarama.NewConsumerGroupFromClient(group, c.client); err != nil {
		return errors.Join(fmt.Errorf("join group %s: %w", group, err), c.client.Close())
	}
	return nil
}

func (c *consumer) close() error { return errors.Join(c.group.Close(), c.client.Close()) }

// run consumes until ctx ends. Whatever ends a session, the next one begins
// from Postgres.
func (c *consumer) run(ctx context.Context) {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		begun := time.Now()
		err := c.group.Consume(ctx, []string{c.view.topic}, c)
		if err != nil && ctx.Err() == nil {
			c.logger.WarnContext(ctx, "session of the projection ended", slog.Any("error", err))
		}
		if time.Since(begun) > 30*time.Second {
			pause = 50 * time.Millisecond
		}
		kafkalog.Sleep(ctx, pause)
	}
}

// Setup finds where each partition begins.
func (c *consumer) Setup(session sarama.ConsumerGroupSession) error {
	ctx := session.Context()
	ids := session.Claims()[c.view.topic]
	claimed := c.claim(ids)
	if len(ids) > 0 {
		stored, err := c.stored(ctx, claimed[ids[0]])
		if err != nil {
			return err
		}
		for id, p := range claimed {
			start, err := c.where(ctx, p, stored)
			if err != nil {
				return err
			}
			// One of the two takes it, whatever Kafka has stored.
			session.ResetOffset(c.view.topic, id, start, "")
			session.MarkOffset(c.view.topic, id, start, "")
		}
	}
	// Pauses outlive sessions.
	c.group.Resume(map[string][]int32{c.view.topic: ids})
	c.swap.look()
	return nil
}

func (c *consumer) claim(ids []int32) map[int32]*partition {
	claimed := map[int32]*partition{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		claimed[id] = &partition{
			view: c.view, id: id, pool: c.pool, lanes: c.lanes, kafka: c.kafka, enough: enough{most: c.maxBatch}, lead: c.lead, pace: c.pace,
			logger: c.logger.With(slog.String("topic", c.view.topic), slog.Int("partition", int(id))),
			report: starting(c.reported(id)),
		}
	}
	c.partitions = claimed
	return claimed
}

// reported is what the partition was said to do before this session.
func (c *consumer) reported(id int32) *report {
	if p := c.partitions[id]; p != nil {
		return p.report
	}
	if c.partitions == nil {
		return c.beginning
	}
	return nil
}

// stored reads the positions of the view; p reports when that takes retries.
func (c *consumer) stored(ctx context.Context, p *partition) (stored map[int32]position, err error) {
	err = p.retry(ctx, func() error {
		stored, err = c.view.positions(ctx, c.pool)
		return err
	})
	return stored, err
}

// where returns the offset at which the claim of p starts. A partition that
// cannot go on is stopped, and its claim starts where it is allowed to: an
// offset that is out of range would end the session of all of them.
func (c *consumer) where(ctx context.Context, p *partition, stored map[int32]position) (int64, error) {
	log, err := logOf(ctx, c.client, c.view.topic, p.id)
	if err != nil {
		return 0, err
	}
	position, ok := stored[p.id]
	if !ok {
		p.stop(ctx, errSuperseded)
		return log.start, nil
	}
	p.position = position
	if p.position, err = c.view.fit(position, log, p.id); err != nil {
		p.stop(ctx, err)
		return log.start, nil
	}
	if gap := p.position.next - position.next; gap > 0 {
		p.logger.WarnContext(ctx, "records were deleted before they were applied; the view lacks them", slog.Int64("offsets", gap))
		return p.position.next, p.skip(ctx, position)
	}
	p.report.running(p.position)
	return p.position.next, nil
}

// skip moves the stored position over a gap that the view may have.
func (p *partition) skip(ctx context.Context, stored position) error {
	defer p.rejoin()
	to := p.position
	p.position = stored
	err := p.retry(ctx, func() error {
		if p.position.next >= to.next {
			return nil
		}
		return p.move(ctx, to, nil)
	})
	p.report.running(p.position)
	return err
}

// ConsumeClaim runs one partition. To return ends the session, and with it
// the claims of all partitions: one that stops waits for that instead.
func (c *consumer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := session.Context()
	p := c.partition(claim.Partition())
	if p.status().State != Stopped {
		run := p.run
		if p.lead != nil {
			run = p.runBehind
		}
		err := run(ctx, claim, func(at position) {
			session.MarkOffset(c.view.topic, p.id, at.next, "")
			if !at.building() {
				c.swap.look()
			}
		})
		if err == nil || errors.Is(err, errRestart) {
			return err
		}
		p.stop(ctx, err)
	}
	c.group.Pause(map[string][]int32{c.view.topic: {p.id}})
	<-ctx.Done()
	return nil
}

// Cleanup enters that nothing is applied until the next session. The positions
// are in Postgres.
func (c *consumer) Cleanup(sarama.ConsumerGroupSession) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.partitions {
		p.report.interrupted()
	}
	return nil
}

func (c *consumer) partition(id int32) *partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.partitions[id]
}

func (c *consumer) status() []PartitionStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.partitions == nil {
		return []PartitionStatus{c.beginning.of(c.view, -1)}
	}
	var all []PartitionStatus
	for _, id := range slices.Sorted(maps.Keys(c.partitions)) {
		all = append(all, c.partitions[id].status())
	}
	return all
}
