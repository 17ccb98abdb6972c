package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// loadPhases measures the contender while it runs, and then how it works off a
// backlog that waits for it.
func (s *session) loadPhases(ctx context.Context) error {
	if s.measures("closed") || s.measures("open") {
		if err := s.running(ctx, func() error { return s.loops(ctx) }); err != nil {
			return err
		}
	}
	if !s.measures("backlog") {
		return nil
	}
	return s.backlog(ctx)
}

func (s *session) loops(ctx context.Context) error {
	if s.measures("closed") { // first, since it warms up what the others measure
		err := s.underLoad(ctx, report.Closed, 0, func(ctx context.Context) { s.load.closed(ctx, s.Window) })
		if err != nil {
			return err
		}
	}
	if !s.measures("open") {
		return nil
	}
	for _, rate := range s.Rates {
		err := s.underLoad(ctx, report.Open, rate, func(ctx context.Context) { s.load.open(ctx, rate) })
		if err != nil {
			return err
		}
	}
	return nil
}

// backlog counts the second half: during the first the contender starts, and
// its virtual machine warms up.
func (s *session) backlog(ctx context.Context) error {
	answered := s.load.answered.Load()
	if err := s.load.preload(ctx, s.Backlog, false); err != nil {
		return err
	}
	half := answered + int64(s.Backlog/2)
	return s.running(ctx, func() error {
		if err := s.load.await(ctx, backlogPatience, func() bool { return s.load.answered.Load() >= half }); err != nil {
			return err
		}
		m, err := s.meter(ctx)
		if err != nil {
			return err
		}
		before := s.load.answered.Load()
		if err := s.load.drain(ctx, backlogPatience); err != nil {
			return err
		}
		run, err := m.read(ctx)
		if err != nil {
			return err
		}
		run.Phase, run.Commands = report.Backlog, s.load.answered.Load()-before
		run.PerSecond = float64(run.Commands) / run.Seconds
		if err := s.settle(ctx, &run); err != nil {
			return err
		}
		s.record(run)
		return nil
	})
}

const backlogPatience = 5 * time.Minute

// restartRate is the load under which a contender is killed, per second.
const restartRate = 500

// restartPhases measures how long a contender that holds many aggregates
// answers nothing after kill -9, and how long it needs to start without its
// data directory.
func (s *session) restartPhases(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	defer func() { _ = s.child.stop() }() // whichever is the last
	if err := s.child.awaitRunning(ctx, startPatience); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	if err := s.killed(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.child.stop(), os.RemoveAll(s.data), os.MkdirAll(s.data, 0o750)); err != nil {
		return err
	}
	return s.restored(ctx)
}

// fill creates each aggregate once, a window at a time.
func (s *session) fill(ctx context.Context) error {
	for rest := s.Aggregates; rest > 0; {
		n := min(rest, s.Window)
		for range n {
			now := time.Now()
			seq := s.load.next(now)
			s.load.produce(s.load.work.command(seq, seq%s.Aggregates, now)) //nolint:contextcheck // the producer outlives the phase
		}
		rest -= n
		if err := s.load.await(ctx, backlogPatience, func() bool { return s.load.outstanding() < int64(s.Window) }); err != nil {
			return err
		}
	}
	return s.load.drain(ctx, backlogPatience)
}

func (s *session) killed(ctx context.Context) error {
	return s.whileLoaded(ctx, func(run *report.Run) error {
		if err := wait(ctx, 3*time.Second); err != nil {
			return err
		}
		if err := s.child.kill(); err != nil {
			return err
		}
		s.load.begin()
		at := time.Now()
		if err := s.start(); err != nil {
			return err
		}
		if err := s.load.await(ctx, startPatience, func() bool { return s.answering() == int(s.partitions) }); err != nil {
			return fmt.Errorf("after the kill: %w", err)
		}
		run.Phase, run.Seconds = report.Restart, time.Since(at).Seconds()
		s.load.current(func(p *phase) {
			run.Commands, run.FirstResult = p.answered, run.Seconds
			for _, first := range p.byPart {
				run.FirstResult = min(run.FirstResult, first.Sub(at).Seconds())
				run.AllPartitions = max(run.AllPartitions, first.Sub(at).Seconds())
			}
		})
		return s.sinceStart(run)
	})
}

// answering counts the partitions that have answered a command of the phase.
func (s *session) answering() (n int) {
	s.load.current(func(p *phase) { n = len(p.byPart) })
	return n
}

func (s *session) restored(ctx context.Context) error {
	at := time.Now()
	if err := s.start(); err != nil {
		return err
	}
	if err := s.child.awaitRunning(ctx, startPatience); err != nil {
		return err
	}
	elapsed := time.Since(at).Seconds()
	// That the states are right shows when they are changed.
	return s.whileLoaded(ctx, func(run *report.Run) error {
		run.Phase, run.Seconds, run.Running, run.Commands = report.Restore, elapsed, elapsed, int64(s.Aggregates)
		return errors.Join(s.sinceStart(run), wait(ctx, time.Second))
	})
}

// whileLoaded calls fn under a light load, verifies what came of it, and
// records the run.
func (s *session) whileLoaded(ctx context.Context, fn func(*report.Run) error) error {
	var sending sync.WaitGroup
	loading, stop := context.WithCancel(ctx)
	sending.Go(func() { s.load.open(loading, restartRate) })
	var run report.Run
	err := fn(&run)
	stop()
	sending.Wait()
	if err != nil {
		return err
	}
	if err := s.settle(ctx, &run); err != nil {
		return fmt.Errorf("%s: %w", run.Phase, err)
	}
	s.record(run)
	return nil
}

// sinceStart puts down what the process has cost so far.
func (s *session) sinceStart(run *report.Run) (err error) {
	if run.CPU, err = cpuOf(s.child.cmd.Process.Pid); err != nil {
		return err
	}
	run.Resident, err = peakOf(s.child.cmd.Process.Pid)
	return err
}
