package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/txn"
)

// Fencer ends what dead processes left behind in the group of a handler and
// reads where its partitions stand.
type Fencer struct {
	Kafka    kafkalog.Kafka
	group    string
	Instance string
	IDs      *txn.IDs
	input    string   // the commands topic
	outputs  []string // the topics that transactions of the group write to
	logger   *slog.Logger
	Waits    func(partition int32, why error) // is told what a partition waits for; nil: nobody
	Ended    func(id string)                  // is told what was ended; nil: nobody

	mu     sync.Mutex // one look-up at a time
	Admin  sarama.TransactionClusterAdmin
	Client sarama.Client
	claim  claim
	stall  stall
	named  map[string]time.Time // torn transactions that cannot be mended, and when that was last said
}

// NewFencer connects a fencer for an instance of a group, which reads input and
// writes to outputs.
func NewFencer(k kafkalog.Kafka, group, instance, input string, outputs []string, logger *slog.Logger) (*Fencer, error) {
	c := k.Config()
	c.Metadata.Full = true
	client, err := sarama.NewClient(k.Brokers, c)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err), client.Close())
	}
	return &Fencer{
		Kafka: k, group: group, Instance: instance, IDs: txn.NewIDs(group, instance), input: input, outputs: outputs,
		logger: logger, Admin: admin.(sarama.TransactionClusterAdmin), Client: client, named: map[string]time.Time{},
	}, nil
}

// Rename gives the instance another identity.
func (f *Fencer) Rename(instance string) {
	f.Instance, f.IDs = instance, txn.NewIDs(f.group, instance)
}

// Close disconnects.
func (f *Fencer) Close() error { return f.Admin.Close() }

// fence ends at once the transactions that dead processes left open. They would
// otherwise hold the last stable offset of the outputs, and the group's offsets,
// until the transaction timeout plus the coordinator's scan: up to 25 seconds.
//
//  1. ListTransactions shows which are open. DescribeProducers would show those
//     that have written to our partitions, and miss one that has got no further
//     than its offsets, which wait for it all the same.
//  2. An id of our form whose instance is not a member of the group any more
//     belongs to a dead process, and one of our own that no lane uses to a lane
//     that gave it up, or to a former life: InitProducerId on it aborts the
//     transaction. What is torn of it is mended before: from then on, the
//     coordinator does not say how it ended.
//
// An open transaction of a living member is left alone: it is about to end it,
// and when it has lost the partition its TxnOffsetCommit is refused.
func (f *Fencer) fence(ctx context.Context) error {
	// What some brokers do not tell is no reason to leave the rest.
	open, listed := f.Admin.ListTransactions([]string{"Ongoing"}, nil, -1)
	if listed != nil {
		listed = fmt.Errorf("list transactions: %w", listed)
	}
	dead, err := f.dead(open)
	if err != nil || len(dead) == 0 {
		return errors.Join(listed, err)
	}
	_ = f.operate(ctx) // it has said what is wrong
	for _, id := range dead {
		f.logger.Info("ending the transaction of a dead process", slog.String("transactional_id", id))
		if err := f.end(ctx, id); err != nil {
			return errors.Join(listed, fmt.Errorf("fence: %w", err))
		}
		faultpoint.At("fenced")
		if f.Ended != nil {
			f.Ended(id)
		}
	}
	return listed
}

// end ends what is open under an id that nobody uses any more.
func (f *Fencer) end(ctx context.Context, id string) error {
	t, err := txn.Open(ctx, f.Kafka, id, 0)
	if err == nil {
		t.Close()
	}
	return err
}

// dead returns those of open transactions that belong to the group and to no
// living process.
func (f *Fencer) dead(open []sarama.ListTransactionsResponseTransactionState) ([]string, error) {
	var ids []string
	for _, t := range open {
		if _, ours := txn.Owner(f.group, t.TransactionalID); ours && !slices.Contains(ids, t.TransactionalID) {
			ids = append(ids, t.TransactionalID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	alive, err := f.instances()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool { return f.inUse(id, alive) }), nil
}

// inUse tells whether a transactional id of the group belongs to a living
// process. Of our own instance, all that no lane uses are of a former life.
func (f *Fencer) inUse(id string, alive map[string]bool) bool {
	instance, _ := txn.Owner(f.group, id)
	if instance == f.Instance {
		return f.IDs.Uses(id)
	}
	return alive[instance]
}

// instances returns which instances are members of the group: the client id of
// a member is its instance.
func (f *Fencer) instances() (map[string]bool, error) {
	members, err := f.members()
	alive := map[string]bool{}
	for _, m := range members {
		alive[m.ClientId] = true
	}
	return alive, err
}

func (f *Fencer) members() (map[string]*sarama.GroupMemberDescription, error) {
	groups, err := f.Admin.DescribeConsumerGroups([]string{f.group})
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", f.group, err)
	}
	if len(groups) != 1 || (groups[0].Err != sarama.ErrNoError && groups[0].Err != sarama.ErrGroupIDNotFound) {
		return nil, fmt.Errorf("describe group %s: %v", f.group, groups)
	}
	return groups[0].Members, nil
}

// EvictFormerSelf removes the members with our instance id from the group.
// Whoever holds the lock of the instance's directory is alone with its id, so
// these are dead, and the group need not wait for their session timeout.
func (f *Fencer) EvictFormerSelf(ctx context.Context) error {
	return kafkalog.Retry(ctx, func() error {
		members, err := f.members()
		if err != nil {
			return err
		}
		for id, m := range members {
			if m.ClientId != f.Instance {
				continue
			}
			coordinator, err := f.Client.Coordinator(f.group)
			if err != nil {
				return err
			}
			f.logger.Info("removing a former self from the group", slog.String("member", id))
			if _, err := coordinator.LeaveGroup(&sarama.LeaveGroupRequest{GroupId: f.group, MemberId: id}); err != nil {
				return fmt.Errorf("remove member %s: %w", id, err)
			}
		}
		return nil
	})
}

// Committed returns the offset that the group has committed for a partition of
// the commands, -1 for none, as soon as no transaction with another one is
// pending (RequireStable). sarama fetches the offset where it starts reading
// before anything of ours has run; a transaction of the former owner that ends
// in between makes it stale, so what lies below this one is to be ignored. Marked
// tells whether a handler has committed it, and not an operator.
func (f *Fencer) Committed(ctx context.Context, partition int32) (offset int64, marked bool, err error) {
	stalled := f.StalledAt(partition, "its committed offset")
	for {
		offset, mark, err := f.fetchOffset(partition)
		if err == nil {
			return offset, mark == txn.Mark, nil
		}
		if errors.Is(err, sarama.ErrUnstableOffsetCommit) {
			stalled(ctx)
		} else {
			f.logger.Warn("cannot read the committed offset, trying again", slog.Int("partition", int(partition)), slog.Any("error", err))
			_ = f.Client.RefreshCoordinator(f.group)
		}
		if !kafkalog.Sleep(ctx, 20*time.Millisecond) {
			return 0, false, fmt.Errorf("read the committed offset of %s/%d: %w", f.input, partition, context.Cause(ctx))
		}
	}
}

func (f *Fencer) fetchOffset(partition int32) (offset int64, mark string, err error) {
	coordinator, err := f.Client.Coordinator(f.group)
	if err != nil {
		return 0, "", err
	}
	req := sarama.NewOffsetFetchRequest(kafkalog.ProtocolVersion, f.group, map[string][]int32{f.input: {partition}})
	req.RequireStable = true
	resp, err := coordinator.FetchOffset(req)
	if err != nil {
		return 0, "", err
	}
	if resp.Err == sarama.ErrGroupIDNotFound { // a group that has never committed, on the embedded broker
		return -1, "", nil
	}
	block := resp.GetBlock(f.input, partition)
	switch {
	case resp.Err != sarama.ErrNoError:
		return 0, "", resp.Err
	case block == nil:
		return 0, "", sarama.ErrIncompleteResponse
	case block.Err == sarama.ErrGroupIDNotFound:
		return -1, "", nil
	case block.Err != sarama.ErrNoError:
		return 0, "", block.Err
	}
	return block.Offset, block.Metadata, nil
}
