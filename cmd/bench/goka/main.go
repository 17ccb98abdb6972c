// Command goka does the job of the command handler with github.com/lovoo/goka,
// as a contender of the benchmark. It is a module of its own, so that nothing
// of it becomes a dependency of the product.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/lovoo/goka"
	"github.com/lovoo/goka/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, stop); err != nil {
		fmt.Fprintln(os.Stderr, "goka:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stop func()) error {
	kafka := flag.String("kafka", "", "brokers")
	name := flag.String("name", "", "prefix of the topics")
	data := flag.String("data", "", "folder of the state")
	partitions := flag.Int("partitions", 0, "partition count")
	session := flag.Int("session-ms", 10_000, "session timeout")
	flag.Parse()

	config := goka.DefaultConfig()
	config.Version = sarama.V3_6_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Session.Timeout = time.Duration(*session) * time.Millisecond
	config.Producer.Compression = sarama.CompressionLZ4
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Flush.Frequency = time.Millisecond // its default of 100 ms would be all of the latency
	goka.ReplaceGlobalConfig(config)

	tables := goka.NewTopicManagerConfig()
	tables.Table.Replication, tables.Stream.Replication = 1, 1
	brokers := strings.Split(*kafka, ",")
	if err := createTable(ctx, brokers, config, tables, *name, *partitions); err != nil {
		return err
	}
	processor, err := goka.NewProcessor(brokers, graph(*name),
		goka.WithHasher(newMurmur2),
		goka.WithTopicManagerBuilder(goka.TopicManagerBuilderWithConfig(config, tables)),
		goka.WithStorageBuilder(storage.DefaultBuilder(filepath.Join(*data, "tables"))))
	if err != nil {
		return err
	}
	go attend(stop)
	go func() {
		if processor.WaitForReadyContext(ctx) == nil {
			fmt.Println(`{"Running":true}`)
		}
	}()
	return processor.Run(ctx)
}

// createTable creates the table and waits until it can be used. A processor
// that creates it on its own does not wait, and ends when a leader is missing.
func createTable(ctx context.Context, brokers []string, config *sarama.Config, tables *goka.TopicManagerConfig, name string, partitions int) error {
	topics, err := goka.NewTopicManager(brokers, config, tables)
	if err != nil {
		return err
	}
	table := string(goka.GroupTable(goka.Group(name)))
	if err = topics.EnsureTableExists(table, partitions); err != nil {
		return errors.Join(err, topics.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for p := 0; p < partitions && ctx.Err() == nil; {
		if _, err = topics.GetOffset(table, int32(p), sarama.OffsetOldest); err == nil { //nolint:gosec // few
			p++
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.Join(err, topics.Close())
}

// attend answers each line of the input with what was allocated, and stops
// the program at its end.
func attend(stop func()) {
	defer stop()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(s)
		fmt.Printf("{\"Allocated\":%d}\n", s[0].Value.Uint64())
	}
}
