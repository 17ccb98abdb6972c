package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// session is one turn of one contender, on topics of its own.
type session struct {
	*comparison
	contender
	assignment
	round int
	log   *os.File
	load  *load
	child *child

	warmed   bool  // the program has been under load
	repeated int64 // results so far
}

// withSession gives a contender fresh topics and an empty data directory,
// calls fn, and takes everything away again.
func (c *comparison) withSession(ctx context.Context, con contender, partitions int32, round, aggregates int, fn func(*session) error) (err error) {
	c.turns++
	name := fmt.Sprintf("%s-%d-%s", c.name, c.turns, con.Name)
	dir := filepath.Join(c.dir, name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log, err := os.OpenFile(filepath.Join(c.dir, con.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	remove, err := c.broker.createTopics(ctx, name, partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	s := &session{comparison: c, contender: con, round: round, log: log, assignment: assignment{
		kafka: c.broker.addresses, name: name, data: dir, partitions: partitions, session: c.Session, profile: c.Profile,
	}}
	if s.load, err = newLoad(ctx, c.broker.kafka().Brokers, name, partitions, aggregates); err != nil { //nolint:contextcheck // the producer outlives the phase
		return err
	}
	s.load.stateful = con.stateful
	defer s.load.close()
	if err := fn(s); err != nil {
		return fmt.Errorf("%w (its log: %s)", err, log.Name())
	}
	return nil
}

const startPatience = 3 * time.Minute

// running calls fn while the contender runs.
func (s *session) running(ctx context.Context, fn func() error) (err error) {
	if err := s.start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.child.stop()) }()
	if err := s.child.awaitRunning(ctx, startPatience); err != nil {
		return err
	}
	return fn()
}

func (s *session) start() (err error) {
	s.child, err = s.contender.start(s.programs, s.assignment, s.log)
	return err
}

// underLoad measures while send sends, after a warm-up.
func (s *session) underLoad(ctx context.Context, p report.Phase, rate int, send func(context.Context)) error {
	// The kernel writes out after half a minute what a load has left in memory,
	// and keeps the broker from appending to the same files meanwhile, up to a
	// second: each begins with nothing to be written.
	syscall.Sync()
	var sending sync.WaitGroup
	loading, stop := context.WithCancel(ctx)
	defer sending.Wait()
	defer stop()
	sending.Go(func() { send(loading) })
	warm := s.Warm
	if s.warmed {
		warm /= 4
	}
	s.warmed = true
	if err := wait(ctx, warm); err != nil {
		return err
	}
	// What was sent before must not count, so the phase begins between two
	// commands: the sender takes the next number afterwards.
	s.load.begin()
	m, err := s.meter(ctx)
	if err != nil {
		return err
	}
	before := s.load.answered.Load()
	if err := wait(ctx, s.Measure); err != nil {
		return err
	}
	answered := s.load.answered.Load() - before
	run, err := m.read(ctx)
	if err != nil {
		return err
	}
	stop()
	sending.Wait()
	run.Phase, run.Rate, run.Commands = p, rate, answered
	run.PerSecond = float64(answered) / run.Seconds
	if err := s.settle(ctx, &run); err != nil {
		return err
	}
	if p == report.Open {
		s.load.current(func(ph *phase) { run.Latency = latencyOf(ph.latency) })
	}
	s.record(run)
	return nil
}

// settle waits for what is on its way, and then checks what came of all that
// was sent. Only a contender that promises less than exactly once may repeat
// results or come to other states, and that is put down.
func (s *session) settle(ctx context.Context, run *report.Run) error {
	if err := s.load.drain(ctx, drainPatience); err != nil {
		return err
	}
	repeated := s.load.repeated.Load()
	run.Repeated, s.repeated = repeated-s.repeated, repeated
	wrong, err := s.load.verify()
	if err != nil {
		return err
	}
	run.Checked, run.WrongStates = s.load.checked(), len(wrong)
	if s.exact && run.Repeated > 0 {
		return fmt.Errorf("%d results were repeated", run.Repeated)
	}
	if s.exact {
		return errors.Join(wrong...)
	}
	return nil
}

const drainPatience = 2 * time.Minute

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
