// Package app runs the parts of the invoicing product in a process: the
// command handler, the projector and the web server, each against a Kafka and
// a Postgres that may not be up yet. The programs in cmd say which parts, and
// where they find what.
package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Part is something that runs until its context ends, which is not an error.
type Part struct {
	Name string
	Run  func(context.Context) error
}

// Run runs parts until ctx ends or one of them ends, and then stops them one
// after the other, the last first: name a part after those that it needs. It
// returns what the parts returned; a part that ends while ctx lasts is an
// error in any case.
func Run(ctx context.Context, parts ...Part) error {
	ended := make(chan error, len(parts)) // room for all: nobody reads the second
	var running []*runningPart
	for _, p := range parts {
		running = append(running, start(ctx, p, ended))
	}
	var errs []error
	select {
	case <-ctx.Done():
	case err := <-ended:
		errs = append(errs, err)
	}
	for _, r := range slices.Backward(running) {
		errs = append(errs, r.stop())
	}
	return errors.Join(errs...)
}

type runningPart struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func start(ctx context.Context, p Part, ended chan<- error) *runningPart {
	// Not a child of ctx, which would stop all at once.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &runningPart{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		if err := p.Run(own); err != nil {
			r.err = fmt.Errorf("%s: %w", p.Name, err)
		}
		if own.Err() == nil && r.err == nil {
			ended <- fmt.Errorf("%s has ended", p.Name)
			return
		}
		ended <- nil // stop returns the error
	}()
	return r
}

func (r *runningPart) stop() error {
	r.cancel()
	<-r.done
	return r.err
}
