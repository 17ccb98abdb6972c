package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// partitionLog is the stretch of a partition that Kafka holds.
type partitionLog struct {
	topicID    string
	start, end int64
}

// logOf asks the leader of the partition, and again while there may be none: it
// may be moving, or the topic may be new.
func logOf(ctx context.Context, client sarama.Client, topic string, partition int32) (partitionLog, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkalog.Leaderless)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		var log partitionLog
		var err error
		if log.topicID, err = topicID(client, topic); err == nil {
			log.start, err = client.GetOffset(topic, partition, sarama.OffsetOldest)
		}
		if err == nil {
			log.end, err = client.GetOffset(topic, partition, sarama.OffsetNewest)
		}
		if err == nil {
			return log, nil
		}
		if !kafkalog.Sleep(ctx, pause) {
			return log, fmt.Errorf("list offsets of %s/%d: %w", topic, partition, err)
		}
		_ = client.RefreshMetadata(topic) // sarama keeps a leader that has moved until it is told
	}
}

// topicID returns what the cluster calls the topic, as long as it exists: one
// that is created anew under the same name has another id. It is empty where
// the brokers are older than ids, which came with Kafka 2.8.
func topicID(client sarama.Client, topic string) (string, error) {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return "", err
	}
	topics, err := admin.DescribeTopics([]string{topic})
	if err != nil {
		return "", err
	}
	if len(topics) != 1 || topics[0].Err != sarama.ErrNoError {
		return "", fmt.Errorf("describe topic %s: %w", topic, sarama.ErrUnknownTopicOrPartition)
	}
	if topics[0].Uuid == (sarama.Uuid{}) {
		return "", nil
	}
	return topics[0].Uuid.String(), nil
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
	case p.topicID != "" && log.topicID != "" && p.topicID != log.topicID:
		return p, v.otherTopic(p.topicID, log.topicID)
	case p.next > log.end:
		return p, refuse("view %s is at offset %d of %s/%d, which ends at %d: the topic was truncated or created anew; %s",
			v.name, p.next, v.topic, partition, log.end, v.advice())
	case p.next < log.start && !v.expires:
		return p, refuse("view %s is at offset %d of %s/%d, which begins at %d: records were deleted before they were applied; %s",
			v.name, p.next, v.topic, partition, log.start, v.advice())
	case p.next < log.start:
		p.next = log.start
	}
	return p, nil
}

// otherTopic is the error of a position in a topic that had the id was.
func (v *view) otherTopic(was, is string) error {
	return refuse("view %s was written from topic %s when that had the id %s; it was deleted and created anew, as %s; %s",
		v.name, v.topic, was, is, v.advice())
}

// advice names the command of the program that calls Reanchor, if it has one.
func (v *view) advice() string {
	if v.reanchor == "" {
		return "if that is right, forget the view with projector.Reanchor, and the next start builds it anew"
	}
	return fmt.Sprintf("if that is right, build the view anew with the command `%s %s`", v.reanchor, v.name)
}
