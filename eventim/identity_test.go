package eventim_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// keysIn returns n keys whose partition, of two, is p.
func keysIn(p int32, n int) []string {
	var keys []string
	for b := byte('a'); len(keys) < n; b++ {
		if kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte{b}}, 2) == int(p) {
			keys = append(keys, string(b))
		}
	}
	return keys
}

// A command id belongs to its aggregate: the same id for another aggregate is
// another command, in the same partition and in another one, before and after a
// restore.
func TestIDsBelongToTheirAggregates(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	keys := append(keysIn(0, 3), keysIn(1, 2)...)
	repeat := func(want int64) {
		t.Helper()
		for i, key := range keys {
			s.send(eventim.Command[Add]{ID: "shared", Aggregate: key, Payload: Add{N: i + 1}})
			res := s.awaitOf(key, "shared", int(want))
			if res.Outcome != eventim.Accepted || res.Version != 1 || res.Snapshot.State.Sum != i+1 || res.Replayed != (want > 1) {
				t.Errorf("answer %d to %s: %+v, want its own command accepted at version 1", want, key, res)
			}
		}
	}
	repeat(1)
	repeat(2)
	s.send(eventim.Command[Add]{ID: "shared", Aggregate: keys[1], Payload: Add{N: 99}})
	reused := s.awaitOf(keys[1], "shared", 3)
	if reused.Rejection == nil || reused.Rejection.Code != eventim.CodeCommandIDReused {
		t.Errorf("another command under the id: %+v, want it rejected as reused", reused)
	}
	h.stop()
	s.check(s.dir)

	h = s.handle(in(t.TempDir())) // restores it all
	s.running(h)
	s.send(eventim.Command[Add]{ID: "shared", Aggregate: keys[1], Payload: Add{N: 2}})
	if res := s.awaitOf(keys[1], "shared", 4); !res.Replayed || res.Outcome != eventim.Accepted {
		t.Errorf("after a restore, the repeat got %+v, want the first answer", res)
	}
	for _, key := range keys {
		if res := s.do(key, 100); res.Version != 2 {
			t.Errorf("%s after a restore: %+v, want version 2", key, res)
		}
	}
	h.stop()
	s.check()
}

// awaitOf waits until a command of an aggregate has n results, of which it
// returns the last.
func (s *system) awaitOf(aggregate, command string, n int) eventim.Result[Count, Added] {
	s.t.Helper()
	var last eventim.Result[Count, Added]
	eventually(s.t, "an answer to "+command+" of "+aggregate, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		found := 0
		for _, res := range s.results[command] {
			if res.Aggregate == aggregate {
				if found++; found == n {
					last = res
				}
			}
		}
		return found >= n
	})
	return last
}

// A record in the wrong partition, whatever its id, leaves the first answers
// alone, before and after a restore.
func TestMisplacedIDs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	home, foreign := string(keyIn(0)), keyIn(1)
	first := s.send(eventim.Command[Add]{ID: "first", Aggregate: home, Payload: Add{N: 5}})
	s.await(first.ID, 1)
	for i := range 2 {
		s.produce(s.raw(), &kgo.Record{
			Topic: s.agg.Topics().Commands, Partition: 0, Key: foreign, Value: []byte(`{"N":7}`),
			Headers: head("ce_id", "first", "ce_type", "Add", "ce_schemaversion", "1"),
		})
		if res := s.await("first", 2+3*i); res.Rejection == nil || res.Rejection.Code != eventim.CodeWrongPartition {
			t.Fatalf("misplaced: %+v, want it failed", res)
		}
		for n := range 2 {
			s.send(first)
			if res := s.await("first", 3+3*i+n); !res.Replayed || res.Outcome != eventim.Accepted || res.Version != 1 {
				t.Errorf("the repeat got %+v, want the first answer", res)
			}
			if n == 0 {
				h.stop()
				h = s.handle(in(t.TempDir())) // restores it all
			}
		}
	}
	h.stop()
	s.check()
}

// Results that earlier versions have written about an aggregate of which they
// knew nothing are not believed.
func TestForeignVersionsAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	keys := keysIn(0, 2)
	h := s.handle()
	s.send(eventim.Command[Add]{ID: "shared", Aggregate: keys[0], Payload: Add{N: 5}})
	s.await("shared", 1)
	h.stop()
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Results, Key: []byte(keys[1]),
		Value: []byte(`{"outcome":"rejected","version":1,"code":"command_id_reused","message":"the command id was used before, for another command"}`),
		Headers: head("ce_version", "1", "ce_commandid", "shared", "ce_time", "2026-01-02T03:04:05Z", "ce_commandoffset", "1",
			"ce_commanddigest", "4e9515e16a43e5bb15eba3aca39940f2", "ce_replay", "true"),
	})
	for _, dir := range []string{s.dir, t.TempDir()} {
		h = s.handle(in(dir))
		s.running(h)
		h.stop()
	}
	s.handle()
	s.send(eventim.Command[Add]{ID: "shared", Aggregate: keys[1], Payload: Add{N: 6}})
	if res := s.awaitOf(keys[1], "shared", 2); res.Replayed || res.Outcome != eventim.Accepted || res.Version != 1 {
		t.Errorf("a command that an earlier version has refused got %+v, want it accepted", res)
	}
}
