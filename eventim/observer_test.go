package eventim_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// observed keeps what an observer is told.
type observed struct {
	mu           sync.Mutex
	partitions   []string
	takenOver    []eventim.TakenOver
	decided      []eventim.Decided
	transactions []eventim.Transaction
	answered     []eventim.Answered
	ended        []string
}

// noting appends what it is told.
func noting[T any](o *observed, to *[]T) func(T) {
	return func(v T) {
		o.mu.Lock()
		defer o.mu.Unlock()
		*to = append(*to, v)
	}
}

func (o *observed) watch(c *eventim.HandlerConfig) {
	partition := noting(o, &o.partitions)
	c.Observer = eventim.Observer{
		Claimed:   func(p int32) { partition(fmt.Sprint("claimed ", p)) },
		Released:  func(p int32) { partition(fmt.Sprint("released ", p)) },
		TakenOver: noting(o, &o.takenOver), Decided: noting(o, &o.decided), Transacted: noting(o, &o.transactions),
		Answered: noting(o, &o.answered), Ended: noting(o, &o.ended),
	}
}

// Whoever observes a handler learns of each partition, batch, transaction and
// answer, and of what was ended of the dead.
func TestObserver(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	h.stop()
	dead := strings.Join([]string{s.agg.Group(), uuid.NewString(), "0"}, "/")
	s.leaveOpen(dead, 5*time.Minute)

	var o observed
	h = s.handle(in(t.TempDir()), o.watch)
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 1}, Metadata: eventim.Metadata{Actor: "ann"}})
	for _, cmd := range []eventim.Command[Add]{
		{ID: first.ID, Aggregate: "a", Payload: Add{N: 1}},
		{Aggregate: "a", Payload: Add{N: 0}},
		{Aggregate: "a", Payload: Add{N: 13}},
	} {
		s.await(s.send(cmd).ID, 1)
	}
	s.await(first.ID, 2)
	h.stop()
	o.mu.Lock()
	defer o.mu.Unlock()

	if want := []string{"claimed 0", "released 0"}; !slices.Equal(o.partitions, want) {
		t.Errorf("partitions: %v, want %v", o.partitions, want)
	}
	if len(o.takenOver) != 1 || o.takenOver[0].Offset != first.Position.Offset || o.takenOver[0].Took <= 0 || o.takenOver[0].Attempts < 1 {
		t.Errorf("taken over: %+v, want once, from %d on", o.takenOver, first.Position.Offset)
	}
	if !slices.Contains(o.ended, dead) {
		t.Errorf("ended: %v, want %s among them", o.ended, dead)
	}
	o.wantBatches(t, 4)
	var answers []string
	for _, a := range o.answered {
		answers = append(answers, fmt.Sprint(a.Aggregate, " ", a.Outcome, " ", a.Code, " ", a.Version, " ", a.Replayed))
	}
	slices.Sort(answers) // repeats come last in a batch
	want := []string{"a accepted  2 false", "a accepted  2 true", "a failed decision_panicked 2 false", "a rejected zero 2 false"}
	if !slices.Equal(answers, want) {
		t.Errorf("answers: %q, want %q", answers, want)
	}
	if a := o.answered[0]; a.Command != first.ID || a.Actor != "ann" || a.CommandPosition != first.Position || a.Time.Sub(first.Time).Abs() > time.Second {
		t.Errorf("the first answer is %+v, want that to %+v", a, first)
	}
}

// wantBatches wants the batches and the transactions to be those of n commands.
func (o *observed) wantBatches(t *testing.T, n int) {
	t.Helper()
	commands, batches, bytes := 0, 0, 0
	for _, d := range o.decided {
		commands, bytes = commands+d.Commands, bytes+d.Bytes
	}
	for _, x := range o.transactions {
		p := x.Phases
		if x.Err != nil || x.Records == 0 || min(p.Begin, p.Write, p.Offsets, p.End) <= 0 || x.Took < p.Begin+max(p.Write, p.Offsets)+p.End {
			t.Errorf("transaction %+v, want all its phases", x)
		}
		batches, bytes = batches+x.Batches, bytes-x.Bytes
	}
	if commands != n || batches != len(o.decided) || bytes != 0 {
		t.Errorf("%d commands in %d batches, %d of them committed, %d bytes of difference, want %d commands",
			commands, len(o.decided), batches, bytes, n)
	}
}
