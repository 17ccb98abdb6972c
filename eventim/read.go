package eventim

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// ErrOffsetOutOfRange says that a topic does not hold an offset to read from:
// the retention has deleted it, or the topic was made anew.
var ErrOffsetOutOfRange error = sarama.ErrOffsetOutOfRange

// Positions are the next offsets to read, by partition.
type Positions map[int32]int64

// Ends returns where each partition of topic ends now: its high watermark.
// Records of open transactions are below it.
func Ends(ctx context.Context, k Kafka, topic string) (Positions, error) {
	client, err := k.connection().Client()
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	return ends(ctx, client, topic)
}

func ends(ctx context.Context, client sarama.Client, topic string) (Positions, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	end := Positions{}
	for _, p := range partitions {
		if end[p], err = kafkalog.Offset(ctx, client, topic, p, sarama.OffsetNewest); err != nil {
			return nil, err
		}
	}
	return end, nil
}

// Read calls fn with each committed record of topic in [from, to), partition
// after partition, and returns. Partitions that from lacks are read from their
// beginning; partitions that to lacks are not read. It fails with
// ErrOffsetOutOfRange when the topic no longer holds a from.
func Read(ctx context.Context, k Kafka, topic string, from, to Positions, fn func(Record) error) error {
	client, err := k.connection().Client()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	for p, end := range to {
		r := kafkalog.Reader{Client: client, Topic: topic, Partition: p}
		start, ok := from[p]
		if !ok {
			if start, err = kafkalog.Offset(ctx, client, topic, p, sarama.OffsetOldest); err != nil {
				return err
			}
		}
		if _, err := r.Read(ctx, start, end, eachRecord(topic, p, fn)); err != nil {
			return err
		}
	}
	return nil
}

func eachRecord(topic string, partition int32, fn func(Record) error) func(*sarama.RecordBatch, *sarama.Record) error {
	return func(b *sarama.RecordBatch, r *sarama.Record) error {
		return fn(recordOf(topic, partition, b, r))
	}
}

func recordOf(topic string, partition int32, b *sarama.RecordBatch, r *sarama.Record) Record {
	return Record{
		Topic: topic, Position: Position{partition, kafkalog.OffsetOf(b, r)}, Time: kafkalog.TimeOf(b, r),
		Key: r.Key, Value: r.Value, Headers: headersOf(r.Headers),
	}
}
