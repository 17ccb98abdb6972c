package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Kafka says how to reach the cluster.
type Kafka struct {
	Brokers  []string // host:port of some of them
	ClientID string   // shown in the broker's logs; "eventim" when empty

	// Configure changes each configuration before it is used: TLS, SASL,
	// proxies. Nil changes nothing.
	Configure func(*sarama.Config)
}

// protocolVersion is what we speak at most. sarama lowers each request to what
// the broker knows; 3.0 brought ListTransactions.
var protocolVersion = sarama.V3_6_0_0

// Config returns a new configuration with what every client of the framework
// needs, and with Configure applied.
func (k Kafka) Config() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = cmp.Or(k.ClientID, "eventim")
	c.Version = protocolVersion
	c.Net.DialTimeout = 5 * time.Second
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.RefreshFrequency = time.Minute
	// An aborted record must never be seen, and RequireStable comes with it.
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.Retry.Backoff = 100 * time.Millisecond // a partition whose leader moves pauses for as long
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	if k.Configure != nil {
		k.Configure(c)
	}
	return c
}

func (k Kafka) client() (sarama.Client, error) {
	client, err := sarama.NewClient(k.Brokers, k.Config())
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	return client, nil
}

// ClusterID returns the id that the cluster gave itself. Offsets mean nothing
// in another cluster: wherever one is kept, this stands beside it.
func ClusterID(ctx context.Context, k Kafka) (string, error) {
	client, err := k.client()
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	d, err := describeCluster(ctx, client)
	return d.id, err
}

// cluster is what a metadata answer tells about identity.
type cluster struct {
	id         string
	topics     map[string]string // topic ids by name
	partitions map[string]int    // of the topics that exist, by name
}

func describeCluster(ctx context.Context, client sarama.Client, topics ...string) (cluster, error) {
	var d cluster
	err := retry(ctx, func() error {
		broker := client.LeastLoadedBroker()
		if broker == nil {
			return errors.Join(sarama.ErrOutOfBrokers, client.RefreshMetadata())
		}
		_ = broker.Open(client.Config()) // already open is fine; a failure shows in the request
		resp, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, topics))
		if err != nil {
			return err
		}
		d = cluster{topics: map[string]string{}, partitions: map[string]int{}}
		if resp.ClusterID != nil {
			d.id = *resp.ClusterID
		}
		for _, t := range resp.Topics {
			d.topics[t.Name] = t.Uuid.String()
			if t.Err == sarama.ErrNoError {
				d.partitions[t.Name] = len(t.Partitions)
			}
		}
		return nil
	})
	if err != nil {
		return cluster{}, fmt.Errorf("describe the cluster: %w", err)
	}
	return d, nil
}

// leaderless is how long a partition may be without a leader, or a group without
// a coordinator: Kafka misses a broker that has died after
// broker.session.timeout.ms, 9 s by default.
const leaderless = 30 * time.Second

// retry calls fn until it succeeds, ctx ends, or a broker that has died must
// have been replaced; its pauses double from 10 ms to 500 ms.
func retry(ctx context.Context, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, leaderless)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := fn()
		if err == nil {
			return nil
		}
		if !sleep(ctx, pause) {
			return err
		}
	}
}

// sleep waits for d and reports whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
