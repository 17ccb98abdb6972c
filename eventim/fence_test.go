package eventim_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

const (
	keyProduce          = 0
	keyFetch            = 1
	keyListOffsets      = 2
	keyOffsetFetch      = 9
	keyJoinGroup        = 11
	keyHeartbeat        = 12
	keyLeaveGroup       = 13
	keyListTransactions = 66
)

// counting is a network that counts the requests of a kind.
type counting [100]atomic.Int64

func (n *counting) wire() *wire {
	return &wire{request: func(key int16, _ []byte) fate {
		n[key].Add(1)
		return pass
	}}
}

// An offset that a transaction has sent is not read before the transaction has
// ended: until then, nobody knows which one holds.
func TestCommittedOffsetIsStable(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 1)
	h.stop()
	id := eventimtest.Name(t, "foreign")
	open := s.raw(kgo.TransactionalID(id), kgo.MaxVersions(kversion.V3_6_0()))
	s.stageOffset(open, id)
	var n counting
	c := eventim.HandlerConfig{Kafka: s.kafka}
	via(n.wire())(&c)
	offset, failed := make(chan int64, 1), make(chan error, 1)
	go func() {
		at, err := eventim.CommittedOffset(t.Context(), c.Kafka, s.agg.Group(), s.agg.Topics().Commands)
		offset <- at
		failed <- err
	}()
	eventually(t, "the offset is asked for again", func() bool {
		if len(offset) > 0 {
			t.Fatalf("the offset %d is read while a transaction with another one is open", <-offset)
		}
		return n[keyOffsetFetch].Load() >= 2
	})
	s.endRaw(open, id)
	if at, err := <-offset, <-failed; at != 1_000_000 || err != nil {
		t.Errorf("committed offset %d, %v, want that of the transaction", at, err)
	}
}

// endRaw commits a transaction of which the client does not know that it has
// begun.
func (s *system) endRaw(c *kgo.Client, id string) {
	s.t.Helper()
	pid, epoch, err := c.ProducerID(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = id, pid, epoch, true
	answer, err := end.RequestWith(s.t.Context(), c)
	if err != nil || answer.ErrorCode != 0 {
		s.t.Fatalf("end: %v %v", answer, err)
	}
}

// A transaction of a living member is left alone, however long it takes.
func TestFenceSparesTheLiving(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	held, release := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	var ends atomic.Int32
	h := s.handle(via(&wire{request: func(key int16, _ []byte) fate {
		if key == keyEndTxn && armed.Load() {
			if ends.Add(1) == 1 {
				close(held)
				<-release
			}
		}
		return pass
	}}))
	s.do("a", 1)
	armed.Store(true)
	cmd := s.add("a", 2)
	<-held
	if err := eventim.FenceDeadOwners(t.Context(), s.kafka, s.agg.Group(), s.agg.Topics().Commands); err != nil {
		t.Error(err)
	}
	if !s.open(s.raw()) {
		t.Error("the transaction of a living handler has been ended")
	}
	close(release)
	if res := s.await(cmd.ID, 1); res.Version != 2 || ends.Load() != 1 {
		t.Errorf("result %+v after %d commits, want version 2 after one", res, ends.Load())
	}
	h.stop()
}

// A member whose offsets are refused has lost its partitions: it does not try
// again, but joins anew.
func TestFencedMemberJoinsAnew(t *testing.T) {
	t.Parallel()
	broker := eventimtest.Embedded(t)
	s := newSystem(t, eventim.Kafka{Brokers: broker.ListenAddrs()}, 1)
	var n counting
	h := s.handle(via(n.wire()))
	s.do("a", 1)
	before := n[keyJoinGroup].Load()
	handle := broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration, Count: 1})
	cmd := s.add("a", 2)
	eventually(t, "its offsets are refused", func() bool { return handle.Hits() > 0 })
	if res := s.await(cmd.ID, 1); res.Version != 2 {
		t.Errorf("result %+v, want version 2", res)
	}
	if n[keyJoinGroup].Load() == before {
		t.Error("the member has tried again, without joining anew")
	}
	h.stop()
}

// A transaction that is aborted has ended before anybody is told: who goes on
// would else read a log without an answer.
func TestAbortedTransactionHasEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	ghost := eventim.LaneBatch{
		Topic: s.agg.Topics().DeadLetters, Value: []byte("never"), Input: s.agg.Topics().Commands, Group: ghostOf(s.agg.Group()),
	}
	var open kadm.ListedTransactions
	told := func([]string) {
		var err error
		if open, err = kadm.NewClient(s.raw()).ListTransactions(t.Context(), nil, []string{"Ongoing"}); err != nil {
			t.Error(err)
		}
	}
	if errs := eventim.CommitTogetherThen(t.Context(), s.kafka, s.agg.Group(), told, ghost); errs[0] == nil {
		t.Error("the offsets of a ghost are taken")
	}
	for _, o := range open {
		if strings.HasPrefix(o.TxnID, s.agg.Group()+"/") {
			t.Errorf("%s is %s when its outcome is told, want it ended", o.TxnID, o.State)
		}
	}
}

// Before anybody is told that the outcome of a commit is unknown, its id has been
// settled: who takes over from himself then reads a log that has an answer.
func TestDoubtIsSettledBeforeItIsTold(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	var id string
	c := eventim.HandlerConfig{Kafka: s.kafka}
	via(&wire{request: func(key int16, frame []byte) fate {
		if end, err := endTxn(frame); key == keyEndTxn && err == nil {
			id = end.TransactionalID
			return swallow
		}
		return pass
	}})(&c)
	var settled []string
	errs := eventim.CommitTogetherThen(t.Context(), c.Kafka, s.agg.Group(), func(ids []string) { settled = ids }, eventim.LaneBatch{
		Topic: s.agg.Topics().DeadLetters, Value: []byte("perhaps"), Input: s.agg.Topics().Commands, Group: sarama.NewConsumerGroupMetadata(s.agg.Group()),
	})
	if errs[0] == nil || id == "" || !slices.Equal(settled, []string{id}) {
		t.Errorf("outcome %v, settled %q, want that of %q unknown and settled", errs[0], settled, id)
	}
}

// A handler has to give up a partition of which a batch is being committed: nobody
// gets it until that is done and kept.
func TestBatchIsFinishedBeforeThePartitionMoves(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	held, release := make(chan struct{}), make(chan struct{})
	var armed, given atomic.Bool
	var joins, beats atomic.Int32
	patient := func(c *eventim.HandlerConfig) { c.Session = time.Minute } // whatever else the machine does
	h := s.handle(patient, via(&wire{request: func(key int16, _ []byte) fate {
		switch {
		case key == keyEndTxn && armed.CompareAndSwap(true, false):
			close(held)
			<-release
			given.Store(true)
		case key == keyJoinGroup && isClosed(held) && !given.Load():
			joins.Add(1)
			beats.Store(0)
		case key == keyHeartbeat:
			beats.Add(1)
		}
		return pass
	}}))
	s.running(h)
	armed.Store(true)
	var sent []eventim.Command[Add] // one in the lane, the other behind it
	for p := range s.agg.Partitions {
		sent = append(sent, s.add(s.keyOf(p), 1))
	}
	<-held
	second := s.handle(patient, in(t.TempDir()))
	// One that does not wait joins anew at once, and a member sends no heartbeat while it joins.
	eventually(t, "the handler learns which partition it has to give up, and stays as it is", func() bool {
		return joins.Load() > 0 && beats.Load() >= 4
	})
	if n, has := joins.Load(), second.Status(); n != 1 || len(has) > 0 {
		t.Errorf("the handler has joined %d times, and the other one has %v, while a batch is being committed", n, has)
	}
	close(release)
	for _, cmd := range sent {
		if res := s.await(cmd.ID, 1); res.Version != 1 || res.Replayed {
			t.Errorf("result %+v, want version 1", res)
		}
	}
	eventually(t, "both handlers have a partition", func() bool { return len(h.Status()) == 1 && len(second.Status()) == 1 })
	h.stop()
	second.stop()
	s.check()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A handler that was killed is removed from the group by its next life, which
// does not wait until its session has ended.
func TestFormerSelfIsEvicted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	c := s.start(s.dir, func(c *childConfig) { c.Session = 5 * time.Minute })
	s.do("a", 1)
	c.kill()
	var n counting
	h := s.handle(via(n.wire()))
	s.do("a", 2)
	if n[keyLeaveGroup].Load() == 0 {
		t.Error("nobody has removed the former self from the group")
	}
	h.stop()
}

// Who waits for a transaction that does not end does not ask for it with every
// fetch, and says what it waits for.
func TestWaitingForATransaction(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	foreign := eventimtest.Name(t, "foreign")
	c := s.raw(kgo.TransactionalID(foreign), kgo.TransactionTimeout(5*time.Minute))
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	s.produce(c, &kgo.Record{Topic: s.agg.Topics().Results, Partition: 0, Key: keyIn(0), Value: []byte("never")})
	var n counting
	h = s.handle(in(t.TempDir()), via(n.wire()))
	eventually(t, "the status names the transaction", func() bool {
		status := h.Status()
		return len(status) == 2 && status[0].State == eventim.Restoring && status[0].Err != nil && strings.Contains(status[0].Err.Error(), foreign)
	})
	// On a slow machine there are fewer fetches between two looks.
	if looks, fetches := n[keyListTransactions].Load(), n[keyFetch].Load(); looks*2 > fetches {
		t.Errorf("transactions were listed %d times during %d fetches, want a few times", looks, fetches)
	}
	if err := c.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Error(err)
	}
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("result %+v, want version 2", res)
	}
	h.stop()
}

// Ids of dead handlers of the version before are fenced, and those of today; who
// only looks alike is left alone.
func TestOwnerOfTransactionalID(t *testing.T) {
	t.Parallel()
	instance := uuid.NewString()
	for id, want := range map[string]string{
		"g/" + instance + "/0":          instance,
		"g/" + instance + "/lx3k9f2a.7": instance,
		"g/" + instance + "/identity":   "",
		"g/" + instance:                 "",
		"g/" + instance + "/0/1":        "",
		"g//0":                          "",
		"other/" + instance + "/0":      "",
		"":                              "",
	} {
		if got := eventim.OwnerOf("g", id); got != want {
			t.Errorf("%q belongs to %q, want %q", id, got, want)
		}
	}
}
