package eventim_test

import (
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 3)
	h := s.handle()
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2, Times: 1}})
	res := s.await(first.ID, 1)
	if res.Outcome != eventim.Accepted || res.Version != 2 || res.Snapshot.State.Sum != 4 || len(res.Events) != 2 {
		t.Fatalf("result %+v, want two events and the sum 4", res)
	}
	for i := range 20 {
		if res := s.do(fmt.Sprint("k", i), i+100); res.Snapshot.State.Sum != i+100 {
			t.Fatalf("result %+v, want %d", res, i+100)
		}
	}
	h.stop()
	s.check(s.dir)
}

// Handlers of several aggregates share a process and its data directory.
func TestSeveralAggregates(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	a, b := newSystem(t, k, 2), newSystem(t, k, 2)
	b.dir = a.dir
	ha, hb := a.handle(), b.handle()
	for _, s := range []*system{a, b} {
		if res := s.do("one", 100); res.Version != 1 {
			t.Errorf("%s answers %+v, want version 1", s.agg.Name, res)
		}
	}
	ha.stop()
	hb.stop()
}
