package eventim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/torn"
	"github.com/eventim-go/eventim/internal/txn"
)

// Verdict is what is known of an open transaction: Alive or Torn.
type Verdict = torn.Verdict

// Verdicts on an open transaction.
const (
	// Alive: its producer or its coordinator will end it, or there is no proof
	// that they will not.
	Alive Verdict = torn.Alive
	// Torn: its coordinator has gone on without it.
	Torn Verdict = torn.Torn
)

// Fate is how a transaction ended, by the record of its coordinator: Committed,
// Aborted or Unknown.
type Fate = torn.Fate

// Fates of a transaction.
const (
	Committed Fate = torn.Committed
	Aborted   Fate = torn.Aborted
	Unknown   Fate = torn.Unknown // not recorded, or not any more
)

// OpenTransaction is a transaction that one producer has open in one partition.
// Its fields are those that kafka-transactions.sh shows.
type OpenTransaction struct {
	Topic            string    `json:"topic"`
	Partition        int32     `json:"partition"`
	ProducerID       int64     `json:"producerId"`
	ProducerEpoch    int16     `json:"producerEpoch"`
	StartOffset      int64     `json:"startOffset"`
	LastWrite        time.Time `json:"lastWrite"`       // by the producer's clock
	TransactionalID  string    `json:"transactionalId"` // "" when no coordinator knows the producer
	State            string    `json:"state"`           // of the id at its coordinator, "" as above
	Verdict          Verdict   `json:"verdict"`
	Reason           string    `json:"reason"` // of the verdict
	Fate             Fate      `json:"fate"`   // of a torn transaction
	CoordinatorEpoch int32     `json:"-"`      // as the leader of the partition knows it
}

// String says all of it in a line.
func (t OpenTransaction) String() string { return torn.Transaction(t).String() }

// OpenTransactions lists what is open at this moment in the output topics of the
// aggregate and, of its group and where it is torn, in the offsets of the groups,
// with how torn ones ended. An error says that some partitions could not be
// looked at; the others are listed. It needs READ on these topics and on
// __transaction_state, and DESCRIBE on the transactional ids.
func (a Aggregate[S, C, E]) OpenTransactions(ctx context.Context, k Kafka) (open []OpenTransaction, err error) {
	t := a.Topics()
	return openTransactions(ctx, k, a.Group(), t.Commands, t.Results, t.Events, t.Snapshots, t.DeadLetters)
}

// OpenTransactions is that of an Aggregate, of the topics of a reactor.
func (r Reactor[S, M]) OpenTransactions(ctx context.Context, k Kafka) ([]OpenTransaction, error) {
	t := r.Topics()
	return openTransactions(ctx, k, r.Group(), t.Inbox, t.Instances, t.Parked, t.Positions)
}

// VerifyTopics is that of an Aggregate, of the topics of a reactor.
func (r Reactor[S, M]) VerifyTopics(ctx context.Context, k Kafka) error {
	return withAdmin(k, func(admin sarama.ClusterAdmin) error {
		_, err := r.withDefaults().inspectTopics(ctx, admin)
		return err
	})
}

func openTransactions(ctx context.Context, k Kafka, group string, topics ...string) (open []OpenTransaction, err error) {
	err = withSurgeon(k, func(s torn.Surgeon) error {
		found, err := s.Examine(append([]string{torn.OffsetsTopic}, topics...))
		for _, f := range found {
			_, ours := txn.Owner(group, f.TransactionalID)
			if f.Topic == torn.OffsetsTopic && f.Verdict != torn.Torn && !ours {
				continue
			}
			err = errors.Join(err, s.Recall(ctx, &f))
			open = append(open, OpenTransaction(f))
		}
		return err
	})
	return open, err
}

// MendTransaction writes the marker that a torn transaction lacks, with the
// outcome that its coordinator has recorded: what was committed becomes visible,
// what was aborted is dropped, and readers go on. It refuses one that is alive,
// and one whose outcome is not known. Handlers do this by themselves, where they
// may: it needs ALTER or CLUSTER_ACTION on the cluster.
func (a Aggregate[S, C, E]) MendTransaction(ctx context.Context, k Kafka, t OpenTransaction) error {
	return withSurgeon(k, func(s torn.Surgeon) error { return s.Mend(ctx, torn.Transaction(t)) })
}

func withSurgeon(k Kafka, fn func(torn.Surgeon) error) (err error) {
	c := k.connection().Config()
	c.Metadata.Full = true // ClusterAdmin wants it
	client, err := sarama.NewClient(k.Brokers, c)
	if err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return errors.Join(fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err), client.Close())
	}
	defer func() { err = errors.Join(err, admin.Close()) }() // and the client
	return fn(torn.NewSurgeon(k.connection(), client, admin.(sarama.TransactionClusterAdmin)))
}
