// Package kafkalog reads the logs of Kafka as they are: where they begin and end,
// their committed records, and which cluster and topics they belong to. It knows
// which answers of a broker pass. Handlers, projectors and web nodes stand on it.
package kafkalog

import (
	"cmp"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Kafka says how to reach a cluster.
type Kafka struct {
	Brokers   []string // host:port of some of them
	ClientID  string
	Configure func(*sarama.Config) // nil changes nothing
}

// BatchOverhead is what a record batch adds to its only record, in bytes, at most.
const BatchOverhead = 1 << 10

// ProtocolVersion is what we speak at most. sarama lowers each request to what
// the broker knows; 3.0 brought ListTransactions.
var ProtocolVersion = sarama.V3_6_0_0

// Config returns a new configuration with what every client of the framework
// needs, and with Configure applied.
func (k Kafka) Config() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = cmp.Or(k.ClientID, "eventim")
	c.Version = ProtocolVersion
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

func (k Kafka) Client() (sarama.Client, error) {
	client, err := sarama.NewClient(k.Brokers, k.Config())
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	return client, nil
}
