package eventim_test

import (
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// An aggregate grows: its topics are copied to new ones with more partitions.
// Versions go on, ids of before have no other effect, and what was acknowledged
// and not handled is handled there, even where partitions had been added to the
// old topic by mistake.
func TestTopicsAreCopied(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2, func(a *eventim.Aggregate[Count, Add, Added]) {
		a.State = eventim.JSON[Count]("Count") // by default it has the name of the aggregate
	})
	h := s.handle()
	ids := map[string]eventim.Result[Count, Added]{}
	for i := range 12 {
		key := fmt.Sprint("k", i)
		s.do(key, 1)
		ids[key] = s.do(key, 2)
	}
	h.stop()
	waiting := map[string]string{}
	for i := range 6 {
		key := fmt.Sprint("k", i)
		waiting[key] = s.add(key, 4).ID
	}
	s.addPartition(s.agg.Topics().Commands)

	grown := &system{t: t, kafka: s.kafka, agg: s.agg, dir: s.dir, results: map[string][]eventim.Result[Count, Added]{}, arrived: make(chan struct{})}
	grown.agg.Name, grown.agg.Partitions = eventimtest.Name(t, "grown"), 5
	copied, err := eventim.CopyTopics(t.Context(), s.kafka, s.agg, grown.agg, 1)
	if err != nil {
		t.Fatal(err)
	}
	topics := grown.agg.Topics()
	if copied[topics.Events] != 24 || copied[topics.Results] != 24 || copied[topics.Snapshots] < 12 || copied[topics.Commands] != 6 {
		t.Errorf("copied %v, want 24 events and results, their snapshots, and 6 commands", copied)
	}
	grown.connect()
	dir := t.TempDir()
	h = grown.handle(in(dir))
	for key, id := range waiting {
		if res := grown.await(id, 1); res.Version != 3 || res.Snapshot.State.Sum != 7 {
			t.Errorf("the command of %s that waited: %+v, want version 3 and the sum 7", key, res)
		}
	}
	for key, before := range ids {
		repeat := grown.send(eventim.Command[Add]{ID: before.Command, Aggregate: key, Payload: Add{N: 2}})
		if res := grown.await(repeat.ID, 2); !res.Replayed || res.Version != 2 || res.Snapshot.State.Sum != 3 {
			t.Errorf("a repeat for %s: %+v, want the first answer, of version 2", key, res)
		}
		want := int64(3)
		if waiting[key] != "" {
			want = 4
		}
		if res := grown.do(key, 8); res.Version != want {
			t.Errorf("the next command of %s: %+v, want version %d", key, res, want)
		}
	}
	h.stop()
	h = grown.handle(in(t.TempDir())) // what is restored is what was copied
	if res := grown.do("k0", 1); res.Version != 5 || res.Snapshot.State.Sum != 16 {
		t.Errorf("after a restore: %+v, want version 5 and the sum 16", res)
	}
}

// What would not be a copy is refused.
func TestCopyTopicsRefuses(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.running(h)
	to := s.agg
	to.Name, to.Partitions = eventimtest.Name(t, "grown"), 5
	if _, err := eventim.CopyTopics(t.Context(), s.kafka, s.agg, to, 1); !says(err, "stop all handlers") {
		t.Errorf("while a handler runs: %v, want that it must be stopped", err)
	}
	h.stop()
	if _, err := eventim.CopyTopics(t.Context(), s.kafka, s.agg, s.agg, 1); !says(err, "exists: a copy begins with new topics") {
		t.Errorf("to topics that exist: %v, want that they are refused", err)
	}
}
