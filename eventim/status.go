package eventim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
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
	LastCommit time.Time // of a batch of commands; zero when there was none in this session
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

	errand *errand
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

func newStatus(partition int32) PartitionStatus {
	return PartitionStatus{Partition: partition, State: Restoring, Since: faultpoint.Now(), Position: -1, End: -1}
}

// Status returns what the handler does with each partition that it holds, in
// order.
func (h *Handler[S, C, E]) Status() []PartitionStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.SortedFunc(maps.Values(h.status), func(a, b PartitionStatus) int { return cmp.Compare(a.Partition, b.Partition) })
	for i, s := range all {
		all[i].Busy = s.errand.longer(h.config.busyAfter())
	}
	return all
}

// TopicsErr says in which ways the topics are, by now, not as the aggregate
// needs them (*TopicsError). A handler that runs goes on, since nothing that was
// acknowledged may wait for an operator; but it would not start again.
func (h *Handler[S, C, E]) TopicsErr() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics
}

// setStatus enters a new state. A partition that keeps its state keeps the time
// since which it has it.
func (h *Handler[S, C, E]) setStatus(p int32, state PartitionState, err error) {
	h.update(p, func(s *PartitionStatus) {
		if s.State != state {
			s.State, s.Since, s.StuckSince = state, faultpoint.Now(), time.Time{}
		}
		s.Err = err
	})
}

// setWaiting enters what a partition that is being restored waits for.
func (h *Handler[S, C, E]) setWaiting(p int32, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, held := h.status[p]; held && s.State == Restoring {
		s.Err = why
		h.status[p] = s
	}
}

// moved enters that all commands before position are handled.
func (h *Handler[S, C, E]) moved(p int32, position int64, committed time.Time) {
	h.update(p, func(s *PartitionStatus) {
		s.Position, s.StuckSince, s.Oldest = position, time.Time{}, time.Time{}
		s.End = max(s.End, position)
		if !committed.IsZero() {
			s.LastCommit = committed
		}
	})
}

// waits enters that the command at Position is there, and since when.
func (h *Handler[S, C, E]) waits(p int32, position int64, since time.Time) {
	h.update(p, func(s *PartitionStatus) {
		if s.Position <= position {
			s.Oldest = since
		}
	})
}

func (h *Handler[S, C, E]) update(p int32, change func(*PartitionStatus)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, held := h.status[p]
	if !held {
		s = newStatus(p)
	}
	change(&s)
	h.status[p] = s
}
