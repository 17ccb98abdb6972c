package eventim

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/task"
)

// drainEvery is how often it is looked whether timers may fire: one fires up to as
// long, and a look, after it is due.
const drainEvery = time.Second

// watchTimers tells the partitions of this process up to when their timers may fire,
// until ctx ends. A moment is drained for a partition when, in this order,
//
//  1. the ends of all sources are seen, at that moment or later,
//  2. the routers have committed all up to there, so that it is in the inbox,
//  3. the end of the inbox is seen,
//  4. the partition has reacted to all up to there.
//
// What a source says later than that was said later than the moment.
func (h *ReactorHandler[S, M]) watchTimers(ctx context.Context, w *drainWatch) error {
	for kafkalog.Sleep(ctx, drainEvery) {
		h.wakeCalls()
		if !h.timersWait() {
			continue
		}
		moment := faultpoint.Now()
		look, cancel := context.WithTimeout(ctx, 5*drainEvery)
		routed, err := w.routed(look)
		if err == nil && routed {
			err = h.drain(look, w, moment)
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			h.logger.Warn("cannot look whether timers may fire, trying again", slog.Any("error", err))
		}
	}
	return nil
}

// wakeCalls has calls tried again whose time has come.
func (h *ReactorHandler[S, M]) wakeCalls() {
	for _, p := range h.claims() {
		if p.nextCall.Load() <= faultpoint.Now().UnixMilli() {
			p.Wake()
		}
	}
}

// timersWait tells whether a partition of this process has a timer that is due: only
// then is Kafka asked.
func (h *ReactorHandler[S, M]) timersWait() bool {
	for _, p := range h.claims() {
		if due := p.nextDue.Load(); due <= faultpoint.Now().UnixMilli() {
			return true
		}
	}
	return false
}

// drain enters the moment for the partitions that have reacted to all of the inbox.
func (h *ReactorHandler[S, M]) drain(ctx context.Context, w *drainWatch, moment time.Time) error {
	for _, s := range h.runner.Status() {
		h.mu.Lock()
		p := h.reactions[s.Partition]
		h.mu.Unlock()
		if p == nil || s.State != task.Running {
			continue
		}
		done, err := w.done(ctx, w.inbox, s.Partition, s.Position)
		if err != nil {
			return err
		}
		if done {
			p.drained.Store(moment.UnixMilli())
			p.Wake()
		}
	}
	return nil
}

// drainWatch knows where sources and inbox end, and how far they are read.
type drainWatch struct {
	client  sarama.Client
	kafka   Kafka
	inbox   string
	sources []drainSource
	passed  map[string]map[int32]stretch // of topics, by partition, what is known to be empty
}

type drainSource struct {
	topic, group string
	partitions   int32
}

// stretch is a part of a partition in which there is no record.
type stretch struct{ from, to int64 }

// routed tells whether the routers have passed on all that the sources say.
func (w *drainWatch) routed(ctx context.Context) (bool, error) {
	for _, s := range w.sources {
		ends := map[int32]int64{}
		for p := range s.partitions {
			end, err := kafkalog.Offset(ctx, w.client, s.topic, p, sarama.OffsetNewest)
			if err != nil {
				return false, err
			}
			ends[p] = end
		}
		committed, err := w.committed(s)
		if err != nil {
			return false, err
		}
		for p, end := range ends {
			if empty, err := w.empty(ctx, s.topic, p, committed[p], end); err != nil || !empty {
				return false, err
			}
		}
	}
	return true, nil
}

// committed is how far a router has come, by partition of its source.
func (w *drainWatch) committed(s drainSource) (map[int32]int64, error) {
	all := make([]Backlog, s.partitions)
	for p := range s.partitions {
		all[p].Partition = p
	}
	err := withAdmin(w.kafka, func(admin sarama.ClusterAdmin) error { return handledOf(admin, s.group, s.topic, all) })
	committed := map[int32]int64{}
	for _, b := range all {
		committed[b.Partition] = b.Handled
	}
	return committed, err
}

// done tells whether there is nothing in a partition from a position to its end.
func (w *drainWatch) done(ctx context.Context, topic string, partition int32, position int64) (bool, error) {
	end, err := kafkalog.Offset(ctx, w.client, topic, partition, sarama.OffsetNewest)
	if err != nil || position < 0 {
		return false, err
	}
	return w.empty(ctx, topic, partition, position, end)
}

// empty tells whether a stretch has no committed record: markers take offsets, too,
// and a consumer does not show them, so that only reading tells. It waits for
// transactions that are open there.
func (w *drainWatch) empty(ctx context.Context, topic string, partition int32, from, to int64) (bool, error) {
	known := w.passed[topic]
	if known == nil {
		known = map[int32]stretch{}
		w.passed[topic] = known
	}
	if k := known[partition]; from >= to || k.from <= from && to <= k.to {
		return true, nil
	}
	start, err := kafkalog.Offset(ctx, w.client, topic, partition, sarama.OffsetOldest)
	if err != nil {
		return false, err
	}
	reader := kafkalog.Reader{Client: w.client, Topic: topic, Partition: partition, FetchBytes: 16 << 10}
	_, err = reader.Read(ctx, max(from, start), to, func(_ *sarama.RecordBatch, r *sarama.Record) error { return kafkalog.ErrFound })
	switch {
	case errors.Is(err, kafkalog.ErrFound):
		return false, nil
	case err == nil:
		known[partition] = stretch{from, to}
	}
	return err == nil, err
}
