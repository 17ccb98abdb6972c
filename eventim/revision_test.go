package eventim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/checker"
)

// twice is the next program: it counts everything twice.
func twice(a eventim.Aggregate[Count, Add, Added]) eventim.Aggregate[Count, Add, Added] {
	a.Revision = 2
	a.Evolve = func(c Count, e Added) Count { return Count{c.Sum + 2*e.N, c.Adds + 1, e.Note} }
	return a
}

func twiceFold(state any, e checker.Event) (any, error) {
	type count struct{ Sum, Adds int }
	before, _ := state.(count)
	var v struct{ N int }
	err := json.Unmarshal(e.Data, &v)
	return count{before.Sum + 2*v.N, before.Adds + 1}, err
}

// filled is a system with history: aggregates k0, k1, … of two events each.
func filled(t *testing.T, partitions int32, aggregates int) *system {
	t.Helper()
	s := newSystem(t, eventimtest.Kafka(t), partitions)
	h := s.handle()
	var sent []string
	for i := range aggregates {
		sent = append(sent, s.send(eventim.Command[Add]{Aggregate: fmt.Sprint("k", i), Payload: Add{N: 100, Times: 1}}).ID)
	}
	for _, id := range sent {
		s.await(id, 1)
	}
	h.stop()
	return s
}

// A program with another fold folds all states again from the events, and
// publishes them.
func TestRevisionRaised(t *testing.T) {
	t.Parallel()
	s := filled(t, 2, 30)
	s.agg = twice(s.agg)
	h := s.handle()
	if res := s.do("k0", 100); res.Version != 3 || res.Snapshot.State.Sum != 600 || res.Snapshot.Revision != 2 {
		t.Errorf("after the change: %+v, want the sum 600 of revision 2", res)
	}
	s.running(h)
	h.stop()
	s.checkWith(checker.Options{Fold: twiceFold, Copies: s.copies(false, s.dir)})

	var read restores // the new states are kept like any
	h = s.handle(read.watch)
	s.running(h)
	if n := read.of(s.agg.Topics().Events); n != 0 {
		t.Errorf("read %d events at the next start, want none", n)
	}
	h.stop()

	elsewhere := s.handle(in(t.TempDir()), read.watch) // and are what others restore
	s.running(elsewhere)
	if n := read.of(s.agg.Topics().Events); n != 0 {
		t.Errorf("another handler read %d events, want none", n)
	}
}

// Folding again goes on after it was interrupted, here when some of the
// snapshots are published.
func TestRevisionRaisedAndInterrupted(t *testing.T) {
	t.Parallel()
	s := filled(t, 1, 40)
	s.agg = twice(s.agg)
	s.start(s.dir, func(c *childConfig) { c.MaxBatch, c.DieAt, c.DieAfter = 4, 3, true }).die()
	if n := s.published(2); n == 0 || n == 40 {
		t.Fatalf("%d of 40 snapshots are published, want some", n)
	}
	h := s.handle()
	if res := s.do("k7", 100); res.Snapshot.State.Sum != 600 {
		t.Errorf("after the change: %+v, want the sum 600", res)
	}
	h.stop()
	s.checkWith(checker.Options{Fold: twiceFold, Copies: s.copies(false, s.dir)})
}

// published counts the aggregates that have a snapshot of a revision.
func (s *system) published(revision int) int {
	s.t.Helper()
	ends, err := eventim.Ends(s.t.Context(), s.kafka, s.agg.Topics().Snapshots)
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]bool{}
	err = eventim.Read(s.t.Context(), s.kafka, s.agg.Topics().Snapshots, nil, ends, func(r eventim.Record) error {
		snap, err := s.agg.SnapshotTopic().Decode(r)
		if err == nil && snap.Revision == revision {
			found[snap.Aggregate] = true
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(found)
}

// While the last snapshot of an aggregate is one of an older revision, the store
// does not count as filled: a start that is interrupted before the states are
// folded again is repeated, not passed over.
func TestOutdatedSnapshotsHoldTheCheckpoint(t *testing.T) {
	t.Parallel()
	s := filled(t, 1, 5)
	a, dir := twice(s.agg), t.TempDir()
	for i := range 2 {
		if err := eventim.CatchUp(t.Context(), a, s.kafka, dir); !errors.Is(err, eventim.ErrRefold) {
			t.Errorf("start %d: %v, want the states to be folded again", i+1, err)
		}
	}
}

// A new fold that panics with what happened long ago stops the partition, not
// the process.
func TestRefoldPanics(t *testing.T) {
	t.Parallel()
	s := filled(t, 1, 1)
	s.agg.Revision = 2
	s.agg.Evolve = func(Count, Added) Count { panic("a fold of new events only") }
	h := s.handle()
	eventually(t, "the partition says why it is stopped", func() bool {
		status := h.Status()
		return len(status) == 1 && status[0].State == eventim.Stopped && says(status[0].Err, "the fold panicked with version 1 of k0: a fold of new")
	})
}
