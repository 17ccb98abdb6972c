package eventim_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// After the offsets of the group were reset, each command is answered once more
// with its first answer, and nothing else happens; those whose results the topic
// does not keep any more are told so.
func TestResetOffsets(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle(func(c *eventim.HandlerConfig) { c.MaxBatch = 20 })
	var sent []eventim.Command[Add]
	for i := range 1500 { // more than a gap between results that are read together
		sent = append(sent, eventim.Command[Add]{ID: fmt.Sprint("c", i), Aggregate: fmt.Sprint("k", i%7), Payload: Add{N: i % 17, Times: i % 3}})
	}
	for _, cmd := range sent {
		s.send(cmd)
	}
	firsts := make([]eventim.Result[Count, Added], len(sent))
	for i, cmd := range sent {
		firsts[i] = s.await(cmd.ID, 1)
	}
	again := []int{1400, 3, 700} // with gaps between them
	for _, i := range again {
		s.send(sent[i])
	}
	for _, i := range again {
		s.same(firsts[i], s.await(sent[i].ID, 2))
	}
	h.stop()
	s.check(s.dir)

	admin := kadm.NewClient(s.raw())
	gone := firsts[99].Position.Offset + 1
	var reset kadm.Offsets
	reset.AddOffset(s.agg.Topics().Commands, 0, 0, -1)
	var below kadm.Offsets
	below.AddOffset(s.agg.Topics().Results, 0, gone, -1)
	if err := admin.CommitAllOffsets(t.Context(), s.agg.Group(), reset); err != nil {
		t.Fatal(err)
	}
	if deleted, err := admin.DeleteRecords(t.Context(), below); err != nil || deleted.Error() != nil {
		t.Fatal(err, deleted.Error())
	}
	h = s.handle()
	for i, cmd := range sent {
		n := 2
		if slices.Contains(again, i) {
			n = 3
		}
		res := s.await(cmd.ID, n)
		if i > 99 {
			s.same(firsts[i], res)
		} else if !res.Replayed || res.Rejection == nil || res.Rejection.Code != eventim.CodeAnswerGone {
			t.Errorf("%s, whose result is gone, got %+v", cmd.ID, res)
		}
	}
	h.stop()
}

// The first answers of a batch are read together, however many of its commands
// are repeats, and of whatever: one fetch for each would hold up those behind.
func TestRepeatsAreReadTogether(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	var sent []eventim.Command[Add]
	h := s.handle()
	for i := range 300 {
		sent = append(sent, s.add(fmt.Sprint("k", i%7), i%17))
	}
	for _, cmd := range sent {
		s.await(cmd.ID, 1)
	}
	h.stop()
	for range 300 {
		s.send(sent[0])
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(s.agg.Topics().Commands, 0, 0, -1)
	if err := kadm.NewClient(s.raw()).CommitAllOffsets(t.Context(), s.agg.Group(), offsets); err != nil {
		t.Fatal(err)
	}
	var fetches atomic.Int64
	h = s.handle(via(&wire{request: func(key int16, frame []byte) fate {
		if key == keyFetch && bytes.Contains(frame, []byte(s.agg.Topics().Results)) {
			fetches.Add(1)
		}
		return pass
	}}))
	s.await(sent[0].ID, 302)
	s.await(sent[len(sent)-1].ID, 2)
	h.stop()
	if n := fetches.Load(); n > 60 {
		t.Errorf("600 repeats took %d fetches of results, want those of a few batches", n)
	}
}

// same wants a repeat to have got the first answer.
func (s *system) same(first, again eventim.Result[Count, Added]) {
	s.t.Helper()
	if !again.Replayed || again.Outcome != first.Outcome || again.Version != first.Version || len(again.Events) != len(first.Events) ||
		(first.Snapshot != nil && again.Snapshot.State != first.Snapshot.State) {
		s.t.Errorf("%s was answered with %+v, and then with %+v", first.Command, first, again)
	}
	// What there is to wait for is the effect of the first, if it had one.
	want, wanted := first.CommandPosition, len(first.Events) > 0
	for _, res := range []eventim.Result[Count, Added]{first, again} {
		if got, ok := res.Effect(); ok != wanted || ok && got != want {
			s.t.Errorf("the effect of %s, replayed %v: got %v, %v, want %v, %v", res.Command, res.Replayed, got, ok, want, wanted)
		}
	}
}

// Commands that cause a lot are handled in several transactions, none of which
// is too large, and all in order.
func TestBatchesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	var sent []eventim.Command[Add]
	for i := range 40 { // each of 20 twice, all of which are there when the handler starts
		cmd := eventim.Command[Add]{ID: fmt.Sprint("c", i%20), Aggregate: fmt.Sprint("k", i%20%3), Payload: Add{N: 100, Note: strings.Repeat("x", 600<<10)}}
		sent = append(sent, s.send(cmd))
	}
	h := s.handle()
	for _, cmd := range sent[:20] {
		s.same(s.await(cmd.ID, 1), s.await(cmd.ID, 2))
	}
	h.stop()
	report := s.check(s.dir)
	t.Log(report)
	if report.Transactions < 5 {
		t.Errorf("%s, want 48 MiB of results in several transactions", report)
	}
}
