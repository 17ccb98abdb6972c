package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

const (
	// AnswerTimeout is how long a broker has for its answer.
	AnswerTimeout = 10 * time.Second
	// patience is how long an answer that passes is asked for again.
	patience = 4 * time.Second
)

// Request makes a request, and makes it again while the answer is one that passes.
// refresh finds out who is to be asked.
func Request(ctx context.Context, refresh, request func() error) error {
	for attempt, begun := 0, time.Now(); ; attempt++ {
		err := request()
		if err == nil || !Passes(err) || time.Since(begun) > patience {
			return err
		}
		// CONCURRENT_TRANSACTIONS, while the last transaction still writes its
		// markers, takes some milliseconds, and the next one waits for it.
		longest := 6
		if errors.Is(err, sarama.ErrConcurrentTransactions) {
			longest = 2
		}
		if !Sleep(ctx, time.Millisecond<<min(attempt, longest)) {
			return errors.Join(err, context.Cause(ctx))
		}
		if !errors.Is(err, sarama.ErrConcurrentTransactions) {
			_ = refresh() // what is wrong shows in the next attempt
		}
	}
}

// Passes tells answers that say "not now" or "not here". An error of the
// network is none: it is no answer.
func Passes(err error) bool {
	code, answered := errors.AsType[sarama.KError](err)
	return answered && slices.Contains(passingAnswers, code)
}

var passingAnswers = []sarama.KError{
	sarama.ErrConcurrentTransactions, sarama.ErrOffsetsLoadInProgress,
	sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer,
	sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrUnknownTopicOrPartition,
	sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend,
	sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrKafkaStorageError,
}

// Failure is the error of a code, nil for that of success.
func Failure(code sarama.KError) error {
	if code == sarama.ErrNoError {
		return nil
	}
	return code
}

// PartitionErrors is the first error of an answer about several partitions, one that
// does not pass before all others.
func PartitionErrors(topics map[string][]*sarama.PartitionError) error {
	var first error
	for topic, partitions := range topics {
		for _, p := range partitions {
			err := Failure(p.Err)
			if err != nil && (first == nil || !Passes(err)) {
				first = fmt.Errorf("%s/%d: %w", topic, p.Partition, err)
			}
		}
	}
	return first
}

// Explained says in words what sarama has a number for only.
func Explained(err error) error {
	if errors.Is(err, sarama.ErrProducerFenced) {
		return fmt.Errorf("another producer has opened the transactional id, or its transaction was out of time: %w", err)
	}
	return err
}
