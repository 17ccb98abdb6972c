package projector

import (
	"fmt"

	"github.com/IBM/sarama"
)

// partitionLog is the stretch of a partition that Kafka holds.
type partitionLog struct{ start, end int64 }

func logOf(client sarama.Client, topic string, partition int32) (partitionLog, error) {
	var log partitionLog
	var err error
	if log.start, err = client.GetOffset(topic, partition, sarama.OffsetOldest); err == nil {
		log.end, err = client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	if err != nil {
		_ = client.RefreshMetadata(topic) // its leader may have moved
		return log, fmt.Errorf("list offsets of %s/%d: %w", topic, partition, err)
	}
	return log, nil
}

func logsOf(client sarama.Client, topic string) (map[int32]partitionLog, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	logs := map[int32]partitionLog{}
	for _, id := range partitions {
		if logs[id], err = logOf(client, topic, id); err != nil {
			return nil, err
		}
	}
	return logs, nil
}

// fit checks that the log still holds what follows p. The position of a view
// that may have gaps moves to the start of the log.
func (v *view) fit(p position, log partitionLog, partition int32) (position, error) {
	switch {
	case p.next > log.end:
		return p, fmt.Errorf("view %s is at offset %d of %s/%d, which ends at %d: the topic was truncated or created anew; %s",
			v.name, p.next, v.topic, partition, log.end, v.advice())
	case p.next < log.start && !v.expires:
		return p, fmt.Errorf("view %s is at offset %d of %s/%d, which begins at %d: records were deleted before they were applied; %s",
			v.name, p.next, v.topic, partition, log.start, v.advice())
	case p.next < log.start:
		p.next = log.start
	}
	return p, nil
}

// advice names the command that calls Reanchor.
func (v *view) advice() string {
	return fmt.Sprintf("if that is right, build the view anew with `invoices projector --reanchor %s`", v.name)
}
