package eventim

import (
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/task"
)

// PartitionState is what a handler does with a partition.
type PartitionState string

// States of a partition.
const (
	Restoring PartitionState = "restoring" // the state store is being filled
	Running   PartitionState = "running"   // commands are handled
	Stopped   PartitionState = "stopped"   // history cannot be read; Err says why
)

// PartitionStatus is the state of one partition that a handler holds.
type PartitionStatus struct {
	Partition  int32
	State      PartitionState
	Since      time.Time // when the state began
	Position   int64     // offset of the next command to handle; -1 while that is not known
	End        int64     // where the commands ended, as it was seen a few seconds ago; -1 while that is not known
	LastCommit time.Time // of a batch of commands; zero when there was none since it was given to this process
	Oldest     time.Time // when the broker got the command at Position; zero when none waits, or that is not known

	// StuckSince is when the partition began to wait at Position although there
	// are commands: a decision does not return, or Kafka does not commit, or a
	// transaction of a sender is open. Zero while it moves.
	StuckSince time.Time

	// Busy is the call of Decide or Evolve that does not return, once it has
	// taken half as long as makes a partition stuck; nil otherwise.
	Busy *Busy

	// Err is why the partition is stopped, or why it still is restoring.
	Err error
}

// Lag is how many offsets the partition is behind the commands.
func (s PartitionStatus) Lag() int64 {
	if s.Position < 0 {
		return 0
	}
	return max(0, s.End-s.Position)
}

// LagTime is how long the command at Position has been waiting.
func (s PartitionStatus) LagTime() time.Duration {
	if s.Oldest.IsZero() {
		return 0
	}
	return max(0, faultpoint.Now().Sub(s.Oldest))
}

// Ready tells whether commands are being handled.
func (s PartitionStatus) Ready() bool { return s.State == Running && s.StuckSince.IsZero() }

// Status returns what the handler does with each partition that it holds, in
// order.
func (h *Handler[S, C, E]) Status() []PartitionStatus { return statusesOf(h.runner) }

func statusesOf(r *task.Runner) []PartitionStatus {
	var all []PartitionStatus
	for _, s := range r.Status() {
		all = append(all, statusOf(s))
	}
	return all
}

func statusOf(s task.Status) PartitionStatus {
	return PartitionStatus{
		Partition: s.Partition, State: PartitionState(s.State), Since: s.Since, Position: s.Position, End: s.End,
		LastCommit: s.LastCommit, Oldest: s.Oldest, StuckSince: s.StuckSince, Busy: busyOf(s.Busy), Err: s.Err,
	}
}

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

func busyOf(b *task.Busy) *Busy {
	if b == nil {
		return nil
	}
	return &Busy{b.Doing, b.Key, b.ID, b.Offset, b.Since}
}
