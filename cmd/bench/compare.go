package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/cmd/bench/report"
)

// compareCmd measures all contenders on one broker, in turns.
type compareCmd struct {
	Kafka      string        `help:"Brokers, host:port, separated by commas. Without it one node is started."`
	Contenders []string      `help:"Those that take part, by name. All by default."`
	Phases     []string      `default:"closed,open,backlog,restart" enum:"closed,open,backlog,restart" help:"What is measured; restart includes restore."`
	Rounds     int           `default:"3" help:"Repetitions of everything, in turns."`
	Partitions []int32       `default:"8,48" help:"Partition counts of the topics. The restart takes the first."`
	Rates      []int         `default:"500,5000,20000" help:"Commands per second of the open loops."`
	Warm       time.Duration `default:"10s" help:"Warm-up under load of a program that has just started; a quarter of it before each further measurement."`
	Measure    time.Duration `default:"10s" help:"Duration of each measurement under load."`
	Window     int           `default:"20000" help:"Commands on their way in the closed loop."`
	Keys       int           `default:"50000" help:"Aggregates of the load."`
	Backlog    int           `default:"1000000" help:"Commands of the backlog."`
	Aggregates int           `default:"1000000" help:"Aggregates of the restart."`
	Session    time.Duration `default:"10s" help:"Session timeout of all consumer groups."`
	BrokerWarm time.Duration `default:"60s" help:"How long the broker is warmed up before the first round."`
	Smoke      bool          `help:"Two minutes: small sizes, one round. Shows that it works, not how fast."`
	Docs       string        `help:"Folder with benchmarks.md, to be written anew with its plots and results.json."`
	Keep       string        `help:"File for the results, written after each round; of such files page makes one page."`
	Profile    string        `help:"File for a CPU profile of the handler."`
}

// comparison is a compareCmd at work.
type comparison struct {
	compareCmd
	name     string // prefix of all topics
	dir      string // data directories and logs
	broker   broker
	programs programs
	turns    int
	results  report.Results
}

func (c compareCmd) smoke() compareCmd {
	if !c.Smoke {
		return c
	}
	c.Rounds, c.Partitions, c.Rates = 1, []int32{8}, []int{500, 2000}
	c.Warm, c.Measure, c.BrokerWarm, c.Session = 4*time.Second, 2*time.Second, time.Second, 6*time.Second
	c.Window, c.Keys, c.Backlog, c.Aggregates = 5000, 1000, 20_000, 5000
	if len(c.Contenders) == 0 {
		c.Contenders = []string{"eventim", "raw", "streams-100ms-1t", "goka"}
	}
	return c
}

func (c compareCmd) chosen() ([]contender, error) {
	all := contenders()
	if len(c.Contenders) == 0 {
		return all, nil
	}
	var list []contender
	for _, name := range c.Contenders {
		i := slices.IndexFunc(all, func(con contender) bool { return con.Name == name })
		if i < 0 {
			var names []string
			for _, con := range all {
				names = append(names, con.Name)
			}
			return nil, fmt.Errorf("no contender %q: there are %s", name, strings.Join(names, ", "))
		}
		list = append(list, all[i])
	}
	return list, nil
}

// Run implements the command.
func (c compareCmd) Run(ctx context.Context) (err error) {
	c = c.smoke()
	list, err := c.chosen()
	if err != nil {
		return err
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "eventim-bench-")
	if err != nil {
		return err
	}
	if c.Keep == "" {
		c.Keep = filepath.Join(dir, "results.json")
	}
	cmp := &comparison{compareCmd: c, name: "bench-" + uuid.NewString()[:8], dir: dir}
	if cmp.programs, err = build(ctx, root, dir, list); err != nil {
		return err
	}
	cmp.broker = broker{addresses: c.Kafka, stop: func() error { return nil }}
	if c.Kafka == "" {
		if cmp.broker, err = startBroker(ctx, filepath.Join(root, ".ci/kafka/kafka.sh"), filepath.Join(dir, "kafka")); err != nil {
			return err
		}
	}
	err = errors.Join(cmp.run(ctx, list), cmp.broker.stop())
	if err != nil { // the logs stay
		return errors.Join(err, os.RemoveAll(filepath.Join(dir, "kafka")))
	}
	return os.RemoveAll(dir)
}

func (c *comparison) run(ctx context.Context, list []contender) error {
	var err error
	if c.results, err = c.describe(list); err != nil {
		return err
	}
	if err := c.warmBroker(ctx); err != nil {
		return err
	}
	for round := range c.Rounds {
		// Another one begins each time: what a broker has behind it must not
		// always hit the same.
		turn := slices.Concat(list[round%len(list):], list[:round%len(list)])
		// What is there is kept, also when somebody loses patience.
		err := errors.Join(c.round(ctx, round+1, turn), c.results.Write(c.Keep))
		if err != nil {
			return err
		}
	}
	return c.publish()
}

// publish writes everything that was measured, and returns what failed.
func (c *comparison) publish() error {
	if err := report.WriteTable(os.Stdout, c.results); err != nil {
		return err
	}
	write := report.Check
	if c.Docs != "" {
		write = func(r report.Results) error { return report.WriteDocs(c.Docs, r) }
	}
	err := write(c.results)
	for _, f := range c.results.Failures {
		err = errors.Join(err, fmt.Errorf("%s, %d partitions, round %d: %s", f.Contender, f.Partitions, f.Round, f.Error))
	}
	return err
}

func (c *comparison) measures(p string) bool { return slices.Contains(c.Phases, p) }

func (c *comparison) round(ctx context.Context, round int, turn []contender) error {
	for _, partitions := range c.Partitions {
		for _, con := range turn {
			if !con.load || !slices.ContainsFunc([]string{"closed", "open", "backlog"}, c.measures) {
				continue
			}
			err := c.withSession(ctx, con, partitions, round, c.Keys, func(s *session) error { return s.loadPhases(ctx) })
			if err := c.survive(ctx, con, partitions, round, err); err != nil {
				return err
			}
		}
	}
	for _, con := range turn {
		if !con.restart || !c.measures("restart") {
			continue
		}
		partitions := c.Partitions[0]
		err := c.withSession(ctx, con, partitions, round, c.Aggregates, func(s *session) error { return s.restartPhases(ctx) })
		if err := c.survive(ctx, con, partitions, round, err); err != nil {
			return err
		}
	}
	return nil
}

// survive puts a failure down and goes on: hours of measuring must not be lost
// to one contender that fails.
func (c *comparison) survive(ctx context.Context, con contender, partitions int32, round int, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	slog.Error("a contender failed", slog.String("contender", con.Name), slog.Int("partitions", int(partitions)), slog.Any("error", err))
	c.results.Failures = append(c.results.Failures, report.Failure{
		Round: round, Contender: con.Name, Partitions: partitions, Error: err.Error(),
	})
	return nil
}

// warmBroker lets the broker's JIT compiler see the work before anybody is
// measured on it: large transactions, and then many small ones.
func (c *comparison) warmBroker(ctx context.Context) error {
	all := contenders()
	raw := all[slices.IndexFunc(all, func(con contender) bool { return con.Name == "raw" })]
	return c.withSession(ctx, raw, c.Partitions[0], 0, c.Keys, func(s *session) error {
		return s.running(ctx, func() error {
			for _, load := range []func(context.Context){
				func(ctx context.Context) { s.load.closed(ctx, c.Window) },
				func(ctx context.Context) { s.load.open(ctx, c.Rates[0]) },
			} {
				warming, cancel := context.WithTimeout(ctx, c.BrokerWarm/2)
				load(warming)
				cancel()
			}
			return s.load.drain(ctx, drainPatience)
		})
	})
}

func (s *session) record(r report.Run) {
	r.Round, r.Contender, r.Partitions = s.round, s.Name, s.partitions
	s.results.Runs = append(s.results.Runs, r)
	attrs := []any{
		slog.Int("round", r.Round), slog.String("contender", r.Contender), slog.Int("partitions", int(r.Partitions)),
		slog.String("phase", string(r.Phase)),
	}
	if r.PerSecond > 0 {
		attrs = append(attrs, slog.Int("per_second", int(r.PerSecond)))
	}
	if l := r.Latency; l != nil {
		attrs = append(attrs, slog.Int("rate", r.Rate), slog.Float64("p50_ms", l.P50), slog.Float64("p99_ms", l.P99))
	}
	if r.Phase == report.Restart {
		attrs = append(attrs, slog.Float64("first_result_s", r.FirstResult), slog.Float64("all_partitions_s", r.AllPartitions))
	}
	if r.Phase == report.Restore {
		attrs = append(attrs, slog.Float64("running_s", r.Running))
	}
	slog.Info("measured", append(attrs, slog.Float64("cpu_s", r.CPU), slog.Float64("other_cpu_s", r.OtherCPU))...)
}
