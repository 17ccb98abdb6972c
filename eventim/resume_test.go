package eventim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A group that was idle for offsets.retention.minutes has no offset any more.
// The last answer knows where the commands go on.
func TestForgottenOffset(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	rejected := s.do(string(keyIn(0)), 0)
	h.stop()
	s.forgetOffsets()
	h = s.handle()
	s.running(h)
	if at := h.Status()[0].Position; at != rejected.CommandPosition.Offset+1 {
		t.Errorf("the handler goes on at %d, want %d, behind the last answer", at, rejected.CommandPosition.Offset+1)
	}
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the next command: %+v, want version 2", res)
	}
	h.stop()
	if n := len(s.answers(rejected.Command)); n != 1 {
		t.Errorf("a command that was answered has %d results, want 1", n)
	}
	s.check()
}

// Where no result is kept, the last event knows, unless commands follow it:
// whether they were rejected or never seen, nobody knows.
func TestForgottenOffsetWithoutResults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	s.cut(s.agg.Topics().Results, 0)
	s.forgetOffsets()
	h = s.handle()
	s.running(h)
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the next command: %+v, want version 2", res)
	}
	s.do(string(keyIn(0)), 0)
	h.stop()
	s.cut(s.agg.Topics().Results, 0)
	s.forgetOffsets()
	h = s.handle()
	s.stopped(h, "whether the commands from offset 2 on were handled is not known")
}

// Commands that were deleted before they were handled are gone. Nobody goes on
// behind them without a word.
func TestCommandsAreDeletedBeforeTheyAreHandled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	first := s.do(string(keyIn(0)), 100)
	h.stop()
	s.add(string(keyIn(0)), 100)
	s.add(string(keyIn(0)), 100)
	s.cut(s.agg.Topics().Commands, 0)
	h = s.handle()
	lost := first.CommandPosition.Offset + 1
	s.stopped(h, fmt.Sprintf("the commands from offset %d to %d were deleted", lost, lost+1))
	h.stop()
	s.forgetOffsets()
	h = s.handle()
	s.stopped(h, fmt.Sprintf("the commands from offset %d to %d were deleted", lost, lost+1))
}

// An offset that is set back repeats what is inside the window, and changes
// nothing.
func TestOffsetIsSetBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	var first eventim.Result[Count, Added]
	for i := range 3 {
		if res := s.do(string(keyIn(0)), 100); i == 0 {
			first = res
		}
	}
	h.stop()
	s.setOffset(0, first.CommandPosition.Offset)
	h = s.handle()
	if repeat := s.await(first.Command, 2); !repeat.Replayed || repeat.Version != 1 {
		t.Errorf("the repeat: %+v, want a replay at version 1", repeat)
	}
	if res := s.do(string(keyIn(0)), 100); res.Version != 4 {
		t.Errorf("the next command: %+v, want version 4", res)
	}
}

// An offset that is set back beyond the window would let commands take effect
// again: their ids are forgotten.
func TestOffsetIsSetBackBeyondTheWindow(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2, func(a *eventim.Aggregate[Count, Add, Added]) { a.Deduplication = time.Second })
	h := s.handle()
	first := s.do(string(keyIn(0)), 100)
	eventually(t, "the window has passed", func() bool { return time.Since(first.Time) > 2*time.Second })
	s.do(string(keyIn(0)), 100)
	h.stop()
	s.setOffset(0, first.CommandPosition.Offset)
	h = s.handle()
	s.stopped(h, "would take effect again")
}

// forgetOffsets does what the broker does after offsets.retention.minutes.
func (s *system) forgetOffsets() {
	s.t.Helper()
	if _, err := kadm.NewClient(s.raw()).DeleteGroup(s.t.Context(), s.agg.Group()); err != nil {
		s.t.Fatal(err)
	}
}

// setOffset does what kafka-consumer-groups --reset-offsets does.
func (s *system) setOffset(partition int32, offset int64) {
	s.t.Helper()
	var to kadm.Offsets
	to.AddOffset(s.agg.Topics().Commands, partition, offset, -1)
	if err := kadm.NewClient(s.raw()).CommitAllOffsets(s.t.Context(), s.agg.Group(), to); err != nil {
		s.t.Fatal(err)
	}
}

// cut deletes all records of a partition, as retention does.
func (s *system) cut(topic string, partition int32) {
	s.t.Helper()
	ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
	if err != nil {
		s.t.Fatal(err)
	}
	var to kadm.Offsets
	to.AddOffset(topic, partition, ends[partition], -1)
	answers, err := kadm.NewClient(s.raw()).DeleteRecords(s.t.Context(), to)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// answers returns the results of a command so far.
func (s *system) answers(command string) []eventim.Result[Count, Added] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results[command]
}
