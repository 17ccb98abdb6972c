package eventim_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

const keyAddPartitionsToTxn = 24

// tearing makes brokers lose the markers of transactions.
type tearing struct {
	s      *system
	broker *kfake.Cluster // nil: Apache Kafka
	wire   wire           // of the handler

	torn   atomic.Bool  // an end was answered and not carried out
	ids    sync.Map     // transactional ids that were used since then
	tornID atomic.Value // that of the torn transaction
}

// newTearing makes a cluster that tears the first transaction of which order
// says so, at its commit, and cuts the answer to it.
//
// Apache Kafka is made to believe that the transaction has written its results
// to another partition: it then has no reason to end it where it has (and only
// writes there because it is told not to verify that). The embedded broker
// answers EndTxn, calls the transaction complete, and does nothing.
func newTearing(t *testing.T, order *atomic.Bool) *tearing {
	t.Helper()
	c := &tearing{}
	if os.Getenv("EVENTIM_TEST_KAFKA") == "" {
		c.broker = eventimtest.Embedded(t)
		c.s = newSystem(t, eventim.Kafka{Brokers: c.broker.ListenAddrs()}, 2)
		c.loseEnd(order)
	} else {
		c.s = newSystem(t, eventimtest.Kafka(t), 2)
		c.s.trustProducers()
	}
	var misled atomic.Bool
	c.wire.request = func(key int16, frame []byte) fate {
		if end, err := endTxn(frame); key == keyEndTxn && err == nil && c.torn.Load() {
			c.ids.Store(end.TransactionalID, true)
		}
		switch {
		case key == keyAddPartitionsToTxn && c.broker == nil && order.CompareAndSwap(true, false):
			misled.Store(true)
			c.s.mislead(frame)
		case key == keyEndTxn && (misled.CompareAndSwap(true, false) || c.broker != nil && order.CompareAndSwap(true, false)):
			if end, err := endTxn(frame); err == nil {
				c.tornID.Store(end.TransactionalID)
			}
			c.torn.Store(true)
			return cutAnswer
		}
		return pass
	}
	return c
}

// mislead changes a request that adds the partition 0 of the results to a
// transaction: it names partition 1.
func (s *system) mislead(frame []byte) {
	name := []byte(s.agg.Topics().Results)
	at := bytes.Index(frame, name)
	if at < 0 {
		s.t.Errorf("AddPartitionsToTxn does not name the results: %q", frame)
		return
	}
	binary.BigEndian.PutUint32(frame[at+len(name)+1:], 1) // behind the number of partitions
}

// trustProducers has Apache Kafka write what belongs to no transaction.
func (s *system) trustProducers() {
	s.t.Helper()
	const name = "transaction.partition.verification.enable"
	off := "false"
	admin := kadm.NewClient(s.raw())
	if _, err := admin.AlterBrokerConfigs(s.t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &off}}); err != nil {
		s.t.Fatal(err)
	}
	brokers, err := admin.ListBrokers(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, name+" is off", func() bool {
		configs, err := admin.DescribeBrokerConfigs(s.t.Context(), brokers.NodeIDs()...)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, broker := range configs {
			for _, c := range broker.Configs {
				if c.Key == name && c.MaybeValue() != off {
					return false
				}
			}
		}
		return true
	})
}

// loseEnd has the embedded broker answer the EndTxn that is ordered and do
// nothing, until somebody writes the markers.
func (c *tearing) loseEnd(order *atomic.Bool) {
	t := c.s.t
	var mu sync.Mutex
	var lost *kmsg.EndTxnRequest
	c.broker.ControlKey(keyEndTxn, func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.broker.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if !c.torn.Load() || lost != nil {
			return nil, nil, false
		}
		lost = r.(*kmsg.EndTxnRequest)
		return lost.ResponseKind(), nil, true
	})
	describe := kmsg.DescribeTransactions
	c.broker.ControlKey(describe.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.broker.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		req := r.(*kmsg.DescribeTransactionsRequest)
		if lost == nil || len(req.TransactionalIDs) != 1 || req.TransactionalIDs[0] != lost.TransactionalID {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		s := kmsg.NewDescribeTransactionsResponseTransactionState()
		s.TransactionalID, s.ProducerID, s.ProducerEpoch, s.State = lost.TransactionalID, lost.ProducerID, lost.ProducerEpoch, "CompleteCommit"
		resp.TransactionStates = append(resp.TransactionStates, s)
		return resp, nil, true
	})
	carryOut := c.s.raw(kgo.MaxVersions(kversion.V3_6_0()))
	write := kmsg.WriteTxnMarkers
	c.broker.ControlKey(write.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.broker.KeepControl()
		mu.Lock()
		end := lost
		mu.Unlock()
		for _, m := range r.(*kmsg.WriteTxnMarkersRequest).Markers {
			if end == nil || end.ProducerID != m.ProducerID || end.ProducerEpoch != m.ProducerEpoch {
				continue
			}
			// What has a marker is not open any more, and this broker
			// knows it by the end alone: it ends as the marker says.
			end.Commit = m.Committed
			c.broker.SleepControl(func() {
				if _, err := end.RequestWith(context.Background(), carryOut); err != nil {
					t.Error(err)
				}
			})
		}
		return nil, nil, false
	})
}

// The brokers lose the markers of a commit, and its answer: the handler finds the
// transaction torn, mends it as it was recorded, and goes on under another
// transactional id.
func TestTornCommitIsMended(t *testing.T) {
	t.Parallel()
	var order atomic.Bool
	c := newTearing(t, &order)
	s := c.s
	key := string(keyIn(0))
	h := s.handle(via(&c.wire))
	s.do(key, 1)
	order.Store(true)
	torn := s.send(eventim.Command[Add]{Aggregate: key, Payload: Add{N: 2}})
	if res := s.await(torn.ID, 1); res.Version != 2 || res.Replayed {
		t.Errorf("the command whose markers were lost got %+v, want its own answer, version 2", res)
	}
	if !c.torn.Load() {
		t.Error("no transaction was torn")
	}
	if res := s.do(key, 3); res.Version != 3 || res.Snapshot.State.Sum != 6 {
		t.Errorf("the next command got %+v, want version 3", res)
	}
	h.stop()
	if _, again := c.ids.Load(c.tornID.Load()); again {
		t.Errorf("the transactional id %v is used again", c.tornID.Load())
	}
	if report := s.check(s.dir); report.Aborted != 0 {
		t.Errorf("%s, want nothing aborted: the recorded outcome is the commit", report)
	}
}

// leaveTorn does what a producer does whose transaction the brokers tear: records
// in the outputs and an offset of the group, of which the coordinator is not told,
// and an end. Apache Kafka only.
func (s *system) leaveTorn(id string, commit bool, topics ...string) {
	s.t.Helper()
	c := kafkalog.Kafka(s.kafka).Config()
	c.Metadata.Full = false
	client, err := sarama.NewClient(s.kafka.Brokers, c)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	fail := func(what string, err error, codes ...sarama.KError) {
		s.t.Helper()
		for _, code := range codes {
			if err == nil && code != sarama.ErrNoError {
				err = code
			}
		}
		if err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
	}
	coordinator, err := client.TransactionCoordinator(id)
	fail("coordinator", err)
	var producer *sarama.InitProducerIDResponse
	eventually(s.t, "a producer id is given out", func() bool {
		producer, err = coordinator.InitProducerID(&sarama.InitProducerIDRequest{
			Version: 4, TransactionalID: &id, TransactionTimeout: time.Minute, ProducerID: -1, ProducerEpoch: -1,
		})
		fail("InitProducerID", err)
		return producer.Err == sarama.ErrNoError
	})
	// It does write one record where the coordinator knows.
	told := s.agg.Topics().DeadLetters
	_, err = coordinator.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
		Version: 3, TransactionalID: id, ProducerID: producer.ProducerID, ProducerEpoch: producer.ProducerEpoch,
		TopicPartitions: map[string][]int32{told: {1}},
	})
	fail("AddPartitionsToTxn", err)
	now := time.Now().Truncate(time.Millisecond)
	for _, topic := range topics {
		leader, err := client.Leader(topic, 0)
		fail("leader", err)
		req := &sarama.ProduceRequest{Version: 9, TransactionalID: &id, RequiredAcks: sarama.WaitForAll, Timeout: 5000}
		req.AddBatch(topic, 0, &sarama.RecordBatch{
			Version: 2, ProducerID: producer.ProducerID, ProducerEpoch: producer.ProducerEpoch, IsTransactional: true,
			FirstTimestamp: now, MaxTimestamp: now, Records: []*sarama.Record{{Key: keyIn(0), Value: []byte("never")}},
		})
		answer, err := leader.Produce(req)
		fail("produce", err)
		fail("produce", nil, answer.GetBlock(topic, 0).Err)
	}
	offsets, err := client.Coordinator(s.agg.Group())
	fail("coordinator", err)
	committed, err := offsets.TxnOffsetCommit(&sarama.TxnOffsetCommitRequest{
		Version: 3, TransactionalID: id, ProducerID: producer.ProducerID, ProducerEpoch: producer.ProducerEpoch,
		GroupID: s.agg.Group(), GenerationID: -1,
		Topics: map[string][]*sarama.PartitionOffsetMetadata{s.agg.Topics().Commands: {{Partition: 0, Offset: 1_000_000, LeaderEpoch: -1}}},
	})
	fail("TxnOffsetCommit", err, committed.Topics[s.agg.Topics().Commands][0].Err)
	ended, err := coordinator.EndTxn(&sarama.EndTxnRequest{
		Version: 3, TransactionalID: id, ProducerID: producer.ProducerID, ProducerEpoch: producer.ProducerEpoch, TransactionResult: commit,
	})
	fail("EndTxn", err, ended.Err)
}

// A dead handler has left a torn abort, in the outputs and in the offsets of the
// group: who takes over mends it, and does not wait for ever. On the embedded
// broker, which tears nothing by itself, the abort is just open.
func TestTornAbortOfADeadOwnerIsMended(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.do(string(keyIn(0)), 100)
	h.stop()
	id := strings.Join([]string{s.agg.Group(), uuid.NewString(), "lx3k9f2a.0"}, "/")
	if os.Getenv("EVENTIM_TEST_KAFKA") == "" {
		s.leaveOpen(id, 5*time.Minute)
	} else {
		s.trustProducers()
		topics := s.agg.Topics()
		s.leaveTorn(id, false, topics.Results, topics.Events, topics.Snapshots)
	}
	h = s.handle(in(t.TempDir()))
	if res := s.do(string(keyIn(0)), 100); res.Version != 2 {
		t.Errorf("the new owner answers %+v, want version 2", res)
	}
	h.stop()
	if report := s.check(); report.Aborted == 0 {
		t.Errorf("%s, want the torn records among the hidden", report)
	}
}

// commands are acknowledged below an offset that was committed without their
// results.
func (s *system) losesResults(mark string) []eventim.Command[Add] {
	s.t.Helper()
	key := string(keyIn(0))
	h := s.handle()
	s.do(key, 1)
	h.stop()
	lost := []eventim.Command[Add]{s.add(key, 2), s.add(key, 3)}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: s.agg.Topics().Commands, Partition: 0, At: 3, LeaderEpoch: -1, Metadata: mark})
	if err := kadm.NewClient(s.raw()).CommitAllOffsets(s.t.Context(), s.agg.Group(), offsets); err != nil {
		s.t.Fatal(err)
	}
	return lost
}

// The brokers have kept the offset of a transaction and lost its records: the
// commands were acknowledged, and get their results.
func TestCommandsWithoutResultAreHandledAgain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	lost := s.losesResults("eventim")
	h := s.handle()
	for i, cmd := range lost {
		if res := s.await(cmd.ID, 1); res.Version != int64(i)+2 || res.Replayed {
			t.Errorf("the lost command %d got %+v, want version %d", i, res, i+2)
		}
	}
	if res := s.do(string(keyIn(0)), 4); res.Version != 4 || res.Snapshot.State.Sum != 10 {
		t.Errorf("the next command got %+v, want version 4", res)
	}
	h.stop()
	s.check(s.dir)
}

// One of them has an event: to handle it again would give its aggregate two of
// one version.
func TestCommandWithoutResultButWithEventStops(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	s.losesResults("eventim")
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Events, Partition: 0, Key: keyIn(0), Value: []byte("{}"),
		Headers: []kgo.RecordHeader{{Key: "ce_commandoffset", Value: []byte("1")}, {Key: "ce_version", Value: []byte("2")}},
	})
	h := s.handle()
	s.stopped(h, "have no result, but there is an event of the one at 1")
	h.stop()
}

// An operator has set the offset forward: what it skips is not handled.
func TestCommandsSkippedByAnOperatorAreNotHandled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	lost := s.losesResults("")
	var log syncWriter
	h := s.handle(func(c *eventim.HandlerConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if res := s.do(string(keyIn(0)), 4); res.Version != 2 || res.Snapshot.State.Sum != 5 {
		t.Errorf("the next command got %+v, want version 2", res)
	}
	h.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range lost {
		if n := len(s.results[cmd.ID]); n != 0 {
			t.Errorf("%d results of a command that was skipped, want none", n)
		}
	}
	if said := log.String(); !strings.Contains(said, "commands are skipped") || !strings.Contains(said, "commands=2") {
		t.Errorf("the log does not say that two commands are skipped:\n%s", said)
	}
}

// Two events of one version, as a torn transaction has left them: the log names
// them, and the partition goes on.
func TestTwoRecordsOfOneVersionAreNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	key := string(keyIn(0))
	h := s.handle()
	first := s.add(key, 1)
	s.await(first.ID, 1)
	s.send(first) // the answer to a repeat tells of no other event
	s.await(first.ID, 2)
	h.stop()
	start := func() (h handling, said func() string) {
		t.Helper()
		var log syncWriter
		h = s.handle(func(c *eventim.HandlerConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		s.running(h)
		return h, log.String
	}
	const twice = "two records of one version"
	h, said := start()
	if strings.Contains(said(), twice) {
		t.Errorf("nothing is there twice, but the log says\n%s", said())
	}
	h.stop()
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Events, Partition: 0, Key: []byte(key), Value: []byte(`{"N":1}`),
		Headers: head("ce_commandoffset", "0", "ce_version", "1"),
	})
	h, said = start()
	for _, part := range []string{twice, "topic=" + s.agg.Topics().Events, "aggregate_id=" + key, "version=1"} {
		if !strings.Contains(said(), part) {
			t.Errorf("the log lacks %q:\n%s", part, said())
		}
	}
	if res := s.do(key, 2); res.Version != 2 {
		t.Errorf("the next command got %+v, want version 2", res)
	}
	h.stop()
}

// The data directory of a handler is copied, and the copy is started: as it may
// be on another machine, no lock keeps it from that. The first one ends, and says
// why; started again, it has an identity of its own, and both go on.
func TestCopiedDirectory(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	first := s.run(s.dir)
	s.do("a", 1)
	copied := t.TempDir()
	if err := os.CopyFS(copied+"/"+s.agg.Name, os.DirFS(s.dir+"/"+s.agg.Name)); err != nil {
		t.Fatal(err)
	}
	second := s.handle(in(copied))
	eventually(t, "the first handler ends", func() bool { return len(first) == 1 })
	if err := <-first; !errors.Is(err, eventim.ErrIdentityInUse) {
		t.Fatalf("the handler whose directory was copied ended with %v, want ErrIdentityInUse", err)
	}
	s.do("a", 2)
	again := s.handle()
	eventually(t, "both handlers have a partition", func() bool { return len(again.Status()) == 1 && len(second.Status()) == 1 })
	s.do("a", 3)
	again.stop()
	second.stop()
	s.check()
}

// run runs a handler until it ends by itself.
func (s *system) run(dir string) <-chan error {
	s.t.Helper()
	ended := make(chan error, 1)
	h, err := eventim.NewHandler(s.agg, eventim.HandlerConfig{Kafka: s.kafka, Dir: dir, Session: 2 * time.Second, Logger: testLogger(s.t)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.background(func(ctx context.Context) error {
		ended <- h.Run(ctx)
		return nil
	})
	return ended
}

// The marker goes the way of all requests: through TLS, after SASL.
func TestMendOverTLSAndSASL(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil) // for its certificate
	certified.Close()
	trusting := certified.Client().Transport.(*http.Transport).TLSClientConfig
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(certified.TLS), kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	k := eventim.Kafka{Brokers: broker.ListenAddrs(), Configure: func(c *sarama.Config) {
		c.Net.TLS.Enable, c.Net.TLS.Config = true, &tls.Config{RootCAs: trusting.RootCAs, MinVersion: tls.VersionTLS12}
		c.Net.SASL.Enable, c.Net.SASL.Mechanism, c.Net.SASL.User, c.Net.SASL.Password = true, sarama.SASLTypePlaintext, "admin", "secret"
	}}
	a := counter
	a.Name, a.Partitions = "counter", 1
	if err := a.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	producer := rawClient(t, k, kgo.DialTLSConfig(trusting), kgo.SASL(plain.Auth{User: "admin", Pass: "secret"}.AsMechanism()),
		kgo.TransactionalID("foreign"), kgo.TransactionTimeout(5*time.Minute))
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: a.Topics().Results, Value: []byte("never")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	open, err := a.OpenTransactions(t.Context(), k)
	if err != nil || len(open) != 1 || open[0].Verdict != eventim.Alive || open[0].TransactionalID != "foreign" {
		t.Fatalf("open: %v, %v, want one that is alive", open, err)
	}
	if err := a.MendTransaction(t.Context(), k, open[0]); err == nil {
		t.Error("a transaction that is alive is mended")
	}
	torn := open[0]
	torn.Verdict = eventim.Torn
	for _, fate := range []eventim.Fate{"", eventim.Unknown} {
		torn.Fate = fate
		if err := a.MendTransaction(t.Context(), k, torn); err == nil {
			t.Errorf("a transaction that ended with %q is mended", fate)
		}
	}
	torn.Fate = eventim.Aborted
	if err := a.MendTransaction(t.Context(), k, torn); err != nil {
		t.Error(err)
	}
	stable, err := kadm.NewClient(producer).ListCommittedOffsets(t.Context(), a.Topics().Results)
	if at, _ := stable.Lookup(a.Topics().Results, 0); err != nil || at.Offset != 2 {
		t.Errorf("last stable offset %d, %v, want 2, behind the marker", at.Offset, err)
	}
}
