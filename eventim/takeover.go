package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// successor ends what dead processes left behind in the group of a handler and
// reads where its partitions stand.
type successor struct {
	kafka    Kafka
	group    string
	instance string
	ids      *transactionalIDs
	input    string   // the commands topic
	outputs  []string // the topics that transactions of the group write to
	logger   *slog.Logger
	waits    func(partition int32, why error) // is told what a partition waits for; nil: nobody
	ended    func(id string)                  // is told what was ended; nil: nobody

	mu     sync.Mutex // one look-up at a time
	admin  sarama.TransactionClusterAdmin
	client sarama.Client
	claim  claim
	stall  stall
	named  map[string]time.Time // torn transactions that cannot be mended, and when that was last said
}

func newSuccessor(k Kafka, group, instance, input string, outputs []string, logger *slog.Logger) (*successor, error) {
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
	return &successor{
		kafka: k, group: group, instance: instance, ids: newTransactionalIDs(group, instance), input: input, outputs: outputs,
		logger: logger, admin: admin.(sarama.TransactionClusterAdmin), client: client, named: map[string]time.Time{},
	}, nil
}

// rename gives the instance another identity.
func (s *successor) rename(instance string) {
	s.instance, s.ids = instance, newTransactionalIDs(s.group, instance)
}

func (s *successor) close() error { return s.admin.Close() }

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
func (s *successor) fence(ctx context.Context) error {
	// What some brokers do not tell is no reason to leave the rest.
	open, listed := s.admin.ListTransactions([]string{"Ongoing"}, nil, -1)
	if listed != nil {
		listed = fmt.Errorf("list transactions: %w", listed)
	}
	dead, err := s.dead(open)
	if err != nil || len(dead) == 0 {
		return errors.Join(listed, err)
	}
	_ = s.operate(ctx) // it has said what is wrong
	for _, id := range dead {
		s.logger.Info("ending the transaction of a dead process", slog.String("transactional_id", id))
		if err := s.end(ctx, id); err != nil {
			return errors.Join(listed, fmt.Errorf("fence: %w", err))
		}
		crashPoint("fenced")
		if s.ended != nil {
			s.ended(id)
		}
	}
	return listed
}

// end ends what is open under an id that nobody uses any more.
func (s *successor) end(ctx context.Context, id string) error {
	t, err := openTransactor(ctx, s.kafka, id, 0)
	if err == nil {
		t.close()
	}
	return err
}

// dead returns those of open transactions that belong to the group and to no
// living process.
func (s *successor) dead(open []sarama.ListTransactionsResponseTransactionState) ([]string, error) {
	var ids []string
	for _, t := range open {
		if _, ours := owner(s.group, t.TransactionalID); ours && !slices.Contains(ids, t.TransactionalID) {
			ids = append(ids, t.TransactionalID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	alive, err := s.instances()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool { return s.inUse(id, alive) }), nil
}

// inUse tells whether a transactional id of the group belongs to a living
// process. Of our own instance, all that no lane uses are of a former life.
func (s *successor) inUse(id string, alive map[string]bool) bool {
	instance, _ := owner(s.group, id)
	if instance == s.instance {
		return s.ids.uses(id)
	}
	return alive[instance]
}

// instances returns which instances are members of the group: the client id of
// a member is its instance.
func (s *successor) instances() (map[string]bool, error) {
	members, err := s.members()
	alive := map[string]bool{}
	for _, m := range members {
		alive[m.ClientId] = true
	}
	return alive, err
}

func (s *successor) members() (map[string]*sarama.GroupMemberDescription, error) {
	groups, err := s.admin.DescribeConsumerGroups([]string{s.group})
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", s.group, err)
	}
	if len(groups) != 1 || (groups[0].Err != sarama.ErrNoError && groups[0].Err != sarama.ErrGroupIDNotFound) {
		return nil, fmt.Errorf("describe group %s: %v", s.group, groups)
	}
	return groups[0].Members, nil
}

// evictFormerSelf removes the members with our instance id from the group.
// Whoever holds the lock of the instance's directory is alone with its id, so
// these are dead, and the group need not wait for their session timeout.
func (s *successor) evictFormerSelf(ctx context.Context) error {
	return retry(ctx, func() error {
		members, err := s.members()
		if err != nil {
			return err
		}
		for id, m := range members {
			if m.ClientId != s.instance {
				continue
			}
			coordinator, err := s.client.Coordinator(s.group)
			if err != nil {
				return err
			}
			s.logger.Info("removing a former self from the group", slog.String("member", id))
			if _, err := coordinator.LeaveGroup(&sarama.LeaveGroupRequest{GroupId: s.group, MemberId: id}); err != nil {
				return fmt.Errorf("remove member %s: %w", id, err)
			}
		}
		return nil
	})
}

// committed returns the offset that the group has committed for a partition of
// the commands, -1 for none, as soon as no transaction with another one is
// pending (RequireStable). sarama fetches the offset where it starts reading
// before anything of ours has run; a transaction of the former owner that ends
// in between makes it stale, so what lies below this one is to be ignored. Marked
// tells whether a handler has committed it, and not an operator.
func (s *successor) committed(ctx context.Context, partition int32) (offset int64, marked bool, err error) {
	stalled := s.stalledAt(partition, "its committed offset")
	for {
		offset, mark, err := s.fetchOffset(partition)
		if err == nil {
			return offset, mark == committedMark, nil
		}
		if errors.Is(err, sarama.ErrUnstableOffsetCommit) {
			stalled(ctx)
		} else {
			s.logger.Warn("cannot read the committed offset, trying again", slog.Int("partition", int(partition)), slog.Any("error", err))
			_ = s.client.RefreshCoordinator(s.group)
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return 0, false, fmt.Errorf("read the committed offset of %s/%d: %w", s.input, partition, context.Cause(ctx))
		}
	}
}

func (s *successor) fetchOffset(partition int32) (offset int64, mark string, err error) {
	coordinator, err := s.client.Coordinator(s.group)
	if err != nil {
		return 0, "", err
	}
	req := sarama.NewOffsetFetchRequest(protocolVersion, s.group, map[string][]int32{s.input: {partition}})
	req.RequireStable = true
	resp, err := coordinator.FetchOffset(req)
	if err != nil {
		return 0, "", err
	}
	if resp.Err == sarama.ErrGroupIDNotFound { // a group that has never committed, on the embedded broker
		return -1, "", nil
	}
	block := resp.GetBlock(s.input, partition)
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
