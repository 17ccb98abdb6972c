package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// partitionLog is the stretch of a partition that Kafka holds.
type partitionLog struct{ start, end int64 }

// logOf asks the leader of the partition, and for some seconds again: it may
// be moving, or the topic may be new.
func logOf(ctx context.Context, client sarama.Client, topic string, partition int32) (partitionLog, error) {
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		var log partitionLog
		var err error
		if log.start, err = client.GetOffset(topic, partition, sarama.OffsetOldest); err == nil {
			log.end, err = client.GetOffset(topic, partition, sarama.OffsetNewest)
		}
		if err == nil {
			return log, nil
		}
		if pause > 3*time.Second || !sleep(ctx, pause) {
			return log, fmt.Errorf("list offsets of %s/%d: %w", topic, partition, err)
		}
		_ = client.RefreshMetadata(topic) // sarama keeps a leader that has moved until it is told
	}
}

func logsOf(ctx context.Context, client sarama.Client, topic string) (map[int32]partitionLog, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	logs := map[int32]partitionLog{}
	for _, id := range partitions {
		if logs[id], err = logOf(ctx, client, topic, id); err != nil {
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

// advice names the command of the program that calls Reanchor.
func (v *view) advice() string {
	return fmt.Sprintf("if that is right, build the view anew with the command `reanchor %s`", v.name)
}
