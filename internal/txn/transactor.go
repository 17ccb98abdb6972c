package txn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Outcomes of a transaction other than its commit.
var (
	// errAborted: nothing of the transaction is visible, nor will be; it may
	// be tried again.
	ErrAborted = errors.New("the transaction was aborted")
	// errDoubt: how the transaction ended, or will, only the log knows.
	ErrDoubt = errors.New("the outcome of the transaction is unknown")
)

// transactor runs the transactions of one transactional id, one at a time
// (KIP-98, KIP-447). It is used by one goroutine.
//
// It speaks the protocol itself. A request that comes late or twice may arrive
// inside the next transaction of the same producer epoch: an EndTxn then commits
// half of somebody else's records, a TxnOffsetCommit takes offsets back (brokers
// tell transactions apart since KIP-890 part 2, which sarama has not, and
// sarama's producer repeats what got no answer). So each transaction has an
// epoch of its own, from InitProducerId, and whatever is left of those before is
// refused. A request is repeated only after an answer that says that it came too
// early or to the wrong broker. After any other failure, or a lost connection, the
// id is given up.
type transactor struct {
	id       string
	control  sarama.Client // for the coordinators
	data     sarama.Client // for the leaders: a broker serves a connection one request at a time
	Producer int64
	Epoch    int16
	used     bool // by a transaction, the epoch
	line     *kafkalog.Line
	limit    int // bytes of a batch
	phases   Phases
}

// Mark stands as metadata beside each offset that a handler commits.
// One that an operator has set has none: what it skips is skipped on purpose.
const Mark = "eventim"

type topicPartition struct {
	topic     string
	partition int32
}

const (
	transactionTimeout = 15 * time.Second
	produceTimeout     = 8 * time.Second
)

// Open connects and runs InitProducerId: it ends what was open under
// the id, and fences whoever used it.
func Open(ctx context.Context, k kafkalog.Kafka, id string, limit int) (*transactor, error) {
	t := &transactor{id: id, limit: limit}
	err := t.connect(k)
	if err == nil {
		err = t.begin(ctx)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("open transactional id %s: %w", id, err)
	}
	return t, nil
}

func (t *transactor) connect(k kafkalog.Kafka) (err error) {
	c := k.Config()
	c.Net.ReadTimeout = kafkalog.AnswerTimeout
	c.Metadata.Full = false
	t.line = kafkalog.WatchLine(c)
	if t.control, err = sarama.NewClient(k.Brokers, c); err == nil {
		t.data, err = sarama.NewClient(k.Brokers, c)
	}
	return err
}

func (t *transactor) Close() {
	for _, c := range []sarama.Client{t.control, t.data} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// begin starts an epoch. It has to be called before each transaction.
func (t *transactor) begin(ctx context.Context) error {
	return t.askCoordinator(ctx, func(b *sarama.Broker) error {
		resp, err := b.InitProducerID(&sarama.InitProducerIDRequest{
			Version: 4, TransactionalID: &t.id, TransactionTimeout: transactionTimeout, ProducerID: -1, ProducerEpoch: -1,
		})
		if err != nil {
			return err
		}
		t.Producer, t.Epoch, t.used = resp.ProducerID, resp.ProducerEpoch, false
		return kafkalog.Failure(resp.Err)
	})
}

// commit writes the records and the offsets of all requests in one transaction
// and tells each record its offset. After an error, the transactor must not be
// used any more.
func (t *transactor) commit(ctx context.Context, requests []*Request) error {
	t.used, t.phases = true, Phases{}
	batches := t.batches(requests)
	if err := t.write(ctx, requests, batches); err != nil {
		return fmt.Errorf("%w: %w", ErrAborted, err)
	}
	faultpoint.At("ending")
	// What has been answered so far has no copy on its way. This one is
	// repeated after an answer only, too; without one, it may yet be done.
	if err := timed(&t.phases.End, func() error { return t.end(ctx) }); err != nil {
		return fmt.Errorf("%w: end: %w", ErrDoubt, err)
	}
	faultpoint.At("ended")
	for _, b := range batches {
		for i, m := range b.messages {
			m.Offset = b.offset + int64(i)
		}
	}
	return nil
}

// write does everything but the end: a transaction that gets no further is
// aborted, by whoever opens its id next or by its timeout.
func (t *transactor) write(ctx context.Context, requests []*Request, batches []*outBatch) error {
	if err := timed(&t.phases.Begin, func() error { return t.addPartitions(ctx, batches) }); err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	faultpoint.At("begun")
	offsets := make(chan error, 1)
	go func() {
		offsets <- timed(&t.phases.Offsets, func() error { return t.commitOffsets(ctx, requests) })
	}()
	err := timed(&t.phases.Write, func() error { return t.produce(ctx, batches) })
	faultpoint.At("produced")
	return errors.Join(err, <-offsets)
}

// timed notes how long do takes.
func timed(took *time.Duration, do func() error) error {
	begun := time.Now()
	err := do()
	*took = time.Since(begun)
	return err
}

func (t *transactor) addPartitions(ctx context.Context, batches []*outBatch) error {
	partitions := map[string][]int32{}
	for _, b := range batches {
		if b.number == 0 {
			partitions[b.topic] = append(partitions[b.topic], b.partition)
		}
	}
	return t.askCoordinator(ctx, func(b *sarama.Broker) error {
		resp, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: t.id, ProducerID: t.Producer, ProducerEpoch: t.Epoch, TopicPartitions: partitions,
		})
		if err != nil {
			return err
		}
		return kafkalog.PartitionErrors(resp.Errors)
	})
}

// commitOffsets is the fence against zombies (KIP-447): the coordinator of the
// group refuses the offsets of a member that has lost the partition, by the
// generation in TxnOffsetCommit, and the transaction is not committed.
// AddOffsetsToTxn alone sends no generation and would fence nothing.
func (t *transactor) commitOffsets(ctx context.Context, requests []*Request) error {
	for _, commit := range t.offsetCommits(requests) {
		err := t.askCoordinator(ctx, func(b *sarama.Broker) error {
			resp, err := b.AddOffsetsToTxn(&sarama.AddOffsetsToTxnRequest{
				Version: 3, TransactionalID: t.id, ProducerID: t.Producer, ProducerEpoch: t.Epoch, GroupID: commit.GroupID,
			})
			if err != nil {
				return err
			}
			return kafkalog.Failure(resp.Err)
		})
		if err == nil {
			err = t.commitGroup(ctx, commit)
			faultpoint.At("offsets")
		}
		if err != nil {
			return fmt.Errorf("commit offsets: %w", err)
		}
	}
	return nil
}

func (t *transactor) commitGroup(ctx context.Context, commit *sarama.TxnOffsetCommitRequest) error {
	return kafkalog.Request(ctx, func() error { return t.control.RefreshCoordinator(commit.GroupID) }, func() error {
		b, err := t.control.Coordinator(commit.GroupID)
		if err != nil {
			return err
		}
		resp, err := b.TxnOffsetCommit(commit)
		if err != nil {
			return err
		}
		return kafkalog.PartitionErrors(resp.Topics)
	})
}

// offsetCommits gathers the offsets by member: nearly always all are of one.
func (t *transactor) offsetCommits(requests []*Request) []*sarama.TxnOffsetCommitRequest {
	var commits []*sarama.TxnOffsetCommitRequest
	find := func(m *sarama.ConsumerGroupMetadata) *sarama.TxnOffsetCommitRequest {
		for _, c := range commits {
			if c.GroupID == m.GroupID && c.GenerationID == m.GenerationID && c.MemberID == m.MemberID {
				return c
			}
		}
		commits = append(commits, &sarama.TxnOffsetCommitRequest{
			Version: 3, TransactionalID: t.id, ProducerID: t.Producer, ProducerEpoch: t.Epoch,
			GroupID: m.GroupID, GenerationID: m.GenerationID, MemberID: m.MemberID, GroupInstanceID: m.GroupInstanceID,
			Topics: map[string][]*sarama.PartitionOffsetMetadata{},
		})
		return commits[len(commits)-1]
	}
	mark := Mark
	for _, r := range requests {
		r.Sent = r.Metadata()
		topics := find(r.Sent).Topics
		topics[r.Input] = append(topics[r.Input], &sarama.PartitionOffsetMetadata{
			Partition: r.Partition, Offset: r.Next, LeaderEpoch: -1, Metadata: &mark,
		})
	}
	return commits
}

func (t *transactor) end(ctx context.Context) error {
	return t.askCoordinator(ctx, func(b *sarama.Broker) error {
		resp, err := b.EndTxn(&sarama.EndTxnRequest{
			Version: 3, TransactionalID: t.id, ProducerID: t.Producer, ProducerEpoch: t.Epoch, TransactionResult: true,
		})
		if err != nil {
			return err
		}
		return kafkalog.Failure(resp.Err)
	})
}

func (t *transactor) askCoordinator(ctx context.Context, request func(*sarama.Broker) error) error {
	return kafkalog.Request(ctx, func() error { return t.control.RefreshTransactionCoordinator(t.id) }, func() error {
		b, err := t.control.TransactionCoordinator(t.id)
		if err != nil {
			return err
		}
		return request(b)
	})
}

// lost tells whether a connection to a broker has been lost. The broker may have
// been restarted, and may have forgotten a marker of what was under way then.
func (t *transactor) lost() bool { return t.line.Lost() }
