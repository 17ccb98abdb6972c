package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// Config is what a projector needs beside its views. Only Kafka is required.
type Config struct {
	Kafka eventim.Kafka

	// Group prefixes the consumer groups, <group>-<view>-v<version>, which
	// divide the partitions among processes. "projector" when empty.
	Group string

	// MaxBatch is how many records go into one transaction at most. 1000 when 0.
	MaxBatch int

	// Lanes is how many transactions at a time take what small batches of
	// projections with Queue wait, of all partitions and views together. Each
	// has a connection of its own, beside the pool. 1 when 0, which is best but
	// where Postgres is far away; each partition has its own transactions when negative.
	Lanes int

	// ReanchorCommand is how an operator has this program call Reanchor, such as
	// "shop reanchor"; errors that need it name it, with the view behind it.
	ReanchorCommand string

	// Worker is how people know this process among those that rebuild a view:
	// host:pid when empty.
	Worker string

	Logger *slog.Logger // slog.Default() when nil
}

// Projector writes views. Any number of them, in any number of processes, may
// write the same views.
type Projector struct {
	config    Config
	pool      *pgxpool.Pool
	lanes     *lanes // nil: there are none
	consumers []*consumer
}

// New makes a projector of views. The pool should have a connection for each
// partition of each view that may be written at the same time, but works with
// fewer.
func New(pool *pgxpool.Pool, config Config, views ...View) (*Projector, error) {
	config.Group = cmp.Or(config.Group, "projector")
	config.MaxBatch = cmp.Or(config.MaxBatch, 1000)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	config.Lanes = cmp.Or(config.Lanes, 1)
	config.Worker = cmp.Or(config.Worker, thisProcess())
	p := &Projector{config: config, pool: pool}
	if config.Lanes > 0 && pool != nil && pipelines(pool) {
		p.lanes = newLanes(pool, config.Logger)
	}
	names := map[string]bool{}
	for _, declared := range views {
		v, err := declared.view()
		if err != nil {
			return nil, err
		}
		if names[v.name] {
			return nil, fmt.Errorf("projection %q appears twice", v.name)
		}
		names[v.name] = true
		v.reanchor = config.ReanchorCommand
		logger := config.Logger.With(slog.String("view", v.name), slog.Int("version", v.version))
		p.consumers = append(p.consumers, &consumer{
			view: v, pool: pool, lanes: p.lanes, kafka: config.Kafka, logger: logger, maxBatch: config.MaxBatch,
			swap: newSwapper(v, pool, logger), beginning: starting(nil),
		})
	}
	return p, nil
}

func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// Run writes the views until ctx ends, which is not an error. It refuses to
// start, and says what to do, when a view is of another cluster, is ahead of
// its topic, or is live in a newer version, and when the database is not in
// UTF-8 or prepared statements would go through a connection pooler. It outlives the
// absence of Kafka and of Postgres, at the start as later; what it waits for, and
// what stops a single partition, is in Status.
func (p *Projector) Run(ctx context.Context) error {
	opened, err := p.open(ctx)
	if err == nil {
		p.runAll(ctx, opened)
	}
	if ctx.Err() != nil {
		err = nil
	}
	errs := []error{err}
	for _, c := range opened {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

func (p *Projector) runAll(ctx context.Context, consumers []*consumer) {
	var running sync.WaitGroup
	if p.lanes != nil {
		running.Go(func() { p.lanes.run(ctx, p.config.Lanes) })
	}
	for _, c := range consumers {
		running.Go(func() { c.run(ctx) })
		running.Go(func() { c.swap.run(ctx) })
		running.Go(func() { newRebuilder(c, p.config).run(ctx) })
	}
	running.Wait()
}

// Status tells how each partition that this process applies is doing. A process
// is ready when all of them are.
func (p *Projector) Status() []PartitionStatus {
	var all []PartitionStatus
	for _, c := range p.consumers {
		all = append(all, c.status()...)
	}
	return all
}
