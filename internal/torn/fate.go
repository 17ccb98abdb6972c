package torn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// transactionTopic is where coordinators write down the state of each
// transactional id, whenever it changes.
const transactionTopic = "__transaction_state"

// States of a transaction in that topic, which are those of a kind.
const (
	stateOngoing        = 1
	statePrepareCommit  = 2
	statePrepareAbort   = 3
	stateCompleteCommit = 4
	stateCompleteAbort  = 5
)

// Recall finds out how a torn transaction ended when its coordinator has gone on
// and does not say so any more: it has written it down before it did anything
// else. Unknown when that is compacted away.
func (s *Surgeon) Recall(ctx context.Context, t *Transaction) error {
	if t.Verdict != Torn || t.Fate != Unknown {
		return nil
	}
	partitions, err := s.client.Partitions(transactionTopic)
	if err != nil || len(partitions) == 0 {
		return fmt.Errorf("partitions of %s: %w", transactionTopic, err)
	}
	partition := partitionOfID(t.TransactionalID, len(partitions))
	start, err := kafkalog.Offset(ctx, s.client, transactionTopic, partition, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	end, err := kafkalog.Offset(ctx, s.client, transactionTopic, partition, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	var all pastStates
	reader := kafkalog.Reader{Client: s.client, Topic: transactionTopic, Partition: partition}
	_, err = reader.Read(ctx, start, end, func(_ *sarama.RecordBatch, r *sarama.Record) error {
		if id, err := transactionalIDIn(r.Key); err != nil || id != t.TransactionalID || r.Value == nil {
			return err
		}
		state, err := transactionStateIn(r.Value)
		all = append(all, state)
		return err
	})
	t.Fate = all.fate(t.ProducerID, t.ProducerEpoch)
	return err
}

// partitionOfID is where the coordinator of a transactional id keeps its state:
// by Java's hash of strings.
func partitionOfID(id string, partitions int) int32 {
	var h int32
	for _, c := range utf16.Encode([]rune(id)) {
		h = 31*h + int32(c)
	}
	return max(h, -h, 0) % int32(partitions) //nolint:gosec // few; the least number has no positive one, and counts as 0
}

// recorded is one record of the state of a transactional id.
type recorded struct {
	producer int64
	epoch    int16
	state    byte
}

// pastStates are what is recorded of a transactional id, in order.
type pastStates []recorded

// fate is how the transaction of a producer and epoch ended. The decision
// (Prepare…) is recorded before it is carried out (Complete…).
//
// One that its coordinator has aborted, since its producer was fenced or out of
// time, is aborted under the next epoch, directly after it was under way. That
// nothing lies between the two matters: what the next epoch aborts may be a
// transaction of its own, behind one that has been committed.
func (h pastStates) fate(producer int64, epoch int16) Fate {
	for i, r := range h {
		if r.producer != producer {
			continue
		}
		follows := i > 0 && h[i-1] == recorded{producer, epoch, stateOngoing}
		switch {
		case r.epoch == epoch && (r.state == statePrepareCommit || r.state == stateCompleteCommit):
			return Committed
		case r.epoch == epoch && (r.state == statePrepareAbort || r.state == stateCompleteAbort):
			return Aborted
		case r.epoch == epoch+1 && r.state == statePrepareAbort && follows:
			return Aborted
		}
	}
	return Unknown
}

var errTransactionState = errors.New("a record of the transaction state that cannot be read")

// transactionalIDIn reads the key of a record: a version, of which there is
// one, and the id.
func transactionalIDIn(key []byte) (string, error) {
	if len(key) < 4 || binary.BigEndian.Uint16(key) != 0 || len(key)-4 != int(binary.BigEndian.Uint16(key[2:])) {
		return "", fmt.Errorf("%w: key % x", errTransactionState, key)
	}
	return string(key[4:]), nil
}

// transactionStateIn reads the head of a value, which versions 0 and 1 have in
// common: version, producer id and epoch, timeout, state.
func transactionStateIn(value []byte) (recorded, error) {
	if len(value) < 17 || binary.BigEndian.Uint16(value) > 1 {
		return recorded{}, fmt.Errorf("%w: value % x", errTransactionState, value)
	}
	return recorded{
		producer: int64(binary.BigEndian.Uint64(value[2:])), epoch: int16(binary.BigEndian.Uint16(value[10:])), state: value[16], //nolint:gosec // signed in the protocol
	}, nil
}
