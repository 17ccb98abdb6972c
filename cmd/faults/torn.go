package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/eventim-go/eventim/internal/verify"
)

// tornCommand does what no cluster of three lets happen, and what a single node
// lets happen nearly each time: the broker is killed and is back before anybody
// has missed it. Apache Kafka then loses markers of transactions.
type tornCommand struct {
	Seed    uint64 `env:"SEED" help:"Decides when the broker is killed, and for how long it is down. Drawn when 0."`
	Rounds  int    `default:"6" placeholder:"N" help:"How often the broker is killed."`
	Clients int    `default:"8" placeholder:"N" help:"Clients at a time."`
	Keep    string `placeholder:"DIR" help:"Where logs and journals are kept, and all data; a temporary directory that goes when nothing is wrong."`
}

// Run runs the command. Its last line is the verdict.
func (c *tornCommand) Run(ctx context.Context) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // any
	}
	dir, err := (&runCommand{Keep: c.Keep}).directory()
	if err != nil {
		return err
	}
	if err := c.run(ctx, dir); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\nlogs and journals are in %s; again with: go run ./cmd/faults torn --seed %d --rounds %d\n", err, dir, c.Seed, c.Rounds)
		fmt.Println("FAILED")
		return errFailed
	}
	if c.Keep == "" {
		return os.RemoveAll(dir)
	}
	return nil
}

func (c *tornCommand) run(ctx context.Context, dir string) (err error) {
	kafka, err := startCluster(ctx, filepath.Join(dir, "kafka"), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.close()) }()
	i, err := newInstallation(ctx, dir, kafka.brokers, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	if err := i.start(ctx, size{handlers: 2, projectors: 1, webs: 1}); err != nil {
		return err
	}
	n, err := newNemesis(ctx, i, kafka)
	if err != nil {
		return err
	}
	n.random = rand.New(rand.NewPCG(c.Seed, 1)) //nolint:gosec // to be repeated
	w := n.load(ctx, c.Clients, 1_000_000, c.Seed)
	defer w.disconnect()
	for round := range c.Rounds {
		if err := n.tear(ctx, round+1); err != nil {
			return fmt.Errorf("round %d: %w", round+1, errors.Join(err, n.writeJournals()))
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	w.settle(ctx, 2*time.Minute) // one node has to do it all
	return n.verdict(ctx, c)
}

// tear kills the broker under load and starts it again after 1 to 4 seconds.
func (n *nemesis) tear(ctx context.Context, round int) error {
	if err := n.busy(ctx, 200+n.random.IntN(200)); err != nil {
		return err
	}
	lost, mended := n.lost(), n.mended()
	down := time.Second + n.within(3*time.Second)
	if _, err := script(ctx, "kill", "1", n.cluster.dir); err != nil {
		return err
	}
	sleep(ctx, down)
	begun := time.Now()
	if err := n.cluster.restart(ctx, 1); err != nil {
		return err
	}
	serves := time.Since(begun)
	if err := errors.Join(n.busy(ctx, 20), n.healthy(ctx)); err != nil {
		return fmt.Errorf("liveness: %w", err)
	}
	fmt.Printf("%s %3d  down for %v, serves after %v; 20 results and all ready after %v; markers lost %d times, %d mended\n",
		time.Now().Format(time.TimeOnly), round, down.Round(time.Millisecond), serves.Round(time.Millisecond),
		time.Since(begun).Round(time.Millisecond), n.lost()-lost, n.mended()-mended)
	return nil
}

// lost counts how often the broker says that it drops the markers of a
// transaction.
func (n *nemesis) lost() int {
	return countIn(filepath.Join(n.cluster.dir, "node1", "server.out"), "likely deleted already")
}

// mended counts how often handlers say that they have mended one.
func (n *nemesis) mended() (sum int) {
	for _, p := range n.handlers {
		sum += countIn(p.LogFile(), "mended a torn transaction")
	}
	return sum
}

func countIn(file, text string) int {
	data, _ := os.ReadFile(file) //nolint:gosec // our own log; one that is not there says nothing
	return bytes.Count(data, []byte(text))
}

// verdict judges everything, and that nothing is open any more.
func (n *nemesis) verdict(ctx context.Context, c *tornCommand) error {
	if err := n.fleet.Run(ctx, "doctor", "transactions"); err != nil {
		return fmt.Errorf("transactions are open after all was mended: %w", err)
	}
	source := n.source()
	var err error
	if source.Stores, err = n.endHandlers(ctx); err != nil {
		return errors.Join(err, n.writeJournals())
	}
	judgement, err := verify.Verify(ctx, source)
	if err != nil {
		return errors.Join(err, n.writeJournals())
	}
	fmt.Println(judgement)
	if len(judgement.Violations()) > 0 {
		return errors.Join(errViolated, n.writeJournals())
	}
	fmt.Printf("OK: seed %d, %d kills, markers lost %d times, %d mended, %d results delivered, no violation\n",
		c.Seed, c.Rounds, n.lost(), n.mended(), n.delivered())
	return nil
}
