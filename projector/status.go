package projector

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// State says what a partition of a view is doing.
type State string

const (
	// Starting partitions look up where they are.
	Starting State = "starting"
	// Running partitions apply records as they come.
	Running State = "running"
	// Retrying partitions wait for Postgres or Kafka and will go on by themselves.
	Retrying State = "retrying"
	// Stopped partitions have met what somebody must look at: a record that
	// cannot be read or applied, or a log that is not the one they came from.
	Stopped State = "stopped"
)

// patience is how long a partition may wait until it counts as not ready: longer
// than a rebalance or a restart of a server takes, shorter than anybody wonders.
const patience = 10 * time.Second

// PartitionStatus is how one partition of a view is doing in this process.
type PartitionStatus struct {
	View       string
	Version    int
	Partition  int32 // -1: those of the view that this process will be given
	State      State
	Since      time.Time // when it began to run, to wait (to start and to retry are one), or stopped
	NextOffset int64     // the next offset to apply
	End        int64     // where the partition ended, as it was last fetched; -1 while that is not known
	Oldest     time.Time // when the broker got the oldest record that is not applied; zero when none is known
	Err        error     // why it is not running
}

// Ready tells whether the view follows the partition, or has waited for at most
// ten seconds.
func (s PartitionStatus) Ready() bool {
	return s.State == Running || s.State != Stopped && time.Since(s.Since) <= patience
}

// Lag is how many offsets the view is behind the partition. One is none: it is the
// marker of a transaction, behind which a view that is idle does not move.
func (s PartitionStatus) Lag() int64 {
	behind := s.End - s.NextOffset
	if behind <= 1 {
		return 0
	}
	return behind
}

// LagTime is how long the oldest record that is not applied has been waiting.
func (s PartitionStatus) LagTime() time.Duration {
	if s.Oldest.IsZero() {
		return 0
	}
	return max(0, time.Since(s.Oldest))
}

// report keeps the state of a partition, and since when.
type report struct {
	mu    sync.Mutex
	state State
	since time.Time
	next  int64
	err   error

	end    func() int64 // of the claim; nil: not known
	oldest time.Time
}

// follows enters whose end is the end, as long as the claim lasts.
func (r *report) follows(end func() int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
}

// waits enters since when the oldest record that is not applied is in Kafka.
func (r *report) waits(since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.oldest = since
}

// starting begins to report. What waited before, in an earlier session, has
// waited since then.
func starting(before *report) *report {
	r := &report{state: Starting, since: time.Now()}
	if before == nil {
		return r
	}
	before.mu.Lock()
	defer before.mu.Unlock()
	if before.state.waits() {
		r.since, r.err = before.since, before.err
	}
	return r
}

func (s State) waits() bool { return s == Starting || s == Retrying }

func (r *report) running(p position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = p.next
	r.enter(Running, nil)
}

func (r *report) retrying(ctx context.Context, logger *slog.Logger, err error) {
	r.mu.Lock()
	changed := r.enter(Retrying, err)
	r.mu.Unlock()
	if changed {
		logger.WarnContext(ctx, "projection waits and tries again", slog.Any("error", err))
	}
}

// interrupted enters that nobody applies the partition until the next session.
func (r *report) interrupted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == Running {
		r.enter(Starting, nil)
	}
}

func (p *partition) stop(ctx context.Context, err error) {
	p.report.stopped(p.position, err)
	p.logger.ErrorContext(ctx, "projection stopped: the view does not follow this partition until the cause is mended",
		slog.Int64("next_offset", p.position.next), slog.Any("error", err))
}

func (r *report) stopped(p position, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = p.next
	r.enter(Stopped, err)
}

// enter tells whether the state is another one than before.
func (r *report) enter(to State, err error) bool {
	changed := r.state != to
	if changed && (!r.state.waits() || !to.waits()) {
		r.since = time.Now()
	}
	r.state, r.err = to, err
	return changed
}

func (r *report) of(v *view, partition int32) PartitionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := int64(-1)
	if r.end != nil {
		end = r.end()
	}
	return PartitionStatus{
		View: v.name, Version: v.version, Partition: partition,
		State: r.state, Since: r.since, NextOffset: r.next, End: end, Oldest: r.oldest, Err: r.err,
	}
}

func (p *partition) status() PartitionStatus { return p.report.of(p.view, p.id) }
