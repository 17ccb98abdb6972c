package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// stall is what the successor remembers while something waits for an open
// transaction.
type stall struct {
	looked time.Time         // when it last looked for what is to be ended
	looks  int               // one after the other, without a rest
	open   []OpenTransaction // as it found them
}

const (
	// pauseOfLooks is the least time between two looks: whoever waits for a
	// transaction asks for one with every empty fetch, each partition for itself.
	pauseOfLooks = 500 * time.Millisecond
	// rest ends a series of looks.
	rest = 2 * time.Second
	// silence is how long something waits before it says so.
	silence = 3 * time.Second
	// repeatAfter is when the log says again what it has said.
	repeatAfter = 30 * time.Second
)

// endStalled ends what keeps somebody waiting, if it may be ended: a process may
// have died since the last look, or a transaction may be torn.
func (s *successor) endStalled(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := time.Since(s.stall.looked)
	if since < pauseOfLooks {
		return
	}
	if since > rest {
		s.stall = stall{}
	}
	s.stall.looks++
	s.look(ctx, s.stall.looks > 1) // one that lives ends within the first half second
	s.stall.looked = time.Now()
}

// takeOver looks at once, whatever was looked at before: the members of the
// group have changed.
func (s *successor) takeOver(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(ctx, false)
	s.stall.looked = time.Now()
}

func (s *successor) look(ctx context.Context, thoroughly bool) {
	if err := s.fence(ctx); err != nil {
		s.logger.Warn("cannot look up all open transactions, waiting for them to end", slog.Any("error", err))
	}
	if thoroughly {
		_ = s.operate(ctx) // it has said what is wrong
	}
}

// operate mends the torn transactions of the group, and names those that it
// cannot mend.
func (s *successor) operate(ctx context.Context) error {
	surgeon := surgeon{s.kafka, s.client, s.admin}
	open, err := surgeon.examine(append([]string{offsetsTopic}, s.outputs...))
	if err != nil {
		err = s.unexamined(err)
	}
	s.stall.open = open
	for i := range open {
		if open[i].Verdict == Torn {
			err = errors.Join(err, s.treat(ctx, surgeon, &open[i]))
		}
	}
	return err
}

// unexamined says that some partitions could not be looked at. Where that is
// for want of rights, or the brokers are too old to tell, waiting does not help.
func (s *successor) unexamined(err error) error {
	_ = s.client.RefreshMetadata() // what is wrong shows in the next attempt
	if time.Since(s.named["examine"]) > repeatAfter {
		s.named["examine"] = time.Now()
		s.logger.Warn("cannot examine all open transactions", slog.Any("error", err))
	}
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrUnsupportedVersion) {
		return nil
	}
	return err
}

// treat mends one torn transaction. Those of others in our partitions are not
// ours to end.
func (s *successor) treat(ctx context.Context, surgeon surgeon, t *OpenTransaction) error {
	err := surgeon.recall(ctx, t)
	if _, ours := owner(s.group, t.TransactionalID); !ours {
		if t.Topic != offsetsTopic { // where others have theirs
			s.name(*t, errors.New("it is not of this group"))
		}
		return nil
	}
	if err == nil {
		err = surgeon.mend(ctx, *t)
	}
	if err != nil {
		s.name(*t, err)
		return err
	}
	s.logger.Warn("mended a torn transaction: the brokers had lost its markers", attributes(*t)...)
	return nil
}

// name says in the log what cannot be mended here, and what does.
func (s *successor) name(t OpenTransaction, why error) {
	key := fmt.Sprint(t.Topic, t.Partition, t.ProducerID, t.StartOffset)
	if time.Since(s.named[key]) < repeatAfter {
		return
	}
	s.named[key] = time.Now()
	s.logger.Error("a torn transaction holds up everybody who reads this partition; "+
		"`doctor transactions --mend` ends it, with the rights to alter the cluster",
		append(attributes(t), slog.Any("error", why))...)
}

func attributes(t OpenTransaction) []any {
	return []any{
		slog.String("topic", t.Topic), slog.Int("partition", int(t.Partition)), slog.Int64("offset", t.StartOffset),
		slog.Int64("producer_id", t.ProducerID), slog.Int("epoch", int(t.ProducerEpoch)),
		slog.String("transactional_id", t.TransactionalID), slog.String("fate", string(t.Fate)), slog.Time("last_write", t.LastWrite),
	}
}

// stalledAt returns what is to be called, again and again, while a partition
// waits for a transaction to end, and nothing else can be done for it. It says so
// when that takes seconds.
func (s *successor) stalledAt(partition int32, what string) func(context.Context) {
	var begun, called, said time.Time
	return func(ctx context.Context) {
		now := time.Now()
		if now.Sub(called) > rest {
			begun = now
		}
		called = now
		s.endStalled(ctx)
		if waited := now.Sub(begun); waited > silence {
			why := s.waiting(partition, what, waited)
			if s.waits != nil {
				s.waits(partition, why)
			}
			if now.Sub(said) > repeatAfter {
				said = now
				s.logger.Warn("a partition waits for an open transaction", slog.Int("partition", int(partition)), slog.Any("reason", why))
			}
		}
	}
}

// waiting says what a partition waits for.
func (s *successor) waiting(partition int32, what string, waited time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := []string{fmt.Sprintf("%s: for %v until %s, waiting for a transaction to end",
		what, waited.Round(time.Second), time.Now().Format(time.TimeOnly))}
	for _, t := range s.stall.open {
		if t.Topic == offsetsTopic && strings.HasPrefix(t.TransactionalID, s.group+"/") || t.Topic != offsetsTopic && t.Partition == partition {
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

// settle ends for certain what is open under an id of ours whose outcome is in
// doubt, so that the log has the truth. What the brokers have torn is mended,
// before InitProducerId, after which the coordinator has forgotten how it ended,
// and after it, since the abort may be torn as well.
func (s *successor) settle(ctx context.Context, id string) error {
	patience := settleTime
	if len(s.client.Brokers()) > 1 {
		patience = settleTimeOfMany
	}
	for begun := time.Now(); s.examined(ctx) != nil && time.Since(begun) < patience; {
		sleep(ctx, pauseOfLooks)
	}
	if err := s.end(ctx, id); err != nil {
		return err
	}
	_ = s.examined(ctx) // it has said what is wrong
	return nil
}

func (s *successor) examined(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.operate(ctx)
}

// watch looks after the transactions of the group, for as long as ctx: the
// group waits for its offsets before it gives out partitions, when nobody else
// looks, and a torn transaction holds up the readers of results, whom a handler
// that goes on does not meet.
//
// It also finds out when another process takes our identity.
func (s *successor) watch(ctx context.Context, assigning func() bool, supersede func()) {
	stalled := s.stalledAt(-1, "the group's committed offsets")
	for seconds := 1; sleep(ctx, time.Second); seconds++ {
		switch {
		case assigning():
			stalled(ctx)
		case seconds%10 == 0:
			_ = s.examined(ctx) // it has said what is wrong
			if s.superseded() {
				supersede()
			}
		}
	}
}
