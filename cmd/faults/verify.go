package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/errands"
	"github.com/eventim-go/eventim/internal/journal"
	"github.com/eventim-go/eventim/internal/verify"
)

type verifyCommand struct {
	Kafka     []string      `env:"EVENTIM_KAFKA" default:"localhost:9092" placeholder:"HOST:PORT" help:"Some of the brokers."`
	Postgres  string        `env:"EVENTIM_POSTGRES" placeholder:"URL" help:"The database; without one, the views are not judged."`
	Aggregate string        `env:"EVENTIM_AGGREGATE" default:"invoice" placeholder:"NAME" help:"Prefix of the topics."`
	Stores    []string      `placeholder:"DIR" help:"Data directories of handlers that have ended."`
	Journals  string        `placeholder:"DIR" help:"Directory with the journals of the clients."`
	Numbered  bool          `help:"Judge the numbers of the invoices, too, and the reactor that gives them: their numbering has run."`
	Format    string        `name:"number-format" env:"EVENTIM_NUMBER_FORMAT" placeholder:"FORMAT" help:"How the numbering writes numbers; as it does without being told when empty."`
	Settle    time.Duration `default:"30s" placeholder:"TIME" help:"How long to wait until everything is handled."`
	SelfTest  bool          `help:"Make a correct run on a broker and a database of its own, damage what it left in every known way, and see that each damage is found."`
}

// Run runs the command.
func (c *verifyCommand) Run(ctx context.Context) (err error) {
	if c.SelfTest {
		return selfTest(ctx)
	}
	source := verify.Source{Brokers: c.Kafka, Aggregate: c.Aggregate, Numbered: c.Numbered, Format: c.Format, Settle: c.Settle}
	for _, dir := range c.Stores {
		source.Stores = append(source.Stores, verify.Store{Dir: dir})
	}
	if c.Journals != "" {
		if source.Journals, err = journal.ReadDir(c.Journals); err != nil {
			return err
		}
	}
	if c.Postgres != "" {
		if source.Pool, err = pgxpool.New(ctx, c.Postgres); err != nil {
			return err
		}
		defer source.Pool.Close()
	}
	report, err := verify.Verify(ctx, source)
	if err != nil {
		return err
	}
	fmt.Println(report)
	if len(report.Violations()) > 0 {
		return errViolated
	}
	return nil
}

// selfTest makes a correct run, which has to be judged correct, and counts how
// many damages the judge finds.
func selfTest(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "eventim-self-test-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Postgres runs as another user when we are root
		return err
	}
	evidence, err := correctRun(ctx, dir)
	if err != nil {
		return err
	}
	missed, err := verify.SelfTest(evidence, verify.Corruptions())
	if err != nil {
		return err
	}
	all := len(verify.Corruptions())
	fmt.Printf("%d/%d\n", all-len(missed), all)
	if len(missed) > 0 {
		return fmt.Errorf("the judge does not find %s", strings.Join(missed, ", "))
	}
	return nil
}

// correctRun is a run without faults on an embedded broker.
func correctRun(ctx context.Context, dir string) (_ *verify.Evidence, err error) {
	i, err := embedded(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	end, err := i.someErrands(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := i.start(ctx, size{handlers: 1, numberings: 1, projectors: 1, webs: 1}); err != nil {
		return nil, err
	}
	if err := i.garbage(ctx, 3); err != nil {
		return nil, err
	}
	l := i.load(ctx, 4, 15, 1)
	if err := l.wait(); err != nil {
		return nil, err
	}
	l.settle(ctx, time.Minute)
	source := i.source()
	source.Processes = []verify.Process{verify.Errands(aggregate)}
	if err := verify.AwaitNumbers(ctx, source); err != nil {
		return nil, err
	}
	if source.Stores, err = i.endHandlers(ctx); err != nil {
		return nil, err
	}
	return verify.Collect(ctx, source)
}

// someErrands runs errands in this process until it is told to end.
func (i *installation) someErrands(ctx context.Context) (end func() error, err error) {
	k := eventim.Kafka{Brokers: i.brokers}
	if err := errands.CreateTopics(ctx, aggregate, k, 1); err != nil {
		return nil, err
	}
	if err := errands.StartMany(ctx, aggregate, k, 40); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		ended <- errands.Run(running, aggregate, eventim.HandlerConfig{
			Kafka: k, Dir: filepath.Join(i.dir, "data-errands"), Session: sessionTimeout, Logger: slog.New(slog.DiscardHandler),
		})
	}()
	return func() error { stop(); return <-ended }, nil
}
