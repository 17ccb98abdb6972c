package eventim

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Busy is a call of the domain's code that takes long. Decide and Evolve are
// pure, and done in microseconds: one that is not back after seconds waits for
// something, or goes round in circles, and nothing can interrupt it. What can be
// done is to say which command it is about.
type Busy struct {
	Doing     string // "decide" a command, or "evolve" a state again by an event of the past; with what codecs do
	Aggregate string
	Command   string // its id; of an event, that of the command that caused it
	Offset    int64  // of the command in the commands, or of the event in the events
	Since     time.Time
}

// errand is the call of the domain's code that is under way in a partition. A
// nil errand is nobody's.
type errand struct {
	mu sync.Mutex
	Busy
}

func (e *errand) begin(doing, aggregate, command string, offset int64) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Busy = Busy{doing, aggregate, command, offset, faultpoint.Now()}
}

func (e *errand) end() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Busy = Busy{}
}

// longer returns what has been under way for at least d, nil for nothing.
func (e *errand) longer(d time.Duration) *Busy {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.Busy; !b.Since.IsZero() && faultpoint.Now().Sub(b.Since) >= d {
		return &b
	}
	return nil
}

// busyAfter is how long a call may take until it is named: it is, in Status and
// the log, before its partition is called stuck.
func (c HandlerConfig) busyAfter() time.Duration { return c.StuckAfter / 2 }

// watchBusy names, until ctx ends, the calls that take long. It asks Kafka
// nothing: also when that is away, they are named in time.
func (h *Handler[S, C, E]) watchBusy(ctx context.Context) {
	said := map[int32]time.Time{}
	for kafkalog.Sleep(ctx, h.config.busyAfter()/2) {
		for _, s := range h.Status() {
			h.sayBusy(s, said)
		}
	}
}

// sayBusy logs once that a call takes long, and once that it is back.
func (h *Handler[S, C, E]) sayBusy(s PartitionStatus, said map[int32]time.Time) {
	since, named := said[s.Partition]
	switch {
	case s.Busy == nil && named:
		delete(said, s.Partition)
		h.logger.Warn("the domain's code has returned", slog.Int("partition", int(s.Partition)), slog.Duration("after", faultpoint.Now().Sub(since)))
	case s.Busy != nil && !since.Equal(s.Busy.Since):
		said[s.Partition] = s.Busy.Since
		h.logger.Error("the domain's code does not return", slog.Int("partition", int(s.Partition)),
			slog.String("doing", s.Busy.Doing), slog.String("aggregate_id", s.Busy.Aggregate),
			slog.String("command_id", s.Busy.Command), slog.Int64("offset", s.Busy.Offset), slog.Time("since", s.Busy.Since))
	}
}
