package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

type topicsCommand struct {
	Create createTopicsCommand `cmd:"" help:"Create the topics that are missing, and verify all."`
	Verify verifyTopicsCommand `cmd:"" help:"Check that the topics are as the handler needs them; list the differences when not."`
	List   listTopicsCommand   `cmd:"" help:"List the topics."`
	Copy   copyTopicsCommand   `cmd:"" help:"Copy all that the topics hold to new ones, with another partition count; docs/topics.md is the recipe."`
}

type createTopicsCommand struct {
	Replication int16      `env:"EVENTIM_REPLICATION" default:"3" placeholder:"N" help:"Replication factor; 1 for a cluster of one broker."`
	Kafka       kafkaFlags `embed:"" group:"kafka"`
}

// Run runs the command.
func (c *createTopicsCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-topics")
	if err != nil {
		return err
	}
	return createTopics(ctx, c.Kafka.aggregate(), k, c.Replication, p)
}

func createTopics(ctx context.Context, a app.Aggregate, k eventim.Kafka, replication int16, p process) error {
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	names := app.TopicNames(a)
	before, err := describeTopics(k, names)
	if err != nil {
		return err
	}
	if err := app.CreateTopics(ctx, k, a, replication); err != nil {
		return adviseReplication(err)
	}
	return sayTopics(names, missing(before), app.VerifyTopics(ctx, k, a), p.out)
}

// missing are the names of those that did not exist.
func missing(described []*sarama.TopicMetadata) (names []string) {
	for _, t := range described {
		if t.Err != sarama.ErrNoError {
			names = append(names, t.Name)
		}
	}
	return names
}

// sayTopics prints what became of each topic, and returns the error of the
// verification, which lists the differences.
func sayTopics(names, created []string, differ error, out io.Writer) error {
	wrong, _ := errors.AsType[*eventim.TopicsError](differ)
	if differ != nil && wrong == nil {
		return differ
	}
	for _, name := range names {
		what := "was there"
		if slices.Contains(created, name) {
			what = "created"
		}
		if wrong != nil && slices.ContainsFunc(wrong.Differences, func(d string) bool { return strings.HasPrefix(d, name+": ") }) {
			what += ", and is not as it must be"
		}
		fmt.Fprintf(out, "%s: %s\n", name, what)
	}
	return differ
}

func adviseReplication(err error) error {
	if te, ok := errors.AsType[*sarama.TopicError](err); ok && te.Err == sarama.ErrInvalidReplicationFactor {
		return fmt.Errorf("%w (the cluster has too few brokers for --replication)", err)
	}
	return err
}

type copyTopicsCommand struct {
	To           string     `required:"" placeholder:"NAME" help:"Prefix of the new topics: --aggregate of all that starts afterwards."`
	ToPartitions int32      `required:"" placeholder:"N" help:"Partition count of the new topics: --partitions of all that starts afterwards."`
	Replication  int16      `env:"EVENTIM_REPLICATION" default:"3" placeholder:"N" help:"Replication factor; 1 for a cluster of one broker."`
	Kafka        kafkaFlags `embed:"" group:"kafka"`
}

// Run runs the command.
func (c *copyTopicsCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-topics")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	to := c.Kafka.aggregate()
	to.Name, to.Partitions = c.To, c.ToPartitions
	copied, err := app.CopyTopics(ctx, k, c.Kafka.aggregate(), to, c.Replication)
	if err != nil {
		return adviseReplication(err)
	}
	for _, topic := range app.TopicNames(to) {
		fmt.Fprintf(p.out, "%s: %d records\n", topic, copied[topic])
	}
	return nil
}

type verifyTopicsCommand struct {
	Kafka kafkaFlags `embed:"" group:"kafka"`
}

// Run runs the command.
func (c *verifyTopicsCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-topics")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	return app.VerifyTopics(ctx, k, c.Kafka.aggregate())
}

type listTopicsCommand struct {
	Kafka kafkaFlags `embed:"" group:"kafka"`
}

// Run runs the command.
func (c *listTopicsCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-topics")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	found, err := describeTopics(k, app.TopicNames(c.Kafka.aggregate()))
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tPARTITIONS\tREPLICAS\tRECORDS UP TO")
	for _, t := range found {
		if err := printTopic(ctx, k, table, t); err != nil {
			return err
		}
	}
	return table.Flush()
}

// describeTopics returns the topics in the order of names.
func describeTopics(k eventim.Kafka, names []string) (_ []*sarama.TopicMetadata, err error) {
	admin, err := sarama.NewClusterAdmin(k.Brokers, kafkalog.Kafka(k).Config())
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	found, err := admin.DescribeTopics(names)
	if err != nil {
		return nil, fmt.Errorf("describe the topics: %w", err)
	}
	slices.SortFunc(found, func(a, b *sarama.TopicMetadata) int {
		return slices.Index(names, a.Name) - slices.Index(names, b.Name)
	})
	return found, nil
}

func printTopic(ctx context.Context, k eventim.Kafka, table *tabwriter.Writer, t *sarama.TopicMetadata) error {
	if t.Err != sarama.ErrNoError {
		_, err := fmt.Fprintf(table, "%s\tmissing\t\t\n", t.Name)
		return err
	}
	ends, err := eventim.Ends(ctx, k, t.Name)
	if err != nil {
		return err
	}
	var offsets int64
	for _, end := range ends {
		offsets += end
	}
	_, err = fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", t.Name, len(t.Partitions), len(t.Partitions[0].Replicas), offsets)
	return err
}
