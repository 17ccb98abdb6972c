package txn

import (
	"fmt"
	"slices"
	"testing"

	"github.com/IBM/sarama"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// However large the records are: those of a partition go out in order, without
// a gap in the sequence numbers, in batches that the broker takes, and a round
// has no partition twice.
func TestBatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := &transactor{limit: kafkalog.BatchOverhead + 1000}
		var requests []*Request
		want := map[topicPartition][]string{}
		for i := range rapid.IntRange(1, 5).Draw(t, "requests") {
			r := &Request{Partition: int32(i % 3)} //nolint:gosec // small
			for range rapid.IntRange(1, 20).Draw(t, "records") {
				topic := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "topic")
				at := topicPartition{topic, r.Partition}
				value := fmt.Sprintf("%d %0*d", len(want[at]), rapid.SampledFrom([]int{1, 200, 900, 2000}).Draw(t, "size"), i)
				want[at] = append(want[at], value)
				r.Records = append(r.Records, &sarama.ProducerMessage{Topic: topic, Partition: r.Partition, Value: sarama.StringEncoder(value)})
			}
			requests = append(requests, r)
		}
		got, next := map[topicPartition][]string{}, map[topicPartition]int32{}
		for _, round := range rounds(x.batches(requests)) {
			seen := map[topicPartition]bool{}
			for _, b := range round {
				at := b.topicPartition
				if seen[at] || b.FirstSequence != next[at] || b.size > x.limit && len(b.Records) > 1 || int(b.LastOffsetDelta) != len(b.Records)-1 {
					t.Fatalf("batch %+v: its partition is there twice: %v; want sequence number %d", b, seen[at], next[at])
				}
				seen[at] = true
				for i, r := range b.Records {
					got[at] = append(got[at], string(r.Value))
					next[at]++
					if r.OffsetDelta != int64(i) {
						t.Fatalf("record %d of a batch has the offset delta %d", i, r.OffsetDelta)
					}
				}
			}
		}
		for at := range want {
			if !slices.Equal(got[at], want[at]) {
				t.Fatalf("%v got %q, want %q", at, got[at], want[at])
			}
		}
	})
}
