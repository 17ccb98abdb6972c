package task

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
)

// State is what is done with a partition.
type State string

// States of a partition.
const (
	Restoring State = "restoring" // the state store is being filled
	Running   State = "running"   // records are processed
	Stopped   State = "stopped"   // history cannot be read; Err says why
)

// Status is the state of one partition that the process holds.
type Status struct {
	Partition  int32
	State      State
	Since      time.Time // when the state began
	Position   int64     // offset of the next record to process; -1 while that is not known
	End        int64     // where the records ended, as it was seen a few seconds ago; -1 while that is not known
	LastCommit time.Time // of a batch; zero when there was none in this claim
	Oldest     time.Time // when the broker got the record at Position; zero when none waits, or that is not known
	StuckSince time.Time // when the partition began to wait at Position although there are records; zero while it moves
	Busy       *Busy     // the call that does not return; nil otherwise
	Err        error     // why it is stopped, or still is restoring

	errand *Errand
}

// lag is how many offsets the partition is behind.
func (s Status) lag() int64 {
	if s.Position < 0 {
		return 0
	}
	return max(0, s.End-s.Position)
}

func newStatus(partition int32) Status {
	return Status{Partition: partition, State: Restoring, Since: faultpoint.Now(), Position: -1, End: -1}
}

// Status returns what is done with each partition that the process holds, in order.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.SortedFunc(maps.Values(r.status), func(a, b Status) int { return cmp.Compare(a.Partition, b.Partition) })
	for i, s := range all {
		all[i].Busy = s.errand.longer(r.config.busyAfter())
	}
	return all
}

// setStatus enters a new state. A partition that keeps its state keeps the time
// since which it has it.
func (r *Runner) setStatus(p int32, state State, err error) {
	r.update(p, func(s *Status) {
		if s.State != state {
			s.State, s.Since, s.StuckSince = state, faultpoint.Now(), time.Time{}
		}
		s.Err = err
	})
}

// setWaiting enters what a partition that is being restored waits for.
func (r *Runner) setWaiting(p int32, why error) {
	r.update(p, func(s *Status) {
		if s.State == Restoring {
			s.Err = why
		}
	})
}

// moved enters that all records before position are done.
func (r *Runner) moved(p int32, position int64) {
	r.update(p, func(s *Status) {
		s.Position, s.StuckSince, s.Oldest = position, time.Time{}, time.Time{}
		s.End = max(s.End, position)
	})
}

// committed enters that a batch up to position was committed.
func (r *Runner) committed(p int32, position int64) {
	r.moved(p, position)
	r.update(p, func(s *Status) { s.LastCommit = faultpoint.Now() })
}

// waits enters that the record at Position is there, and since when.
func (r *Runner) waits(p int32, position int64, since time.Time) {
	r.update(p, func(s *Status) {
		if s.Position <= position {
			s.Oldest = since
		}
	})
}

func (r *Runner) update(p int32, change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, held := r.status[p]; held { // else it was given up meanwhile
		change(&s)
		r.status[p] = s
	}
}
