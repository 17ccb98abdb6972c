package projector

import (
	"context"
	"log/slog"
	"sync"
)

// State says what a partition of a view is doing.
type State string

const (
	// Starting partitions look up where they are.
	Starting State = "starting"
	// Running partitions apply records as they come.
	Running State = "running"
	// Retrying partitions wait for Postgres and will go on by themselves.
	Retrying State = "retrying"
	// Stopped partitions have met what somebody must look at: a record that
	// cannot be read or applied, or a log that is not the one they came from.
	Stopped State = "stopped"
)

// PartitionStatus is how one partition of a view is doing in this process.
type PartitionStatus struct {
	View       string
	Version    int
	Partition  int32
	State      State
	NextOffset int64 // the next offset to apply
	Err        error // why it is not running
}

// report keeps the state of a partition, and logs its changes.
type report struct {
	mu    sync.Mutex
	state State
	next  int64
	err   error
}

func (r *report) running(p position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.next, r.err = Running, p.next, nil
}

func (r *report) retrying(ctx context.Context, logger *slog.Logger, err error) {
	if r.change(Retrying, err) {
		logger.WarnContext(ctx, "projection waits and tries again", slog.Any("error", err))
	}
}

func (p *partition) stop(ctx context.Context, err error) {
	p.report.running(p.position)
	p.report.change(Stopped, err)
	p.logger.ErrorContext(ctx, "projection stopped: the view does not follow this partition until the cause is mended",
		slog.Int64("next_offset", p.position.next), slog.Any("error", err))
}

func (r *report) change(to State, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.state != to
	r.state, r.err = to, err
	return changed
}

func (p *partition) status() PartitionStatus {
	p.report.mu.Lock()
	defer p.report.mu.Unlock()
	return PartitionStatus{
		View: p.view.name, Version: p.view.version, Partition: p.id,
		State: p.report.state, NextOffset: p.report.next, Err: p.report.err,
	}
}
