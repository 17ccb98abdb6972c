package eventim_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Of many commands that expect the same version, one is accepted.
func TestExpectedVersionHasOneWinner(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do("a", 1)
	h.stop()
	const rivals = 200
	sent := make(chan string, rivals)
	for i := range rivals { // before there is a handler, so that they meet in one batch, and while there is one
		if i == rivals/2 {
			s.handle()
		}
		go func() {
			sent <- s.send(eventim.Command[Add]{Aggregate: "a", Expected: new(int64(1)), Payload: Add{N: i + 100}}).ID
		}()
	}
	outcomes := map[string]int{}
	for range rivals {
		res := s.await(<-sent, 1)
		code := ""
		if res.Rejection != nil {
			code = res.Rejection.Code
		}
		outcomes[string(res.Outcome)+" "+code]++
	}
	if outcomes["accepted "] != 1 || outcomes["rejected "+eventim.CodeVersionConflict] != rivals-1 {
		t.Errorf("outcomes %v, want one accepted and %d version conflicts", outcomes, rivals-1)
	}
	s.check()
}

func TestRepeatedCommandID(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	s.handle()
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2}})
	s.await(first.ID, 1)
	s.do("a", 100)
	s.repeats(first, 2)

	rejected := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 0}})
	s.await(rejected.ID, 1)
	s.send(rejected)
	if res := s.await(rejected.ID, 2); !res.Replayed || res.Outcome != eventim.Rejected || res.Rejection.Code != "zero" {
		t.Errorf("a repeat got %+v, want the first rejection", res)
	}
	s.check()
}

// repeats sends a command of N=2 again and wants the first answer, as its
// n-th, and the same id refused for another command, as the one after.
func (s *system) repeats(first eventim.Command[Add], n int) {
	s.t.Helper()
	s.send(first)
	if res := s.await(first.ID, n); !res.Replayed || res.Version != 1 || res.Outcome != eventim.Accepted || res.Snapshot.State.Sum != 2 {
		s.t.Errorf("a repeat got %+v, want the first answer", res)
	}
	other := first
	other.Payload.N = 3
	s.send(other)
	if res := s.await(first.ID, n+1); res.Outcome != eventim.Rejected || res.Rejection.Code != eventim.CodeCommandIDReused {
		s.t.Errorf("another command with a used id got %+v, want %s", res, eventim.CodeCommandIDReused)
	}
}

// A repeat whose first result is gone, though it is in the window, is told so
// and has no effect.
func TestRepeatOfAGoneAnswer(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	s.handle()
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2}})
	s.await(first.ID, 1)
	s.do("a", 100)
	results := s.agg.Topics().Results
	var gone kadm.Offsets
	gone.AddOffset(results, 0, 1, -1)
	if answers, err := kadm.NewClient(s.raw()).DeleteRecords(t.Context(), gone); err != nil || answers.Error() != nil {
		t.Fatal(err, answers.Error())
	}
	s.send(first)
	if res := s.await(first.ID, 2); res.Outcome != eventim.Rejected || res.Rejection.Code != eventim.CodeAnswerGone || res.Version != 1 {
		t.Errorf("a repeat got %+v, want %s at version 1", res, eventim.CodeAnswerGone)
	}
	if res := s.do("a", 1); res.Version != 3 {
		t.Errorf("the next command got %+v, want version 3", res)
	}
}

// A repeat gets the first answer from a process that has seen neither, with
// the store that a killed process left, and without.
func TestRepeatAfterKill(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	c := s.start(s.dir)
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2}})
	s.await(first.ID, 1)
	for i := range 50 {
		s.do(fmt.Sprint("k", i%5), 100)
	}
	c.kill()
	c = s.start(s.dir)
	s.repeats(first, 2)
	c.kill()
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	c = s.start(s.dir)
	s.repeats(first, 4)
	c.stop()
	s.check(s.dir)
}

// A sender's clock is two days ahead: the answers to the others are kept.
func TestSendersClockAhead(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	s.alter(s.agg.Topics().Commands, "message.timestamp.after.max.ms", "9223372036854775807")
	h := s.handle()
	first := s.send(eventim.Command[Add]{Aggregate: string(keyIn(0)), Payload: Add{N: 2}})
	s.await(first.ID, 1)
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Commands, Key: keyIn(0), Value: []byte(`{"N":100}`), Timestamp: time.Now().Add(48 * time.Hour),
		Headers: head("ce_id", "fast", "ce_type", "Add", "ce_schemaversion", "1"),
	})
	s.await("fast", 1)
	s.do(string(keyIn(0)), 100)
	s.repeats(first, 2)
	h.stop()
	s.check(s.dir)
}
