package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
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
	lanes    int
	input    string // the commands topic
	logger   *slog.Logger

	mu     sync.Mutex // one look-up at a time
	admin  sarama.TransactionClusterAdmin
	client sarama.Client
}

func newSuccessor(k Kafka, group, instance string, lanes int, input string, logger *slog.Logger) (*successor, error) {
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
		kafka: k, group: group, instance: instance, lanes: lanes, input: input,
		logger: logger, admin: admin.(sarama.TransactionClusterAdmin), client: client,
	}, nil
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
//     belongs to a dead process: InitProducerId on it aborts the transaction.
//
// An open transaction of a living member is left alone: it is about to end it,
// and when it has lost the partition its TxnOffsetCommit is refused.
func (s *successor) fence(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What some brokers do not tell is no reason to leave the rest.
	open, listed := s.admin.ListTransactions([]string{"Ongoing"}, nil, -1)
	if listed != nil {
		listed = fmt.Errorf("list transactions: %w", listed)
	}
	open = slices.DeleteFunc(open, func(t sarama.ListTransactionsResponseTransactionState) bool {
		return !strings.HasPrefix(t.TransactionalID, s.group+"/")
	})
	if len(open) == 0 {
		return listed
	}
	alive, err := s.instances()
	if err != nil {
		return errors.Join(listed, err)
	}
	for _, t := range open {
		if s.inUse(t.TransactionalID, alive) {
			continue
		}
		s.logger.Info("ending the transaction of a dead process", slog.String("transactional_id", t.TransactionalID))
		dead, err := openTransactor(ctx, s.kafka, t.TransactionalID, 0)
		if err != nil {
			return errors.Join(listed, fmt.Errorf("fence: %w", err))
		}
		dead.close()
		crashPoint("fenced")
	}
	return listed
}

// inUse tells whether a transactional id belongs to somebody else or to a
// living process. Of our own, those of a former self with more lanes do not.
func (s *successor) inUse(id string, alive map[string]bool) bool {
	rest, ours := strings.CutPrefix(id, s.group+"/")
	instance, number, ok := strings.Cut(rest, "/")
	if !ours || !ok {
		return true
	}
	k, err := strconv.Atoi(number)
	if instance == s.instance {
		return err != nil || k < s.lanes
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
// in between makes it stale, so what lies below this one is to be ignored.
func (s *successor) committed(ctx context.Context, partition int32) (int64, error) {
	for {
		offset, err := s.fetchOffset(partition)
		if err == nil {
			return offset, nil
		}
		if errors.Is(err, sarama.ErrUnstableOffsetCommit) {
			s.endStalled(ctx)
		} else {
			s.logger.Warn("cannot read the committed offset, trying again", slog.Int("partition", int(partition)), slog.Any("error", err))
			_ = s.client.RefreshCoordinator(s.group)
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return 0, fmt.Errorf("read the committed offset of %s/%d: %w", s.input, partition, context.Cause(ctx))
		}
	}
}

// endStalled fences, as often as something waits for a transaction to end: a
// process may have died since the last look.
func (s *successor) endStalled(ctx context.Context) {
	if err := s.fence(ctx); err != nil {
		s.logger.Warn("cannot look up all open transactions, waiting for them to end", slog.Any("error", err))
	}
}

func (s *successor) fetchOffset(partition int32) (int64, error) {
	coordinator, err := s.client.Coordinator(s.group)
	if err != nil {
		return 0, err
	}
	req := sarama.NewOffsetFetchRequest(protocolVersion, s.group, map[string][]int32{s.input: {partition}})
	req.RequireStable = true
	resp, err := coordinator.FetchOffset(req)
	if err != nil {
		return 0, err
	}
	if resp.Err == sarama.ErrGroupIDNotFound { // a group that has never committed, on the embedded broker
		return -1, nil
	}
	block := resp.GetBlock(s.input, partition)
	switch {
	case resp.Err != sarama.ErrNoError:
		return 0, resp.Err
	case block == nil:
		return 0, sarama.ErrIncompleteResponse
	case block.Err == sarama.ErrGroupIDNotFound:
		return -1, nil
	case block.Err != sarama.ErrNoError:
		return 0, block.Err
	}
	return block.Offset, nil
}
