package main_test

import (
	"math/rand/v2"
	"testing"

	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/journal"
)

// TestSystem is the life of an installation: people work, processes are killed
// under load, everything is stopped, and all that is left agrees.
func TestSystem(t *testing.T) {
	t.Parallel()
	s := newSystem(t)

	s.load(4, 8).wait()
	s.everyNodeTellsEverything()

	stormy := s.load(12, 1000)
	s.storm()
	s.takeOver()
	stormy.end()

	s.verify()
	s.end()
	report := s.verify()
	if k := report.Kafka; k.Accepted < 300 || k.Rejected == 0 || k.Repeated == 0 || k.Aggregates < 100 || k.CopiedStates < k.Aggregates {
		t.Errorf("the load was too small to show anything:\n%s", report)
	}
	if report.Resumed == 0 || report.Unresumed > 0 || report.Reads == 0 {
		t.Errorf("%d connections were resumed, %d could not be, %d reads", report.Resumed, report.Unresumed, report.Reads)
	}
}

// everyNodeTellsEverything wants commands that were sent through one node to
// have been told on the websockets of the other, and of the same.
func (s *system) everyNodeTellsEverything() {
	s.t.Helper()
	ways := map[[2]int]int{}
	for _, c := range s.clients {
		through := map[string]int{}
		for _, e := range c.Journal.Entries() {
			switch e.Kind {
			case journal.Acknowledged:
				through[e.Position] = e.Node
			case journal.Delivered:
				ways[[2]int{through[e.Position], e.Node}]++
			}
		}
	}
	for _, way := range [][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
		if ways[way] == 0 {
			s.t.Errorf("no command through node %d was told by node %d: %v", way[0], way[1], ways)
		}
	}
}

// storm kills one process after the other, and starts each again at once.
func (s *system) storm() {
	s.t.Helper()
	victims := []*fleet.Process{
		s.handlers[0], s.webs[0], s.handlers[1], s.projectors[0], s.handlers[0], s.webs[1], s.projectors[1], s.handlers[1],
	}
	for _, p := range victims {
		s.busy(10 + rand.IntN(50)) //nolint:gosec // any moment
		if err := p.Kill(); err != nil {
			s.t.Fatal(err)
		}
		s.start(p)
	}
	s.busy(100)
}

// takeOver stops a handler under load: the other one goes on, without waiting
// for the session of the first to expire.
func (s *system) takeOver() {
	s.t.Helper()
	s.eventually("both handlers are in the group", func() bool { return s.members(s.handlerGroup()) == 2 })
	s.terminate(s.handlers[0], s.handlerGroup())
	s.busy(100)
	s.start(s.handlers[0])
	s.busy(50)
}

// end stops everything as an operator does.
func (s *system) end() {
	s.t.Helper()
	for _, p := range s.webs {
		s.terminate(p)
	}
	for _, p := range s.projectors {
		s.terminate(p, s.projectorGroups()...)
	}
	for _, p := range s.handlers {
		s.terminate(p, s.handlerGroup())
	}
}
