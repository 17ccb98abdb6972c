package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/eventim-go/eventim/cmd/faults/report"
	"github.com/eventim-go/eventim/internal/verify"
)

// round is some faults under load, and a judgement. It ends early when the
// time is over, but not before a fault.
func (c *runCommand) round(ctx context.Context, n *nemesis, seed uint64, r *recorder) error {
	n.random = rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // to be repeated
	r.round(seed)
	w := n.load(ctx, c.Clients, 1_000_000, seed)
	defer w.disconnect()
	stop, err := n.sendErrands(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stop() }() // again, when a fault was not overcome
	if err := n.busy(ctx, 50); err != nil {
		return err
	}
	for step := range c.Faults {
		if step > 0 && time.Now().After(c.deadline) {
			break
		}
		if err := c.step(ctx, n, step+1, r); err != nil {
			return fmt.Errorf("step %d: %w", step+1, errors.Join(err, n.writeJournals()))
		}
	}
	if err := errors.Join(w.end(), stop()); err != nil {
		return err
	}
	w.settle(ctx, time.Minute)
	return n.judge(ctx, r)
}

func (c *runCommand) step(ctx context.Context, n *nemesis, step int, r *recorder) error {
	some, err := those(c.Only)
	if err != nil {
		return err
	}
	f := n.next(some)
	before := n.delivered()
	happened := n.strike(ctx, f, some)
	during, healed := n.delivered()-before, time.Now()
	for _, h := range happened {
		if h.err != nil {
			return fmt.Errorf("%s: %w", h.name, errors.Join(h.err, n.probes.stop()))
		}
	}
	err = n.busy(ctx, 20)
	recovery := time.Since(healed)
	if err == nil {
		err = n.healthy(ctx)
	}
	gaps := n.failover()
	if err != nil {
		return fmt.Errorf("liveness after %s: %w", all(happened), err)
	}
	fmt.Printf("%s %3d  %s; %d results meanwhile, 20 more %v after healing%s\n", time.Now().Format(time.TimeOnly), step,
		all(happened), during, recovery.Round(time.Millisecond), longest(gaps))
	for i, h := range happened {
		if i > 0 {
			gaps = nil
		}
		r.fault(h.begun, report.Fault{Name: h.name, What: h.what, Seconds: h.seconds, Recovery: recovery.Seconds(), Gaps: gaps})
	}
	return n.busy(ctx, 10+n.random.IntN(40))
}

func longest(gaps []report.Gap) string {
	if len(gaps) == 0 {
		return ""
	}
	most := slices.MaxFunc(gaps, func(a, b report.Gap) int { return int(1000 * (a.Seconds - b.Seconds)) })
	return fmt.Sprintf(", partition %d was silent for %.1f s", most.Partition, most.Seconds)
}

// judge judges everything. The handlers are stopped for it, since their stores
// are judged, too.
func (n *nemesis) judge(ctx context.Context, r *recorder) error {
	source := n.source()
	err := verify.AwaitNumbers(ctx, source) // while the handlers can tell them
	if err != nil {
		return errors.Join(err, n.writeJournals())
	}
	if source.Stores, err = n.endHandlers(ctx); err != nil {
		return errors.Join(err, n.writeJournals())
	}
	judgement, err := verify.Verify(ctx, source)
	if err != nil {
		return errors.Join(err, n.writeJournals())
	}
	fmt.Println(judgement)
	if err := r.judgement(judgement); err != nil {
		return err
	}
	if len(judgement.Violations()) > 0 {
		return errors.Join(errViolated, n.writeJournals())
	}
	for _, p := range n.handlers {
		if err := n.startProcess(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// writeJournals keeps what the clients know, for verify.
func (i *installation) writeJournals() error {
	dir := filepath.Join(i.dir, "journals")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	var errs []error
	for _, c := range i.clients {
		errs = append(errs, c.Journal.Write(dir))
	}
	return errors.Join(errs...)
}
