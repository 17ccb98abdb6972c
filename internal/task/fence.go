package task

import (
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// fence is what the brokers tell a claim from its successor by: the member and its
// generation, which stand beside each offset that is committed. The coordinator refuses
// those of before, and does not know who has which partition: whoever is a member may
// commit the offset of any. So no request of a claim carries a generation that began
// after the claim has ended, wherever it has been meanwhile.
type fence struct {
	mu     sync.Mutex
	sealed *sarama.ConsumerGroupMetadata // of when the claim ended
}

// metadata is that of the moment, until the claim ends: the generation changes under
// one that stays. It is asked for when a request is sent, as late as can be.
func (c *Claim) metadata() *sarama.ConsumerGroupMetadata {
	c.fence.mu.Lock()
	defer c.fence.mu.Unlock()
	if c.fence.sealed != nil {
		return c.fence.sealed
	}
	return c.membership()
}

// membership is what the member is at this moment.
func (c *Claim) membership() *sarama.ConsumerGroupMetadata {
	return sarama.NewConsumerGroupMetadataFromSession(c.session, c.task.Group, nil)
}

// seal is called when the claim has ended, and before the group is told. Whoever asks
// at this moment gets what is sealed, or what was before.
func (c *Claim) seal() {
	c.fence.mu.Lock()
	defer c.fence.mu.Unlock()
	c.fence.sealed = c.membership()
}

// awaitGeneration waits, after offsets were refused, for the generation that follows:
// the coordinator has it a moment before its members do. It tells whether the claim
// has come into that one. One that waits for as long as a session does not: other
// members, and the heartbeats, are ahead of it by then.
func (c *Claim) awaitGeneration(sent *sarama.ConsumerGroupMetadata) bool {
	if sent == nil {
		return false
	}
	for begun := time.Now(); time.Since(begun) < c.runner.config.Session; {
		if now := c.metadata(); now.GenerationID != sent.GenerationID || now.MemberID != sent.MemberID {
			return c.ctx.Err() == nil
		}
		if !kafkalog.Sleep(c.ctx, time.Millisecond) {
			return false
		}
	}
	return false
}
