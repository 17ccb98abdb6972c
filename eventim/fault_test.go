package eventim_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// threeBrokers is an embedded cluster whose leaders and coordinators can move.
func threeBrokers(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ClusterID(uuid.NewString()), kfake.BrokerConfigs(map[string]string{
		"log.retention.ms": "-1", "log.retention.bytes": "-1", "log.cleaner.backoff.ms": "315360000000", "group.min.session.timeout.ms": "500",
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Leaders and coordinators move under load, and brokers answer with every
// passing trouble that they know.
func TestMovingLeadersAndCoordinators(t *testing.T) {
	t.Parallel()
	broker := threeBrokers(t)
	s := newSystem(t, eventim.Kafka{Brokers: broker.ListenAddrs()}, 6)
	h := s.handle()
	s.running(h)
	l := s.load(40)
	for range 6 {
		broker.ShufflePartitionLeaders()
		s.progress(30)
		broker.RehashCoordinators()
		s.progress(30)
	}
	l.stop()
	h.stop()
	s.settled(t, s.dir)
	t.Log(s.check(s.dir))
}

// Each error that a broker may answer with, in the middle of the load, is
// survived without a loss and without a repetition.
func TestBrokerErrors(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		key  kmsg.Key
		errs []*kerr.Error
	}{
		{kmsg.Produce, []*kerr.Error{
			kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
			kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidTxnState,
		}},
		{kmsg.AddPartitionsToTxn, []*kerr.Error{
			kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable, kerr.InvalidProducerIDMapping, kerr.ProducerFenced, kerr.InvalidTxnState,
		}},
		{kmsg.AddOffsetsToTxn, []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions}},
		{kmsg.TxnOffsetCommit, []*kerr.Error{
			kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.RequestTimedOut, kerr.IllegalGeneration, kerr.UnknownMemberID,
			kerr.RebalanceInProgress,
		}},
		{kmsg.EndTxn, []*kerr.Error{
			kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.RequestTimedOut, kerr.ConcurrentTransactions,
			kerr.ProducerFenced, kerr.InvalidProducerEpoch,
		}},
		{kmsg.OffsetFetch, []*kerr.Error{kerr.NotCoordinator, kerr.UnstableOffsetCommit}},
		{kmsg.Fetch, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownLeaderEpoch}},
		{kmsg.ListOffsets, []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable}},
		{kmsg.InitProducerID, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions}},
		{kmsg.ListTransactions, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable}},
	} {
		t.Run(f.key.Name(), func(t *testing.T) {
			t.Parallel()
			broker := eventimtest.Embedded(t)
			s := newSystem(t, eventim.Kafka{Brokers: broker.ListenAddrs()}, 2)
			h := s.handle(in(t.TempDir()))
			l := s.load(10)
			s.progress(20)
			for _, err := range f.errs {
				// The load's own requests carry no transactional id or group.
				fault := kfake.Fault{Keys: []kmsg.Key{f.key}, Err: err, Count: 2, When: ofHandlers}
				handle := broker.Fault(fault)
				if !isContinuous(f.key) { // asked for when a handler takes over
					h.stop()
					h = s.handle(in(t.TempDir()))
				}
				eventually(t, err.Message, func() bool { return handle.Hits() > 0 })
				s.progress(30)
				handle.Remove()
			}
			l.stop()
			h.stop()
			s.settled(t, t.TempDir())
			s.check()
		})
	}
}

// A handler that is ended while it waits for the brokers to let it start has ended,
// and not failed.
func TestAHandlerIsEndedWhileItStarts(t *testing.T) {
	t.Parallel()
	broker := eventimtest.Embedded(t)
	s := newSystem(t, eventim.Kafka{Brokers: broker.ListenAddrs()}, 1)
	busy := broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions, Count: 1 << 20, When: ofTransactions})
	h := s.handle(in(t.TempDir()))
	eventually(t, "it tries to start", func() bool { return busy.Hits() > 1 })
	h.stop() // fails when it has failed
}

// ofTransactions leaves alone whoever has no transactional id.
func ofTransactions(r kmsg.Request) bool {
	p, ok := r.(*kmsg.InitProducerIDRequest)
	return ok && p.TransactionalID != nil
}

// isContinuous tells whether handlers send such requests all the time.
func isContinuous(key kmsg.Key) bool {
	switch key {
	case kmsg.OffsetFetch, kmsg.InitProducerID, kmsg.ListTransactions, kmsg.ListOffsets:
		return false
	}
	return true
}

// ofHandlers leaves the test's sender alone, which is not under test.
func ofHandlers(r kmsg.Request) bool {
	if p, ok := r.(*kmsg.ProduceRequest); ok {
		return p.TransactionID != nil
	}
	return true
}
