package eventim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// noise is text that does not compress.
func noise(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a' + byte(rand.IntN(26)) //nolint:gosec // not a secret
	}
	return string(text)
}

func (s *system) wantTooLarge(id string) {
	s.t.Helper()
	res := s.await(id, 1)
	if res.Outcome != eventim.Failed || res.Rejection.Code != eventim.CodeTooLarge || res.Version != 1 {
		s.t.Errorf("got %+v, want it failed with %s at version 1", res, eventim.CodeTooLarge)
	}
}

// A small command whose result does not fit into a record: JSON writes < as
// six bytes.
func TestResultTooLarge(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Commands, Key: []byte("a"), Value: []byte(`{"N":1,"Note":"` + strings.Repeat("<", 400<<10) + `"}`),
		Headers: head("ce_id", "large", "ce_type", "Add", "ce_schemaversion", "1"),
	})
	s.wantTooLarge("large")
	if res := s.do("a", 100); res.Version != 2 {
		t.Errorf("afterwards: %+v, want version 2", res)
	}
	h.stop()
	s.check(s.dir)
}

// The handler knows the limit of the topics from its start.
func TestResultTooLargeForTopic(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	s.alter(s.agg.Topics().Events, "max.message.bytes", "9000")
	h := s.handle()
	s.do("a", 100)
	s.wantTooLarge(s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(5000)}}).ID)
	h.stop()
	s.check(s.dir)
}

// Somebody lowers the limit of the results under a running handler: only the
// commands that no longer fit fail, whatever else is in their batch.
func TestLimitLoweredWhileRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	s.alter(s.agg.Topics().Results, "max.message.bytes", "9000")
	s.wantTooLarge(s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(20_000)}}).ID)
	h.stop()

	var small []string
	for i := range 30 {
		small = append(small, s.add(fmt.Sprint("k", i%3), 100).ID)
		if i == 15 {
			small = append(small, s.send(eventim.Command[Add]{Aggregate: "b", Payload: Add{N: 100, Note: noise(3000)}}).ID)
		}
	}
	s.alter(s.agg.Topics().Results, "max.message.bytes", "2097152")
	h = s.handle()
	s.running(h)
	s.alter(s.agg.Topics().Results, "max.message.bytes", "5000")
	large := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(8000)}})
	for i := range 30 {
		small = append(small, s.add(fmt.Sprint("k", i%3), 100).ID)
	}
	for _, id := range small {
		s.await(id, 1)
	}
	s.wantTooLarge(large.ID)
	h.stop()
	report := s.check(s.dir)
	if report.Failed < 2 || report.Failed > 3 { // the middle one is handled before or after the limit is lowered
		t.Errorf("%s, want 2 or 3 failed", report)
	}
}
