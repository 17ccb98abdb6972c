package eventim_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Partitions that are added to the commands: every sender refuses soon, what
// was acknowledged until then is handled, the handler says what is wrong, and
// none starts any more.
func TestPartitionsAreAdded(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	k.Configure = func(c *sarama.Config) { c.Metadata.RefreshFrequency = 200 * time.Millisecond }
	s := newSystem(t, k, 2)
	h := s.handle()
	s.running(h)
	commands := s.agg.Topics().Commands
	s.addPartition(commands)

	want := commands + ": the partition count is 3, want 2"
	var acknowledged []string
	eventually(t, "the sender refuses", func() bool {
		sent, err := s.sender.Send(t.Context(), eventim.Command[Add]{Aggregate: eventimtest.Name(t, "k"), Payload: Add{N: 1}})
		if err == nil {
			acknowledged = append(acknowledged, sent.ID)
			return false
		}
		if _, ok := errors.AsType[*eventim.TopicsError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Fatalf("Send: %v, want a TopicsError that says %q", err, want)
		}
		return true
	})
	for _, id := range acknowledged {
		s.await(id, 1)
	}
	eventually(t, "the sender says why", func() bool { return says(s.sender.Err(), want) })
	eventually(t, "the handler says why", func() bool { return says(h.TopicsErr(), want) })
	eventually(t, "the partition that nobody expects is stopped", func() bool {
		status := h.Status()
		return len(status) == 3 && status[2].State == eventim.Stopped && says(status[2].Err, "partitions were added") &&
			status[0].Ready() && status[1].Ready()
	})
	late, err := eventim.NewSender(s.agg, k)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Close() }()
	if _, err := late.Send(t.Context(), eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 1}}); !says(err, want) {
		t.Errorf("Send of a new sender: %v, want %q", err, want)
	}
	second, err := eventim.NewHandler(s.agg, eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); !says(err, want) {
		t.Errorf("Run: %v, want %q", err, want)
	}
}

func says(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

func (s *system) addPartition(topic string) {
	s.t.Helper()
	answers, err := kadm.NewClient(s.raw()).CreatePartitions(s.t.Context(), 1, topic)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// A sender of topics that do not exist is a mistake.
func TestNewSenderWithoutTopics(t *testing.T) {
	t.Parallel()
	a := counter
	a.Name = eventimtest.Name(t, "counter")
	if _, err := eventim.NewSender(a, eventimtest.Kafka(t)); !says(err, a.Topics().Commands+": does not exist") {
		t.Errorf("NewSender: %v, want that the topic does not exist", err)
	}
}

// A setting that would lose history, changed under a running handler, shows
// within seconds, and so does that it was changed back.
func TestASettingIsChanged(t *testing.T) {
	t.Parallel()
	for topic, change := range map[string][3]string{
		"-events":    {"retention.ms", "3600000", "-1"},
		"-snapshots": {"cleanup.policy", "compact,delete", "compact"},
		"-results":   {"retention.ms", "3600000", "86400000"},
	} {
		t.Run(strings.Trim(topic, "-"), func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 1)
			h := s.handle()
			s.running(h)
			name, bad, good := change[0], change[1], change[2]
			s.alter(s.agg.Name+topic, name, bad)
			want := s.agg.Name + topic + ": " + name + " is " + bad + ", want " + good
			eventually(t, want, func() bool { return says(h.TopicsErr(), want) })
			s.do("k", 1)
			s.alter(s.agg.Name+topic, name, good)
			eventually(t, "all is well again", func() bool { return h.TopicsErr() == nil })
		})
	}
}

// A decision that does not return: the partition says since when and where,
// the log does, once, and the others go on.
func TestAStuckPartition(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newSystem(t, eventimtest.Kafka(t), 2, func(a *eventim.Aggregate[Count, Add, Added]) {
		decide := a.Decide
		a.Decide = func(c Count, cmd eventim.Command[Add]) ([]Added, error) {
			if cmd.Payload.N == 99 {
				<-release
			}
			return decide(c, cmd)
		}
	})
	var log syncWriter
	h := s.handle(func(c *eventim.HandlerConfig) {
		c.StuckAfter, c.Logger = 500*time.Millisecond, slog.New(slog.NewTextHandler(&log, nil))
	})
	s.running(h)
	before := s.add("k", 1)
	s.await(before.ID, 1)
	eventually(t, "the last commit shows", func() bool {
		status := h.Status()[before.Position.Partition]
		return !status.LastCommit.IsZero() && status.Position == before.Position.Offset+1 && status.Lag() == 0
	})

	// Markers of a sender's transactions take offsets behind the last command:
	// nobody is stuck there.
	other := 1 - before.Position.Partition
	end := s.markers(s.agg.Topics().Commands, other)
	eventually(t, "the handler has seen the markers", func() bool { return h.Status()[other].End == end })
	hangs := s.add("k", 99)
	var stuck eventim.PartitionStatus
	eventually(t, "the partition is stuck", func() bool {
		stuck = h.Status()[hangs.Position.Partition]
		return !stuck.StuckSince.IsZero()
	})
	if stuck.Ready() || stuck.Position != hangs.Position.Offset || stuck.Lag() != 1 {
		t.Errorf("status %+v, want that the partition is not ready at offset %d, 1 behind", stuck, hangs.Position.Offset)
	}
	if b := stuck.Busy; b == nil || b.Doing != "decide" || b.Aggregate != "k" || b.Command != hangs.ID || b.Offset != hangs.Position.Offset {
		t.Errorf("busy %+v, want the decision of command %s", b, hangs.ID)
	}
	if stuck.Oldest.Sub(hangs.Time).Abs() > time.Second || stuck.LagTime() <= 0 {
		t.Errorf("%v behind, since %v, want since %v", stuck.LagTime(), stuck.Oldest, hangs.Time)
	}
	if status := h.Status()[other]; !status.Ready() {
		t.Errorf("the partition with markers only: %+v, want it ready", status)
	}
	close(release)
	s.await(hangs.ID, 1)
	eventually(t, "the partition moves again", func() bool {
		status := h.Status()[hangs.Position.Partition]
		return status.Ready() && status.Busy == nil && status.LagTime() == 0
	})
	if n := strings.Count(log.String(), "partition is stuck"); n != 1 {
		t.Errorf("logged %d times that the partition is stuck, want once:\n%s", n, &log)
	}
}

// markers leaves an aborted transaction behind, whose record and marker take
// offsets, and returns where the partition then ends.
func (s *system) markers(topic string, partition int32) int64 {
	s.t.Helper()
	c := rawClient(s.t, s.kafka, kgo.TransactionalID(eventimtest.Name(s.t, "txn")))
	if err := c.BeginTransaction(); err != nil {
		s.t.Fatal(err)
	}
	s.produce(c, &kgo.Record{Topic: topic, Partition: partition, Value: []byte("{}")})
	if err := c.EndTransaction(s.t.Context(), kgo.TryAbort); err != nil {
		s.t.Fatal(err)
	}
	ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
	if err != nil {
		s.t.Fatal(err)
	}
	return ends[partition]
}
