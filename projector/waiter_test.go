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
	"github.com/twmb/franz-go/pkg/kgo"

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
	t.Cleanup(pool.Close)
	return f.runWaiter(t, pool), asked
}

// runWaiter runs a waiter until the test ends.
func (f *fixture) runWaiter(t *testing.T, pool *pgxpool.Pool) *projector.Waiter {
	t.Helper()
	w := projector.NewWaiter(pool)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
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
	f.awaitFold(t)
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
	f.follow(t)
	w, _ := f.waiter(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Await(ctx, "counters", eventim.Position{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

// To wait for what nobody has made would take the whole time of the caller.
func TestAwaitOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w, _ := f.waiter(t)
	err := w.Await(t.Context(), "counters", eventim.Position{}, nil)
	if !errors.Is(err, projector.ErrUnknownView) || !strings.Contains(err.Error(), "counters") {
		t.Errorf("got %v, want it to name the view", err)
	}
	f.follow(t)
	err = w.Await(t.Context(), "counters", eventim.Position{Partition: partitions}, nil)
	if !errors.Is(err, projector.ErrUnknownPartition) || !strings.Contains(err.Error(), "counters, partition 3") {
		t.Errorf("got %v, want it to name the partition", err)
	}
	if _, err := w.Reached(t.Context(), "counter", eventim.Position{}); !errors.Is(err, projector.ErrUnknownView) {
		t.Errorf("got %v, want ErrUnknownView", err)
	}
}

// A waiter that would not hear looks: a pooler is before Postgres.
func TestAwaitWithoutNotifications(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.follow(t)
	w := f.runWaiter(t, f.dialing(t, pooler))
	start(t, f.pool, f.config(), f.counters())
	for range 3 {
		p := f.publish(t, 0, add{"a", 1})
		if err := <-await(t, w, p); err != nil {
			t.Fatal(err)
		}
	}
}

// Two transactions whose markers follow both of their records: no gap and no
// end shows that the last one is complete, and nothing follows it.
func TestAwaitAtATailOfMarkers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w, _ := f.waiter(t)
	start(t, f.pool, f.config(), f.counters())
	last := f.publish(t, 0, add{"a", 1})
	if err := <-awaitExisting(t, f, w, last); err != nil {
		t.Fatal(err)
	}
	other := transactional(t, f.kafka, f.topic+"-other")
	value := []byte(`{"Key":"a","N":1}`)
	for i, producer := range []*kgo.Client{f.producer, other} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(t.Context(), f.record(0, value, last.Offset+1+int64(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, producer := range []*kgo.Client{f.producer, other} {
		if err := producer.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-await(t, w, eventim.Position{Offset: last.Offset + 2}); err != nil {
		t.Fatal(err)
	}
}

// awaitExisting waits until the view exists, and then for p.
func awaitExisting(t *testing.T, f *fixture, w *projector.Waiter, p eventim.Position) <-chan error {
	t.Helper()
	f.awaitFold(t)
	return await(t, w, p)
}

// What is notified while the connection that listens is down is not missed.
func TestAwaitSurvivesTheLossOfTheConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.follow(t)
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
	err := f.pool.QueryRow(t.Context(), `
		select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and application_name like '%-waiter'
			and (query like 'listen%' or query like '%using (view, version)')`).Scan(&killed)
	if err == nil && killed == 0 {
		err = fmt.Errorf("%w: nobody listens", errNotYet)
	}
	return err
}
