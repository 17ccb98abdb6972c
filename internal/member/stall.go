package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/torn"
	"github.com/eventim-go/eventim/internal/txn"
)

// stall is what the successor remembers while something waits for an open
// transaction.
type stall struct {
	looked time.Time          // when it last looked for what is to be ended
	looks  int                // one after the other, without a rest
	open   []torn.Transaction // as it found them
}

const (
	// PauseOfLooks is the least time between two looks: whoever waits for a
	// transaction asks for one with every empty fetch, each partition for itself.
	PauseOfLooks = 500 * time.Millisecond
	// rest ends a series of looks.
	rest = 2 * time.Second
	// silence is how long something waits before it says so.
	silence = 3 * time.Second
	// repeatAfter is when the log says again what it has said.
	repeatAfter = 30 * time.Second
)

// endStalled ends what keeps somebody waiting, if it may be ended: a process may
// have died since the last look, or a transaction may be torn.
func (f *Fencer) endStalled(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := time.Since(f.stall.looked)
	if since < PauseOfLooks {
		return
	}
	if since > rest {
		f.stall = stall{}
	}
	f.stall.looks++
	f.look(ctx, f.stall.looks > 1) // one that lives ends within the first half second
	f.stall.looked = time.Now()
}

// TakeOver looks at once, whatever was looked at before: the members of the
// group have changed.
func (f *Fencer) TakeOver(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(ctx, false)
	f.stall.looked = time.Now()
}

func (f *Fencer) look(ctx context.Context, thoroughly bool) {
	if err := f.fence(ctx); err != nil {
		f.logger.Warn("cannot look up all open transactions, waiting for them to end", slog.Any("error", err))
	}
	if thoroughly {
		_ = f.operate(ctx) // it has said what is wrong
	}
}

// operate mends the torn transactions of the group, and names those that it
// cannot mend.
func (f *Fencer) operate(ctx context.Context) error {
	surgeon := torn.NewSurgeon(f.Kafka, f.Client, f.Admin)
	open, err := surgeon.Examine(append([]string{torn.OffsetsTopic}, f.outputs...))
	if err != nil {
		err = f.unexamined(err)
	}
	f.stall.open = open
	for i := range open {
		if open[i].Verdict == torn.Torn {
			err = errors.Join(err, f.treat(ctx, surgeon, &open[i]))
		}
	}
	return err
}

// unexamined says that some partitions could not be looked at. Where that is
// for want of rights, or the brokers are too old to tell, waiting does not help.
func (f *Fencer) unexamined(err error) error {
	_ = f.Client.RefreshMetadata() // what is wrong shows in the next attempt
	if time.Since(f.named["examine"]) > repeatAfter {
		f.named["examine"] = time.Now()
		f.logger.Warn("cannot examine all open transactions", slog.Any("error", err))
	}
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrUnsupportedVersion) {
		return nil
	}
	return err
}

// treat mends one torn transaction. Those of others in our partitions are not
// ours to end.
func (f *Fencer) treat(ctx context.Context, surgeon torn.Surgeon, t *torn.Transaction) error {
	err := surgeon.Recall(ctx, t)
	if _, ours := txn.Owner(f.group, t.TransactionalID); !ours {
		if t.Topic != torn.OffsetsTopic { // where others have theirs
			f.name(*t, errors.New("it is not of this group"))
		}
		return nil
	}
	if err == nil {
		err = surgeon.Mend(ctx, *t)
	}
	if err != nil {
		f.name(*t, err)
		return err
	}
	f.logger.Warn("mended a torn transaction: the brokers had lost its markers", attributes(*t)...)
	return nil
}

// name says in the log what cannot be mended here, and what does.
func (f *Fencer) name(t torn.Transaction, why error) {
	key := fmt.Sprint(t.Topic, t.Partition, t.ProducerID, t.StartOffset)
	if time.Since(f.named[key]) < repeatAfter {
		return
	}
	f.named[key] = time.Now()
	f.logger.Error("a torn transaction holds up everybody who reads this partition; "+
		"Aggregate.MendTransaction ends it, with the rights to alter the cluster",
		append(attributes(t), slog.Any("error", why))...)
}

func attributes(t torn.Transaction) []any {
	return []any{
		slog.String("topic", t.Topic), slog.Int("partition", int(t.Partition)), slog.Int64("offset", t.StartOffset),
		slog.Int64("producer_id", t.ProducerID), slog.Int("epoch", int(t.ProducerEpoch)),
		slog.String("transactional_id", t.TransactionalID), slog.String("fate", string(t.Fate)), slog.Time("last_write", t.LastWrite),
	}
}

// StalledAt returns what is to be called, again and again, while a partition
// waits for a transaction to end, and nothing else can be done for it. It says so
// when that takes seconds.
func (f *Fencer) StalledAt(partition int32, what string) func(context.Context) {
	var begun, called, said time.Time
	return func(ctx context.Context) {
		now := time.Now()
		if now.Sub(called) > rest {
			begun = now
		}
		called = now
		f.endStalled(ctx)
		if waited := now.Sub(begun); waited > silence {
			why := f.waiting(partition, what, waited)
			if f.Waits != nil {
				f.Waits(partition, why)
			}
			if now.Sub(said) > repeatAfter {
				said = now
				f.logger.Warn("a partition waits for an open transaction", slog.Int("partition", int(partition)), slog.Any("reason", why))
			}
		}
	}
}

// waiting says what a partition waits for.
func (f *Fencer) waiting(partition int32, what string, waited time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := []string{fmt.Sprintf("%s: for %v until %s, waiting for a transaction to end",
		what, waited.Round(time.Second), time.Now().Format(time.TimeOnly))}
	for _, t := range f.stall.open {
		if t.Topic == torn.OffsetsTopic && strings.HasPrefix(t.TransactionalID, f.group+"/") || t.Topic != torn.OffsetsTopic && t.Partition == partition {
			parts = append(parts, t.String())
		}
	}
	return errors.New(strings.Join(parts, "; "))
}

// How long an id is not given up before all brokers tell what is open. An only
// one that has come back is not trusted before; where there are others, the
// partitions that they lead must not wait until those of the dead have leaders.
// What is torn of an id that was given up before is found later, by what its
// coordinator has recorded.
const (
	settleTime       = 10 * time.Second
	settleTimeOfMany = time.Second
)

// Settle ends for certain what is open under an id of ours whose outcome is in
// doubt, so that the log has the truth. What the brokers have torn is mended,
// before InitProducerId, after which the coordinator has forgotten how it ended,
// and after it, since the abort may be torn as well.
func (f *Fencer) Settle(ctx context.Context, id string) error {
	patience := settleTime
	if len(f.Client.Brokers()) > 1 {
		patience = settleTimeOfMany
	}
	for begun := time.Now(); f.examined(ctx) != nil && time.Since(begun) < patience; {
		kafkalog.Sleep(ctx, PauseOfLooks)
	}
	if err := f.end(ctx, id); err != nil {
		return err
	}
	_ = f.examined(ctx) // it has said what is wrong
	return nil
}

func (f *Fencer) examined(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.operate(ctx)
}

// Watch looks after the transactions of the group, for as long as ctx: the
// group waits for its offsets before it gives out partitions, when nobody else
// looks, and a torn transaction holds up the readers of results, whom a handler
// that goes on does not meet.
//
// It also finds out when another process takes our identity.
func (f *Fencer) Watch(ctx context.Context, assigning func() bool, supersede func()) {
	stalled := f.StalledAt(-1, "the group's committed offsets")
	for seconds := 1; kafkalog.Sleep(ctx, time.Second); seconds++ {
		switch {
		case assigning():
			stalled(ctx)
		case seconds%10 == 0:
			_ = f.examined(ctx) // it has said what is wrong
			if f.Superseded() {
				supersede()
			}
		}
	}
}
