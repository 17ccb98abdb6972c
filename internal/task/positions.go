package task

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Positions is a compacted topic in which each transaction says how far its input is
// done. Kafka forgets the offsets of a group that is away for a week
// (offsets.retention.minutes, KIP-211); what the input said until then would be done
// again, which has effects where no id is remembered. A task without one is told
// otherwise where it goes on.
type Positions struct {
	Topic      string
	Partitions int32
}

// position is the value of a record of the topic.
type position struct {
	Next  int64  `json:"next"`
	Topic string `json:"topicId"` // of the input
}

func (c *Claim) positionKey() string {
	return c.task.Group + "/" + c.task.Input + "/" + strconv.Itoa(int(c.Partition))
}

// marked adds to the records of a batch how far the input is done then. The slice is
// not that of the batch, which is what the store is filled with.
func (c *Claim) marked(records []*sarama.ProducerMessage, next int64) ([]*sarama.ProducerMessage, error) {
	at := c.task.Positions
	if at.Topic == "" {
		return records, nil
	}
	value, err := json.Marshal(position{next, c.Restorer.Cluster.Topics[c.task.Input]})
	if err != nil {
		return nil, err
	}
	return append(slices.Clip(records), &sarama.ProducerMessage{
		Topic: at.Topic, Partition: c.Partition % at.Partitions, Key: sarama.StringEncoder(c.positionKey()), Value: sarama.ByteEncoder(value),
	}), nil
}

// remember finds where the input goes on when the group has no offset: because it is
// new, or because it was forgotten.
func (c *Claim) remember(ctx context.Context) error {
	last, found, err := c.lastPosition(ctx)
	if err != nil || !found {
		return err
	}
	if id := c.Restorer.Cluster.Topics[c.task.Input]; last.Topic != id {
		return c.refuse("the group's offset is gone, and it was that of another topic of this name (id %s, now %s): the topic was made anew", last.Topic, id)
	}
	c.Next = last.Next
	return nil
}

// renew commits the offset that was forgotten: who waits until all of the input is
// done, such as a timer (drain before fire), asks the group.
func (c *Claim) renew() error {
	c.Logger.Warn("the group's offset was forgotten; it goes on where it was", slog.Int64("offset", c.Next))
	_, err := c.commitBatch(Commit{Next: c.Next})
	return err
}

// lastPosition reads what the last transaction for the partition has said, from the
// end on: what is said often is near it.
func (c *Claim) lastPosition(ctx context.Context) (last position, found bool, err error) {
	at := c.task.Positions
	if at.Topic == "" {
		return last, false, nil
	}
	partition, key := c.Partition%at.Partitions, c.positionKey()
	start, end, err := c.Restorer.Bounds(ctx, at.Topic, partition)
	if err != nil {
		return last, false, err
	}
	reader := kafkalog.Reader{Client: c.Restorer.Client, Topic: at.Topic, Partition: partition, Stalled: c.Restorer.Fencer.StalledAt(c.Partition, at.Topic)}
	for to, back := end, int64(1000); !found && to > start; to, back = max(start, to-back), 16*back {
		_, err := reader.Read(ctx, max(start, to-back), to, func(b *sarama.RecordBatch, r *sarama.Record) error {
			if kafkalog.OffsetOf(b, r) >= to || string(r.Key) != key {
				return nil
			}
			if err := json.Unmarshal(r.Value, &last); err != nil {
				return &UnreadableError{fmt.Errorf("%s/%d at %d says where %s was: %w", at.Topic, partition, kafkalog.OffsetOf(b, r), key, err)}
			}
			found = true
			return nil
		})
		if err != nil {
			return last, false, fmt.Errorf("read where %s was: %w", key, err)
		}
	}
	return last, found, nil
}
