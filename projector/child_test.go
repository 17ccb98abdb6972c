package projector_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/projector"
)

// The environment of a child process, which is a projector of its own.
const (
	childTopic    = "EVENTIM_CHILD_TOPIC"
	childKafka    = "EVENTIM_CHILD_KAFKA"
	childPostgres = "EVENTIM_CHILD_POSTGRES"
	childSuicide  = "EVENTIM_CHILD_SUICIDE" // dies between the rows and the commit
)

func runChild() {
	pool, err := pgxpool.New(context.Background(), os.Getenv(childPostgres))
	if err != nil {
		panic(err)
	}
	view := queued(os.Getenv(childTopic))
	if os.Getenv(childSuicide) != "" {
		view.Queue, view.Write = nil, func(ctx context.Context, tx pgx.Tx, batch []add) error {
			if err := writeCounters(ctx, tx, batch); err != nil {
				return err
			}
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	view.Key = "key"
	config := projector.Config{
		Kafka: eventim.Kafka{Brokers: strings.Split(os.Getenv(childKafka), ","), Configure: hasten},
		Group: view.Topic.Name, MaxBatch: 5, Logger: slog.New(slog.DiscardHandler),
	}
	p, err := projector.New(pool, config, view)
	if err != nil {
		panic(err)
	}
	if err := p.Run(context.Background()); err != nil {
		panic(err)
	}
}

func (f *fixture) startChild(t *testing.T, extra ...string) *childtest.Process {
	t.Helper()
	return childtest.Start(t, append(extra,
		childTopic+"="+f.topic, childKafka+"="+strings.Join(f.kafka.Brokers, ","),
		childPostgres+"="+f.pool.Config().ConnString()))
}

func (f *fixture) applied(t *testing.T) (sum int64) {
	t.Helper()
	_ = f.pool.QueryRow(t.Context(), `select coalesce(sum(next_offset), 0) from projector.positions`).Scan(&sum)
	return sum
}

func TestRowsAreTheFoldAfterKills(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for round := range 3 {
		f.publishMany(t, 400)
		before := f.applied(t)
		child := f.startChild(t)
		eventually(t, func() error {
			if f.applied(t) > before {
				return nil
			}
			return errNotYet
		})
		time.Sleep(time.Duration(7*round) * time.Millisecond) // somewhere in the middle
		child.End(t, os.Kill)
	}
	start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
}

func TestProcessKilledBetweenRowsAndCommitChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"b", 2})
	child := f.startChild(t, childSuicide+"=1")
	if code := child.Wait(t); code != -1 {
		t.Fatalf("the child ended with %d, want SIGKILL by its own hand\n%s", code, &child.Stderr)
	}
	rows, err := f.rows(t.Context())
	if applied := f.applied(t); err != nil || len(rows) != 0 || applied != 0 {
		t.Errorf("found rows %v at position %d, error %v; want none at 0", rows, applied, err)
	}
	start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
}
