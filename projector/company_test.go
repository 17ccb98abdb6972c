package projector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/projector"
)

// queued is the view of counters that goes in company.
func queued(topic string) projector.Projection[add] {
	view := counters(topic)
	view.Write, view.Queue = nil, queueCounters
	return view
}

func (f *fixture) queued() projector.Projection[add] { return queued(f.topic) }

func queueCounters(statements *pgx.Batch, batch []add) error {
	keys, ns := []string{}, []int64{}
	for _, a := range batch {
		keys, ns = append(keys, a.Key), append(ns, a.N)
	}
	statements.Queue(addCounters, keys, ns)
	return nil
}

func (f *fixture) awaitEntries(t *testing.T, view string, want ...string) {
	t.Helper()
	eventually(t, func() error {
		rows, err := f.pool.Query(t.Context(), `select key || n from `+view+`_v1.entries order by key, n`) //nolint:gosec // a test
		if err != nil {
			return err
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%s has %v, want %v", view, got, want)
		}
		return err
	})
}

// Who cannot be applied stops alone, at its record; what was in its company goes
// on, in its own view and in others.
func TestAFailureInCompanyStopsItsPartitionOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	picky := entries("picky", f.topic)
	p, _ := start(t, f.pool, f.config(), f.queued(), picky)
	f.publish(t, 0, add{"a", 1})
	f.publish(t, 1, add{"b", 2})
	f.awaitEntries(t, "picky", "a1", "b2")
	f.publish(t, 0, add{"c", 3}, add{"poison", -1}, add{"behind", 9})
	f.publish(t, 1, add{"d", 4})
	f.awaitFold(t)
	f.awaitEntries(t, "picky", "a1", "b2", "c3", "d4")
	eventually(t, func() error {
		stopped := stoppedAt(p)
		if len(stopped) != 1 {
			return fmt.Errorf("stopped are %+v, want one partition", stopped)
		}
		for _, part := range []string{f.topic + " 0:3 cannot be applied to picky_v1.picky", "23514", "picky_v1.entries"} {
			if text := stopped[0].Err.Error(); !strings.Contains(text, part) {
				t.Errorf("got %s, want it to name %s", text, part)
			}
		}
		return nil
	})
	f.publish(t, 1, add{"e", 5})
	f.awaitFold(t)
	f.awaitEntries(t, "picky", "a1", "b2", "c3", "d4", "e5")
}

// A view that is locked is left alone with that, after one transaction in which
// the others have waited for it.
func TestALockedViewHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var log childtest.Output
	config := f.config()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	pool := f.connect(t, func(c *pgxpool.Config) { c.MaxConns = 20 })
	start(t, pool, config, f.queued(), entries("locked", f.topic))
	f.publish(t, 0, add{"a", 1})
	f.awaitFold(t)
	f.awaitEntries(t, "locked", "a1")
	tx, err := f.pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `lock table locked_v1.entries`)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := len(linesWith(&log, "each partition goes alone"))
	for i := range int64(9) {
		f.publish(t, int32(i%partitions), add{fmt.Sprint("key-", i), i})
		f.awaitFold(t)
	}
	if failed := linesWith(&log, "each partition goes alone")[before:]; len(failed) != 1 {
		t.Errorf("transactions have failed for all: %v, want the first one", failed)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitEntries(t, "locked", "a1", "key-00", "key-11", "key-22", "key-33", "key-44", "key-55", "key-66", "key-77", "key-88")
}

// Readers may take all connections of the pool.
func TestALaneNeedsNoConnectionOfThePool(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	pool := f.connect(t, func(c *pgxpool.Config) { c.MaxConns = 2 })
	start(t, pool, f.config(), f.queued())
	f.publish(t, 0, add{"a", 1})
	f.publish(t, 1, add{"b", 1})
	f.publish(t, 2, add{"c", 1})
	f.awaitFold(t)
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
	}
	f.publish(t, 0, add{"a", 1}, add{"b", 1})
	f.awaitFold(t)
}

// An answer that is asked for would need a round trip of its own.
func TestAQueuedStatementHasNoAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	view := f.queued()
	view.Queue = func(statements *pgx.Batch, _ []add) error {
		statements.Queue(`select 1`).QueryRow(func(pgx.Row) error { return nil })
		return nil
	}
	f.publish(t, 0, add{"a", 1})
	p, _ := start(t, f.pool, f.config(), view)
	eventually(t, func() error {
		if stopped := stoppedAt(p); len(stopped) != 1 || !strings.Contains(stopped[0].Err.Error(), "that is for Write") {
			return fmt.Errorf("stopped are %+v, want partition 0, with what to do", stopped)
		}
		return nil
	})
}

// cutLane loses the connection at some of the transactions of lanes: before they
// are sent, and when they are sent but not yet answered.
type cutLane struct {
	net.Conn
	sent, lost *atomic.Int64
}

func (c cutLane) Write(b []byte) (int, error) {
	if !bytes.Contains(b, []byte("lane_")) || !bytes.Contains(b, []byte("counters_v1")) || bytes.Contains(b, []byte("search_path")) {
		return c.Conn.Write(b)
	}
	switch c.sent.Add(1) % 5 {
	case 2:
		c.lost.Add(1)
		return 0, c.Close()
	case 4:
		c.lost.Add(1)
		n, err := c.Conn.Write(b)
		return n, errors.Join(err, c.Close())
	default:
		return c.Conn.Write(b)
	}
}

// A transaction of all whose answer is lost has happened, or not: the position
// of each tells.
func TestALaneInDoubtIsSettledByThePositions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var sent, lost atomic.Int64
	pool := f.dialing(t, func(conn net.Conn) net.Conn { return cutLane{conn, &sent, &lost} })
	start(t, pool, f.config(), f.queued(), entries("beside", f.topic))
	for i := range int64(40) {
		f.publish(t, int32(i%partitions), add{fmt.Sprint("key-", i), i}, add{"sum", i})
		if i%2 == 0 {
			f.awaitFold(t)
		}
	}
	f.awaitFold(t)
	if lost.Load() < 3 {
		t.Errorf("%d connections were lost, want several", lost.Load())
	}
}

// Two groups: each projector believes that it owns every partition.
func TestZombiesInCompanyRollBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.config()
	other.Group += "-zombie"
	other.MaxBatch = 7
	start(t, f.pool, f.config(), f.queued())
	start(t, f.pool, other, f.queued())
	for range 5 {
		f.publishMany(t, 100)
		f.awaitFold(t)
	}
}

// Whatever a server raises while many are in one transaction, each record is
// applied once.
func TestCompanyOutlivesWhatPasses(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"terminated": `select pg_terminate_backend(pg_backend_pid())`,
		"deadlock":   `do $$ begin raise 'somebody was faster' using errcode = '40P01'; end $$`,
		"read-only":  `do $$ begin raise 'a standby' using errcode = '25006'; end $$`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var queues, failures atomic.Int64
			view := f.queued()
			view.Queue = func(statements *pgx.Batch, batch []add) error {
				err := queueCounters(statements, batch)
				if queues.Add(1)%3 == 0 && failures.Add(1) < 10 {
					statements.Queue(sql)
				}
				return err
			}
			p, _ := start(t, f.pool, f.config(), view)
			for range 15 {
				f.publishMany(t, 20)
				f.awaitFold(t)
			}
			if stopped := stoppedAt(p); len(stopped) > 0 || failures.Load() < 3 {
				t.Errorf("stopped are %+v after %d failures", stopped, failures.Load())
			}
		})
	}
}

// Partitions that were given away, with what they still waited for, are applied
// by whoever has them then.
func TestLanesOutliveRestarts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 5 {
		_, stop := start(t, f.pool, f.config(), f.queued())
		f.publishMany(t, 60)
		f.transact(t, 0, kgo.TryAbort, add{"never", 1})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	start(t, f.pool, f.config(), f.queued())
	f.awaitFold(t)
}

// A process may do without lanes, and then Queue goes alone.
func TestQueueWithoutLanes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*pgxpool.Config, *projector.Config){
		"none wanted": func(_ *pgxpool.Config, c *projector.Config) { c.Lanes = -1 },
		"simple protocol": func(c *pgxpool.Config, _ *projector.Config) {
			c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var log childtest.Output
			config := f.config()
			pool := f.connect(t, func(c *pgxpool.Config) { change(c, &config) })
			config.Logger = slog.New(slog.NewTextHandler(&log, nil))
			start(t, pool, config, f.queued())
			f.publishMany(t, 100)
			f.awaitFold(t)
			if f.laneConnections(t) > 0 || len(linesWith(&log, "goes alone")) > 0 {
				t.Errorf("there is a lane: %s", &log)
			}
		})
	}
}

func (f *fixture) laneConnections(t *testing.T) (n int) {
	t.Helper()
	err := f.pool.QueryRow(context.WithoutCancel(t.Context()), `
		select count(*) from pg_stat_activity where datname = current_database() and application_name like '%-lane'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
