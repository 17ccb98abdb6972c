package kafkalog

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// batchAt is a record batch with records at the offsets, whose last offset may
// lie behind the last of them, as compaction leaves it.
func batchAt(producer, first, last int64, transactional bool, offsets ...int64) *sarama.RecordBatch {
	b := &sarama.RecordBatch{
		FirstOffset: first, LastOffsetDelta: int32(last - first), ProducerID: producer, IsTransactional: transactional, //nolint:gosec // small
		FirstTimestamp: time.UnixMilli(1000),
	}
	for _, o := range offsets {
		b.Records = append(b.Records, &sarama.Record{OffsetDelta: o - first, TimestampDelta: time.Second, Value: fmt.Append(nil, o)})
	}
	return b
}

func marker(producer, at int64, commit byte) *sarama.RecordBatch {
	b := batchAt(producer, at, at, true, at)
	b.Control, b.Records[0].Key = true, []byte{0, 0, 0, commit}
	return b
}

func TestEmit(t *testing.T) {
	t.Parallel()
	partial := batchAt(1, 8, 9, false, 8)
	partial.PartialTrailingRecord = true
	for _, c := range []struct {
		name    string
		from    int64
		batches []*sarama.RecordBatch
		aborted []*sarama.AbortedTransaction
		want    []int64
		next    int64
	}{
		{"nothing", 7, nil, nil, nil, 7},
		{"plain records", 0, []*sarama.RecordBatch{batchAt(-1, 0, 2, false, 0, 1, 2)}, nil, []int64{0, 1, 2}, 3},
		{"from the middle of a batch", 1, []*sarama.RecordBatch{batchAt(-1, 0, 2, false, 0, 1, 2)}, nil, []int64{1, 2}, 3},
		{"a committed transaction", 0, []*sarama.RecordBatch{batchAt(1, 0, 1, true, 0, 1), marker(1, 2, 1)}, nil, []int64{0, 1}, 3},
		{"only a marker", 2, []*sarama.RecordBatch{marker(1, 2, 1)}, nil, nil, 3},
		{
			"an aborted transaction, then a committed one of the same producer", 0,
			[]*sarama.RecordBatch{batchAt(1, 0, 1, true, 0, 1), marker(1, 2, 0), batchAt(1, 3, 3, true, 3), marker(1, 4, 1)},
			[]*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}},
			[]int64{3},
			5,
		},
		{
			"interleaved producers, the list of the aborted unsorted", 0,
			[]*sarama.RecordBatch{
				batchAt(1, 0, 0, true, 0), batchAt(2, 1, 1, true, 1), batchAt(3, 2, 2, true, 2),
				marker(2, 3, 1), marker(1, 4, 0), batchAt(1, 5, 5, true, 5), marker(3, 6, 0), marker(1, 7, 0),
			},
			[]*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 5}, {ProducerID: 3, FirstOffset: 2}, {ProducerID: 1, FirstOffset: 0}},
			[]int64{1},
			8,
		},
		{
			"records outside transactions amid an aborted one", 0,
			[]*sarama.RecordBatch{batchAt(1, 0, 0, true, 0), batchAt(-1, 1, 1, false, 1), marker(1, 2, 0)},
			[]*sarama.AbortedTransaction{{ProducerID: 1, FirstOffset: 0}},
			[]int64{1},
			3,
		},
		{"holes that compaction made", 0, []*sarama.RecordBatch{batchAt(1, 0, 9, true, 2, 7), batchAt(1, 20, 29, true, 29)}, nil, []int64{2, 7, 29}, 30},
		{"a tail that compaction removed", 0, []*sarama.RecordBatch{batchAt(1, 0, 9, true, 2)}, nil, []int64{2}, 10},
		{"an empty batch that compaction kept", 5, []*sarama.RecordBatch{batchAt(1, 5, 9, true)}, nil, nil, 10},
		{"a batch that is cut off", 0, []*sarama.RecordBatch{batchAt(1, 0, 7, false, 0), partial}, nil, []int64{0}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block := &sarama.FetchResponseBlock{AbortedTransactions: c.aborted}
			for _, b := range c.batches {
				block.RecordsSet = append(block.RecordsSet, &sarama.Records{RecordBatch: b})
			}
			var got []int64
			next, err := emit(block, c.from, func(b *sarama.RecordBatch, r *sarama.Record) error {
				at := OffsetOf(b, r)
				if string(r.Value) != fmt.Sprint(at) || TimeOf(b, r).UnixMilli() != 2000 {
					t.Errorf("record %q at %v, want the one at its offset, at second 2", r.Value, TimeOf(b, r))
				}
				got = append(got, at)
				return nil
			})
			if err != nil || next != c.next || !slices.Equal(got, c.want) {
				t.Errorf("emitted %v, next %d, %v; want %v, next %d", got, next, err, c.want, c.next)
			}
		})
	}
}

// A reader gets to the end of a partition whose tail is compacted away, or is
// but an empty batch.
func TestReadCompactedTail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fetches [][]*sarama.RecordBatch // answers, of which the last is repeated
		want    int64
		records int
	}{
		"nothing left":            {[][]*sarama.RecordBatch{nil}, 10, 0},
		"an empty batch":          {[][]*sarama.RecordBatch{{batchAt(1, 0, 9, true)}}, 10, 0},
		"a record, then a hole":   {[][]*sarama.RecordBatch{{batchAt(1, 0, 3, true, 1)}, nil}, 10, 1},
		"beyond the target":       {[][]*sarama.RecordBatch{{batchAt(1, 0, 19, true, 1)}}, 20, 1},
		"nothing but two markers": {[][]*sarama.RecordBatch{{marker(1, 7, 1)}, {marker(1, 9, 0)}}, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := sarama.NewClient([]string{serving(t, c.fetches)}, mockConfig())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			records := 0
			r := Reader{Client: client, Topic: "t", Partition: 0}
			next, err := r.Read(t.Context(), 0, 10, func(*sarama.RecordBatch, *sarama.Record) error {
				records++
				return nil
			})
			if err != nil || next != c.want || records != c.records {
				t.Errorf("read %d records to %d, %v; want %d to %d", records, next, err, c.records, c.want)
			}
		})
	}
}

// serving is the address of a broker that answers fetches of the partition t/0
// with the batches.
func serving(t *testing.T, fetches [][]*sarama.RecordBatch) string {
	t.Helper()
	broker := sarama.NewMockBroker(t, 1)
	t.Cleanup(broker.Close)
	var answers []any
	for _, batches := range fetches {
		block := &sarama.FetchResponseBlock{LastStableOffset: 10, HighWaterMarkOffset: 10}
		for _, b := range batches {
			b.Version, b.MaxTimestamp = 2, b.FirstTimestamp
			block.RecordsSet = append(block.RecordsSet, &sarama.Records{RecordBatch: b})
		}
		answers = append(answers, &sarama.FetchResponse{
			Version: 11, Blocks: map[string]map[int32]*sarama.FetchResponseBlock{"t": {0: block}},
		})
	}
	broker.SetHandlerByMap(map[string]sarama.MockResponse{
		"MetadataRequest": sarama.NewMockMetadataResponse(t).SetBroker(broker.Addr(), broker.BrokerID()).SetLeader("t", 0, broker.BrokerID()),
		"FetchRequest":    sarama.NewMockSequence(answers...),
	})
	return broker.Addr()
}

func mockConfig() *sarama.Config {
	c := Kafka{}.Config()
	c.ApiVersionsRequest = false
	return c
}

// The time of a record that the broker has stamped is that of its batch,
// whatever its sender wrote beside it.
func TestStampedBatches(t *testing.T) {
	t.Parallel()
	b := batchAt(1, 0, 0, false, 0)
	b.MaxTimestamp = time.UnixMilli(7000)
	if at := TimeOf(b, b.Records[0]); at.UnixMilli() != 2000 {
		t.Errorf("the time is %v, want that of the sender, second 2", at)
	}
	b.LogAppendTime = true
	if at := TimeOf(b, b.Records[0]); at.UnixMilli() != 7000 {
		t.Errorf("the time is %v, want that of the broker, second 7", at)
	}
}
