package eventim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

var (
	// ErrNoDeadLetter says that there is no dead letter of an id, or not any more.
	ErrNoDeadLetter = errors.New("there is no such dead letter")
	// ErrDeadLetterEnded says that a dead letter was retried or discarded before.
	ErrDeadLetterEnded = errors.New("the dead letter has ended")
	// ErrDeadLetterGone says that a dead letter lacks what did not fit, and that the
	// commands do not have it any more either.
	ErrDeadLetterGone = errors.New("the command is not kept any more")
)

// DeadLetters are the commands of an aggregate that could not be handled, and what has
// become of each. All of it is in the topic of the dead letters: whoever reads that sees
// the same. It needs no handler in this process.
type DeadLetters struct {
	name       string
	topics     Topics
	partitions int32
	window     time.Duration
}

// DeadLetters returns what reads and ends those of a.
func (a Aggregate[S, C, E]) DeadLetters() DeadLetters {
	d := a.withDefaults()
	return DeadLetters{d.Name, d.Topics(), d.Partitions, d.Deduplication}
}

// Commands is the topic with which the ids of the dead letters begin.
func (l DeadLetters) Commands() string { return l.topics.Commands }

// List returns all that are kept, the newest first, also those that have ended, and how
// many records of the topic are nothing of the kind. It is none where nothing has ever
// failed, and the topic does not exist.
func (l DeadLetters) List(ctx context.Context, k Kafka) (all []*DeadLetter, foreign int, err error) {
	return l.read(ctx, k, "")
}

// Find returns the dead letter of an id with the command as it was sent, or
// ErrNoDeadLetter.
func (l DeadLetters) Find(ctx context.Context, k Kafka, id string) (*DeadLetter, error) {
	all, _, err := l.read(ctx, k, id)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoDeadLetter, id)
}

// read folds the topic, and keeps the bytes of one.
func (l DeadLetters) read(ctx context.Context, k Kafka, keep string) ([]*DeadLetter, int, error) {
	ends, err := endsIfThere(ctx, k, l.topics.DeadLetters)
	if err != nil || ends == nil {
		return nil, 0, err
	}
	var f deadLetterFold
	err = Read(ctx, k, l.topics.DeadLetters, nil, ends, func(rec Record) error {
		f.add(rec, func(id string) bool { return id == keep })
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	all, foreign := f.fold()
	return all, foreign, nil
}

// Discard ends the dead letter of an id: its command is given up. It stays on record,
// with who did it and why, for as long as the dead letter is kept. One that has ended
// is ErrDeadLetterEnded.
func (l DeadLetters) Discard(ctx context.Context, k Kafka, id, by, why string) (*DeadLetter, error) {
	d, err := l.open(ctx, k, id)
	if err != nil {
		return d, err
	}
	return d, l.write(ctx, k, d, deadLetterNote{State: DeadLetterDiscarded, By: by, Reason: why})
}

// open finds a dead letter that has not ended.
func (l DeadLetters) open(ctx context.Context, k Kafka, id string) (*DeadLetter, error) {
	d, err := l.Find(ctx, k, id)
	if err == nil && d.Ending != nil {
		err = fmt.Errorf("%w: %s was %s at %s%s", ErrDeadLetterEnded, id, d.Ending.State,
			d.Ending.Time.Format(time.RFC3339), by(d.Ending.By))
	}
	return d, err
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

// write puts on record what has become of a dead letter, and takes note of it in d.
func (l DeadLetters) write(ctx context.Context, k Kafka, d *DeadLetter, n deadLetterNote) error {
	n.at = time.Now().UTC().Truncate(time.Millisecond)
	m, err := d.encodeNote("/"+l.name+"/dead-letters", l.topics.DeadLetters, n, n.at)
	if err != nil {
		return err
	}
	config := senderConfig(k, l.name, l.partitions)
	config.Producer.Partitioner, config.Producer.MaxMessageBytes = sarama.NewManualPartitioner, maxOutputBytes
	if _, err := produce(ctx, k, config, m); err != nil {
		return fmt.Errorf("put on record what became of %s: %w", d.ID, err)
	}
	d.note(n)
	return nil
}

// produce writes one record, and returns where it stands.
func produce(ctx context.Context, k Kafka, config *sarama.Config, m *sarama.ProducerMessage) (Position, error) {
	if ctx.Err() != nil {
		return Position{}, context.Cause(ctx)
	}
	producer, err := sarama.NewSyncProducer(k.Brokers, config)
	if err != nil {
		return Position{}, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	partition, offset, err := producer.SendMessage(m)
	return Position{partition, offset}, errors.Join(err, producer.Close())
}

// endsIfThere is Ends, and nil for a topic that does not exist, which it says at once.
func endsIfThere(ctx context.Context, k Kafka, topic string) (ends Positions, err error) {
	there := false
	err = withAdmin(k, func(admin sarama.ClusterAdmin) error {
		described, err := admin.DescribeTopics([]string{topic})
		there = len(described) == 1 && described[0].Err != sarama.ErrUnknownTopicOrPartition
		return err
	})
	if err != nil || !there {
		return nil, err
	}
	return Ends(ctx, k, topic)
}
