package projector_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/projector"
)

// obstacle makes the server raise an error in tx. It may use connections of db.
type obstacle func(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool) error

// passing are errors that a real server raises, by SQLSTATE.
var passing = map[string]obstacle{
	"25P03 idle in a transaction": func(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool) error {
		if _, err := tx.Exec(ctx, `set local idle_in_transaction_session_timeout = '1ms'`); err != nil {
			return err
		}
		if err := gone(ctx, db, tx.Conn().PgConn().PID()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select 1`)
		return err
	},
	"57014 statement timeout": func(ctx context.Context, tx pgx.Tx, _ *pgxpool.Pool) error {
		_, err := tx.Exec(ctx, `set local statement_timeout = '1ms'; select pg_sleep(60)`)
		return err
	},
	"57P01 administrator": func(ctx context.Context, tx pgx.Tx, _ *pgxpool.Pool) error {
		_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
		return err
	},
	"55P03 lock timeout": func(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool) error {
		return pgx.BeginFunc(ctx, db, func(other pgx.Tx) error {
			if _, err := other.Exec(ctx, `lock table projector.versions`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `set local lock_timeout = '1ms'; select from projector.versions`)
			return err
		})
	},
	"40P01 deadlock":          deadlock,
	"40001 concurrent update": concurrentUpdate,
	"53100 disk full": func(ctx context.Context, tx pgx.Tx, _ *pgxpool.Pool) error {
		const full = "/dev/full" // the device that says so to every write
		if _, err := os.Stat(full); err != nil {
			_, err = tx.Exec(ctx, `do $$ begin raise 'no such device here' using errcode = 'disk_full'; end $$`)
			return err
		}
		_, err := tx.Exec(ctx, `copy (select 1) to '`+full+`'`)
		return err
	},
	"0A000 a plan that is to be made anew": func(ctx context.Context, tx pgx.Tx, _ *pgxpool.Pool) error {
		p := "plan_" + strings.ToLower(rand.Text()) // what is prepared outlives the transaction
		_, err := tx.Exec(ctx, `create temporary table plan (a integer); prepare `+p+` as select * from plan;
			alter table plan add column b integer; execute `+p)
		return err
	},
}

// gone returns when the server has no backend of that number any more.
func gone(ctx context.Context, db *pgxpool.Pool, pid uint32) error {
	return until(ctx, db, `select not exists (select from pg_stat_activity where pid = $1)`, pid)
}

// until returns when a question about a backend is answered with yes.
func until(ctx context.Context, db *pgxpool.Pool, question string, pid uint32) error {
	for {
		var yes bool
		if err := db.QueryRow(ctx, question, pid).Scan(&yes); err != nil || yes {
			return err
		}
	}
}

// deadlock lets tx and another transaction wait for each other. The other one
// does not look for deadlocks, so that tx is the one to give in.
func deadlock(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool) error {
	other, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := other.Exec(ctx, `set local deadlock_timeout = '1h'; select pg_advisory_xact_lock(1)`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `set local deadlock_timeout = '10ms'; select pg_advisory_xact_lock(2)`); err != nil {
		return err
	}
	var waiting sync.WaitGroup
	pid := other.Conn().PgConn().PID()
	waiting.Go(func() { _, _ = other.Exec(ctx, `select pg_advisory_xact_lock(2)`) })
	// The server looks for a deadlock once, when tx has waited for a while.
	if err = until(ctx, db, `select exists (select from pg_locks where pid = $1 and not granted)`, pid); err == nil {
		_, err = tx.Exec(ctx, `select pg_advisory_xact_lock(1)`)
	}
	_ = tx.Rollback(context.WithoutCancel(ctx)) // so that the other one gets its lock
	waiting.Wait()
	return err
}

// concurrentUpdate changes what another transaction has changed since the
// snapshot of tx, whose isolation is repeatable read in all these tests.
func concurrentUpdate(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool) error {
	if _, err := db.Exec(ctx, `update counters_v1.counters set n = n`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update counters set n = n`)
	return err
}

// What passes is waited for, and said, and then the partition goes on by
// itself: the record that was in the way is applied once.
func TestWhatPassesNeverStopsAPartition(t *testing.T) {
	t.Parallel()
	for name, raise := range passing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t, 0, add{"a", 1})
			f.follow(t)
			pool := f.connect(t, func(c *pgxpool.Config) {
				c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
			})
			var mu sync.Mutex
			var seen []error
			view := f.counters()
			view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
				mu.Lock()
				defer mu.Unlock()
				if len(seen) < 2 {
					err := raise(ctx, tx, f.pool)
					seen = append(seen, err)
					return err
				}
				return writeCounters(ctx, tx, batch)
			}
			f.publish(t, 0, add{"a", 1})
			p, _ := start(t, pool, f.config(), view)
			f.awaitFold(t)
			if stopped := stoppedAt(p); len(stopped) > 0 {
				t.Errorf("stopped are %+v", stopped)
			}
			for _, err := range seen {
				if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != name[:5] {
					t.Errorf("the server raised %v, want %s", err, name)
				}
			}
		})
	}
}

// connect returns a pool of its own on the database of the fixture.
func (f *fixture) connect(t *testing.T, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config := f.pool.Config()
	change(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// awaitRetry waits until a partition retries for a reason that has the text.
func awaitRetry(t *testing.T, p *projector.Projector, text string) {
	t.Helper()
	eventually(t, func() error {
		for _, s := range p.Status() {
			if s.State == projector.Retrying && s.Err != nil && strings.Contains(s.Err.Error(), text) {
				return nil
			}
		}
		return fmt.Errorf("status is %+v, want one that retries after %s", p.Status(), text)
	})
}

// A pool that was connected before the other server was promoted would meet
// the standby for ever.
func TestReadOnlyServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p, _ := start(t, f.pool, f.config(), f.counters())
	f.publish(t, 0, add{"a", 1})
	f.awaitFold(t)
	f.setReadOnly(t, "on")
	f.execute(t, `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	f.pool.Reset()
	f.publish(t, 0, add{"a", 1})
	awaitRetry(t, p, "25006")
	f.setReadOnly(t, "off") // for new connections
	f.awaitFold(t)
}

func (f *fixture) setReadOnly(t *testing.T, value string) {
	t.Helper()
	name := pgx.Identifier{f.pool.Config().ConnConfig.Database}.Sanitize()
	err := pgx.BeginTxFunc(t.Context(), f.pool, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `alter database `+name+` set default_transaction_read_only = `+value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever has taken all connections gives them back one day.
func TestTooManyConnectionsAreWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	config := f.pool.Config().ConnConfig
	role := config.Database + "_role" // as unique as the database
	f.execute(t, `create role `+role+` login password 'secret' in role `+config.User)
	t.Cleanup(func() {
		_, _ = f.pool.Exec(context.WithoutCancel(t.Context()), `reassign owned by `+role+` to current_user; drop role `+role)
	})
	pool := f.connect(t, func(c *pgxpool.Config) { c.ConnConfig.User, c.ConnConfig.Password = role, "secret" })
	f.follow(t)
	f.publish(t, 0, add{"a", 1})
	p, _ := start(t, pool, f.config(), f.counters())
	f.awaitFold(t)
	f.execute(t, `alter role `+role+` connection limit 0`)
	f.execute(t, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '`+role+`'`)
	f.publish(t, 0, add{"a", 1})
	awaitRetry(t, p, "53300")
	f.execute(t, `alter role `+role+` connection limit -1`)
	f.awaitFold(t)
}

func (f *fixture) execute(t *testing.T, sql string) {
	t.Helper()
	if _, err := f.pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// Somebody has to look at these: the error names all that they look for.
func TestWhatDoesNotPassStopsWithAllThatItNames(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"54000": `insert into counters (key, n) select string_agg(md5(i::text), ''), 0 from generate_series(1, 200) i`,
		"42501": `set local role pg_monitor; insert into counters_v1.counters values ('x', 1)`,
		"23502": `insert into counters (key, n) values ('x', null)`,
		"22P05": `select '"\u0000"'::jsonb ->> 0`,
		"P0001": `do $$ begin raise 'no'; end $$`,
		"XX001": `do $$ begin raise 'damaged' using errcode = 'data_corrupted'; end $$`,
	}
	for state, sql := range tests {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t, 0, add{"a", 1})
			view := f.counters()
			view.Write = func(ctx context.Context, tx pgx.Tx, _ []add) error {
				_, err := tx.Exec(ctx, sql)
				return err
			}
			p, _ := start(t, f.pool, f.config(), view)
			eventually(t, func() error {
				stopped := stoppedAt(p)
				if len(stopped) != 1 {
					return fmt.Errorf("status is %+v, want partition 0 stopped", p.Status())
				}
				for _, part := range []string{f.topic + " 0:0 cannot be applied", "counters_v1.counters", `key "a"`, state} {
					if text := stopped[0].Err.Error(); !strings.Contains(text, part) {
						t.Errorf("got %s, want it to name %s", text, part)
					}
				}
				return nil
			})
		})
	}
}
