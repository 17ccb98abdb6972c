package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// ErrTooLarge is returned for a command that does not fit into a record. It
// was refused at the door: nothing was sent.
var ErrTooLarge = errors.New("the command is too large")

// Sender writes commands. It is safe for concurrent use; one per process is
// enough, and batches what is sent at the same time.
type Sender[C any] struct {
	encode   func(Command[C]) (*sarama.ProducerMessage, error)
	producer *producer
	answers  sync.WaitGroup
	guard    *topicGuard
}

// NewSender connects a sender of commands for a. The commands topic must
// exist (*TopicsError); Send refuses while it has another partition count than
// a declares, as Err says.
func NewSender[S, C, E any](a Aggregate[S, C, E], k Kafka) (*Sender[C], error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	d := a.withDefaults()
	producer, err := newProducer(k.Brokers, senderConfig(k, d.Name, d.Partitions))
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	s := &Sender[C]{encode: d.encodeCommand, producer: producer}
	s.answers.Go(func() {
		for m := range producer.Successes() {
			m.Metadata.(chan error) <- nil
		}
	})
	s.answers.Go(func() {
		for e := range producer.Errors() {
			e.Msg.Metadata.(chan error) <- e.Err
		}
	})
	if s.guard, err = newTopicGuard(producer.client, d.Name, d.Topics().Commands, d.Partitions); err != nil {
		return nil, errors.Join(err, producer.close(&s.answers))
	}
	return s, nil
}

func senderConfig(k Kafka, aggregate string, partitions int32) *sarama.Config {
	c := k.connection().Config()
	c.Net.MaxOpenRequests = 1
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Partitioner = placementOf(aggregate, partitions)
	c.Producer.MaxMessageBytes = maxCommandBytes
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
	return c
}

// Send writes cmd and waits until Kafka has it on all replicas in sync. It
// returns the command with its ID (a UUIDv7 when there was none), Time and
// Position.
//
// *InvalidError, ErrTooLarge, *TopicsError and an error of the codec mean that nothing was
// sent. After any other error the outcome is unknown: send it again with the
// same ID, which takes effect at most once.
func (s *Sender[C]) Send(ctx context.Context, cmd Command[C]) (Command[C], error) {
	if cmd.ID == "" {
		cmd.ID = uuid.Must(uuid.NewV7()).String()
	}
	if err := cmd.Check(); err != nil {
		return cmd, fmt.Errorf("send command: %w", err)
	}
	cmd.Traceparent = validTraceparent(cmd.Traceparent)
	if err := s.Err(); err != nil {
		return cmd, fmt.Errorf("send command %s: %w", cmd.ID, err)
	}
	cmd.Time = time.Now().UTC().Truncate(time.Millisecond)
	cmd.Correlation = cmp.Or(cmd.Correlation, cmd.ID)
	m, err := s.encode(cmd)
	if err != nil {
		return cmd, err
	}
	if m.ByteSize(2)+kafkalog.BatchOverhead > maxCommandBytes {
		return cmd, fmt.Errorf("%w: %d bytes, and a record holds %d", ErrTooLarge, m.ByteSize(2), maxCommandBytes-kafkalog.BatchOverhead)
	}
	m.Timestamp = cmd.Time
	answer := make(chan error, 1)
	m.Metadata = answer
	select {
	case s.producer.Input() <- m:
	case <-ctx.Done():
		return cmd, fmt.Errorf("send command %s: %w", cmd.ID, context.Cause(ctx))
	}
	select {
	case err = <-answer:
	case <-ctx.Done():
		return cmd, fmt.Errorf("send command %s: %w", cmd.ID, context.Cause(ctx))
	}
	if err != nil {
		return cmd, sendError(cmd.ID, err)
	}
	cmd.Time = m.Timestamp.UTC() // the broker's, where it says it
	cmd.Position = Position{m.Partition, m.Offset}
	return cmd, nil
}

func sendError(id string, err error) error {
	if errors.Is(err, sarama.ErrMessageSizeTooLarge) {
		return fmt.Errorf("%w: the broker refused it", ErrTooLarge)
	}
	return fmt.Errorf("send command %s: %w", id, err)
}

// Err says why Send refuses every command at the moment: a *TopicsError when
// the commands topic has another partition count than is declared, or is not
// there any more. It notices within a few seconds. Nil while commands are taken.
func (s *Sender[C]) Err() error { return s.guard.err() }

// Close waits for what was sent and disconnects. No Send may be running or
// follow.
func (s *Sender[C]) Close() error {
	s.guard.close()
	return s.producer.close(&s.answers)
}

// producer is a sarama producer with a client of its own, which
// NewAsyncProducer would leave behind, connected, when InitProducerId fails.
type producer struct {
	sarama.AsyncProducer
	client sarama.Client
}

func newProducer(brokers []string, c *sarama.Config) (*producer, error) {
	client, err := sarama.NewClient(brokers, c)
	if err != nil {
		return nil, err
	}
	p, err := sarama.NewAsyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return &producer{p, client}, nil
}

// close waits until the answers are drained. It is not sarama's Close, which
// competes for them.
func (p *producer) close(drained *sync.WaitGroup) error {
	p.AsyncClose()
	drained.Wait()
	return p.client.Close()
}
