package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// broker is the Kafka that all contenders share. Its process is known when we
// have started it.
type broker struct {
	addresses string
	pid       int    // 0: not ours
	logs      string // folder of the partitions; empty: not ours
	stop      func() error
}

// brokerJVM lets the broker be optimized and grow: the nodes of tests are
// bound to start fast and stay small.
const brokerJVM = "-XX:TieredStopAtLevel=4 -Xmx2g"

// startBroker starts one node with its data in dir.
func startBroker(ctx context.Context, script, dir string) (broker, error) {
	run := func(ctx context.Context, args ...string) (string, error) {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, script, args...) //nolint:gosec // a program of the repository
		cmd.Env = append(os.Environ(), "EVENTIM_KAFKA_JVM="+brokerJVM)
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%s %s: %w", script, args[0], err)
		}
		return strings.TrimSpace(out.String()), nil
	}
	b := broker{logs: filepath.Join(dir, "node1", "log"), stop: func() error {
		_, err := run(context.WithoutCancel(ctx), "down", dir)
		return err
	}}
	var err error
	if b.addresses, err = run(ctx, "up", "1", dir); err != nil {
		return b, errors.Join(err, b.stop())
	}
	pid, err := os.ReadFile(filepath.Join(dir, "node1", "pid")) //nolint:gosec // written by the script
	if err != nil {
		return b, errors.Join(err, b.stop())
	}
	if b.pid, err = strconv.Atoi(strings.TrimSpace(string(pid))); err != nil {
		return b, errors.Join(err, b.stop())
	}
	return b, nil
}

func (b broker) kafka() eventim.Kafka { return eventim.Kafka{Brokers: strings.Split(b.addresses, ",")} }

// createTopics gives a contender fresh topics, and returns what deletes them.
func (b broker) createTopics(ctx context.Context, name string, partitions int32) (remove func() error, err error) {
	// A busy broker needs a while to make hundreds of partitions. What is there
	// already is left alone, so asking again is fine.
	for deadline := time.Now().Add(time.Minute); ; {
		err := aggregate(name, partitions).CreateTopics(ctx, b.kafka(), 1)
		if err == nil {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, err
		}
	}
	return func() error {
		if err := b.removeTopics(name); err != nil {
			return err
		}
		return b.awaitRemoval(ctx, name)
	}, nil
}

// removeTopics removes all topics of a contender, also those that it made for
// itself.
func (b broker) removeTopics(name string) error {
	config := kafkalog.Kafka(b.kafka()).Config()
	config.Metadata.Full = true
	config.Admin.Timeout = 30 * time.Second
	admin, err := sarama.NewClusterAdmin(b.kafka().Brokers, config)
	if err != nil {
		return err
	}
	topics, err := admin.ListTopics()
	for topic := range topics {
		if strings.HasPrefix(topic, name+"-") {
			err = errors.Join(err, admin.DeleteTopic(topic))
		}
	}
	return errors.Join(err, admin.Close())
}

// awaitRemoval waits until the files of a contender are gone. A broker deletes
// them when it has the time, by gigabytes, and makes whoever is measured then
// wait for the disk for up to a second.
func (b broker) awaitRemoval(ctx context.Context, name string) error {
	if b.logs == "" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, fmt.Errorf("the broker still keeps files of %s after two minutes", name))
	defer cancel()
	for {
		left, err := filepath.Glob(filepath.Join(b.logs, name+"-*"))
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
