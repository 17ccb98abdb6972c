package eventim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// OpenTransactions lists what is open at this moment in the output topics of the
// aggregate and, of its group and where it is torn, in the offsets of the groups,
// with how torn ones ended. An error says that some partitions could not be
// looked at; the others are listed. It needs READ on these topics and on
// __transaction_state, and DESCRIBE on the transactional ids.
func (a Aggregate[S, C, E]) OpenTransactions(ctx context.Context, k Kafka) (open []OpenTransaction, err error) {
	err = withSurgeon(k, func(s surgeon) error {
		t := a.Topics()
		var err error
		open, err = s.examine([]string{offsetsTopic, t.Commands, t.Results, t.Events, t.Snapshots, t.DeadLetters})
		open = slices.DeleteFunc(open, func(t OpenTransaction) bool {
			_, ours := owner(a.Group(), t.TransactionalID)
			return t.Topic == offsetsTopic && t.Verdict != Torn && !ours
		})
		for i := range open {
			err = errors.Join(err, s.recall(ctx, &open[i]))
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
	return withSurgeon(k, func(s surgeon) error { return s.mend(ctx, t) })
}

func withSurgeon(k Kafka, fn func(surgeon) error) (err error) {
	c := k.Config()
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
	return fn(surgeon{k, client, admin.(sarama.TransactionClusterAdmin)})
}
