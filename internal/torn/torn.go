// Package torn finds and mends torn transactions. A transaction is torn when its coordinator has written down how it ended, and
// a partition has not got the marker that says so, nor ever will. Apache Kafka
// 4.3 and 4.4 do that when a broker is killed and comes back within seconds: it
// loads the transactions that were ending from what it knows of the cluster,
// finds no leader for their partitions, drops the markers, and calls the
// transactions complete. Whoever reads committed records then waits at the first
// record of the transaction for ever.
//
// No client can prevent it. What a client can do is to find such transactions,
// and to write the marker that is missing: that of the outcome that was
// recorded, never a guess.
package torn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Verdict is what is known of an open transaction.
type Verdict string

// Verdicts on an open transaction.
const (
	// Alive: its producer or its coordinator will end it, or there is no proof
	// that they will not.
	Alive Verdict = "alive"
	// Torn: its coordinator has gone on without it.
	Torn Verdict = "torn"
)

// Fate is how a transaction ended, by the record of its coordinator.
type Fate string

// Fates of a transaction.
const (
	Committed Fate = "commit"
	Aborted   Fate = "abort"
	Unknown   Fate = "unknown" // not recorded, or not any more
)

// Transaction is a transaction that one producer has open in one partition.
// Its fields are those that kafka-transactions.sh shows.
type Transaction struct {
	Topic           string
	Partition       int32
	ProducerID      int64
	ProducerEpoch   int16
	StartOffset     int64
	LastWrite       time.Time // by the producer's clock
	TransactionalID string    // "" when no coordinator knows the producer
	State           string    // of the id at its coordinator, "" as above
	Verdict         Verdict
	Reason          string // of the verdict
	Fate            Fate   // of a torn transaction

	CoordinatorEpoch int32 // as the leader of the partition knows it
}

func (t Transaction) String() string {
	return fmt.Sprintf("%s/%d from offset %d: transaction of producer %d, epoch %d, transactional id %q, last write %s: %s (%s)",
		t.Topic, t.Partition, t.StartOffset, t.ProducerID, t.ProducerEpoch, t.TransactionalID,
		t.LastWrite.Format(time.RFC3339), t.Verdict, t.Reason)
}

// same tells whether t and other are one transaction.
func (t Transaction) same(other Transaction) bool {
	return t.Topic == other.Topic && t.Partition == other.Partition && t.ProducerID == other.ProducerID &&
		t.ProducerEpoch == other.ProducerEpoch && t.StartOffset == other.StartOffset
}

// OffsetsTopic is where groups keep their offsets.
const OffsetsTopic = "__consumer_offsets"

// Surgeon finds and mends torn transactions.
type Surgeon struct {
	kafka  kafkalog.Kafka
	client sarama.Client
	admin  sarama.TransactionClusterAdmin
}

// NewSurgeon works with a client that has all metadata, and an admin of it.
func NewSurgeon(k kafkalog.Kafka, client sarama.Client, admin sarama.TransactionClusterAdmin) Surgeon {
	return Surgeon{k, client, admin}
}

// Examine lists what is open in the partitions of topics, with a verdict on
// each. An error says that some could not be looked at; the others are listed.
//
//  1. DescribeProducers shows what is open.
//  2. DescribeTransactions shows what the coordinator says of its transactional
//     id, which ListTransactions finds. That lists nothing, and reports no error,
//     before the coordinators are elected: an empty list proves nothing.
//  3. DescribeProducers again. A coordinator completes a transaction after the
//     last of its markers only: what is still the same was given none before (2),
//     and if its coordinator had done with it by then, it will be given none.
func (s *Surgeon) Examine(topics []string) ([]Transaction, error) {
	partitions, err := s.partitions(topics)
	if err != nil {
		return nil, err
	}
	open, err := s.open(partitions)
	if len(open) == 0 {
		return nil, err
	}
	states, err2 := s.states(open)
	still, err3 := s.open(partitions)
	open = slices.DeleteFunc(open, func(t Transaction) bool { return !slices.ContainsFunc(still, t.same) })
	for i := range open {
		open[i].judge(states)
	}
	return open, errors.Join(err, err2, err3)
}

func (s *Surgeon) partitions(topics []string) (map[string][]int32, error) {
	partitions := map[string][]int32{}
	for _, t := range topics {
		numbers, err := s.client.Partitions(t)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			continue // no offset was ever committed; no command was a dead letter
		}
		if err != nil {
			return nil, fmt.Errorf("partitions of %s: %w", t, err)
		}
		partitions[t] = numbers
	}
	return partitions, nil
}

func (s *Surgeon) open(partitions map[string][]int32) ([]Transaction, error) {
	described, err := s.admin.DescribeProducers(partitions)
	var open []Transaction
	for topic, answers := range described {
		for p, answer := range answers {
			if answer.ErrorCode != sarama.ErrNoError {
				err = errors.Join(err, fmt.Errorf("describe producers of %s/%d: %w", topic, p, answer.ErrorCode))
			}
			for _, state := range answer.ActiveProducers {
				if state.CurrentTxnStartOffset >= 0 {
					open = append(open, opened(topic, p, state))
				}
			}
		}
	}
	slices.SortFunc(open, func(a, b Transaction) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.StartOffset, b.StartOffset))
	})
	return open, err
}

func opened(topic string, partition int32, p sarama.ProducerState) Transaction {
	return Transaction{
		Topic: topic, Partition: partition, ProducerID: p.ProducerID, ProducerEpoch: int16(p.ProducerEpoch), //nolint:gosec // the protocol has 32 bits here, and 16 elsewhere
		StartOffset: p.CurrentTxnStartOffset, LastWrite: time.UnixMilli(p.LastTimestamp).UTC(), CoordinatorEpoch: p.CoordinatorEpoch,
	}
}

// states asks the coordinators about the producers of open transactions.
func (s *Surgeon) states(open []Transaction) (map[int64]sarama.TransactionState, error) {
	var producers []int64
	for _, t := range open {
		if !slices.Contains(producers, t.ProducerID) {
			producers = append(producers, t.ProducerID)
		}
	}
	listed, err := s.admin.ListTransactions(nil, producers, -1)
	var ids []string
	for _, t := range listed {
		if !slices.Contains(ids, t.TransactionalID) {
			ids = append(ids, t.TransactionalID)
		}
	}
	described, err2 := s.admin.DescribeTransactions(ids)
	states := map[int64]sarama.TransactionState{}
	for _, d := range described {
		if d.ErrorCode == sarama.ErrNoError {
			states[d.ProducerID] = d
		}
	}
	return states, errors.Join(err, err2)
}

// judge is the verdict on a transaction that was open before and after its
// coordinator was asked. A higher epoch alone is no proof: while a producer is
// being fenced, its transaction is aborted under the next one.
func (t *Transaction) judge(states map[int64]sarama.TransactionState) {
	t.Verdict = Alive
	s, known := states[t.ProducerID]
	if !known {
		t.Reason = "no coordinator has told of its producer"
		return
	}
	t.TransactionalID, t.State = s.TransactionalID, s.TransactionState
	switch s.TransactionState {
	case "Empty", "CompleteCommit", "CompleteAbort":
		t.Verdict, t.Reason = Torn, "its coordinator has nothing under way for it"
	case "Ongoing":
		t.Reason = "its producer may go on"
		if s.ProducerEpoch > t.ProducerEpoch {
			t.Verdict, t.Reason = Torn, "its coordinator is in a later transaction of the producer"
		}
	default:
		t.Reason = "its coordinator is ending it"
	}
	if t.Verdict == Torn {
		t.Fate = fateIn(s, *t)
	}
}

// fateIn is what the present state of the coordinator says of a transaction:
// nothing, once it has gone on.
func fateIn(s sarama.TransactionState, t Transaction) Fate {
	switch {
	case s.ProducerEpoch != t.ProducerEpoch:
	case s.TransactionState == "CompleteCommit":
		return Committed
	case s.TransactionState == "CompleteAbort":
		return Aborted
	}
	return Unknown
}

// Mend writes the marker that a torn transaction lacks.
func (s *Surgeon) Mend(ctx context.Context, t Transaction) error {
	if t.Verdict != Torn {
		return fmt.Errorf("%s: not torn", t)
	}
	if t.Fate != Committed && t.Fate != Aborted {
		return fmt.Errorf("%s: how it ended is not recorded any more", t)
	}
	leader, err := s.client.Leader(t.Topic, t.Partition)
	if err != nil {
		return fmt.Errorf("leader of %s/%d: %w", t.Topic, t.Partition, err)
	}
	return writeMarker(ctx, s.kafka, leader.Addr(), t, t.Fate == Committed)
}
