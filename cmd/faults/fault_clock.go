package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// jumpClock lets the clock of a handler jump, forth and back, by less than the
// hour that brokers accept of a record from the future
// (message.timestamp.after.max.ms) where they do not stamp it themselves.
func (n *nemesis) jumpClock(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.handlers))
	before := n.watch.skewed()
	forth, back := n.within(50*time.Minute).Round(time.Second), -n.within(50*time.Minute).Round(time.Second)
	var seen [2]int
	for i, wrong := range []time.Duration{forth, back} {
		if err := n.orders[k].give("clock", wrong.String()); err != nil {
			return "", err
		}
		sleep(ctx, time.Second+n.within(time.Second))
		seen[i] = n.watch.skewed() - before
	}
	if _, err := n.orders[k].withdraw("clock"); err != nil {
		return "", err
	}
	if seen[1] == 0 {
		return "", errors.New("no event was written at the wrong time")
	}
	return fmt.Sprintf("%s by %v and %v, %d events at a wrong time", n.handlers[k].Name, forth, back, seen[1]), nil
}
