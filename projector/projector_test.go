package projector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/projector"
)

func TestViewFollowsTheTopic(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 200)
	p, stop := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	f.transact(t, 0, kgo.TryAbort, add{"never", 1})
	f.publishMany(t, 100)
	f.awaitFold(t)
	for _, s := range p.Status() {
		if s.State != projector.Running || s.Err != nil || s.View != "counters" {
			t.Errorf("status is %+v, want running", s)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	var comment string
	err := f.pool.QueryRow(t.Context(), `
		select obj_description(c.oid, 'pg_class') || ': ' || col_description(c.oid, 2)
		from pg_class c where c.oid = 'public.counters'::regclass`).Scan(&comment)
	if err != nil || comment != "Sums of what was added: The sum" {
		t.Errorf("the comments of the view are %q, error %v", comment, err)
	}
}

// What a context ends, anywhere, leaves rows and positions that agree.
func TestRowsAreTheFoldAfterRestarts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 5 {
		f.publishMany(t, 150)
		var writes atomic.Int64
		view := f.counters()
		cut := make(chan struct{}, 1)
		view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
			err := writeCounters(ctx, tx, batch)
			if writes.Add(1) == 2 {
				cut <- struct{}{} // between the rows and the commit
			}
			return err
		}
		_, stop := start(t, f.pool, f.config(), view)
		<-cut
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
}

// Two groups: each projector believes that it owns every partition.
func TestZombiesRollBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.config()
	other.Group += "-zombie"
	other.MaxBatch = 7
	start(t, f.pool, f.config(), f.counters())
	start(t, f.pool, other, f.counters())
	for range 5 {
		f.publishMany(t, 100)
		f.awaitFold(t)
	}
}

func TestBackendKilledBetweenRowsAndCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publishMany(t, 300)
	var writes, killed atomic.Int64
	view := f.counters()
	view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
		if err := writeCounters(ctx, tx, batch); err != nil {
			return err
		}
		if writes.Add(1)%2 == 0 && killed.Load() < 5 {
			killed.Add(1)
			_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
			return err
		}
		return nil
	}
	start(t, f.pool, f.config(), view)
	f.awaitFold(t)
	if killed.Load() == 0 {
		t.Error("no backend was killed")
	}
}

func TestUnreadableRecordStopsItsPartitionOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.produce(t, kgo.TryCommit, f.record(0, []byte("{"), 9))
	f.transact(t, 0, kgo.TryCommit, add{"behind", 1})
	f.publish(t, 1, add{"b", 2})
	p, _ := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	eventually(t, func() error {
		if stopped := stoppedAt(p); len(stopped) != 1 || stopped[0].Partition != 0 || stopped[0].NextOffset != 1 ||
			!strings.Contains(stopped[0].Err.Error(), f.topic+" 0:2 cannot be read") {
			return fmt.Errorf("stopped are %+v, want partition 0 at the record 0:2", stopped)
		}
		return nil
	})
	f.publish(t, 1, add{"b", 2})
	f.awaitFold(t)
}

// Whatever is permanently wrong stops the partition at the record to blame;
// what comes before it is applied.
func TestUnwritableRecordStopsItsPartitionOnly(t *testing.T) {
	t.Parallel()
	failures := map[string]func(context.Context, pgx.Tx) error{
		"constraint": func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `insert into counters (key, n) values ('poison', null)`)
			return err
		},
		"hidden":  func(ctx context.Context, tx pgx.Tx) error { _, _ = tx.Exec(ctx, `select 1/0`); return nil },
		"panic":   func(context.Context, pgx.Tx) error { panic("poison") },
		"refused": func(context.Context, pgx.Tx) error { return errors.New("poison") },
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t, 0, add{"a", 1}, add{"b", 2}, add{"c", 3})
			f.transact(t, 0, kgo.TryCommit, add{"poison", 1}, add{"behind", 1})
			f.publish(t, 1, add{"d", 4})
			view := f.counters()
			view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
				if err := writeCounters(ctx, tx, batch); err != nil {
					return err
				}
				for _, a := range batch {
					if a.Key == "poison" {
						return fail(ctx, tx)
					}
				}
				return nil
			}
			p, _ := start(t, f.pool, f.config(), view)
			f.awaitFold(t)
			eventually(t, func() error {
				if stopped := stoppedAt(p); len(stopped) != 1 || !strings.Contains(stopped[0].Err.Error(), f.topic+" 0:4 cannot be applied") {
					return fmt.Errorf("stopped are %+v, want partition 0 at the record 0:4", stopped)
				}
				return nil
			})
			f.publish(t, 1, add{"d", 4})
			f.awaitFold(t)
		})
	}
}

func TestNewRefusesMistakes(t *testing.T) {
	t.Parallel()
	good := counters("topic")
	if _, err := projector.New(nil, projector.Config{}, good, good); err == nil {
		t.Error("a view that appears twice was accepted")
	}
	bad := good
	bad.Name, bad.Version, bad.Write = `x"; drop table y`, 0, nil
	_, err := projector.New(nil, projector.Config{}, bad)
	for _, want := range []string{"Name", "Version", "Write"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that names %s", err, want)
		}
	}
}
