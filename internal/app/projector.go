package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/invoices/views"
	"github.com/eventim-go/eventim/projector"
)

// Projector is the part that writes the views.
type Projector struct {
	inner   *projector.Projector
	config  projector.Config
	pool    *pgxpool.Pool
	started atomic.Bool
}

// ViewNames are the names of the views that a projector of a writes.
func ViewNames(a Aggregate) []string {
	var names []string
	for _, v := range Views(a) {
		names = append(names, projector.NameOf(v))
	}
	return names
}

// Views are the views that a projector of a writes: a new one has its place here,
// and everything about it in a file of package views.
func Views(a Aggregate) []projector.View {
	return []projector.View{views.InvoiceList(a), views.InvoiceHistory(a), views.CommandResults(a), views.NumberSeries(a)}
}

// NewProjector makes the projector of the views of a. Its groups begin with
// the name of a, unless c has another prefix.
func NewProjector(a Aggregate, pool *pgxpool.Pool, c projector.Config) (*Projector, error) {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Group = cmp.Or(c.Group, a.Name+"-projector")
	c.ReanchorCommand = cmp.Or(c.ReanchorCommand, "invoices reanchor")
	inner, err := projector.New(pool, c, Views(a)...)
	if err != nil {
		return nil, err
	}
	return &Projector{inner: inner, config: c, pool: pool}, nil
}

// Run waits for Kafka and Postgres, and then writes the views until ctx ends.
func (p *Projector) Run(ctx context.Context) error {
	if err := AwaitKafka(ctx, p.config.Kafka, p.config.Logger); err != nil {
		return stopped(ctx, err)
	}
	if err := AwaitPostgres(ctx, p.pool, p.config.Logger); err != nil {
		return stopped(ctx, err)
	}
	p.started.Store(true)
	return p.inner.Run(ctx)
}

// Status is how each partition of each view is doing: none before it has started.
func (p *Projector) Status() []projector.PartitionStatus {
	if !p.started.Load() {
		return nil
	}
	return p.inner.Status()
}

// Health is what the health endpoint says of a projector.
func (p *Projector) Health() Health {
	if !p.started.Load() {
		return Health{State: "waiting for Kafka and Postgres", Partitions: []PartitionHealth{}}
	}
	health := Health{Ready: true, State: "running", Partitions: []PartitionHealth{}}
	for _, s := range p.inner.Status() {
		health.add(s.Ready(), viewHealth(s))
	}
	return health
}

func viewHealth(s projector.PartitionStatus) PartitionHealth {
	return PartitionHealth{
		View: fmt.Sprintf("%s_v%d", s.View, s.Version), Partition: s.Partition,
		State: string(s.State), Since: s.Since, NextOffset: new(s.NextOffset), Error: text(s.Err),
	}
}
