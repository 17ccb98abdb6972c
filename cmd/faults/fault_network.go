package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// partition keeps a handler from the brokers for longer than its session, in
// one direction or in both. What was sent meanwhile arrives when it is over.
func (n *nemesis) partition(ctx context.Context, name string, m mode) (string, error) {
	k := n.random.IntN(len(n.proxies))
	lasts := sessionTimeout + time.Second + n.within(2*time.Second)
	n.victim(ctx, k)
	n.proxies[k].set(m)
	sleep(ctx, lasts)
	struck := n.proxies[k].set(mode{})
	if struck == 0 {
		return "", errors.New("nothing was sent that could be held")
	}
	return fmt.Sprintf("%s, %s for %v, %d frames held", n.handlers[k].Name, name, lasts.Round(time.Millisecond), struck), nil
}

func (n *nemesis) slowDown(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.proxies))
	delay := 100*time.Millisecond + n.within(400*time.Millisecond)
	n.proxies[k].set(mode{delay: delay})
	sleep(ctx, 4*time.Second)
	return fmt.Sprintf("%s, %d frames by %v", n.handlers[k].Name, n.proxies[k].set(mode{}), delay.Round(time.Millisecond)), nil
}

func (n *nemesis) cutKafka(ctx context.Context) (string, error) {
	k, cut := n.random.IntN(len(n.proxies)), 0
	for range 5 {
		cut += n.proxies[k].cut()
		sleep(ctx, n.within(400*time.Millisecond))
	}
	if cut == 0 {
		return "", errors.New("there was no connection to cut")
	}
	return fmt.Sprintf("%s, %d connections", n.handlers[k].Name, cut), nil
}

// halfClose closes one direction of all connections, again and again: the
// handler hears that the broker has nothing more to say, but what it says is
// still done.
func (n *nemesis) halfClose(ctx context.Context) (string, error) {
	k, closed := n.random.IntN(len(n.proxies)), 0
	for range 5 {
		closed += n.proxies[k].halfClose()
		sleep(ctx, n.within(400*time.Millisecond))
	}
	if closed == 0 {
		return "", errors.New("there was no connection to close")
	}
	return fmt.Sprintf("%s, %d connections", n.handlers[k].Name, closed), nil
}

// strikeEnd strikes the next end of a transaction, of whichever handler has
// one first.
func (n *nemesis) strikeEnd(ctx context.Context, m mode) (string, error) {
	for _, p := range n.proxies {
		p.set(m)
	}
	struck := ""
	err := await(ctx, time.Minute, "a transaction ends", func() bool {
		for k, p := range n.proxies {
			if p.hits() > 0 {
				struck = n.handlers[k].Name
			}
		}
		return struck != ""
	})
	for _, p := range n.proxies {
		p.set(mode{})
	}
	return fmt.Sprintf("%s, by %v", struck, max(m.lateEnd, m.doubleEnd).Round(time.Millisecond)), err
}

func (n *nemesis) lateEnd(ctx context.Context) (string, error) {
	return n.strikeEnd(ctx, mode{lateEnd: 10*time.Millisecond + n.within(3*time.Second)})
}

func (n *nemesis) doubleEnd(ctx context.Context) (string, error) {
	return n.strikeEnd(ctx, mode{doubleEnd: time.Millisecond + n.within(300*time.Millisecond)})
}
