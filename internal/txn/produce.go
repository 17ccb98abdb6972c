package txn

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// outBatch is a batch of records on its way to one partition.
type outBatch struct {
	topicPartition
	*sarama.RecordBatch
	messages []*sarama.ProducerMessage
	number   int   // of the batch among those of its partition in the transaction
	size     int   // bytes, not compressed
	offset   int64 // of the first record, once it is written
	err      error // of the last attempt to write it
}

// batches packs the records of a transaction: those of a partition in order,
// into as few batches as the broker takes.
func (t *transactor) batches(requests []*Request) []*outBatch {
	var all []*outBatch
	last := map[topicPartition]*outBatch{}
	now := faultpoint.Now().Truncate(time.Millisecond)
	for _, r := range requests {
		for _, m := range r.Records {
			at := topicPartition{m.Topic, m.Partition}
			b, size := last[at], m.ByteSize(2)
			if b == nil || b.size+size > t.limit {
				b = t.batch(at, b, now)
				last[at], all = b, append(all, b)
			}
			b.add(m, size)
		}
	}
	next := map[topicPartition]int32{} // sequence numbers of the epoch
	for _, b := range all {
		n := int32(len(b.Records)) //nolint:gosec // not that many
		b.FirstSequence, b.LastOffsetDelta = next[b.topicPartition], n-1
		next[b.topicPartition] += n
	}
	slices.SortStableFunc(all, func(a, b *outBatch) int { return cmp.Compare(a.number, b.number) })
	return all
}

func (t *transactor) batch(at topicPartition, previous *outBatch, now time.Time) *outBatch {
	b := &outBatch{topicPartition: at, size: kafkalog.BatchOverhead, RecordBatch: &sarama.RecordBatch{
		Version: 2, Codec: sarama.CompressionLZ4, CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID: t.Producer, ProducerEpoch: t.Epoch, IsTransactional: true, FirstTimestamp: now, MaxTimestamp: now,
	}}
	if previous != nil {
		b.number = previous.number + 1
	}
	return b
}

func (b *outBatch) add(m *sarama.ProducerMessage, size int) {
	r := &sarama.Record{OffsetDelta: int64(len(b.Records)), Headers: make([]*sarama.RecordHeader, len(m.Headers))}
	for i := range m.Headers {
		r.Headers[i] = &m.Headers[i]
	}
	// Keys and values are strings and bytes, whose encoders cannot fail.
	if m.Key != nil {
		r.Key, _ = m.Key.Encode()
	}
	if m.Value != nil {
		r.Value, _ = m.Value.Encode()
	}
	b.Records, b.messages = append(b.Records, r), append(b.messages, m)
	b.size += size
}

const maxRequestBytes = 32 << 20 // a broker takes 100 MiB (socket.request.max.bytes)

// rounds splits batches, which are sorted by number, into requests: one holds
// no partition twice, which brokers refuse, and is not too large.
func rounds(batches []*outBatch) [][]*outBatch {
	var all [][]*outBatch
	size := 0
	for i, b := range batches {
		if i == 0 || b.number != batches[i-1].number || size+b.size > maxRequestBytes {
			all, size = append(all, nil), 0
		}
		size += b.size
		all[len(all)-1] = append(all[len(all)-1], b)
	}
	return all
}

func topicsOf(batches []*outBatch) []string {
	var topics []string
	for _, b := range batches {
		if !slices.Contains(topics, b.topic) {
			topics = append(topics, b.topic)
		}
	}
	return topics
}

// produce writes the batches, those of different partitions at the same time.
func (t *transactor) produce(ctx context.Context, batches []*outBatch) error {
	for _, round := range rounds(batches) {
		pending := round
		refresh := func() error { return t.data.RefreshMetadata(topicsOf(pending)...) }
		err := kafkalog.Request(ctx, refresh, func() (err error) {
			pending, err = t.produceOnce(pending)
			return err
		})
		if err != nil {
			return fmt.Errorf("produce: %w", err)
		}
	}
	return nil
}

// produceOnce returns the batches that were refused for now. To send them
// again is safe: by its sequence number, a partition knows what it has.
func (t *transactor) produceOnce(batches []*outBatch) (refused []*outBatch, err error) {
	byLeader := map[*sarama.Broker][]*outBatch{}
	for _, b := range batches {
		leader, err := t.data.Leader(b.topic, b.partition)
		if err != nil {
			return batches, err
		}
		byLeader[leader] = append(byLeader[leader], b)
	}
	var answers sync.WaitGroup
	for leader, some := range byLeader {
		answers.Go(func() { t.produceTo(leader, some) })
	}
	answers.Wait()
	for _, b := range batches {
		if b.err == nil {
			continue
		}
		if refused = append(refused, b); err == nil || !kafkalog.Passes(b.err) {
			err = fmt.Errorf("%s/%d: %w", b.topic, b.partition, b.err)
		}
	}
	return refused, err
}

func (t *transactor) produceTo(leader *sarama.Broker, batches []*outBatch) {
	req := &sarama.ProduceRequest{
		Version: 9, TransactionalID: &t.id, RequiredAcks: sarama.WaitForAll, Timeout: int32(produceTimeout.Milliseconds()),
	}
	for _, b := range batches {
		req.AddBatch(b.topic, b.partition, b.RecordBatch)
	}
	resp, err := leader.Produce(req)
	for _, b := range batches {
		if b.err = err; err != nil {
			continue
		}
		block := resp.GetBlock(b.topic, b.partition)
		if block == nil {
			b.err = sarama.ErrIncompleteResponse
			continue
		}
		b.offset, b.err = block.Offset, kafkalog.Failure(block.Err)
	}
}
