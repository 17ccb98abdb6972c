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

	"github.com/eventim-go/eventim/internal/verify"
)

type runCommand struct {
	Seed     uint64        `env:"SEED" help:"Decides which faults happen, in which order, to whom; drawn when 0."`
	Duration time.Duration `env:"DURATION" default:"5m" placeholder:"TIME" help:"How long to go on with new rounds; the last one ends later."`
	Faults   int           `default:"12" placeholder:"N" help:"Faults of a round, after which everything is judged."`
	Only     string        `placeholder:"NAME" help:"Let only this fault happen."`
	Clients  int           `default:"8" placeholder:"N" help:"Clients at a time."`
	Keep     string        `placeholder:"DIR" help:"Where logs and journals are kept, and all data; a temporary directory that goes when nothing is wrong."`
}

// Run runs the command.
func (c *runCommand) Run(ctx context.Context) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // any
	}
	dir := c.Keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "eventim-faults-"); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755) //nolint:gosec // Postgres runs as another user when we are root
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // as above
	}
	if err != nil {
		return err
	}
	if err := c.rounds(ctx, dir); err != nil {
		return fmt.Errorf("%w\nseed %d; logs and journals are in %s; replay with: go run ./cmd/faults run --seed %d --faults %d", err, c.Seed, dir, c.Seed, c.Faults)
	}
	if c.Keep == "" {
		return os.RemoveAll(dir)
	}
	return nil
}

func (c *runCommand) rounds(ctx context.Context, dir string) (err error) {
	kafka, err := startCluster(ctx, filepath.Join(dir, "kafka"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.close()) }()
	i, err := newInstallation(ctx, dir, kafka.brokers, nodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	if err := i.start(ctx, size{handlers: 3, projectors: 2, webs: 2, proxied: true}); err != nil {
		return err
	}
	n := &nemesis{installation: i, cluster: kafka, random: rand.New(rand.NewPCG(c.Seed, 1)), backups: map[string]string{}} //nolint:gosec // to be repeated
	tally, begun := newTally(), time.Now()
	defer func() { fmt.Println(tally) }()
	for round := uint64(1); round == 1 || time.Since(begun) < c.Duration; round++ {
		fmt.Printf("round %d of seed %d\n", round, c.Seed)
		if err := c.round(ctx, n, round, tally); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

// round is some faults under load, and a judgement. The handlers are stopped
// for it, since their stores are judged, too.
func (c *runCommand) round(ctx context.Context, n *nemesis, round uint64, tally *tally) error {
	w := n.load(ctx, c.Clients, 1_000_000, c.Seed*1000+round)
	if err := n.busy(ctx, 50); err != nil {
		return err
	}
	for step := range c.Faults {
		if err := c.step(ctx, n, step+1, tally); err != nil {
			return fmt.Errorf("step %d: %w", step+1, errors.Join(err, n.writeJournals()))
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	w.settle(ctx, time.Minute)
	return c.judge(ctx, n, tally)
}

func (c *runCommand) step(ctx context.Context, n *nemesis, step int, tally *tally) error {
	f := n.next()
	if i := slices.IndexFunc(faults, func(f fault) bool { return f.name == c.Only }); i >= 0 {
		f = faults[i]
	} else if c.Only != "" {
		return fmt.Errorf("there is no fault %q", c.Only)
	}
	before := n.delivered()
	what, err := f.happen(n, ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	during, healed := n.delivered()-before, time.Now()
	if err := n.busy(ctx, 20); err != nil {
		return fmt.Errorf("liveness after %s: %w", f.name, err)
	}
	recovery := time.Since(healed)
	fmt.Printf("%3d  %s: %s; %d results meanwhile, 20 more %v after healing\n", step, f.name, what, during, recovery.Round(time.Millisecond))
	tally.add(f.name, recovery)
	if err := n.healthy(ctx); err != nil {
		return fmt.Errorf("liveness after %s: %w", f.name, err)
	}
	return n.busy(ctx, 10+n.random.IntN(40))
}

// healthy waits until all processes say that they are ready: none has ended by
// itself, and no partition has stopped.
func (n *nemesis) healthy(ctx context.Context) error {
	for _, p := range n.processes() {
		if !p.Running() {
			return fmt.Errorf("%s has ended by itself, see %s", p.Name, p.LogFile())
		}
		err := await(ctx, time.Minute, p.Name+" is ready", func() bool {
			return n.fleet.Run(ctx, "healthcheck", "--url", "http://"+p.Address()+"/readyz") == nil
		})
		if err != nil {
			return errors.Join(err, n.fleet.Run(ctx, "healthcheck", "--url", "http://"+p.Address()+"/readyz"))
		}
	}
	return nil
}

func (c *runCommand) judge(ctx context.Context, n *nemesis, tally *tally) error {
	source := n.source()
	var err error
	if source.Stores, err = n.endHandlers(ctx); err != nil {
		return err
	}
	report, err := verify.Verify(ctx, source)
	if err != nil {
		return errors.Join(err, n.writeJournals())
	}
	fmt.Println(report)
	tally.judged(report)
	if len(report.Violations()) > 0 {
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
