package app

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/numbering"
	"github.com/eventim-go/eventim/invoices/series"
)

// Numbering is the part that gives invoices their numbers: the handler of the series,
// and the reactor between them and the invoices.
type Numbering struct {
	series  *eventim.Handler[series.Series, series.Command, series.Event]
	reactor *eventim.ReactorHandler[numbering.Document, numbering.Message]
	kafka   eventim.Kafka
	logger  *slog.Logger
	started atomic.Bool
}

// NewNumbering makes the numbering of the invoices of a. New series are written in
// format. The directory of c may be that of the handler of a.
func NewNumbering(a Aggregate, format series.Format, c eventim.HandlerConfig) (*Numbering, error) {
	n := &Numbering{kafka: c.Kafka, logger: cmp.Or(c.Logger, slog.Default())}
	var err error
	if n.series, err = eventim.NewHandler(numbering.SeriesOf(a), c); err != nil {
		return nil, err
	}
	n.reactor, err = eventim.NewReactorHandler(numbering.New(a, format), c)
	return n, err
}

// Run waits for Kafka and then gives numbers until ctx ends.
func (n *Numbering) Run(ctx context.Context) error {
	if err := AwaitKafka(ctx, n.kafka, n.logger); err != nil {
		return stopped(ctx, err)
	}
	n.started.Store(true)
	return eventim.RunAll(ctx, eventim.Part{Name: "series", Run: n.series.Run}, eventim.Part{Name: "reactor", Run: n.reactor.Run})
}

// SeriesStatus is what the handler of the series does with its partitions: none before
// it has started.
func (n *Numbering) SeriesStatus() []eventim.PartitionStatus {
	if !n.started.Load() {
		return nil
	}
	return n.series.Status()
}

// Status is what the reactor does with its partitions: none before it has started.
func (n *Numbering) Status() []eventim.PartitionStatus {
	if !n.started.Load() {
		return nil
	}
	return n.reactor.Status()
}

// Health is what the health endpoint says of a numbering.
func (n *Numbering) Health() Health {
	if !n.started.Load() {
		return Health{State: "waiting for Kafka", Partitions: []PartitionHealth{}}
	}
	health := Health{Ready: true, State: "running", Partitions: []PartitionHealth{}}
	for _, of := range []struct {
		name   string
		topics error
		status []eventim.PartitionStatus
	}{
		{"series", n.series.TopicsErr(), n.series.Status()},
		{"reactor", n.reactor.TopicsErr(), n.reactor.Status()},
	} {
		if of.topics != nil {
			health.Ready, health.Error = false, of.topics.Error()
		}
		for _, s := range of.status {
			p := partitionHealth(s)
			p.Of = of.name
			health.add(s.Ready(), p)
		}
	}
	return health
}
