package projector_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/projector"
)

// What passes is waited for at the start, too, and said: Postgres is away, is
// a standby, has something of the view locked. Then the projector runs.
func TestWhatPassesIsWaitedForAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hinder func(*testing.T, *fixture) (pool *pgxpool.Pool, mend func())
		why    string
	}{
		"Postgres is away": {func(t *testing.T, f *fixture) (*pgxpool.Pool, func()) {
			t.Helper()
			var away atomic.Bool
			away.Store(true)
			return f.dialing(t, func(conn net.Conn) net.Conn { return awayConn{conn, &away} }), func() { away.Store(false) }
		}, "away"},
		"the server is a standby": {func(t *testing.T, f *fixture) (*pgxpool.Pool, func()) {
			t.Helper()
			f.setReadOnly(t, "on")
			f.pool.Reset()
			return f.pool, func() { f.setReadOnly(t, "off") } // for new connections
		}, "25006"},
		"somebody holds a lock": {func(t *testing.T, f *fixture) (*pgxpool.Pool, func()) {
			t.Helper()
			tx, err := f.pool.Begin(t.Context())
			if err == nil {
				_, err = tx.Exec(t.Context(), `lock table projector.versions`)
			}
			if err != nil {
				t.Fatal(err)
			}
			hurried := f.connect(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "50ms" })
			return hurried, func() {
				if err := tx.Rollback(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}, "55P03"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t, 0, add{"a", 1})
			pool, mend := c.hinder(t, f)
			p, _ := start(t, pool, f.config(), f.counters())
			awaitRetry(t, p, c.why)
			if s := p.Status(); len(s) != 1 || s[0].Partition != -1 || s[0].View != "counters" {
				t.Errorf("status is %+v, want one of the whole view", s)
			}
			mend()
			f.awaitFold(t)
			eventually(t, func() error {
				for _, s := range p.Status() {
					if s.State != projector.Running || len(p.Status()) != partitions {
						return fmt.Errorf("status is %+v, want all partitions running", p.Status())
					}
				}
				return nil
			})
		})
	}
}

// A view that is refused ends the start, though another one waits, and all that
// are refused are named.
func TestARefusalEndsTheStartOfAll(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.follow(t)
	tx, err := f.pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `select pg_advisory_xact_lock(hashtextextended('eventim view waits', 0))`)
	}
	if err != nil {
		t.Fatal(err)
	}
	waits, other, missing := f.counters(), f.counters(), f.counters()
	waits.Name, waits.DDL = "waits", strings.ReplaceAll(countersDDL, "counters", "waits")
	other.DDL += ` create index on counters (n);`
	missing.Name, missing.Topic.Name = "missing", f.topic+"-missing"
	pool := f.connect(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["lock_timeout"] = "50ms" })
	p, err := projector.New(pool, f.config(), waits, other, missing)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(p.Run(t.Context()), tx.Rollback(t.Context()))
	for _, part := range []string{"raise the version", f.topic + "-missing"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want that it says %s", err, part)
		}
	}
}
