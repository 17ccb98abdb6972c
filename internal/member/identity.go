package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/txn"
)

// ErrIdentityInUse is returned when another process has started with the
// identity of this one: the data directory was copied, with the identity in it.
// The one that started last goes on. The other gets an identity of its own when
// it is started again.
var ErrIdentityInUse = errors.New("another process uses the identity of this one: its data directory is a copy of ours, or ours is one of its")

// claim is the producer id and epoch by which an instance shows that it is
// alone with its identity. The lock of the data directory shows that on one
// machine; a copy on another one has a lock of its own. Whoever starts claims
// the identity anew, with InitProducerId, and the coordinator knows the last
// claim. The data directory remembers that of its own: when the coordinator has
// another one, a copy has been started since.
type claim struct {
	producer int64
	epoch    int16
}

const claimFile = "claim"

// errTransactionalIDNotFound has no name in sarama.
const errTransactionalIDNotFound = sarama.KError(105)

func readClaim(dir string) (c claim, found bool) {
	text, err := os.ReadFile(filepath.Join(dir, claimFile)) //nolint:gosec // the operator's directory
	if err != nil {
		return claim{}, false
	}
	_, err = fmt.Sscan(string(text), &c.producer, &c.epoch)
	return c, err == nil
}

func (c claim) write(dir string) error {
	text := fmt.Appendf(nil, "%d %d\n", c.producer, c.epoch)
	if err := os.WriteFile(filepath.Join(dir, claimFile), text, 0o600); err != nil {
		return fmt.Errorf("claim the identity: %w", err)
	}
	return nil
}

// current returns the last claim of an identity; none when nobody has claimed
// it, or not for so long that the coordinator has forgotten it.
func current(admin sarama.TransactionClusterAdmin, id string) (c claim, found bool, err error) {
	described, err := admin.DescribeTransactions([]string{id})
	if err != nil {
		return claim{}, false, err
	}
	d := described[id]
	if d.ErrorCode == errTransactionalIDNotFound {
		return claim{}, false, nil
	}
	return claim{d.ProducerID, d.ProducerEpoch}, d.ErrorCode == sarama.ErrNoError, kafkalog.Failure(d.ErrorCode)
}

// Copied tells whether a copy of a data directory has been started since this
// one was used.
func (f *Fencer) Copied(ctx context.Context, dir string) (bool, error) {
	ours, found := readClaim(dir)
	if !found {
		return false, nil
	}
	var last claim
	var known bool
	err := kafkalog.Retry(ctx, func() (err error) {
		last, known, err = current(f.Admin, txn.IdentityOf(f.group, f.Instance))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look up the claim of the identity: %w", err)
	}
	return known && last != ours, nil
}

// ClaimIdentity ends whoever uses our identity.
func (f *Fencer) ClaimIdentity(ctx context.Context, dir string) error {
	err := kafkalog.Retry(ctx, func() error {
		t, err := txn.Open(ctx, f.Kafka, txn.IdentityOf(f.group, f.Instance), 0)
		if err != nil {
			return err
		}
		t.Close()
		f.claim = claim{t.Producer, t.Epoch}
		return nil
	})
	if err != nil {
		return fmt.Errorf("claim the identity: %w", err)
	}
	return f.claim.write(dir)
}

// Superseded tells whether another process has claimed our identity. What cannot
// be found out is no reason to end.
func (f *Fencer) Superseded() bool {
	last, known, err := current(f.Admin, txn.IdentityOf(f.group, f.Instance))
	if err != nil {
		f.logger.Debug("cannot look up the claim of the identity", slog.Any("error", err))
	}
	return err == nil && known && last != f.claim
}
