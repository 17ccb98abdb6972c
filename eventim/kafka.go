package eventim

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Kafka says how to reach the cluster.
type Kafka struct {
	Brokers  []string // host:port of some of them
	ClientID string   // shown in the broker's logs; "eventim" when empty

	// Configure changes each configuration before it is used: TLS, SASL,
	// proxies. Nil changes nothing.
	Configure func(*sarama.Config)
}

// ClusterID returns the id that the cluster gave itself. Offsets mean nothing
// in another cluster: wherever one is kept, this stands beside it.
func ClusterID(ctx context.Context, k Kafka) (string, error) {
	client, err := k.connection().Client()
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	d, err := kafkalog.Describe(ctx, client)
	return d.ID, err
}

// connection is k for the rooms below.
func (k Kafka) connection() kafkalog.Kafka { return kafkalog.Kafka(k) }
