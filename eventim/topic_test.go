package eventim_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A handler refuses topics that would lose history, with all that is wrong.
func TestWrongTopicsAreRefused(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	a := counter
	a.Name, a.Partitions = eventimtest.Name(t, "counter"), 3
	topics, admin := a.Topics(), kadm.NewClient(rawClient(t, k))
	create := func(name string, partitions int32, config ...string) {
		t.Helper()
		settings := map[string]*string{}
		for i := 0; i < len(config); i += 2 {
			settings[config[i]] = &config[i+1]
		}
		if _, err := admin.CreateTopic(t.Context(), partitions, 1, settings, name); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the broker knows "+name, func() bool {
			found, err := admin.ListTopics(t.Context(), name)
			return err == nil && len(found[name].Partitions) == int(partitions)
		})
	}
	create(topics.Commands, 4, "cleanup.policy", "delete", "retention.ms", "604800000")
	create(topics.Results, 3, "cleanup.policy", "delete", "retention.ms", "3600000", "message.timestamp.type", "LogAppendTime")
	create(topics.Events, 2, "cleanup.policy", "compact", "retention.ms", "1000", "retention.bytes", "1000")
	create(topics.Snapshots, 3, "cleanup.policy", "compact,delete", "delete.retention.ms", "1000")

	want := []string{
		topics.Commands + ": the partition count is 4, want 3",
		topics.Commands + ": message.timestamp.type is CreateTime, want LogAppendTime",
		topics.Results + ": retention.ms is 3600000, want 86400000",
		topics.Events + ": the partition count is 2, want 3",
		topics.Events + ": cleanup.policy is compact, want delete",
		topics.Events + ": retention.bytes is 1000, want -1",
		topics.Events + ": retention.ms is 1000, want -1",
		topics.Snapshots + ": cleanup.policy is compact,delete, want compact",
		topics.DeadLetters + ": does not exist",
	}
	h, err := eventim.NewHandler(a, eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	for name, refusal := range map[string]error{"VerifyTopics": a.VerifyTopics(t.Context(), k), "Run": h.Run(t.Context())} {
		wrong, ok := errors.AsType[*eventim.TopicsError](refusal)
		if !ok {
			t.Fatalf("%s: %v, want a TopicsError", name, refusal)
		}
		if !slices.Equal(wrong.Differences, want) {
			t.Errorf("%s found\n  %s\nwant\n  %s", name, strings.Join(wrong.Differences, "\n  "), strings.Join(want, "\n  "))
		}
		for _, difference := range want {
			if !strings.Contains(refusal.Error(), difference) {
				t.Errorf("%s: %q does not say %q", name, refusal, difference)
			}
		}
	}
}

// Creating topics leaves those that exist alone, and makes what verifies.
func TestCreateTopics(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	a := counter
	a.Name, a.Partitions = eventimtest.Name(t, "counter"), 2
	for range 2 {
		if err := a.CreateTopics(t.Context(), k, 1); err != nil {
			t.Fatal(err)
		}
		if err := a.VerifyTopics(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoBroker(t *testing.T) {
	t.Parallel()
	k := eventim.Kafka{Brokers: []string{"127.0.0.1:1"}}
	h, err := eventim.NewHandler(counter, eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("Run: %v, want an error that names the broker", err)
	}
}

// Two handlers must not share a data directory.
func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.running(h)
	second, err := eventim.NewHandler(s.agg, eventim.HandlerConfig{Kafka: s.kafka, Dir: s.dir, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(context.WithoutCancel(t.Context())); !errors.Is(err, eventim.ErrDirectoryInUse) {
		t.Errorf("Run in a directory that is in use: %v, want ErrDirectoryInUse", err)
	} else if !strings.Contains(err.Error(), "another handler of this process has it") {
		t.Errorf("%v, want it to say who has it", err)
	}
	h.stop()
	s.running(s.handle())
}

// What a topic declares of itself is what it is created with: of a compacted one,
// tombstones are passed over, and anywhere else they stop whoever reads them.
func TestTopicsSayWhetherTheyAreCompacted(t *testing.T) {
	t.Parallel()
	k := eventimtest.Kafka(t)
	a := counter
	a.Name, a.Partitions = eventimtest.Name(t, "counter"), 1
	if err := a.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	names := a.Topics()
	declared := map[string]bool{
		names.Commands: a.CommandTopic().Compacted, names.Results: a.ResultTopic().Compacted,
		names.Events: a.EventTopic().Compacted, names.Snapshots: a.SnapshotTopic().Compacted,
	}
	found, err := kadm.NewClient(rawClient(t, k)).DescribeTopicConfigs(t.Context(), slices.Collect(maps.Keys(declared))...)
	if err != nil || len(found) != len(declared) {
		t.Fatalf("described %v: %v", found, err)
	}
	for _, topic := range found {
		for _, c := range topic.Configs {
			if compacted := c.MaybeValue() == "compact"; c.Key == "cleanup.policy" && compacted != declared[topic.Name] {
				t.Errorf("%s says that it is compacted: %v, and its cleanup.policy is %s", topic.Name, declared[topic.Name], c.MaybeValue())
			}
		}
	}
}
