// Package eventimtest helps to test a domain and what is built on it: a
// decider by scenarios, and programs against a broker in the test's process.
package eventimtest

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devbroker"
)

// Kafka returns a cluster for a test: a broker in the process of the test
// which ends with it, or, where the environment variable EVENTIM_TEST_KAFKA
// names brokers (host:port, separated by commas), the cluster of those.
func Kafka(t testing.TB) eventim.Kafka {
	t.Helper()
	if brokers := os.Getenv("EVENTIM_TEST_KAFKA"); brokers != "" {
		return eventim.Kafka{Brokers: strings.Split(brokers, ",")}
	}
	return eventim.Kafka{Brokers: Embedded(t).ListenAddrs()}
}

// Embedded starts a broker in the process of the test, with control over its
// faults; it ends with the test.
func Embedded(t testing.TB) *kfake.Cluster {
	t.Helper()
	broker, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID(uuid.NewString()),
		// Without these, one topic with a retention makes kfake apply its
		// default of seven days to all, and compaction looks past open
		// transactions.
		kfake.BrokerConfigs(map[string]string{
			"log.retention.ms": "-1", "log.retention.bytes": "-1", "log.cleaner.backoff.ms": "315360000000",
			"group.min.session.timeout.ms": "500",
		}),
	)
	if err != nil {
		t.Fatalf("start the embedded broker: %v", err)
	}
	t.Cleanup(broker.Close)
	devbroker.Stamp(broker)
	return broker
}

// Name returns a name for an aggregate that no other test uses, since a real
// cluster is shared by many.
func Name(t testing.TB, prefix string) string {
	t.Helper()
	return cmp.Or(prefix, "test") + "-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
}
