package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/devbroker"
	"github.com/eventim-go/eventim/internal/devpostgres"
)

// httpCmd measures the whole product, from an HTTP request to its result and to
// the row that it changes, beside a plain program.
type httpCmd struct {
	Brokers  []string      `default:"embedded,kafka" enum:"embedded,kafka" help:"What the product runs on: the broker of make run, and one node of Apache Kafka."`
	Systems  []string      `default:"plain,lanes,single" enum:"plain,lanes,single" help:"What is measured: a plain program with one Postgres transaction for each request, the product, and the product with a transaction for each view and partition."`
	Callers  []int         `default:"1,10,50,200,1000" help:"How many clients call at a time, each one request after the other."`
	Until    []string      `default:"result,row" enum:"result,row" help:"Whether a call ends with the result, or with reading the row from the view."`
	Rounds   int           `default:"3" help:"Repetitions of everything, in turns."`
	Warm     time.Duration `default:"3s" help:"Warm-up before each measurement."`
	Measure  time.Duration `default:"5s" help:"Duration of each measurement."`
	Invoices int           `default:"20" help:"Invoices of each client, which changes one after the other."`
	Smoke    bool          `help:"Half a minute: shows that it works, not how fast."`
	Docs     string        `help:"Folder with benchmarks.md, whose part on HTTP is written anew."`
}

func (c httpCmd) smoke() httpCmd {
	if c.Smoke {
		c.Brokers, c.Callers, c.Rounds = []string{"embedded"}, []int{1, 10}, 1
		c.Warm, c.Measure = time.Second, 3*time.Second
	}
	return c
}

// httpRun is an httpCmd at work.
type httpRun struct {
	httpCmd
	dir      string
	programs string // the production binary
	postgres *devpostgres.Server
	turns    int
	figures  figures
}

// Run implements the command.
func (c httpCmd) Run(ctx context.Context) (err error) {
	c = c.smoke()
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "eventim-bench-")
	if err != nil {
		return err
	}
	r := &httpRun{httpCmd: c, dir: dir, programs: filepath.Join(dir, "invoices"), figures: figures{}}
	if err := tool(ctx, root, "go", "build", "-o", r.programs, "./cmd/invoices"); err != nil {
		return err
	}
	if r.postgres, err = devpostgres.Start(ctx, devpostgres.Config{Dir: filepath.Join(dir, "postgres")}); err != nil {
		return err
	}
	err = errors.Join(r.measure(ctx, root), r.postgres.Close())
	if err != nil {
		return fmt.Errorf("%w (logs: %s)", err, dir)
	}
	if err := r.report(); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// measure has each broker run everything, one broker at a time.
func (r *httpRun) measure(ctx context.Context, root string) error {
	for _, name := range r.Brokers {
		addresses, stop, err := r.startBroker(ctx, root, name)
		if err != nil {
			return err
		}
		for round := range r.Rounds {
			if err = r.round(ctx, name, addresses, round); err != nil {
				break
			}
		}
		if err := errors.Join(err, stop()); err != nil {
			return err
		}
	}
	return nil
}

func (r *httpRun) startBroker(ctx context.Context, root, name string) (addresses string, stop func() error, err error) {
	if name == "embedded" {
		b, err := devbroker.Start(devbroker.Config{Dir: filepath.Join(r.dir, "broker")})
		if err != nil {
			return "", nil, err
		}
		return b.Addr(), b.Close, nil
	}
	b, err := startBroker(ctx, filepath.Join(root, ".ci/kafka/kafka.sh"), filepath.Join(r.dir, "kafka"))
	return b.addresses, b.stop, err
}

// round measures all systems, each round with another one first.
func (r *httpRun) round(ctx context.Context, broker, addresses string, round int) error {
	for i := range r.Systems {
		name := r.Systems[(i+round)%len(r.Systems)]
		r.turns++
		s, err := r.start(ctx, name, addresses)
		if err == nil {
			err = r.turn(ctx, s, key{broker: broker, system: name})
		}
		if err := errors.Join(err, s.stop()); err != nil {
			return fmt.Errorf("%s on %s: %w", name, broker, err)
		}
	}
	return nil
}

// turn measures one system with more and more callers.
func (r *httpRun) turn(ctx context.Context, s *system, k key) error {
	for _, n := range r.Callers {
		for _, until := range r.Until {
			k.callers, k.until = n, until
			calls := newCalls(s, n, r.Invoices, until == "row")
			f, err := calls.measure(ctx, r.Warm, r.Measure)
			if err != nil {
				return fmt.Errorf("%d callers until the %s: %w", n, until, err)
			}
			r.figures[k] = append(r.figures[k], f)
			fmt.Fprintln(os.Stderr, strings.TrimSpace(fmt.Sprintf("%v %s", k, f)))
		}
	}
	return nil
}
