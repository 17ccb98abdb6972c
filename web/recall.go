package web

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// recall finds out, for as long as it takes, what progress has to know of the
// time before the tail, which begins at results. It is not waited for: a
// transaction that is open there may take a minute to be ended.
func (l *live) recall(ctx context.Context, k eventim.Kafka, topics eventim.Topics, results offsets, log *slog.Logger) error {
	for {
		decided, changed, err := lastCommands(ctx, k, topics, results)
		if err == nil {
			l.progress.recall(decided, changed)
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		log.Warn("cannot read the last results yet", "error", err)
	}
}

// lastCommands returns the offsets of the last commands whose results are
// below the given ones, and of the last that have events. The events of those
// results precede the ends that are asked for after they have been read.
func lastCommands(ctx context.Context, k eventim.Kafka, topics eventim.Topics, results offsets) (decided, changed offsets, err error) {
	if decided, err = lastCommandsIn(ctx, k, topics.Results, results); err != nil {
		return nil, nil, err
	}
	events, err := endsOf(ctx, k, topics.Events)
	if err != nil {
		return nil, nil, err
	}
	if len(events) != len(results) {
		return nil, nil, fmt.Errorf("%s has %d partitions, and %s has %d", topics.Events, len(events), topics.Results, len(results))
	}
	changed, err = lastCommandsIn(ctx, k, topics.Events, events)
	return decided, changed, err
}

// lastCommandsIn returns, by partition, the highest command that a committed
// record below ends names, -1 if there is none. It looks further and further
// back: what is last may be nothing but markers and aborted records.
func lastCommandsIn(ctx context.Context, k eventim.Kafka, topic string, ends offsets) (offsets, error) {
	starts, err := startsOf(k, topic, len(ends))
	if err != nil {
		return nil, err
	}
	last, to := make(offsets, len(ends)), eventim.Positions{}
	for p, end := range ends.positions() {
		last[p] = -1
		if starts[p] < end {
			to[p] = end
		}
	}
	for window := int64(16); len(to) > 0; window *= 16 {
		from := eventim.Positions{}
		for p, end := range to {
			from[p] = max(starts[p], end-window)
		}
		err := eventim.Read(ctx, k, topic, from, to, func(rec eventim.Record) error {
			if command, ok := rec.CommandPosition(); ok {
				last[command.Partition] = max(last[command.Partition], command.Offset)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for p := range from {
			if last[p] >= 0 || from[p] == starts[p] {
				delete(to, p)
			}
		}
	}
	return last, nil
}
