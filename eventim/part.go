package eventim

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Part is something that runs until its context ends, which is not an error: a
// handler, a projector, a server.
type Part struct {
	Name string
	Run  func(context.Context) error
}

// RunAll runs the parts of a program at the same time, until ctx ends or one of
// them ends, and then stops them one after the other, the last first: name a part
// after those that it needs. It returns when all have ended, with what they
// returned, each error under the name of its part; a part that ends while ctx
// lasts is an error in any case.
func RunAll(ctx context.Context, parts ...Part) error {
	ended := make(chan error, len(parts)) // room for all: nobody reads the second
	var running []*runningPart
	for _, p := range parts {
		running = append(running, startPart(ctx, p, ended))
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

func startPart(ctx context.Context, p Part, ended chan<- error) *runningPart {
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
