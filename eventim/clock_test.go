package eventim_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// clocks are times that a sender may write into a record.
func clocks() map[string]time.Time {
	return map[string]time.Time{
		"now": time.Now(), "25-hours-slow": time.Now().Add(-25 * time.Hour), "25-hours-fast": time.Now().Add(25 * time.Hour),
		"zero": time.UnixMilli(0), "none": time.UnixMilli(-1),
	}
}

// stamped is a command for the counter of home, as any client may write it.
func (s *system) stamped(home, id string, at time.Time) *kgo.Record {
	return &kgo.Record{
		Topic: s.agg.Topics().Commands, Key: []byte(home), Value: []byte(`{"N":5}`), Timestamp: at,
		Headers: head("ce_id", id, "ce_type", "Add", "ce_schemaversion", "1"),
	}
}

// once wants each of n answers to a command but the first to be a repeat of it.
func (s *system) once(id string, n int) {
	s.t.Helper()
	for i := range n {
		if res := s.await(id, i+1); res.Outcome != eventim.Accepted || res.Replayed != (i > 0) || res.Version != s.await(id, 1).Version {
			s.t.Errorf("answer %d to %s: %+v, want one effect", i+1, id, res)
		}
	}
}

// Whatever clock the senders of a command have, it takes effect once, and its
// time is when the broker got it; before and after a restore.
func TestClocksOfSenders(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	home, c, begun := string(keyIn(0)), s.raw(), time.Now().Add(-time.Minute)
	h := s.handle()
	count := map[string]int{}
	all := func() {
		t.Helper()
		var together []*kgo.Record // in one batch, whose records have different times
		for first, at := range clocks() {
			for again, later := range clocks() {
				id := first + ",then," + again
				together = append(together, s.stamped(home, id, at), s.stamped(home, id, later))
				count[id] += 2
			}
		}
		s.produce(c, together...)
		for id, n := range count {
			s.send(eventim.Command[Add]{ID: id, Aggregate: home, Payload: Add{N: 5}})
			count[id]++
			s.once(id, n+1)
		}
	}
	all()
	h.stop()
	h = s.handle(in(t.TempDir())) // restores it all
	all()
	h.stop()
	for id, n := range count {
		for i := range n {
			if at := s.await(id, i+1).Time; at.Before(begun) || at.After(time.Now().Add(time.Minute)) {
				t.Errorf("command %d of %s has the time %v, want that of its append", i+1, id, at)
			}
		}
	}
	s.check()
}

// Commands that were sent before the brokers stamped them have the times of
// their senders, and take effect once all the same.
func TestClocksOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	home := string(keyIn(0))
	s.alter(s.agg.Topics().Commands, "message.timestamp.type", "CreateTime")
	for first, at := range clocks() {
		if first != "25-hours-fast" { // brokers refuse what is from the future (message.timestamp.after.max.ms)
			s.produce(s.raw(), s.stamped(home, first, at))
		}
	}
	if err := s.agg.StampTopics(t.Context(), s.kafka); err != nil {
		t.Fatal(err)
	}
	s.alter(s.agg.Topics().Commands, "message.timestamp.type", "LogAppendTime")
	h := s.handle()
	for _, dir := range []string{s.dir, t.TempDir()} {
		h.stop()
		h = s.handle(in(dir))
		for first := range clocks() {
			s.send(eventim.Command[Add]{ID: first, Aggregate: home, Payload: Add{N: 5}})
		}
	}
	for first := range clocks() {
		s.once(first, map[bool]int{true: 2, false: 3}[first == "25-hours-fast"])
	}
	h.stop()
}

// What Send returns has the time that the handler sees.
func TestTimeOfACommand(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	s.handle()
	sent := s.add("a", 5)
	if res := s.await(sent.ID, 1); res.Time.Sub(sent.Time).Abs() > time.Minute {
		t.Errorf("sent at %v, handled at %v", sent.Time, res.Time)
	}
}
