package projector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/projector"
)

// doubtful loses the connection at some commits: every third before it is
// sent, and the one after it when it is sent but not yet answered.
type doubtful struct{ commits, lost atomic.Int64 }

type doubtfulConn struct {
	net.Conn
	d *doubtful
}

func (c doubtfulConn) Write(b []byte) (int, error) {
	if !bytes.Contains(b, []byte("commit")) {
		return c.Conn.Write(b)
	}
	switch c.d.commits.Add(1) % 3 {
	case 0:
		c.d.lost.Add(1)
		return 0, errors.Join(errors.New("lost before the commit"), c.Close())
	case 1:
		c.d.lost.Add(1)
		n, err := c.Conn.Write(b)
		return n, errors.Join(err, c.Close())
	default:
		return c.Conn.Write(b)
	}
}

// A commit whose answer is lost has happened, or not. Either way its records
// are applied once.
func TestCommitInDoubtIsSettledByThePosition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.follow(t) // what is created at the start commits too
	d := &doubtful{}
	pool := f.dialing(t, func(conn net.Conn) net.Conn { return doubtfulConn{conn, d} })
	d.commits.Store(1) // the first of them is that of the start, and passes
	f.publishMany(t, 400)
	start(t, pool, f.config(), f.counters())
	f.awaitFold(t)
	if d.lost.Load() < 3 {
		t.Errorf("%d connections were lost, want several", d.lost.Load())
	}
}

// dialing returns a pool whose connections are wrapped.
func (f *fixture) dialing(t *testing.T, wrap func(net.Conn) net.Conn) *pgxpool.Pool {
	t.Helper()
	config := f.pool.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// awayConn fails while Postgres is away.
type awayConn struct {
	net.Conn
	away *atomic.Bool
}

func (c awayConn) Write(b []byte) (int, error) {
	if c.away.Load() {
		return 0, errors.Join(errors.New("away"), c.Close())
	}
	return c.Conn.Write(b)
}

func TestPostgresAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	var away atomic.Bool
	pool := f.dialing(t, func(conn net.Conn) net.Conn { return awayConn{conn, &away} })
	p, _ := start(t, pool, f.config(), f.counters())
	f.awaitFold(t)
	away.Store(true)
	f.publish(t, 0, add{"a", 1})
	eventually(t, func() error {
		for _, s := range p.Status() {
			if s.Partition == 0 && s.State == projector.Retrying && s.Err != nil {
				return nil
			}
		}
		return fmt.Errorf("status is %+v, want partition 0 to retry", p.Status())
	})
	away.Store(false)
	f.awaitFold(t)
	eventually(t, func() error {
		for _, s := range p.Status() {
			if s.State != projector.Running || s.Err != nil {
				return fmt.Errorf("status is %+v, want all running", p.Status())
			}
		}
		return nil
	})
}
