package devbroker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// work commits one step of the worker on a producer of its own.
func work(t *testing.T, addr string, n int64) {
	t.Helper()
	w, err := newWorker(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.step(n); err != nil {
		t.Fatal(err)
	}
	if err := w.producer.CommitTxn(); err != nil {
		t.Fatal(err)
	}
}

// worker writes a record to every partition of the topic out, and commits its offset in the topic in with them.
type worker struct {
	client   sarama.Client
	producer sarama.SyncProducer
}

func newWorker(addr string) (*worker, error) {
	c := sarama.NewConfig()
	c.Version = sarama.V3_9_0_0
	c.Metadata.Retry.Max = 1
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	c.Producer.Idempotent, c.Producer.RequiredAcks, c.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.Transaction.ID = "worker"
	c.Producer.Retry.Max, c.Producer.Transaction.Retry.Max = 1, 1
	c.Metadata.Retry.Backoff, c.Producer.Retry.Backoff = time.Millisecond, time.Millisecond
	c.Producer.Transaction.Retry.Backoff = time.Millisecond
	client, err := sarama.NewClient([]string{addr}, c)
	if err != nil {
		return nil, err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return &worker{client, producer}, nil
}

func (w *worker) Close() {
	_ = w.producer.Close() // it complains about the transaction that a kill left open
	_ = w.client.Close()
}

// step does everything of step n but the commit.
func (w *worker) step(n int64) error {
	if err := w.producer.BeginTxn(); err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, partitionCount)
	for p := range messages {
		messages[p] = &sarama.ProducerMessage{Topic: "out", Partition: int32(p), Value: sarama.StringEncoder(fmt.Sprint(n))}
	}
	if err := w.producer.SendMessages(messages); err != nil {
		return err
	}
	return w.producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{"in": {{Partition: 0, Offset: n}}}, "group")
}

// admin is a client of another make than the worker's, so that one does not hide the other's mistakes.
func admin(t *testing.T, addr string, options ...kgo.Opt) (*kgo.Client, *kadm.Client) {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, kadm.NewClient(client)
}

func createTopics(t *testing.T, addr string) {
	t.Helper()
	_, admin := admin(t, addr)
	for topic, partitions := range map[string]int32{"in": 1, "out": partitionCount} {
		if _, err := admin.CreateTopic(t.Context(), partitions, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
	}
}

// committedOffset is the worker's position: the number of the last step that was committed.
func committedOffset(t *testing.T, addr string) int64 {
	t.Helper()
	_, admin := admin(t, addr)
	offsets, err := admin.FetchOffsets(t.Context(), "group")
	if errors.Is(err, kerr.GroupIDNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	o, _ := offsets.Lookup("in", 0)
	return o.At
}

func brokerClusterID(t *testing.T, addr string) string {
	t.Helper()
	_, admin := admin(t, addr)
	metadata, err := admin.BrokerMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return metadata.Cluster
}

// readCommitted reads the committed values of a partition of the topic out.
func readCommitted(t *testing.T, addr string, partition int32) []string {
	t.Helper()
	client, admin := admin(t, addr, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"out": {partition: kgo.NewOffset().AtStart()}}))
	ends, err := admin.ListEndOffsets(t.Context(), "out")
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup("out", partition)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var values []string
	for next := int64(0); next < end.Offset; { // the last record is a marker
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read partition %d at %d of %d: %v", partition, next, end.Offset, err)
		}
		for _, r := range fetches.Records() {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
		}
	}
	return values
}
