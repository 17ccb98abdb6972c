package kafkalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// Cluster is what a metadata answer tells about identity.
type Cluster struct {
	ID         string
	Topics     map[string]string // topic ids by name
	Partitions map[string]int    // of the topics that exist, by name
}

// Describe asks any broker for the identity of the cluster and of topics. It tries
// until ctx ends, or for as long as brokers need to replace a dead one.
func Describe(ctx context.Context, client sarama.Client, topics ...string) (Cluster, error) {
	var d Cluster
	err := Retry(ctx, func() error {
		broker := client.LeastLoadedBroker()
		if broker == nil {
			return errors.Join(sarama.ErrOutOfBrokers, client.RefreshMetadata())
		}
		_ = broker.Open(client.Config()) // already open is fine; a failure shows in the request
		resp, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, topics))
		if err != nil {
			return err
		}
		d = Cluster{Topics: map[string]string{}, Partitions: map[string]int{}}
		if resp.ClusterID != nil {
			d.ID = *resp.ClusterID
		}
		for _, t := range resp.Topics {
			d.Topics[t.Name] = t.Uuid.String()
			if t.Err == sarama.ErrNoError {
				d.Partitions[t.Name] = len(t.Partitions)
			}
		}
		return nil
	})
	if err != nil {
		return Cluster{}, fmt.Errorf("describe the cluster: %w", err)
	}
	return d, nil
}
