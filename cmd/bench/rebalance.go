package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// rebalanceCmd measures how long partitions pause when the group changes, those that stay
// and those that move, with the handler of this commit and with that of an older one, in
// turns. The older one is built from the repository's history. At the end, a group of the
// older ones is upgraded under load, and goes back.
type rebalanceCmd struct {
	Before     string        `default:"73c98fb78969aa39786f6dafc58ca46aac9718bd" help:"Commit whose handler is measured beside this one."`
	Aggregates int           `default:"1000000" help:"Invoices in the state stores."`
	Partitions int32         `default:"12" help:"Partitions of the topics."`
	Rate       int           `default:"2000" help:"Commands a second."`
	Quiet      time.Duration `default:"1m" help:"How long the group is left alone, to compare with."`
	Window     time.Duration `default:"20s" help:"How long to look after the group changes, more than the session of the dead."`
	Rounds     int           `default:"3" help:"Turns of each handler."`
}

// Run implements the command.
func (c rebalanceCmd) Run(ctx context.Context) (err error) {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "eventim-bench-")
	if err != nil {
		return err
	}
	programs, err := c.build(ctx, root, dir)
	if err != nil {
		return err
	}
	b, err := startBroker(ctx, filepath.Join(root, ".ci/kafka/kafka.sh"), filepath.Join(dir, "kafka"))
	if err != nil {
		return err
	}
	var all []pauses
	for round := range c.Rounds {
		for i := range programs { // another one begins each time
			p := programs[(round+i)%len(programs)]
			found, turnErr := c.turn(p, b, filepath.Join(dir, fmt.Sprint(round, i))).run(ctx)
			all, err = append(all, found...), errors.Join(err, turnErr)
			if err != nil {
				return errors.Join(fmt.Errorf("%w (logs: %s)", err, dir), b.stop())
			}
		}
	}
	fmt.Print(rebalanceTable(all))
	t := c.turn(programs[0], b, filepath.Join(dir, "upgrade"))
	lines, err := t.upgrade(ctx, programs[1])
	for _, line := range lines {
		fmt.Println("- " + line)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w (logs: %s)", err, dir), b.stop())
	}
	return errors.Join(b.stop(), os.RemoveAll(dir))
}

func (c rebalanceCmd) turn(p handlerProgram, b broker, dir string) *rebalanceTurn {
	return &rebalanceTurn{rebalanceCmd: c, handler: p, broker: b, name: "bench-" + uuid.NewString()[:8], dir: dir}
}

// handlerProgram is a program that has the command handler of this one.
type handlerProgram struct{ name, path string }

func (c rebalanceCmd) build(ctx context.Context, root, dir string) ([]handlerProgram, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	tree, before := filepath.Join(dir, "tree"), filepath.Join(dir, "before")
	if err := tool(ctx, root, "git", "worktree", "add", "--detach", tree, c.Before); err != nil {
		return nil, err
	}
	err = tool(ctx, tree, "go", "build", "-o", before, "./cmd/bench")
	err = errors.Join(err, tool(ctx, root, "git", "worktree", "remove", "--force", tree))
	return []handlerProgram{{"before", before}, {"now", self}}, err
}

// rebalanceTurn is one turn of one handler, on topics of its own.
type rebalanceTurn struct {
	rebalanceCmd
	handler handlerProgram
	broker  broker
	name    string
	dir     string
	load    *load
	members memberList
	found   []pauses
}

func (t *rebalanceTurn) run(ctx context.Context) (found []pauses, err error) {
	err = t.loaded(ctx, func() error { return t.measure(ctx) })
	return t.found, err
}

// loaded calls fn while three handlers have all invoices, and are under load. Whatever
// happens then, each command is answered once, and the states are the right ones.
func (t *rebalanceTurn) loaded(ctx context.Context, fn func() error) (err error) {
	remove, err := t.broker.createTopics(ctx, t.name, t.Partitions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(), os.RemoveAll(t.dir)) }()
	if t.load, err = newLoad(ctx, t.broker.kafka().Brokers, t.name, t.Partitions, t.Aggregates); err != nil { //nolint:contextcheck // the producer outlives the phase
		return err
	}
	t.load.stateful = true
	defer t.load.close()
	if t.members, err = newMemberList(t.handler.path, t.broker, t.name, t.Partitions, t.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.members.close()) }()
	for range 3 {
		if err := t.members.start(); err != nil {
			return err
		}
	}
	if err := t.fill(ctx); err != nil {
		return err
	}
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); t.load.open(loading, t.Rate) }()
	err = fn()
	stop()
	<-loaded
	if err == nil {
		if err = t.load.drain(ctx, 2*time.Minute); err != nil {
			err = errors.Join(err, t.members.standing(ctx))
		}
	}
	wrong, verifyErr := t.load.verify()
	if n := t.load.repeated.Load(); n > 0 {
		wrong = append(wrong, fmt.Errorf("%d commands were answered twice", n))
	}
	return errors.Join(append(wrong, err, verifyErr)...)
}

// fill makes all invoices, by the three members that there are at first.
func (t *rebalanceTurn) fill(ctx context.Context) error {
	if err := t.members.await(ctx, 3); err != nil {
		return err
	}
	if err := t.load.preload(ctx, t.Aggregates, true); err != nil {
		return err
	}
	return t.load.drain(ctx, 20*time.Minute)
}

// measure looks at a quiet group, and then at what happens to it.
func (t *rebalanceTurn) measure(ctx context.Context) error {
	if err := wait(ctx, 10*time.Second); err != nil { // what is cold becomes warm
		return err
	}
	t.load.begin()
	if err := wait(ctx, t.Quiet); err != nil {
		return err
	}
	quiet := t.load.silences(t.Partitions)
	for _, event := range []struct {
		name    string
		members int // afterwards
		happen  func() error
	}{
		{"joins", 4, t.members.start},
		{"leaves", 3, func() error { return t.members.end(syscall.SIGTERM) }},
		{slowJoin, 4, t.members.startBesideASleeper},
		{"is killed", 3, func() error { return t.members.end(syscall.SIGKILL) }},
	} {
		before, err := t.members.owners(ctx)
		if err != nil {
			return err
		}
		t.load.begin()
		if err := event.happen(); err != nil {
			return err
		}
		if err := wait(ctx, t.Window); err != nil {
			return err
		}
		silences := t.load.silences(t.Partitions)
		if err := t.members.await(ctx, event.members); err != nil {
			return err
		}
		after, err := t.members.owners(ctx)
		if err != nil {
			return err
		}
		p := pausesOf(t.handler.name, event.name, quiet, silences, before, after, t.members.sleeper)
		fmt.Fprintln(os.Stderr, strings.TrimSpace(fmt.Sprintf("%+v", p)))
		t.found = append(t.found, p)
	}
	return nil
}

const slowJoin = "joins, while one does nothing for 3 s"
