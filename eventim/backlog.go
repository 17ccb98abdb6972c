package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Backlog is how far the handlers are behind the commands of a partition.
type Backlog struct {
	Partition int32
	Handled   int64 // offset of the first command that no handler has finished
	End       int64 // where the commands end
}

// Waits tells whether there is a command to handle: markers of a sender's
// transactions take offsets, too.
func (b Backlog) Waits(ctx context.Context, k Kafka, topic string) (bool, error) {
	if b.Handled >= b.End {
		return false, nil
	}
	err := Read(ctx, k, topic, Positions{b.Partition: b.Handled}, Positions{b.Partition: b.End}, func(Record) error { return kafkalog.ErrFound })
	if errors.Is(err, kafkalog.ErrFound) {
		return true, nil
	}
	return false, err
}

// Backlogs asks Kafka how far the handlers of a are behind, for each partition
// of the commands, in order. It needs no handler in this process.
func (a Aggregate[S, C, E]) Backlogs(ctx context.Context, k Kafka) ([]Backlog, error) {
	topic := a.Topics().Commands
	ends, err := Ends(ctx, k, topic)
	if err != nil {
		return nil, err
	}
	var all []Backlog
	for p, end := range ends {
		all = append(all, Backlog{Partition: p, End: end})
	}
	slices.SortFunc(all, func(x, y Backlog) int { return cmp.Compare(x.Partition, y.Partition) })
	err = withAdmin(k, func(admin sarama.ClusterAdmin) error { return handledOf(admin, a.Group(), topic, all) })
	return all, err
}

func handledOf(admin sarama.ClusterAdmin, group, topic string, all []Backlog) error {
	var partitions []int32
	for _, b := range all {
		partitions = append(partitions, b.Partition)
	}
	resp, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: partitions})
	if errors.Is(err, sarama.ErrGroupIDNotFound) { // nobody has ever committed
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the offsets of group %s: %w", group, err)
	}
	for i := range all {
		if block := resp.GetBlock(topic, all[i].Partition); block != nil && block.Offset >= 0 {
			all[i].Handled = block.Offset
		}
	}
	return nil
}
