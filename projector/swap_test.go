package projector_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/projector"
)

// second is version 2 of the view, which has lost a column and got others.
func (f *fixture) second(gate <-chan struct{}) projector.Projection[add] {
	view := f.counters()
	view.Version = 2
	view.DDL = `
		create table counters (
			name  text primary key,
			n     bigint not null,
			times bigint not null
		);
		comment on column counters.times is 'How often';`
	view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
		<-gate
		for _, a := range batch {
			_, err := tx.Exec(ctx, `
				insert into counters (name, n, times) values ($1, $2, 1)
				on conflict (name) do update set n = counters.n + excluded.n, times = counters.times + 1`, a.Key, a.N)
			if err != nil {
				return err
			}
		}
		return nil
	}
	return view
}

func (f *fixture) sum(t *testing.T, expression string) string {
	t.Helper()
	var sum int64
	if err := f.pool.QueryRow(t.Context(), `select sum(`+expression+`) from counters`).Scan(&sum); err != nil { //nolint:gosec // a test
		return err.Error()
	}
	return fmt.Sprint(sum)
}

func TestNewVersionIsBuiltBesideAndSwapped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"a", 2})
	f.publish(t, 1, add{"b", 3})
	f.transact(t, 1, kgo.TryAbort, add{"never", 1}) // a tail that is never delivered
	f.follow(t)
	if _, err := f.pool.Exec(t.Context(), `grant select on counters to pg_monitor`); err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	for range 2 { // at once: they share the work
		start(t, f.pool, f.config(), f.second(gate))
	}
	eventually(t, func() error { return exists(t, f, "counters_v2") })
	if got := f.sum(t, "n"); got != "6" {
		t.Errorf("while version 2 is built the sum is %s, want 6 from version 1", got)
	}
	open()
	eventually(t, func() error {
		if got := f.sum(t, "times"); got != "3" {
			return fmt.Errorf("times is %s, want 3 from version 2", got)
		}
		return nil
	})
	if exists(t, f, "counters_v1") == nil {
		t.Error("version 1 is still there")
	}
	var granted bool
	var comment string
	err := f.pool.QueryRow(t.Context(), `
		select has_table_privilege('pg_monitor', 'public.counters', 'select'), col_description('public.counters'::regclass, 3)`,
	).Scan(&granted, &comment)
	if err != nil || !granted || comment != "How often" {
		t.Errorf("granted is %t, the comment %q, error %v; want the grant kept and the comment new", granted, comment, err)
	}
	if err := f.refused(t, f.kafka, f.counters()); err == nil {
		t.Error("the older version was accepted")
	}
	f.publish(t, 1, add{"b", 3})
	eventually(t, func() error {
		if got := f.sum(t, "n"); got != "9" {
			return fmt.Errorf("the sum is %s, want 9: version 2 follows", got)
		}
		return nil
	})
}

func exists(t *testing.T, f *fixture, schema string) error {
	t.Helper()
	var found bool
	err := f.pool.QueryRow(t.Context(), `select exists (select from pg_namespace where nspname = $1)`, schema).Scan(&found)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("schema %s does not exist", schema)
	}
	return nil
}

// A projector of the old version, which still runs, stops visibly.
func TestOldVersionStopsAfterTheSwap(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	old, _ := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	gate := make(chan struct{})
	close(gate)
	start(t, f.pool, f.config(), f.second(gate))
	eventually(t, func() error { return exists(t, f, "counters_v2") })
	eventually(t, func() error {
		if exists(t, f, "counters_v1") == nil {
			return errNotYet
		}
		return nil
	})
	f.publish(t, 0, add{"a", 1})
	eventually(t, func() error {
		if stopped := stoppedAt(old); len(stopped) != 1 {
			return fmt.Errorf("stopped are %+v, want the partition of the old version", stopped)
		}
		return nil
	})
}
