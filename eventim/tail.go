package eventim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Tail calls fn with each committed record of topic until ctx ends, which is
// not an error, or fn fails. There is no group: every tail sees everything.
// Partitions that from lacks start at their end. Records of a partition come
// in order, and calls of fn never overlap. Brokers may restart meanwhile. When
// the topic does not hold a from, or not any more, it fails with
// ErrOffsetOutOfRange.
func Tail(ctx context.Context, k Kafka, topic string, from Positions, fn func(Record) error) error {
	config := k.connection().Config()
	config.Consumer.Return.Errors = true
	consumer, err := obtain(ctx, func() (sarama.Consumer, error) { return sarama.NewConsumer(k.Brokers, config) })
	if ctx.Err() != nil && err != nil {
		return nil //nolint:nilerr // the end of ctx is not an error
	}
	if err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	t := tail{topic: topic, records: make(chan Record, 256)}
	readers, cancel := context.WithCancelCause(ctx)
	err = t.start(readers, consumer, from, cancel)
	if err == nil {
		err = t.deliver(readers, fn)
	}
	if ctx.Err() != nil {
		err = nil
	}
	cancel(err)
	t.readers.Wait()
	return errors.Join(err, consumer.Close())
}

// tail merges the partitions of a topic into one stream.
type tail struct {
	topic   string
	records chan Record
	readers sync.WaitGroup
}

func (t *tail) start(ctx context.Context, consumer sarama.Consumer, from Positions, fail context.CancelCauseFunc) error {
	partitions, err := obtain(ctx, func() ([]int32, error) { return consumer.Partitions(t.topic) })
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", t.topic, err)
	}
	for _, p := range partitions {
		offset, ok := from[p]
		if !ok {
			offset = sarama.OffsetNewest
		}
		pc, err := obtain(ctx, func() (sarama.PartitionConsumer, error) { return consumer.ConsumePartition(t.topic, p, offset) })
		if err != nil {
			return fmt.Errorf("tail %s/%d from %d: %w", t.topic, p, offset, err)
		}
		t.readers.Go(func() { t.forward(ctx, pc, fail) })
	}
	return nil
}

// obtain calls fn until it succeeds: the brokers may be away when a tail begins, as
// they may be later. What a broker has refused it gives up: an offset that is
// gone, a topic that is not there, or not for us.
func obtain[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		v, err := fn()
		if err == nil || turnedDown(err) || !kafkalog.Sleep(ctx, pause) {
			return v, err
		}
	}
}

func turnedDown(err error) bool {
	_, misconfigured := errors.AsType[sarama.ConfigurationError](err)
	_, answered := errors.AsType[sarama.KError](err)
	return misconfigured || errors.Is(err, sarama.ErrUnknownTopicOrPartition) || answered && !kafkalog.Passes(err)
}

// forward passes on the records of one partition. sarama closes the channel by
// itself only when the offset is no longer there.
func (t *tail) forward(ctx context.Context, pc sarama.PartitionConsumer, fail context.CancelCauseFunc) {
	var errs sync.WaitGroup
	var last error
	errs.Go(func() {
		for err := range pc.Errors() {
			last = err
		}
	})
	defer errs.Wait()
	for {
		select {
		case m, ok := <-pc.Messages():
			if !ok {
				errs.Wait()
				fail(fmt.Errorf("tail %s: %w", t.topic, errors.Join(ErrOffsetOutOfRange, last)))
				return
			}
			select {
			case t.records <- recordOfMessage(m):
			case <-ctx.Done():
			}
		case <-ctx.Done():
			pc.AsyncClose()
			for range pc.Messages() { // sarama wants it drained
			}
			return
		}
	}
}

func (t *tail) deliver(ctx context.Context, fn func(Record) error) error {
	for {
		select {
		case r := <-t.records:
			if err := fn(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
