package eventim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// leaveOpen does what a handler does that dies before it ends a transaction:
// records in the outputs, and an offset of the group, of partition 0.
func (s *system) leaveOpen(id string, timeout time.Duration) *kgo.Client {
	s.t.Helper()
	dead := s.raw(kgo.TransactionalID(id), kgo.TransactionTimeout(timeout), kgo.MaxVersions(kversion.V3_6_0()))
	if err := dead.BeginTransaction(); err != nil {
		s.t.Fatal(err)
	}
	t := s.agg.Topics()
	for _, topic := range []string{t.Results, t.Events, t.Snapshots} {
		s.produce(dead, &kgo.Record{Topic: topic, Partition: 0, Key: keyIn(0), Value: []byte("never")})
	}
	s.stageOffset(dead, id)
	return dead
}

// stageOffset sends an offset of the group in the transaction of c.
func (s *system) stageOffset(c *kgo.Client, id string) {
	s.t.Helper()
	pid, epoch, err := c.ProducerID(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = id, pid, epoch, s.agg.Group()
	added, err := add.RequestWith(s.t.Context(), c)
	if err != nil || added.ErrorCode != 0 {
		s.t.Fatalf("add offsets: %v %v", added, err)
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group, commit.Generation = id, pid, epoch, s.agg.Group(), -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = s.agg.Topics().Commands
	p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset = 0, 1_000_000
	topic.Partitions = append(topic.Partitions, p)
	commit.Topics = append(commit.Topics, topic)
	committed, err := commit.RequestWith(s.t.Context(), c)
	if err != nil || committed.Topics[0].Partitions[0].ErrorCode != 0 {
		s.t.Fatalf("commit offsets: %v %v", committed, err)
	}
}

// A dead handler's transaction is ended at once by the one that takes over: it
// has five minutes left, which nobody waits for.
func TestDeadOwnersTransactionIsEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	dead := s.leaveOpen(strings.Join([]string{s.agg.Group(), uuid.NewString(), "0"}, "/"), 5*time.Minute)

	h = s.handle(in(t.TempDir()))
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the new owner answers %+v, want version 2", res)
	}
	if err := dead.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
		t.Error("the dead owner could still commit")
	}
	h.stop()
	if report := s.check(); report.Aborted == 0 {
		t.Errorf("%s, want the dead owner's records among the hidden", report)
	}
}

// A handler dies whose offsets are sent and whose records are not: nothing of
// its transaction shows in the outputs, but the committed offset waits for it.
func TestDeadOwnersOffsetIsEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	id := strings.Join([]string{s.agg.Group(), uuid.NewString(), "0"}, "/")
	dead := s.raw(kgo.TransactionalID(id), kgo.TransactionTimeout(5*time.Minute), kgo.MaxVersions(kversion.V3_6_0()))
	s.stageOffset(dead, id)

	h = s.handle(in(t.TempDir()))
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the new owner answers %+v, want version 2", res)
	}
	h.stop()
	s.check()
}

// A handler that had more lanes in its former life ends what those left open.
func TestFormerLaneIsEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	instance, err := os.ReadFile(filepath.Join(s.dir, s.agg.Name, "instance"))
	if err != nil {
		t.Fatal(err)
	}
	s.leaveOpen(strings.Join([]string{s.agg.Group(), strings.TrimSpace(string(instance)), "7"}, "/"), 5*time.Minute)
	h = s.handle()
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the handler answers %+v, want version 2", res)
	}
	h.stop()
}

// What an aborted first transaction leaves in the events is no history: no
// offset was ever committed, and the commands begin at their beginning.
func TestFirstTransactionAborted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	s.leaveOpen(strings.Join([]string{s.agg.Group(), uuid.NewString(), "0"}, "/"), 5*time.Minute)
	h := s.handle()
	if res := s.do(string(keyIn(0)), 100); res.Version != 1 {
		t.Errorf("the first owner that lives answers %+v, want version 1", res)
	}
	h.stop()
}

// A transaction that is not of a handler of this group is none of its
// business.
func TestForeignTransactionIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	foreign := s.raw(kgo.TransactionalID(eventimtest.Name(t, "foreign")), kgo.TransactionTimeout(5*time.Minute))
	if err := foreign.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	s.produce(foreign, &kgo.Record{Topic: s.agg.Topics().DeadLetters, Partition: 0, Key: keyIn(0), Value: []byte("mine")})
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	if err := foreign.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Errorf("a foreign transaction was ended: %v", err)
	}
	h.stop()
}

// members counts the members of the group; one that nobody has joined has none.
func (s *system) members() int {
	s.t.Helper()
	groups, err := kadm.NewClient(s.raw()).DescribeGroups(s.t.Context(), s.agg.Group())
	if err != nil {
		s.t.Fatal(err)
	}
	g := groups[s.agg.Group()]
	if g.Err != nil && !kerr.IsRetriable(g.Err) {
		return 0
	}
	return len(g.Members)
}

// A handler that is stopped leaves the group, so that nobody waits for its
// session to end; one that was killed is evicted by its next life.
func TestGroupIsLeft(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.running(h)
	h.stop()
	if n := s.members(); n != 0 {
		t.Errorf("%d members after a clean stop, want none", n)
	}
	c := s.start(s.dir)
	s.do("a", 100)
	c.kill()
	if n := s.members(); n != 1 {
		t.Logf("%d members after a kill", n)
	}
	c = s.start(s.dir)
	s.do("a", 100)
	if n := s.members(); n != 1 {
		t.Errorf("%d members after a restart, want the one that lives", n)
	}
	c.stop()
}
