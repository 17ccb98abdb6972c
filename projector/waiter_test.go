package projector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

// queries counts what a pool is asked.
type queries struct{ atomic.Int64 }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "where view") { // not those of the listening connection
		q.Add(1)
	}
	return ctx
}
func (*queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// waiter runs a waiter whose queries are counted.
func (f *fixture) waiter(t *testing.T) (*projector.Waiter, *queries) {
	t.Helper()
	config := f.pool.Config()
	asked := &queries{}
	config.ConnConfig.Tracer = asked
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	w := projector.NewWaiter(pool)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		pool.Close()
	})
	return w, asked
}

func await(t *testing.T, w *projector.Waiter, p eventim.Position) <-chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- w.Await(ctx, "counters", p, nil)
	}()
	return done
}

func TestAwaitIsWokenByTheCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w, asked := f.waiter(t)
	start(t, f.pool, f.config(), f.counters())
	first := f.publish(t, 1, add{"a", 1})
	if err := <-await(t, w, first); err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	next := eventim.Position{Partition: 1, Offset: first.Offset + 2}
	done := await(t, w, next)
	eventually(t, func() error {
		if asked.Load() == before+1 {
			return nil
		}
		return errNotYet
	})
	f.publish(t, 1, add{"a", 1})
	f.awaitFold(t)
	select {
	case err := <-done:
		t.Fatalf("woken too early, with %v", err)
	default:
	}
	f.publish(t, 1, add{"a", 1})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := asked.Load() - before; n != 1 {
		t.Errorf("Await asked %d times, want once", n)
	}
	if got, err := f.rows(t.Context()); err != nil || got["a"] != 3 {
		t.Errorf("after Await the view shows %v, error %v; want 3", got, err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w, _ := f.waiter(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Await(ctx, "counters", eventim.Position{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

// What is notified while the connection that listens is down is not missed.
func TestAwaitSurvivesTheLossOfTheConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w, _ := f.waiter(t)
	start(t, f.pool, f.config(), f.counters())
	for i := range 10 {
		p := eventim.Position{Partition: 0, Offset: int64(i)}
		done := await(t, w, p)
		eventually(t, func() error { return f.killListener(t) })
		f.publish(t, 0, add{"a", 1})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) killListener(t *testing.T) error {
	t.Helper()
	var killed int
	// Once it listens it refreshes, and then is idle in the next query.
	err := f.pool.QueryRow(t.Context(), `
		select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()
			and (query like 'listen%' or query like '%using (view, version)') and query not like '%where view%'`).Scan(&killed)
	if err == nil && killed == 0 {
		err = fmt.Errorf("%w: nobody listens", errNotYet)
	}
	return err
}
