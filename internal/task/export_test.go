package task

import (
	"context"

	"github.com/IBM/sarama"
)

// AsBefore lets a runner take part in its group as versions did that only knew the
// eager protocol.
func (r *Runner) AsBefore() {
	r.offers = func(ctx context.Context, _ protocol) []sarama.BalanceStrategy {
		return []sarama.BalanceStrategy{sticky{sarama.NewBalanceStrategySticky(), func(a *sarama.ConsumerGroupMemberAssignment) {
			r.give(ctx, a.Topics[r.task.Input])
		}}}
	}
}
