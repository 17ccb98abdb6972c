package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/internal/load"
)

// journaled is a client with its connection.
type journaled struct {
	*load.Client
	disconnect func()
}

// working are clients at work.
type working struct {
	clients []*journaled
	done    chan error
}

// load lets clients work, each on so many invoices.
// They are ended by End, or when all work is done, and not by ctx, which would
// leave commands behind whose outcome nobody knows.
func (i *installation) load(ctx context.Context, clients, invoices int, seed uint64) *working {
	w := &working{done: make(chan error, clients)}
	var nodes []load.Node
	for _, p := range i.webs {
		nodes = append(nodes, p.Address)
	}
	shared := []string{fmt.Sprint("shared-", seed)}
	for n := range clients {
		c := i.connect(ctx, load.NewClient(nodes, seed*1000+uint64(n))) //nolint:gosec // small
		w.clients = append(w.clients, c)
		go func() { w.done <- c.Work(context.WithoutCancel(ctx), invoices, shared) }()
	}
	return w
}

func (i *installation) connect(ctx context.Context, c *load.Client) *journaled {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	gone := make(chan struct{})
	go func() { defer close(gone); c.Run(ctx) }()
	j := &journaled{c, func() { cancel(); <-gone; c.Close() }}
	i.clients = append(i.clients, j)
	return j
}

// wait waits until all have done their work, which they do through any fault
// that is healed.
func (w *working) wait() error {
	var errs []error
	late := time.After(5 * time.Minute)
	for range cap(w.done) {
		select {
		case err := <-w.done:
			errs = append(errs, err)
		case <-late:
			return errors.New("liveness: clients wait for answers five minutes after everything has been healed")
		}
	}
	return errors.Join(errs...)
}

// end lets the clients finish what they are doing.
func (w *working) end() error {
	for _, c := range w.clients {
		c.End()
	}
	return w.wait()
}

// disconnect ends the connections; the journals stay.
func (w *working) disconnect() {
	for _, c := range w.clients {
		c.disconnect()
	}
}

// settle waits until all results have been delivered.
func (w *working) settle(ctx context.Context, within time.Duration) {
	for _, c := range w.clients {
		c.Settle(ctx, within)
	}
}
