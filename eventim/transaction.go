package eventim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Outcomes of a transaction other than its commit.
var (
	// errAborted: nothing of the transaction is visible, nor will be; it may
	// be tried again.
	errAborted = errors.New("the transaction was aborted")
	// errDoubt: how the transaction ended, or will, only the log knows.
	errDoubt = errors.New("the outcome of the transaction is unknown")
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
	producer int64
	epoch    int16
	used     bool // by a transaction, the epoch
	line     *line
	limit    int // bytes of a batch
	phases   Phases
}

type topicPartition struct {
	topic     string
	partition int32
}

const (
	transactionTimeout = 15 * time.Second
	produceTimeout     = 8 * time.Second
	answerTimeout      = 10 * time.Second
)

// openTransactor connects and runs InitProducerId: it ends what was open under
// the id, and fences whoever used it.
func openTransactor(ctx context.Context, k Kafka, id string, limit int) (*transactor, error) {
	t := &transactor{id: id, limit: limit}
	err := t.connect(k)
	if err == nil {
		err = t.begin(ctx)
	}
	if err != nil {
		t.close()
		return nil, fmt.Errorf("open transactional id %s: %w", id, err)
	}
	return t, nil
}

func (t *transactor) connect(k Kafka) (err error) {
	c := k.Config()
	c.Net.ReadTimeout = answerTimeout
	c.Metadata.Full = false
	t.line = watchLine(c)
	if t.control, err = sarama.NewClient(k.Brokers, c); err == nil {
		t.data, err = sarama.NewClient(k.Brokers, c)
	}
	return err
}

func (t *transactor) close() {
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
		t.producer, t.epoch, t.used = resp.ProducerID, resp.ProducerEpoch, false
		return failure(resp.Err)
	})
}

// commit writes the records and the offsets of all requests in one transaction
// and tells each record its offset. After an error, the transactor must not be
// used any more.
func (t *transactor) commit(ctx context.Context, requests []*request) error {
	t.used, t.phases = true, Phases{}
	batches := t.batches(requests)
	if err := t.write(ctx, requests, batches); err != nil {
		return fmt.Errorf("%w: %w", errAborted, err)
	}
	crashPoint("ending")
	// What has been answered so far has no copy on its way. This one is
	// repeated after an answer only, too; without one, it may yet be done.
	if err := timed(&t.phases.End, func() error { return t.end(ctx) }); err != nil {
		return fmt.Errorf("%w: end: %w", errDoubt, err)
	}
	crashPoint("ended")
	for _, b := range batches {
		for i, m := range b.messages {
			m.Offset = b.offset + int64(i)
		}
	}
	return nil
}

// write does everything but the end: a transaction that gets no further is
// aborted, by whoever opens its id next or by its timeout.
func (t *transactor) write(ctx context.Context, requests []*request, batches []*outBatch) error {
	if err := timed(&t.phases.Begin, func() error { return t.addPartitions(ctx, batches) }); err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	crashPoint("begun")
	offsets := make(chan error, 1)
	go func() {
		offsets <- timed(&t.phases.Offsets, func() error { return t.commitOffsets(ctx, requests) })
	}()
	err := timed(&t.phases.Write, func() error { return t.produce(ctx, batches) })
	crashPoint("produced")
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
			Version: 3, TransactionalID: t.id, ProducerID: t.producer, ProducerEpoch: t.epoch, TopicPartitions: partitions,
		})
		if err != nil {
			return err
		}
		return partitionErrors(resp.Errors)
	})
}

// commitOffsets is the fence against zombies (KIP-447): the coordinator of the
// group refuses the offsets of a member that has lost the partition, by the
// generation in TxnOffsetCommit, and the transaction is not committed.
// AddOffsetsToTxn alone sends no generation and would fence nothing.
func (t *transactor) commitOffsets(ctx context.Context, requests []*request) error {
	for _, commit := range t.offsetCommits(requests) {
		err := t.askCoordinator(ctx, func(b *sarama.Broker) error {
			resp, err := b.AddOffsetsToTxn(&sarama.AddOffsetsToTxnRequest{
				Version: 3, TransactionalID: t.id, ProducerID: t.producer, ProducerEpoch: t.epoch, GroupID: commit.GroupID,
			})
			if err != nil {
				return err
			}
			return failure(resp.Err)
		})
		if err == nil {
			err = t.commitGroup(ctx, commit)
			crashPoint("offsets")
		}
		if err != nil {
			return fmt.Errorf("commit offsets: %w", err)
		}
	}
	return nil
}

func (t *transactor) commitGroup(ctx context.Context, commit *sarama.TxnOffsetCommitRequest) error {
	return ask(ctx, func() error { return t.control.RefreshCoordinator(commit.GroupID) }, func() error {
		b, err := t.control.Coordinator(commit.GroupID)
		if err != nil {
			return err
		}
		resp, err := b.TxnOffsetCommit(commit)
		if err != nil {
			return err
		}
		return partitionErrors(resp.Topics)
	})
}

// offsetCommits gathers the offsets by member: nearly always all are of one.
func (t *transactor) offsetCommits(requests []*request) []*sarama.TxnOffsetCommitRequest {
	var commits []*sarama.TxnOffsetCommitRequest
	find := func(m *sarama.ConsumerGroupMetadata) *sarama.TxnOffsetCommitRequest {
		for _, c := range commits {
			if c.GroupID == m.GroupID && c.GenerationID == m.GenerationID && c.MemberID == m.MemberID {
				return c
			}
		}
		commits = append(commits, &sarama.TxnOffsetCommitRequest{
			Version: 3, TransactionalID: t.id, ProducerID: t.producer, ProducerEpoch: t.epoch,
			GroupID: m.GroupID, GenerationID: m.GenerationID, MemberID: m.MemberID, GroupInstanceID: m.GroupInstanceID,
			Topics: map[string][]*sarama.PartitionOffsetMetadata{},
		})
		return commits[len(commits)-1]
	}
	mark := committedMark
	for _, r := range requests {
		topics := find(r.metadata()).Topics
		topics[r.input] = append(topics[r.input], &sarama.PartitionOffsetMetadata{
			Partition: r.part, Offset: r.next, LeaderEpoch: -1, Metadata: &mark,
		})
	}
	return commits
}

func (t *transactor) end(ctx context.Context) error {
	return t.askCoordinator(ctx, func(b *sarama.Broker) error {
		resp, err := b.EndTxn(&sarama.EndTxnRequest{
			Version: 3, TransactionalID: t.id, ProducerID: t.producer, ProducerEpoch: t.epoch, TransactionResult: true,
		})
		if err != nil {
			return err
		}
		return failure(resp.Err)
	})
}

func (t *transactor) askCoordinator(ctx context.Context, request func(*sarama.Broker) error) error {
	return ask(ctx, func() error { return t.control.RefreshTransactionCoordinator(t.id) }, func() error {
		b, err := t.control.TransactionCoordinator(t.id)
		if err != nil {
			return err
		}
		return request(b)
	})
}

// lost tells whether a connection to a broker has been lost. The broker may have
// been restarted, and may have forgotten a marker of what was under way then.
func (t *transactor) lost() bool { return t.line.lost.Load() }
