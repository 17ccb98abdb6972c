package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// protocol is how a member gives partitions up when the group changes.
type protocol int

const (
	// cooperative: those that move, one rebalance before somebody else gets them.
	cooperative protocol = iota
	// eager: all of them, before it joins. Members of before the cooperative protocol
	// know no other, and the brokers let nobody in who does not know theirs.
	eager
)

// next is the protocol to go on with after a session that has ended with err. The
// brokers judge: they refuse a cooperative member while there is one that only knows
// the other protocol.
func (r *Runner) next(speaks protocol, err error) protocol {
	switch {
	case speaks == cooperative && errors.Is(err, sarama.ErrInconsistentGroupProtocol):
		r.logger.Info("the group has members of an older version: until they are gone, a rebalance stops all partitions")
		return eager
	case speaks == eager && r.allCooperate.Swap(false):
		r.logger.Info("no member of an older version is left: from now on, a rebalance stops the partitions that move")
		return cooperative
	}
	return speaks
}

// strategies are what a member offers, the best first.
func (r *Runner) strategies(ctx context.Context, speaks protocol) []sarama.BalanceStrategy {
	give := func(a *sarama.ConsumerGroupMemberAssignment) { r.give(ctx, a.Topics[r.task.Input]) }
	if speaks == cooperative {
		return []sarama.BalanceStrategy{cooperativeSticky{sarama.NewBalanceStrategyCooperativeSticky(), give}}
	}
	all := func(a *sarama.ConsumerGroupMemberAssignment) {
		r.allCooperate.Store(true) // the brokers take the strategy that all members offer
		give(a)
	}
	return []sarama.BalanceStrategy{
		cooperativeSticky{sarama.NewBalanceStrategyCooperativeSticky(), all}, sticky{sarama.NewBalanceStrategySticky(), give},
	}
}

// sticky is an eager strategy that tells what this member is given.
type sticky struct {
	sarama.BalanceStrategy
	give func(*sarama.ConsumerGroupMemberAssignment)
}

// OnAssignment implements sarama.OnAssignmentBalanceStrategy.
func (s sticky) OnAssignment(a *sarama.ConsumerGroupMemberAssignment, _ int32) { s.give(a) }

// cooperativeSticky is the cooperative strategy, and tells what this member is given.
// sarama finds out by assertions what a strategy can do: what is embedded is hidden,
// and without SupportedProtocols the group would be an eager one, without a word.
type cooperativeSticky struct {
	sarama.BalanceStrategy
	give func(*sarama.ConsumerGroupMemberAssignment)
}

// SupportedProtocols implements sarama.RebalanceProtocolBalanceStrategy.
func (s cooperativeSticky) SupportedProtocols() []sarama.RebalanceProtocol {
	return s.BalanceStrategy.(sarama.RebalanceProtocolBalanceStrategy).SupportedProtocols()
}

// SubscriptionUserData implements sarama.SubscriptionUserDataBalanceStrategy.
func (s cooperativeSticky) SubscriptionUserData(topics []string) ([]byte, error) {
	return s.BalanceStrategy.(sarama.SubscriptionUserDataBalanceStrategy).SubscriptionUserData(topics)
}

// OnAssignment implements sarama.OnAssignmentBalanceStrategy.
func (s cooperativeSticky) OnAssignment(a *sarama.ConsumerGroupMemberAssignment, generation int32) {
	s.BalanceStrategy.(sarama.OnAssignmentBalanceStrategy).OnAssignment(a, generation)
	s.give(a)
}

// groupClient talks to the coordinator of the group over a connection of its own. A
// broker serves a connection one request at a time, and JoinGroup waits there for all
// other members: what is fetched would wait with it, also for the partitions that stay.
type groupClient struct {
	sarama.Client // fetches
	coordination  sarama.Client
	config        *sarama.Config
}

func connectGroup(k kafkalog.Kafka, c *sarama.Config) (groupClient, error) {
	g := groupClient{config: c}
	var err error
	if g.Client, err = sarama.NewClient(k.Brokers, c); err != nil {
		return g, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	if g.coordination, err = sarama.NewClient(k.Brokers, c); err != nil {
		return g, errors.Join(fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err), g.Client.Close())
	}
	return g, nil
}

// speaking is the client of a group that offers the strategies.
func (g groupClient) speaking(strategies []sarama.BalanceStrategy) groupClient {
	c := *g.config
	c.Consumer.Group.Rebalance.GroupStrategies = strategies
	g.config = &c
	return g
}

// Config implements sarama.Client.
func (g groupClient) Config() *sarama.Config { return g.config }

// Coordinator implements sarama.Client.
func (g groupClient) Coordinator(group string) (*sarama.Broker, error) {
	return g.coordination.Coordinator(group)
}

// RefreshCoordinator implements sarama.Client.
func (g groupClient) RefreshCoordinator(group string) error {
	return g.coordination.RefreshCoordinator(group)
}

// Close implements sarama.Client.
func (g groupClient) Close() error { return errors.Join(g.Client.Close(), g.coordination.Close()) }
