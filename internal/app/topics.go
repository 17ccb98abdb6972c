package app

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/invoices/numbering"
	"github.com/eventim-go/eventim/invoices/series"
)

// TopicNames are the names of all topics of an installation, in the order in which
// they are created: first those of the invoices.
func TopicNames(a Aggregate) []string {
	r := numbering.New(a, series.DefaultFormat).Topics()
	return append(append(ofAggregate(a.Topics()), ofAggregate(numbering.SeriesOf(a).Topics())...), r.Inbox, r.Instances, r.Parked, r.Positions)
}

func ofAggregate(t eventim.Topics) []string {
	return []string{t.Commands, t.Results, t.Events, t.Snapshots, t.DeadLetters}
}

// CreateTopics creates those topics of an installation that do not exist yet.
func CreateTopics(ctx context.Context, k eventim.Kafka, a Aggregate, replication int16) error {
	if err := a.CreateTopics(ctx, k, replication); err != nil {
		return err
	}
	if err := numbering.SeriesOf(a).CreateTopics(ctx, k, replication); err != nil {
		return err
	}
	return numbering.New(a, series.DefaultFormat).CreateTopics(ctx, k, replication)
}

// VerifyTopics returns in what way the topics of an installation are not as its
// processes need them (*eventim.TopicsError).
func VerifyTopics(ctx context.Context, k eventim.Kafka, a Aggregate) error {
	all := &eventim.TopicsError{Aggregate: a.Name}
	for _, verify := range []func(context.Context, eventim.Kafka) error{
		a.VerifyTopics, numbering.SeriesOf(a).VerifyTopics, numbering.New(a, series.DefaultFormat).VerifyTopics,
	} {
		err := verify(ctx, k)
		differ, ok := errors.AsType[*eventim.TopicsError](err)
		if err != nil && !ok {
			return err
		}
		if ok {
			all.Differences = append(all.Differences, differ.Differences...)
		}
	}
	if len(all.Differences) > 0 {
		return all
	}
	return nil
}

// CopyTopics copies the topics of one installation to new ones of another, as
// eventim.CopyTopics does: the series with their numbers, and what the numbering
// remembers of each invoice, so that none gets another number. The topics of the
// invoices come last: nothing starts without them.
func CopyTopics(ctx context.Context, k eventim.Kafka, from, to Aggregate, replication int16) (eventim.Copied, error) {
	copied, err := eventim.CopyTopics(ctx, k, numbering.SeriesOf(from), numbering.SeriesOf(to), replication)
	if err != nil {
		return nil, err
	}
	before, after := numbering.New(from, series.DefaultFormat), numbering.New(to, series.DefaultFormat)
	if err := after.CreateTopics(ctx, k, replication); err != nil {
		return nil, err
	}
	if err := copyCompacted(ctx, k, before.Topics().Instances, after.Topics().Instances, copied); err != nil {
		return nil, err
	}
	ofInvoices, err := eventim.CopyTopics(ctx, k, from, to, replication)
	maps.Copy(copied, ofInvoices)
	return copied, err
}

// OpenTransactions lists what is open in the topics of an installation, each
// transaction once.
func OpenTransactions(ctx context.Context, k eventim.Kafka, a Aggregate) (open []eventim.OpenTransaction, err error) {
	for _, list := range []func(context.Context, eventim.Kafka) ([]eventim.OpenTransaction, error){
		a.OpenTransactions, numbering.SeriesOf(a).OpenTransactions, numbering.New(a, series.DefaultFormat).OpenTransactions,
	} {
		found, failed := list(ctx, k)
		err = errors.Join(err, failed)
		for _, t := range found {
			if !slices.Contains(open, t) { // the offsets of the groups are looked at each time
				open = append(open, t)
			}
		}
	}
	return open, err
}

// copyCompacted copies what a compacted topic says of each key. The copy has the same
// number of partitions, and each key the same one.
func copyCompacted(ctx context.Context, k eventim.Kafka, from, to string, copied eventim.Copied) (err error) {
	config := kafkalog.Kafka(k).Config()
	config.Producer.Return.Successes, config.Producer.RequiredAcks = true, sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.MaxMessageBytes = 2 << 20
	producer, err := sarama.NewSyncProducer(k.Brokers, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	ends, err := eventim.Ends(ctx, k, from)
	if err != nil {
		return err
	}
	return eventim.Read(ctx, k, from, nil, ends, func(rec eventim.Record) error {
		m := &sarama.ProducerMessage{Topic: to, Partition: rec.Position.Partition, Key: sarama.ByteEncoder(rec.Key)}
		if rec.Value != nil {
			m.Value = sarama.ByteEncoder(rec.Value)
		}
		for _, h := range rec.Headers {
			m.Headers = append(m.Headers, sarama.RecordHeader(*h))
		}
		copied[to]++
		_, _, err := producer.SendMessage(m)
		return err
	})
}
