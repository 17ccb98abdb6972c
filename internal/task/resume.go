package task

import (
	"context"
	"fmt"
)

// Resume makes sure that it is known where the input goes on: at the committed
// offset, or, for a group that has committed none, at the beginning. What was
// deleted before it was read, and a topic that is not the one it was, stop the
// partition.
func (c *Claim) Resume(ctx context.Context) error {
	start, end, err := c.Bounds(ctx, c.task.Input)
	switch {
	case err != nil:
		return err
	case c.Next < 0:
		c.Next = start
	case c.Next < start:
		return c.refuse("the records from offset %d to %d were deleted (retention.ms) before they were read", c.Next, start-1)
	case c.Next > end:
		return c.refuse("the group's offset %d is beyond the end %d: the topic was made anew or cut", c.Next, end)
	}
	c.Moved()
	return nil
}

func (c *Claim) refuse(format string, args ...any) error {
	return &UnreadableError{fmt.Errorf("%s/%d: %s; once you know where it goes on, set the offset of group %s with kafka-consumer-groups --reset-offsets",
		c.task.Input, c.Partition, fmt.Sprintf(format, args...), c.task.Group)}
}
