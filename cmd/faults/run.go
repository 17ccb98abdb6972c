package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

type runCommand struct {
	Seed     uint64        `env:"SEED" help:"Decides which faults happen, in which order, to whom, in the first round; the next round has the next seed. Drawn when 0."`
	Duration time.Duration `env:"DURATION" default:"5m" placeholder:"TIME" help:"How long faults go on to happen. There are two rounds at least."`
	Faults   int           `default:"12" placeholder:"N" help:"Faults of a round, after which everything is judged."`
	Only     []string      `sep:"none" placeholder:"NAME" help:"Let only this fault happen; may be repeated."`
	Clients  int           `default:"8" placeholder:"N" help:"Clients at a time."`
	Keep     string        `placeholder:"DIR" help:"Where logs and journals are kept, and all data; a temporary directory that goes when nothing is wrong."`
	Report   string        `placeholder:"FILE" help:"Where to write what happened, as JSON, after each round."`

	deadline time.Time
}

// Run runs the command. Its last line is the verdict.
func (c *runCommand) Run(ctx context.Context) error {
	if _, err := those(c.Only); err != nil {
		return err
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // any
	}
	dir, err := c.directory()
	if err != nil {
		return err
	}
	r := newRecorder(c.Report)
	err = c.run(ctx, dir, r)
	err = errors.Join(err, r.end(err))
	if err != nil {
		err = fmt.Errorf("%w\nlogs and journals are in %s; replay with: %s", err, dir, c.replay(r.seed()))
	} else if c.Keep == "" {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
	}
	fmt.Println(r.verdict())
	if err != nil {
		return errFailed
	}
	return nil
}

// replay says how to let the same faults happen again.
func (c *runCommand) replay(seed uint64) string {
	line := fmt.Appendf(nil, "go run ./cmd/faults run --seed %d --faults %d", seed, c.Faults)
	for _, name := range c.Only {
		line = fmt.Appendf(line, " --only %q", name)
	}
	return string(line)
}

// directory makes the directory for everything.
func (c *runCommand) directory() (dir string, err error) {
	if dir = c.Keep; dir == "" {
		dir, err = os.MkdirTemp("", "eventim-faults-")
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755) //nolint:gosec // Postgres runs as another user when we are root
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // as above
	}
	return dir, err
}

// run starts everything and lets round follow round.
func (c *runCommand) run(ctx context.Context, dir string, r *recorder) (err error) {
	kafka, err := startCluster(ctx, filepath.Join(dir, "kafka"), nodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.close()) }()
	i, err := newInstallation(ctx, dir, kafka.brokers, nodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	if err := i.start(ctx, size{handlers: 3, numberings: 2, projectors: 2, webs: 2, errands: 2, proxied: true}); err != nil {
		return err
	}
	n, err := newNemesis(ctx, i, kafka)
	if err != nil {
		return err
	}
	defer r.sampleMemory(ctx, i)()
	return c.rounds(ctx, n, r)
}

func (c *runCommand) rounds(ctx context.Context, n *nemesis, r *recorder) error {
	const least = 2
	c.deadline = time.Now().Add(c.Duration)
	for k := 0; k < least || time.Now().Before(c.deadline); k++ {
		seed := c.Seed + uint64(k)
		fmt.Printf("round %d, seed %d\n", k+1, seed)
		if err := c.round(ctx, n, seed, r); err != nil {
			return fmt.Errorf("round %d, seed %d: %w", k+1, seed, err)
		}
	}
	return nil
}

// sampleMemory does so until the function that it returns is called.
func (r *recorder) sampleMemory(ctx context.Context, i *installation) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var sampler sync.WaitGroup
	sampler.Go(func() { i.sampleMemory(ctx, r.sample) })
	return func() { cancel(); sampler.Wait() }
}
