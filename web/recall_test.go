package web

import (
	"slices"
	"strconv"
	"testing"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/invoices"
)

// The last command is found behind any number of aborted records, in what the
// retention has left, and in a transaction that is still open when it is looked
// for.
func TestLastCommands(t *testing.T) {
	t.Parallel()
	k, a := eventimtest.Kafka(t), invoices.Aggregate
	a.Name, a.Partitions = eventimtest.Name(t, "invoice"), 4
	must(t, a.CreateTopics(t.Context(), k, 1))
	topic := a.Topics().Results
	p := transactional(t, k, topic)

	p.transact(0, true, 3, 4) // partition 1 stays empty
	p.transact(0, false, slices.Repeat([]int64{99}, 400)...)
	p.transact(2, true, 1)
	p.transact(2, false, 99)
	p.deleteBelow(2, p.end(2))
	p.transact(2, true, 7)
	p.transact(2, true, 8)
	p.deleteBelow(2, p.end(2)-2)
	p.begin(3, 5)
	ends, err := endsOf(t.Context(), k, topic)
	must(t, err)
	found := make(chan offsets)
	go func() {
		last, err := lastCommandsIn(t.Context(), k, topic, ends)
		if err != nil {
			t.Error(err)
		}
		found <- last
	}()
	must(t, p.CommitTxn())
	if got, want := <-found, (offsets{4, -1, 8, 5}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// transactions writes records of a topic that name commands.
type transactions struct {
	sarama.SyncProducer
	t     *testing.T
	kafka eventim.Kafka
	topic string
}

func transactional(t *testing.T, k eventim.Kafka, topic string) transactions {
	t.Helper()
	config := kafkalog.Kafka(k).Config()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent, config.Net.MaxOpenRequests = true, 1
	config.Producer.Transaction.ID = topic
	p, err := sarama.NewSyncProducer(k.Brokers, config)
	must(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return transactions{p, t, k, topic}
}

func (p transactions) begin(partition int32, commands ...int64) {
	p.t.Helper()
	must(p.t, p.BeginTxn())
	var messages []*sarama.ProducerMessage
	for _, c := range commands {
		messages = append(messages, &sarama.ProducerMessage{Topic: p.topic, Partition: partition, Headers: []sarama.RecordHeader{
			{Key: []byte("ce_commandoffset"), Value: strconv.AppendInt(nil, c, 10)},
		}})
	}
	must(p.t, p.SendMessages(messages))
}

func (p transactions) transact(partition int32, commit bool, commands ...int64) {
	p.t.Helper()
	p.begin(partition, commands...)
	if commit {
		must(p.t, p.CommitTxn())
	} else {
		must(p.t, p.AbortTxn())
	}
}

func (p transactions) end(partition int32) int64 {
	p.t.Helper()
	ends, err := eventim.Ends(p.t.Context(), p.kafka, p.topic)
	must(p.t, err)
	return ends[partition]
}

func (p transactions) deleteBelow(partition int32, offset int64) {
	p.t.Helper()
	admin, err := sarama.NewClusterAdmin(p.kafka.Brokers, kafkalog.Kafka(p.kafka).Config())
	must(p.t, err)
	defer admin.Close()
	must(p.t, admin.DeleteRecords(p.topic, map[int32]int64{partition: offset}))
}
