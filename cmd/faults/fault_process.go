package main

import (
	"context"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/internal/fleet"
)

// downtime draws for how long something is down: sometimes so long that others
// take over.
func (n *nemesis) downtime() time.Duration {
	down := n.within(2 * time.Second)
	if n.random.IntN(3) == 0 {
		down += sessionTimeout
	}
	return down
}

// kill kills a process and starts it again.
func (n *nemesis) kill(ctx context.Context, p *fleet.Process) (string, error) {
	down := n.downtime()
	if err := p.Kill(); err != nil {
		return "", err
	}
	sleep(ctx, down)
	return fmt.Sprintf("%s, down for %v", p.Name, down.Round(time.Millisecond)), n.startProcess(ctx, p)
}

func (n *nemesis) killHandler(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.handlers))
	n.victim(ctx, k)
	return n.kill(ctx, n.handlers[k])
}

const stopTimeout = 30 * time.Second

// endHandler ends a handler as an operator does, and starts it again.
func (n *nemesis) endHandler(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.handlers))
	p, begun := n.handlers[k], time.Now()
	n.victim(ctx, k)
	within, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := p.Terminate(within); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, in %v", p.Name, time.Since(begun).Round(time.Millisecond)), n.startProcess(ctx, p)
}

func (n *nemesis) killHandlers(ctx context.Context) (string, error) {
	for _, p := range n.handlers {
		if err := p.Kill(); err != nil {
			return "", err
		}
	}
	down := n.within(sessionTimeout)
	sleep(ctx, down)
	for _, p := range n.handlers {
		if err := n.startProcess(ctx, p); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("down for %v", down.Round(time.Millisecond)), nil
}

func (n *nemesis) pauseHandler(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.handlers))
	n.victim(ctx, k)
	return n.pause(ctx, n.handlers[k], sessionTimeout+2*time.Second)
}

// pause stops a process for so long that others think that it is dead, and
// lets it go on then, in the middle of what it was doing.
func (n *nemesis) pause(ctx context.Context, p *fleet.Process, d time.Duration) (string, error) {
	if err := p.Pause(ctx); err != nil {
		return "", err
	}
	sleep(ctx, d)
	return fmt.Sprintf("%s for %v", p.Name, d), p.Resume()
}

func (n *nemesis) killNode(ctx context.Context, node int) (string, error) {
	if err := n.cluster.kill(ctx, node); err != nil {
		return "", err
	}
	down := n.within(2 * time.Second) // after the time in which the others notice
	sleep(ctx, down)
	return fmt.Sprintf("node %d, down for %v", node, down.Round(time.Millisecond)), n.cluster.restart(ctx, node)
}

func (n *nemesis) killGroupCoordinator(ctx context.Context) (string, error) {
	node, err := n.cluster.groupCoordinator(ctx)
	if err != nil {
		return "", err
	}
	return n.killNode(ctx, node)
}

func (n *nemesis) killTransactionCoordinator(ctx context.Context) (string, error) {
	node, err := n.cluster.transactionCoordinator(ctx, n.random.IntN)
	if err != nil {
		return "", err
	}
	return n.killNode(ctx, node)
}

func (n *nemesis) rollingRestart(ctx context.Context) (string, error) {
	for node := range nodes {
		if _, err := n.killNode(ctx, node+1); err != nil {
			return "", err
		}
	}
	return "all three", nil
}

func (n *nemesis) writeGarbage(ctx context.Context) (string, error) {
	return "3 commands", n.garbage(ctx, 3)
}
