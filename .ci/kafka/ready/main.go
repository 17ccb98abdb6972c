// Command ready waits until every node of a Kafka cluster has joined and its group and transaction coordinators answer.
//
//	ready host:port,... nodes
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ready:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: ready host:port,... nodes")
	}
	nodes, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the number of nodes: %w", err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(args[0], ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		err := check(ctx, client, nodes)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func check(ctx context.Context, client *kgo.Client, nodes int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return err
	}
	if len(brokers) != nodes {
		return fmt.Errorf("%d of %d nodes have joined", len(brokers), nodes)
	}
	if _, err := admin.FetchOffsets(ctx, "ready"); err != nil {
		return err
	}
	request := kmsg.NewPtrInitProducerIDRequest()
	request.TransactionalID = new("ready")
	request.TransactionTimeoutMillis = 1000
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(response.ErrorCode)
}
