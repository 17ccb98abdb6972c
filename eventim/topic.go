package eventim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/task"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Sizes of record batches, in bytes. A command is small; what it causes holds
// the state twice (result and snapshot), and a dead letter holds the command.
const (
	maxCommandBytes = 1 << 20
	maxOutputBytes  = 2 << 20
)

// The brokers say when a command came and when it was answered. How long its id
// is remembered, in a store and in the results, must not rest on the clock of
// a sender or a handler.
const (
	timestampType = "message.timestamp.type"
	appendTime    = "LogAppendTime"
)

// topicSpec is what a topic is created with and verified against.
type topicSpec struct {
	name   string
	config map[string]string
}

func (a *Aggregate[S, C, E]) topicSpecs() []topicSpec {
	t := a.Topics()
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	week := 7 * 24 * time.Hour
	output := strconv.Itoa(maxOutputBytes)
	return []topicSpec{
		{t.Commands, map[string]string{
			"cleanup.policy": "delete", "retention.ms": ms(week), "max.message.bytes": strconv.Itoa(maxCommandBytes),
			timestampType: appendTime,
		}},
		{t.Results, map[string]string{
			"cleanup.policy": "delete", "retention.ms": ms(a.Deduplication), "max.message.bytes": output,
			timestampType: appendTime,
		}},
		{t.Events, map[string]string{
			"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": output,
		}},
		{t.Snapshots, map[string]string{
			// A store older than delete.retention.ms is restored from scratch
			// (KIP-1259), so a week lets one rest over a holiday.
			"cleanup.policy": "compact", "delete.retention.ms": ms(week), "max.message.bytes": output,
		}},
		{t.DeadLetters, map[string]string{
			"cleanup.policy": "delete", "retention.ms": ms(30 * 24 * time.Hour), "max.message.bytes": output,
		}},
	}
}

// CreateTopics creates the topics of a that do not exist yet, and leaves the
// others alone: VerifyTopics tells whether they are right.
func (a Aggregate[S, C, E]) CreateTopics(ctx context.Context, k Kafka, replication int16) error {
	_, err := a.CreateMissingTopics(ctx, k, replication)
	return err
}

// CreateMissingTopics is CreateTopics, and returns the names of the topics that
// did not exist before.
func (a Aggregate[S, C, E]) CreateMissingTopics(ctx context.Context, k Kafka, replication int16) (created []string, err error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	d := a.withDefaults()
	return createTopics(ctx, k, d.topicSpecs(), d.Partitions, replication)
}

func createTopics(ctx context.Context, k Kafka, specs []topicSpec, partitions int32, replication int16) (created []string, err error) {
	err = withAdmin(k, func(admin sarama.ClusterAdmin) error {
		for _, spec := range specs {
			made, err := createTopic(ctx, admin, spec, partitions, replication)
			if err != nil {
				return fmt.Errorf("create topic %s: %w", spec.name, err)
			}
			if made {
				created = append(created, spec.name)
			}
		}
		return nil
	})
	if err != nil {
		return created, err
	}
	return created, waitForTopics(ctx, k, specs)
}

// StampTopics lets the brokers stamp what they append, on topics that were made
// when senders still did: it sets message.timestamp.type where VerifyTopics
// wants it. What the topics hold stays as it is.
func (a Aggregate[S, C, E]) StampTopics(ctx context.Context, k Kafka) error {
	return withAdmin(k, func(admin sarama.ClusterAdmin) error {
		for _, spec := range a.withDefaults().topicSpecs() {
			value, stamped := spec.config[timestampType]
			if !stamped {
				continue
			}
			change := map[string]sarama.IncrementalAlterConfigsEntry{
				timestampType: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
			}
			err := kafkalog.Retry(ctx, func() error {
				return admin.IncrementalAlterConfig(sarama.TopicResource, spec.name, change, false)
			})
			if err != nil {
				return fmt.Errorf("set %s of topic %s: %w", timestampType, spec.name, err)
			}
		}
		return nil
	})
}

// createTopic reports whether it made the topic: one that is there is left alone.
func createTopic(ctx context.Context, admin sarama.ClusterAdmin, spec topicSpec, partitions int32, replication int16) (made bool, err error) {
	entries := map[string]*string{}
	for name, value := range spec.config {
		entries[name] = &value
	}
	if replication >= 3 {
		entries["min.insync.replicas"] = new("2")
	}
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replication, ConfigEntries: entries}
	err = kafkalog.Retry(ctx, func() error {
		err := admin.CreateTopic(spec.name, detail, false)
		if te, ok := errors.AsType[*sarama.TopicError](err); ok && te.Err == sarama.ErrTopicAlreadyExists {
			return nil
		}
		made = err == nil
		return err
	})
	return made, err
}

// waitForTopics returns when every broker knows each partition and its leader:
// a topic exists a moment before that, and the next request may go to any.
func waitForTopics(ctx context.Context, k Kafka, specs []topicSpec) error {
	client, err := k.connection().Client()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	var names []string
	for _, s := range specs {
		names = append(names, s.name)
	}
	return kafkalog.Retry(ctx, func() error {
		for _, broker := range client.Brokers() {
			_ = broker.Open(client.Config()) // already open is fine; a failure shows in the request
			found, err := broker.GetMetadata(sarama.NewMetadataRequest(client.Config().Version, names))
			if err != nil {
				return err
			}
			if err := usable(found.Topics); err != nil {
				return err
			}
		}
		return nil
	})
}

func usable(topics []*sarama.TopicMetadata) error {
	for _, t := range topics {
		if t.Err != sarama.ErrNoError {
			return fmt.Errorf("topic %s: %w", t.Name, t.Err)
		}
		for _, p := range t.Partitions {
			if p.Leader < 0 {
				return fmt.Errorf("topic %s: partition %d has no leader", t.Name, p.ID)
			}
		}
	}
	return nil
}

// TopicsError lists in which ways the topics of an aggregate are not as the
// aggregate needs them.
type TopicsError struct {
	Aggregate   string
	Differences []string
}

func (e *TopicsError) Error() string {
	return fmt.Sprintf("the topics of %q are not as it needs them; CreateTopics creates the missing ones; "+
		"change a setting of the others with your Kafka tools, such as kafka-configs --alter --entity-type topics "+
		"--entity-name TOPIC --add-config SETTING=VALUE:\n  %s", e.Aggregate, strings.Join(e.Differences, "\n  "))
}

// VerifyTopics returns a *TopicsError when a topic is missing or differs in
// partition count, cleanup policy, retention, who stamps its records or, where
// it is replicated, in min.insync.replicas. A handler does not start on such
// topics: a compacted events topic, or one that forgets, is a loss of history.
func (a Aggregate[S, C, E]) VerifyTopics(ctx context.Context, k Kafka) error {
	return withAdmin(k, func(admin sarama.ClusterAdmin) error {
		_, err := a.withDefaults().inspectTopics(ctx, admin)
		return err
	})
}

func (a *Aggregate[S, C, E]) inspectTopics(ctx context.Context, admin sarama.ClusterAdmin) (task.Limits, error) {
	t := a.Topics()
	return inspectTopics(ctx, admin, a.Name, a.topicSpecs(), a.Partitions, t.Commands, t.Snapshots)
}

// inspectTopics holds topics against what they have to be, and returns what the
// configuration of those that are written says; compacted is that of the state.
func inspectTopics(
	ctx context.Context, admin sarama.ClusterAdmin, name string, specs []topicSpec, partitions int32, input, compacted string,
) (task.Limits, error) {
	found, err := describeTopics(ctx, admin, specs)
	if err != nil {
		return task.Limits{}, err
	}
	lim := task.Limits{OutputBytes: maxOutputBytes}
	var diffs []string
	for _, spec := range specs {
		t, ok := found[spec.name]
		if !ok {
			diffs = append(diffs, fmt.Sprintf("%s: does not exist", spec.name))
			continue
		}
		diffs = append(diffs, t.differences(spec, partitions)...)
		if spec.name != input {
			lim.OutputBytes = min(lim.OutputBytes, t.int("max.message.bytes"))
		}
		if spec.name == compacted {
			lim.DeleteRetention = time.Duration(t.int("delete.retention.ms")) * time.Millisecond
		}
	}
	if len(diffs) > 0 {
		return task.Limits{}, &TopicsError{name, diffs}
	}
	return lim, nil
}

// topic is what the broker says of a topic.
type topic struct {
	partitions, replicas int
	config               map[string]string
}

func (t topic) int(name string) int {
	v, _ := strconv.Atoi(t.config[name])
	return v
}

// differences compares what must hold. Sizes are free: the handler reads them.
func (t topic) differences(spec topicSpec, partitions int32) []string {
	var diffs []string
	differ := func(what string, want, got any) {
		diffs = append(diffs, fmt.Sprintf("%s: %s is %v, want %v", spec.name, what, got, want))
	}
	if t.partitions != int(partitions) {
		diffs = append(diffs, partitionsDiffer(spec.name, t.partitions, partitions))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.config)) {
		want, got := spec.config[name], t.config[name]
		verified := name == "cleanup.policy" || name == "retention.ms" || name == "retention.bytes" || name == timestampType
		if verified && got != want {
			differ(name, want, got)
		}
	}
	if t.replicas >= 3 && t.int("min.insync.replicas") < 2 {
		differ("min.insync.replicas", "at least 2", t.config["min.insync.replicas"])
	}
	return diffs
}

func describeTopics(ctx context.Context, admin sarama.ClusterAdmin, specs []topicSpec) (map[string]topic, error) {
	found := map[string]topic{}
	var names []string
	var resources []*sarama.ConfigResource
	for _, s := range specs {
		names = append(names, s.name)
	}
	err := kafkalog.Retry(ctx, func() error {
		topics, err := admin.DescribeTopics(names)
		if err != nil {
			return err
		}
		resources = resources[:0]
		for _, t := range topics {
			if t.Err != sarama.ErrNoError {
				continue
			}
			found[t.Name] = topic{partitions: len(t.Partitions), replicas: len(t.Partitions[0].Replicas), config: map[string]string{}}
			resources = append(resources, &sarama.ConfigResource{Type: sarama.TopicResource, Name: t.Name})
		}
		if len(resources) == 0 {
			return nil
		}
		results, err := admin.DescribeConfigs(resources, sarama.DescribeConfigsOptions{})
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.ErrorCode != 0 {
				return fmt.Errorf("configuration of %s: %w", r.Name, r.ErrorCode)
			}
			for _, entry := range r.Configs {
				found[r.Name].config[entry.Name] = entry.Value
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	return found, nil
}

func withAdmin(k Kafka, fn func(sarama.ClusterAdmin) error) error {
	admin, err := k.admin()
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	return fn(admin)
}

func (k Kafka) admin() (sarama.ClusterAdmin, error) {
	c := k.connection().Config()
	c.Metadata.Full = true // ClusterAdmin wants it
	admin, err := sarama.NewClusterAdmin(k.Brokers, c)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	return admin, nil
}
