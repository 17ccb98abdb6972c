package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const nodes = 3

// cluster is real Kafka nodes of our own.
type cluster struct {
	dir     string
	nodes   int
	brokers []string
	admin   *kadm.Client
	close   func() error
}

// script runs .ci/kafka/kafka.sh, from the root of the repository. Nodes keep
// the files of the process that started them open, so that no pipe may be one
// of them.
func script(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, ".ci/kafka/kafka.sh", args...) //nolint:gosec // our own arguments
	var stderr strings.Builder
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output returns it as it is
		stderr.Write(exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("kafka.sh %v: %w %s", args, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func startCluster(ctx context.Context, dir string, nodes int) (*cluster, error) {
	addresses, err := script(ctx, "up", strconv.Itoa(nodes), dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, nodes: nodes, brokers: strings.Split(addresses, ",")}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.brokers...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	c.admin = kadm.NewClient(client)
	c.close = func() error {
		client.Close()
		_, err := script(context.WithoutCancel(ctx), "down", dir)
		return err
	}
	return c, nil
}

// kill kills a node and waits until no partition is led by it any more.
//
// It must not be back earlier. Kafka 4.3.1 breaks transactions then: the node
// believes the metadata of before its death for a moment, loads as the
// coordinator what it has in its own log and no other node has, and sends
// markers for transactions whose end was never decided. The new coordinator has
// aborted those: some partitions get the one marker first, and some the other.
func (c *cluster) kill(ctx context.Context, node int) error {
	if _, err := script(ctx, "kill", strconv.Itoa(node), c.dir); err != nil {
		return err
	}
	return await(ctx, 30*time.Second, fmt.Sprintf("node %d leads nothing", node), func() bool {
		leads := false
		err := c.partitions(ctx, func(p kadm.PartitionDetail) { leads = leads || int(p.Leader) == node })
		return err == nil && !leads
	})
}

// partitions calls fn with each partition of all topics, Kafka's own included.
func (c *cluster) partitions(ctx context.Context, fn func(kadm.PartitionDetail)) error {
	topics, err := c.admin.ListTopicsWithInternal(ctx)
	if err == nil {
		err = topics.Error()
	}
	if err == nil {
		topics.EachPartition(fn)
	}
	return err
}

// restart starts a node and waits until it is in sync everywhere, without
// which killing the next one would take away more than the cluster promises to
// bear.
func (c *cluster) restart(ctx context.Context, node int) error {
	if _, err := script(ctx, "node", strconv.Itoa(node), c.dir); err != nil {
		return err
	}
	return await(ctx, 90*time.Second, fmt.Sprintf("node %d is in sync", node), func() bool {
		lagging := false
		err := c.partitions(ctx, func(p kadm.PartitionDetail) { lagging = lagging || len(p.ISR) < c.nodes || p.Leader < 0 })
		return err == nil && !lagging
	})
}

// coordinator is the node that coordinates the group of the handlers.
func (c *cluster) groupCoordinator(ctx context.Context) (int, error) {
	found := c.admin.FindGroupCoordinators(ctx, aggregate+"-handler")[aggregate+"-handler"]
	return int(found.NodeID), found.Err
}

// transactionCoordinator is the node that coordinates the transactions of one
// of the handlers' producers.
func (c *cluster) transactionCoordinator(ctx context.Context, pick func(n int) int) (int, error) {
	listed, err := c.admin.ListTransactions(ctx, nil, nil)
	if err != nil || len(listed) == 0 {
		return 0, fmt.Errorf("%d transactions: %w", len(listed), err)
	}
	sorted := listed.Sorted()
	return int(sorted[pick(len(sorted))].Coordinator), nil
}

// await waits until something holds.
func await(ctx context.Context, within time.Duration, what string, holds func() bool) error {
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v, still not: %s", within, what)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
