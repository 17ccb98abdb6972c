package task

import (
	"context"
	"fmt"
)

// Resume makes sure that it is known where the input goes on: at the committed
// offset, where Positions says that it was when the group is forgotten, or, for one
// that is new, at the beginning. What was deleted before it was read, and a topic that is not the one it was, stop the
// partition.
func (c *Claim) Resume(ctx context.Context) error {
	committed := c.Next >= 0
	if !committed {
		if err := c.remember(ctx); err != nil {
			return err
		}
	}
	start, end, err := c.Bounds(ctx, c.task.Input)
	switch {
	case err != nil:
		return err
	case c.Next < 0:
		c.Next, committed = start, true // there is nothing to renew
	case c.Next < start:
		return c.refuse("the records from offset %d to %d were deleted (retention.ms) before they were read", c.Next, start-1)
	case c.Next > end:
		return c.refuse("the group's offset %d is beyond the end %d: the topic was made anew or cut", c.Next, end)
	}
	if !committed {
		if err := c.renew(); err != nil {
			return err
		}
	}
	c.Moved()
	return nil
}

func (c *Claim) refuse(format string, args ...any) error {
	return &UnreadableError{fmt.Errorf("%s/%d: %s; once you know where it goes on, set the offset of group %s with kafka-consumer-groups --reset-offsets",
		c.task.Input, c.Partition, fmt.Sprintf(format, args...), c.task.Group)}
}
