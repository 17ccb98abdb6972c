package eventim_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A tombstone that somebody writes into the snapshots takes no aggregate back to
// version 1, whether the store is kept or lost: its events are there.
func TestATombstoneAmongTheSnapshots(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"the store is kept": false, "the store is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2)
			h := s.handle()
			key := keyIn(0)
			s.do(string(key), 1)
			s.do(string(key), 2)
			h.stop()
			s.produce(s.raw(), &kgo.Record{Topic: s.agg.Topics().Snapshots, Partition: 0, Key: key})
			dir := s.dir
			if lost {
				dir = t.TempDir()
			}
			var read restores
			h = s.handle(in(dir), read.watch)
			if res := s.do(string(key), 4); res.Version != 3 || res.Snapshot.State.Sum != 7 {
				t.Errorf("behind the tombstone: %+v, want version 3 and the sum 7", res)
			}
			if n := read.of(s.agg.Topics().Events); n != 2 { // what compaction leaves is the tombstone alone
				t.Errorf("it was folded from %d events, want its 2", n)
			}
		})
	}
}

// What somebody else writes into the snapshots stops the partition, visibly. A
// tombstone under the same key mends it.
func TestAForeignRecordAmongTheSnapshots(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	key := keyIn(0)
	s.do(string(key), 1)
	h.stop()
	s.produce(s.raw(), &kgo.Record{Topic: s.agg.Topics().Snapshots, Partition: 0, Key: key, Value: []byte("what?")})
	h = s.handle(in(t.TempDir()))
	s.stopped(h, "a header of a snapshot is missing")
	h.stop()
	s.produce(s.raw(), &kgo.Record{Topic: s.agg.Topics().Snapshots, Partition: 0, Key: key})
	h = s.handle(in(t.TempDir()))
	if res := s.do(string(key), 4); res.Version != 3 || res.Snapshot.State.Sum != 105 { // stopped has added 100
		t.Errorf("behind the tombstone: %+v, want version 3 and the sum 105", res)
	}
}

// Snapshots that are gone as a whole are folded again from the events.
func TestTheSnapshotsAreGone(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*system){
		"made anew": func(s *system) { s.remake(s.agg.Topics().Snapshots) },
		"cut": func(s *system) { // by a cleanup policy that somebody took back
			s.alter(s.agg.Topics().Snapshots, "cleanup.policy", "delete")
			s.cut(s.agg.Topics().Snapshots, 0)
			s.alter(s.agg.Topics().Snapshots, "cleanup.policy", "compact")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2)
			h := s.handle()
			s.do(string(keyIn(0)), 1)
			s.do(string(keyIn(0)), 2)
			h.stop()
			lose(s)
			dir := t.TempDir()
			h = s.handle(in(dir))
			if res := s.do(string(keyIn(0)), 4); res.Version != 3 || res.Snapshot.State.Sum != 7 {
				t.Errorf("afterwards: %+v, want version 3 and the sum 7", res)
			}
			h.stop()
			s.check(dir)
		})
	}
}

// Snapshots made anew while the handler runs are folded and written again.
func TestTheSnapshotsAreMadeAnewUnderAHandler(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("k", 1)
	before := h.Status()[0].Since
	s.remake(s.agg.Topics().Snapshots)
	eventually(t, "the handler has taken the partition over anew", func() bool {
		status := h.Status()
		return len(status) == 1 && status[0].State == eventim.Running && status[0].Since.After(before)
	})
	if res := s.do("k", 2); res.Version != 2 || res.Snapshot.State.Sum != 3 {
		t.Errorf("afterwards: %+v, want version 2 and the sum 3", res)
	}
	h.stop()
	s.check(s.dir)
}

// Without its events an aggregate has no history: nobody goes on in the middle
// of it, whether the store is kept or lost.
func TestTheEventsAreMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 1)
	h.stop()
	s.remake(s.agg.Topics().Events)
	h = s.handle()
	s.stopped(h, "the events that they are the fold of are gone")
	h.stop()
	h = s.handle(in(t.TempDir()))
	s.stopped(h, "the events that they are the fold of are gone")
}

// Commands made anew: the offset of the old topic means nothing in the new one.
// The handler begins at its beginning when somebody says so.
func TestTheCommandsAreMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	for range 3 {
		s.do(string(keyIn(0)), 1)
	}
	h.stop()
	s.remake(s.agg.Topics().Commands)
	s.untail()
	s.connect()
	for range 5 {
		s.add(string(keyIn(0)), 1)
	}
	h = s.handle()
	s.stopped(h, "anew")
	h.stop()
	s.setOffset(0, 0)
	h = s.handle()
	if res := s.do(string(keyIn(0)), 1); res.Version != 10 { // stopped has sent one, too
		t.Errorf("afterwards: %+v, want version 10", res)
	}
}

// Results made anew: the store still knows what was answered.
func TestTheResultsAreMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	first := s.do(string(keyIn(0)), 1)
	h.stop()
	s.untail()
	s.remake(s.agg.Topics().Results)
	s.connect()
	h = s.handle()
	s.running(h)
	again := s.send(eventim.Command[Add]{ID: first.Command, Aggregate: string(keyIn(0)), Payload: Add{N: 1}})
	eventually(t, "the repeat is answered", func() bool { return h.Status()[0].Position > again.Position.Offset })
	if res := s.do(string(keyIn(0)), 1); res.Version != 2 {
		t.Errorf("behind a repeat: %+v, want version 2", res)
	}
}

// The results are cut, as an operator does for room: a store keeps that their
// commands were answered, though not how. A store that is lost goes on with what
// is left.
func TestTheResultsAreCut(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	first := s.do("k", 1)
	s.cut(s.agg.Topics().Results, 0)
	s.send(eventim.Command[Add]{ID: first.Command, Aggregate: "k", Payload: Add{N: 1}})
	if res := s.await(first.Command, 2); !res.Replayed || res.Rejection == nil || res.Rejection.Code != eventim.CodeAnswerGone {
		t.Errorf("a repeat: %+v, want that its answer is gone", res)
	}
	h.stop()
	s.cut(s.agg.Topics().Results, 0)
	for version, dir := range []string{t.TempDir(), s.dir} {
		h = s.handle(in(dir))
		if res := s.do("k", 1); res.Version != int64(version)+2 {
			t.Errorf("the next command: %+v, want version %d", res, version+2)
		}
		h.stop()
	}
	s.check(s.dir)
}

// A store that was idle for long is used all the same when nothing was written
// since: no deletion can have been missed.
func TestAnIdleStoreIsKept(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("k", 1)
	h.stop()
	if err := eventim.AgeStore(s.store(s.dir), 6*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	var read restores
	h = s.handle(read.watch)
	s.running(h)
	if n := read.of(s.agg.Topics().Snapshots); n != 0 {
		t.Errorf("read %d snapshots into a store that is at the end, want none", n)
	}
	h.stop()

	other := s.handle(in(t.TempDir()))
	s.do("k", 1)
	s.do("l", 1)
	other.stop()
	if err := eventim.AgeStore(s.store(s.dir), 6*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	h = s.handle(read.watch)
	s.running(h)
	if n := read.of(s.agg.Topics().Snapshots); n < 3 {
		t.Errorf("read %d snapshots into a store that is behind for longer than deletions are kept, want all 3", n)
	}
}

// remake deletes a topic and makes it anew, under the same name.
func (s *system) remake(topic string) {
	s.t.Helper()
	admin := kadm.NewClient(s.raw())
	if _, err := admin.DeleteTopics(s.t.Context(), topic); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, topic+" is gone", func() bool {
		listed, err := admin.ListTopics(s.t.Context())
		return err == nil && !listed.Has(topic)
	})
	eventually(s.t, topic+" is made anew", func() bool { return s.agg.CreateTopics(s.t.Context(), s.kafka, 1) == nil })
}
