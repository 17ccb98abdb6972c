package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Crash points are named in the code of package eventim.
var (
	// loopPoints are passed with each batch or each transaction.
	loopPoints = []string{
		"consumed", "queued", "begun", "produced", "offsets", "ending", "ended", "storing", "stored",
	}
	// takeOverPoints are passed when a partition is taken over: the last one
	// when its state store is gone.
	takeOverPoints = []string{"taking-over", "taken-over", wiped}
)

const (
	wiped  = "wiped"
	fenced = "fenced" // a dead owner's transaction has been ended
)

const crashTimeout = 30 * time.Second

// crashInLoop kills a handler at a point of its loop, after some passages.
func (n *nemesis) crashInLoop(ctx context.Context) (string, error) {
	k, point, passages := n.random.IntN(len(n.handlers)), loopPoints[n.random.IntN(len(loopPoints))], n.random.IntN(40)
	n.victim(ctx, k)
	if err := n.crash(ctx, k, point, passages); err != nil {
		return "", err
	}
	down, err := n.revive(ctx, k)
	return fmt.Sprintf("%s at %q, passage %d, down for %v", n.handlers[k].Name, point, passages+1, down), err
}

// crashNumbering kills what numbers invoices at a point of its loop: of the handler of
// the series, of the reactor, or of what tells the reactor.
func (n *nemesis) crashNumbering(ctx context.Context) (string, error) {
	k, point, passages := n.random.IntN(len(n.numberings)), loopPoints[n.random.IntN(len(loopPoints))], n.random.IntN(10)
	p, o := n.numberings[k], n.crashes[k]
	if err := o.give("crash", fmt.Sprint(point, " ", passages)); err != nil {
		return "", err
	}
	within, cancel := context.WithTimeout(ctx, crashTimeout)
	defer cancel()
	if err := p.Died(within); err != nil {
		return "", fmt.Errorf("at %q: %w", point, err)
	}
	if o.crashPending() {
		return "", fmt.Errorf("%s died, but not at %q", p.Name, point)
	}
	down := n.downtime()
	sleep(ctx, down)
	return fmt.Sprintf("%s at %q, passage %d, down for %v", p.Name, point, passages+1, down.Round(time.Millisecond)), n.startProcess(ctx, p)
}

// crashInTakeOver kills a handler, and again while it takes its partitions
// over.
func (n *nemesis) crashInTakeOver(ctx context.Context) (string, error) {
	k, point := n.random.IntN(len(n.handlers)), takeOverPoints[n.random.IntN(len(takeOverPoints))]
	n.victim(ctx, k)
	if err := n.handlers[k].Kill(); err != nil {
		return "", err
	}
	if point == wiped {
		if err := n.deleteStores(k); err != nil {
			return "", err
		}
	}
	passages := n.random.IntN(2)
	if err := n.orders[k].give("crash", fmt.Sprint(point, " ", passages)); err != nil {
		return "", err
	}
	if err := n.handlers[k].Start(); err != nil {
		return "", err
	}
	if err := n.crashed(ctx, k, point); err != nil {
		return "", err
	}
	down, err := n.revive(ctx, k)
	return fmt.Sprintf("%s at %q, passage %d, down for %v", n.handlers[k].Name, point, passages+1, down), err
}

// crashAfterFencing kills a handler in the middle of a transaction, and a
// second one when it has just ended that transaction; perhaps even a third.
func (n *nemesis) crashAfterFencing(ctx context.Context) (string, error) {
	order := n.random.Perm(len(n.handlers))
	first, others := order[0], order[1:]
	for _, k := range order {
		n.victim(ctx, k)
	}
	for _, k := range others {
		if err := n.orders[k].give("crash", fenced+" 0"); err != nil {
			return "", err
		}
	}
	if err := n.crash(ctx, first, "produced", 0); err != nil {
		return "", err
	}
	err := await(ctx, crashTimeout, "a successor ends the transaction", func() bool {
		return slices.ContainsFunc(others, func(k int) bool { return !n.orders[k].crashPending() })
	})
	if err != nil {
		return "", err
	}
	dead := []int{first}
	for _, k := range others {
		if withdrawn, err := n.orders[k].withdraw("crash"); err != nil {
			return "", err
		} else if !withdrawn {
			dead = append(dead, k)
		}
	}
	return n.reviveAll(ctx, dead)
}

// reviveAll starts handlers again that have died one after the other.
func (n *nemesis) reviveAll(ctx context.Context, dead []int) (string, error) {
	var names []string
	for _, k := range dead {
		if err := n.crashed(ctx, k, fenced); err != nil {
			return "", err
		}
		if _, err := n.revive(ctx, k); err != nil {
			return "", err
		}
		names = append(names, n.handlers[k].Name)
	}
	return strings.Join(names, ", then "), nil
}

// crash orders a running handler to die at a point, and waits until it has.
func (n *nemesis) crash(ctx context.Context, k int, point string, passages int) error {
	if err := n.orders[k].give("crash", fmt.Sprint(point, " ", passages)); err != nil {
		return err
	}
	return n.crashed(ctx, k, point)
}

// crashed waits until a handler has died, and sees that it was at the point.
func (n *nemesis) crashed(ctx context.Context, k int, point string) error {
	ctx, cancel := context.WithTimeout(ctx, crashTimeout)
	defer cancel()
	if err := n.handlers[k].Died(ctx); err != nil {
		return fmt.Errorf("at %q: %w", point, err)
	}
	if n.orders[k].crashPending() {
		return fmt.Errorf("%s died, but not at %q", n.handlers[k].Name, point)
	}
	return nil
}

// revive starts a handler again, sometimes only when others have taken over.
func (n *nemesis) revive(ctx context.Context, k int) (down time.Duration, err error) {
	down = n.downtime()
	sleep(ctx, down)
	return down.Round(time.Millisecond), n.startProcess(ctx, n.handlers[k])
}

// deleteStores deletes all state stores of a handler that has ended.
func (i *installation) deleteStores(k int) error {
	stores, err := i.storesOf(k)
	if err != nil {
		return err
	}
	for _, store := range stores {
		if err := os.RemoveAll(store); err != nil {
			return err
		}
	}
	return nil
}
