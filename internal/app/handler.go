package app

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// Aggregate is the type of invoices.Aggregate.
type Aggregate = eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event]

// Handler is the part that handles commands.
type Handler struct {
	inner   *eventim.Handler[invoices.Invoice, invoices.Command, invoices.Event]
	kafka   eventim.Kafka
	logger  *slog.Logger
	started atomic.Bool
}

// NewHandler makes the handler of a.
func NewHandler(a Aggregate, c eventim.HandlerConfig) (*Handler, error) {
	inner, err := eventim.NewHandler(a, c)
	if err != nil {
		return nil, err
	}
	return &Handler{inner: inner, kafka: c.Kafka, logger: cmp.Or(c.Logger, slog.Default())}, nil
}

// Run waits for Kafka and then handles commands until ctx ends.
func (h *Handler) Run(ctx context.Context) error {
	CollectLate()
	if err := AwaitKafka(ctx, h.kafka, h.logger); err != nil {
		return stopped(ctx, err)
	}
	h.started.Store(true)
	return h.inner.Run(ctx)
}

// Status is what the handler does with its partitions: none before it has started.
func (h *Handler) Status() []eventim.PartitionStatus {
	if !h.started.Load() {
		return nil
	}
	return h.inner.Status()
}

// Health is what the health endpoint says of a handler.
func (h *Handler) Health() Health {
	if !h.started.Load() {
		return Health{State: "waiting for Kafka", Partitions: []PartitionHealth{}}
	}
	health := Health{Ready: true, State: "running", Partitions: []PartitionHealth{}}
	if err := h.inner.TopicsErr(); err != nil {
		health.Ready, health.Error = false, err.Error()
	}
	for _, s := range h.inner.Status() {
		health.add(s.Ready(), partitionHealth(s))
	}
	return health
}

func partitionHealth(s eventim.PartitionStatus) PartitionHealth {
	h := PartitionHealth{
		Partition: s.Partition, State: string(s.State), Since: s.Since, LastCommit: s.LastCommit,
		StuckSince: s.StuckSince, Error: text(s.Err),
	}
	if s.Position >= 0 && s.End >= 0 {
		h.NextOffset, h.End, h.Lag, h.LagSeconds = new(s.Position), new(s.End), new(s.Lag()), s.LagTime().Round(time.Millisecond).Seconds()
	}
	if s.Busy != nil {
		h.Busy = new(Busy(*s.Busy))
	}
	if !s.StuckSince.IsZero() {
		h.State = "stuck"
	}
	return h
}

// stopped is nil when err says that ctx has ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}
