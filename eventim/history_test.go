package eventim_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A broker has committed the result of a command, and not its snapshot.
func TestHalfATransaction(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	s.do(string(keyIn(1)), 100)
	h.stop()
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Results, Key: keyIn(0), Value: []byte(`{"outcome":"accepted","version":2}`),
		Headers: head("ce_version", "2", "ce_commandid", "lost", "ce_time", "2026-01-02T03:04:05Z", "ce_commandoffset", "1"),
	})
	h = s.handle()
	left := s.leftBy(h, "a part of a transaction")
	eventually(t, "the stopped partition says what waits, and since when", func() bool {
		p := h.Status()[0]
		return p.End == left.Position.Offset+1 && p.Position+p.Lag() == p.End && p.Lag() > 0 && p.LagTime() > 0
	})
}

// stopped waits until partition 0, of two, is stopped with an error that says
// why, and wants the other one to go on.
func (s *system) stopped(h handling, why string) {
	s.t.Helper()
	_ = s.leftBy(h, why)
}

// leftBy is stopped, and returns a command that waits there.
func (s *system) leftBy(h handling, why string) (left eventim.Command[Add]) {
	s.t.Helper()
	var status []eventim.PartitionStatus
	eventually(s.t, "partition 0 stopped", func() bool {
		status = h.Status()
		return len(status) == 2 && status[0].State == eventim.Stopped && status[1].State == eventim.Running
	})
	if err := status[0].Err; err == nil || !strings.Contains(err.Error(), why) {
		s.t.Errorf("partition 0 is stopped by %v, want an error about %s", err, why)
	}
	left = s.add(string(keyIn(0)), 100)
	if res := s.do(string(keyIn(1)), 100); res.Outcome != eventim.Accepted {
		s.t.Errorf("the other partition answers %+v, want it accepted", res)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.results[left.ID]; len(got) > 0 {
		s.t.Errorf("the stopped partition answers %+v", got)
	}
	return left
}

// History that cannot be read stops its partition, visibly, until it is mended.
func TestUnreadableHistory(t *testing.T) {
	t.Parallel()
	snapshot := func(more ...string) []kgo.RecordHeader {
		return head(append([]string{"ce_type", "counter", "ce_time", "2026-01-02T03:04:05Z"}, more...)...)
	}
	whole := []string{"ce_schemaversion", "1", "ce_version", "9", "ce_staterevision", "1", "ce_commandoffset", "1"}
	for _, c := range []struct {
		name, why string
		record    kgo.Record
		late      bool // found when the state is needed
	}{
		{"without headers", "header", kgo.Record{Value: []byte("{}")}, false},
		{"of no version", "header", kgo.Record{Value: []byte("{}"), Headers: snapshot("ce_schemaversion", "1")}, false},
		{"of a newer revision", "newer", kgo.Record{
			Value: []byte("{}"), Headers: snapshot("ce_schemaversion", "1", "ce_version", "9", "ce_staterevision", "2", "ce_commandoffset", "1"),
		}, false},
		{"of another type", "stranger", kgo.Record{Value: []byte("{}"), Headers: snapshot(append(whole, "ce_type", "stranger")...)}, false},
		{"that is no JSON", "invalid character", kgo.Record{Value: []byte("\xff"), Headers: snapshot(whole...)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2, func(a *eventim.Aggregate[Count, Add, Added]) { a.State = eventim.JSON[Count]("counter") })
			h := s.handle()
			s.do(string(keyIn(0)), 100)
			s.do(string(keyIn(1)), 100)
			h.stop()

			bad := c.record
			bad.Topic, bad.Key = s.agg.Topics().Snapshots, keyIn(0)
			good := kgo.Record{Topic: bad.Topic, Key: bad.Key, Value: []byte(`{"Sum":100,"Adds":1}`), Headers: snapshot(
				"ce_schemaversion", "1", "ce_version", "1", "ce_staterevision", "1", "ce_commandoffset", "0")}
			if c.late { // the first of a schema is read at once
				s.produce(s.raw(), new(good))
			}
			s.produce(s.raw(), &bad)
			h = s.handle()
			if c.late {
				s.running(h)
				s.add(string(keyIn(0)), 100)
			}
			s.stopped(h, c.why)
			h.stop()

			if !c.late {
				return
			}
			s.produce(s.raw(), &good) // mends the topic
			h = s.handle()
			s.running(h)
			if res := s.do(string(keyIn(0)), 100); res.Outcome != eventim.Accepted || res.Snapshot.State.Sum != 400 {
				t.Errorf("after mending: %+v, want the sum 400, with the two commands that were left", res)
			}
		})
	}
}

// An event that cannot be read is found when the states are folded again.
func TestUnreadableEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, why string
		headers   []kgo.RecordHeader
	}{
		{"without headers", "ce_version", nil},
		{"of an unknown type", "Vanished", head("ce_type", "Vanished", "ce_schemaversion", "1", "ce_version", "2",
			"ce_time", "2026-01-02T03:04:05Z", "ce_commandoffset", "1")},
		{"after a gap", "version 3", head("ce_type", "Added", "ce_schemaversion", "1", "ce_version", "3",
			"ce_time", "2026-01-02T03:04:05Z", "ce_commandoffset", "1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2)
			h := s.handle()
			s.do(string(keyIn(0)), 100)
			s.do(string(keyIn(1)), 100)
			h.stop()
			s.produce(s.raw(), &kgo.Record{Topic: s.agg.Topics().Events, Key: keyIn(0), Value: []byte(`{"N":1}`), Headers: c.headers})
			s.agg.Revision = 2
			h = s.handle()
			s.stopped(h, c.why)
		})
	}
}
