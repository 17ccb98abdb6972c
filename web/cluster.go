package web

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// epochOf names what the offsets of topics belong to: the cluster and the ids
// of the topics. One that is deleted and created anew has another id.
func epochOf(ctx context.Context, k eventim.Kafka, topics ...string) (string, error) {
	epoch, err := eventim.ClusterID(ctx, k)
	if err != nil {
		return "", err
	}
	client, err := connectTo(k)
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	for _, topic := range topics {
		id, err := topicID(client, topic)
		if err != nil {
			return "", fmt.Errorf("describe %s: %w", topic, err)
		}
		epoch += " " + id.String()
	}
	if len(epoch) > maxEpoch {
		return "", fmt.Errorf("cluster id %q is too long", epoch)
	}
	return epoch, nil
}

func topicID(client sarama.Client, topic string) (sarama.Uuid, error) {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return sarama.Uuid{}, err
	}
	described, err := admin.DescribeTopics([]string{topic})
	if err != nil {
		return sarama.Uuid{}, err
	}
	if len(described) != 1 || described[0].Err != sarama.ErrNoError {
		return sarama.Uuid{}, sarama.ErrUnknownTopicOrPartition
	}
	return described[0].Uuid, nil
}

func connectTo(k eventim.Kafka) (sarama.Client, error) {
	client, err := sarama.NewClient(k.Brokers, kafkalog.Kafka(k).Config())
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	return client, nil
}

// endsOf returns where the partitions of a topic end now.
func endsOf(ctx context.Context, k eventim.Kafka, topic string) (offsets, error) {
	ends, err := eventim.Ends(ctx, k, topic)
	if err != nil {
		return nil, err
	}
	return offsetsOf(topic, ends)
}

// startsOf returns where the partitions of a topic begin now.
func startsOf(k eventim.Kafka, topic string, partitions int) (offsets, error) {
	client, err := connectTo(k)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	starts := make(offsets, partitions)
	for p := range starts.positions() {
		if starts[p], err = client.GetOffset(topic, p, sarama.OffsetOldest); err != nil {
			return nil, fmt.Errorf("begin of %s/%d: %w", topic, p, err)
		}
	}
	return starts, nil
}
