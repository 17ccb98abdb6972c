package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/txn"
)

// membership is a session whose generation a test moves.
type membership struct {
	sarama.ConsumerGroupSession
	generation atomic.Int32
}

func at(generation int32) *membership {
	m := &membership{}
	m.generation.Store(generation)
	return m
}

func (*membership) MemberID() string      { return "me" }
func (m *membership) GenerationID() int32 { return m.generation.Load() }

// claimIn is a claim of a generation, whose batches get what commit returns.
func claimIn(t *testing.T, m *membership, commit func(*txn.Request) error) *Claim {
	t.Helper()
	c, _ := claimed(t, echo{}, commit)
	c.session = m
	c.ctx, c.revoke = context.WithCancel(t.Context())
	c.runner.config.Session = 10 * time.Second
	return c
}

// What a claim sends has the generation of the moment, until the claim has ended: it
// keeps the last one, whatever its member becomes.
func TestAnEndedClaimKeepsItsGeneration(t *testing.T) {
	t.Parallel()
	m := at(3)
	c := claimIn(t, m, nil)
	m.generation.Store(4)
	if got := c.metadata(); got.GenerationID != 4 || got.MemberID != "me" {
		t.Errorf("a claim that goes on sends %+v, want generation 4", got)
	}
	c.seal()
	m.generation.Store(5)
	if got := c.metadata(); got.GenerationID != 4 {
		t.Errorf("a claim that has ended sends %+v, want generation 4", got)
	}
}

// A batch is refused since the coordinator knows a generation that its members do not
// know yet. It is sent again with that one, as it is, while the partition stays.
func TestABatchThatMeetsARebalanceIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome    error // of the batch in the old generation
		moves      bool  // the member learns of the new one
		taken      bool  // it learns at once, and that the partition is taken away
		want       []int32
		takes      time.Duration
		wantFailed bool
	}{
		"the partition stays":          {fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrIllegalGeneration), true, false, []int32{3, 4}, time.Second, false},
		"it is taken away":             {fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrIllegalGeneration), true, true, []int32{3}, 0, true},
		"the member does not learn":    {fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrIllegalGeneration), false, false, []int32{3}, 10 * time.Second, true},
		"the outcome is in doubt":      {fmt.Errorf("%w: %w", txn.ErrDoubt, sarama.ErrIllegalGeneration), true, false, []int32{3}, 0, true},
		"it is none of the group":      {fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrUnknownMemberId), true, false, []int32{3}, 0, true},
		"it is refused for its length": {fmt.Errorf("%w: %w", txn.ErrAborted, sarama.ErrMessageSizeTooLarge), true, false, []int32{3}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := at(3)
				var sent []int32
				var c *Claim
				c = claimIn(t, m, func(q *txn.Request) error {
					q.Sent = q.Metadata()
					sent = append(sent, q.Sent.GenerationID)
					if q.Sent.GenerationID == 4 {
						return nil
					}
					if test.taken {
						c.revoke()
						m.generation.Store(4)
					}
					return test.outcome
				})
				begun := time.Now()
				done := make(chan error, 1)
				go func() {
					_, err := c.commitBatch(Commit{})
					done <- err
				}()
				time.Sleep(time.Second) // of synctest
				synctest.Wait()
				if test.moves {
					m.generation.Store(4)
				}
				err := <-done
				if (err != nil) != test.wantFailed || err != nil && !errors.Is(err, test.outcome) || !slices.Equal(sent, test.want) {
					t.Errorf("sent in generations %v, with the outcome %v", sent, err)
				}
				if took := time.Since(begun); took < test.takes || took > test.takes+time.Second {
					t.Errorf("it took %v, want %v", took, test.takes)
				}
			})
		})
	}
}

// Partitions that the group takes away end, those that it leaves do not, and those that
// it gives anew show before they are claimed.
func TestWhatIsTakenAwayEnds(t *testing.T) {
	t.Parallel()
	stays, goes := claimIn(t, &membership{}, nil), claimIn(t, &membership{}, nil)
	r := stays.runner
	stays.Partition, goes.Partition = 1, 2
	r.began(stays)
	r.began(goes)
	r.status[3] = newStatus(3) // was given, and never claimed
	r.give(t.Context(), []int32{1})
	if stays.ctx.Err() != nil || goes.ctx.Err() == nil {
		t.Errorf("the one that stays: %v, the one that goes: %v", stays.ctx.Err(), goes.ctx.Err())
	}
	if n := len(r.Status()); n != 2 || r.assigning() {
		t.Errorf("%d partitions, want the one that stays and the one that still ends: %v", n, r.Status())
	}
	r.ended(goes)
	r.committed(2, 7) // somebody was late
	if all := r.Status(); len(all) != 1 || all[0].Partition != 1 {
		t.Errorf("status %+v, want that of partition 1", all)
	}
}

// sarama finds out by assertions what a strategy can do. One that hides it would make
// the group an eager one, without a word.
func TestStrategiesShowWhatTheyCan(t *testing.T) {
	t.Parallel()
	r := New(&Task{}, Config{})
	for _, speaks := range []protocol{cooperative, eager} {
		c := groupClient{config: kafkalog.Kafka{}.Config()}.speaking(r.strategies(t.Context(), speaks)).Config()
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		all := c.Consumer.Group.Rebalance.GroupStrategies
		if len(all) != 1+int(speaks) || all[0].Name() != sarama.CooperativeStickyBalanceStrategyName {
			t.Fatalf("protocol %d offers %v", speaks, all)
		}
		s, ok := all[0].(sarama.RebalanceProtocolBalanceStrategy)
		if !ok || !slices.Contains(s.SupportedProtocols(), sarama.RebalanceProtocolCooperative) {
			t.Error("the strategy hides that it is a cooperative one")
		}
		if _, ok := all[0].(sarama.SubscriptionUserDataBalanceStrategy); !ok {
			t.Error("the strategy hides the generation of what it has")
		}
	}
}
