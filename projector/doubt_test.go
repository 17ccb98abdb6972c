package projector_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
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
	config := f.pool.Config()
	d := &doubtful{}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return doubtfulConn{conn, d}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d.commits.Store(1) // the first of them is that of the start, and passes
	f.publishMany(t, 400)
	start(t, pool, f.config(), f.counters())
	f.awaitFold(t)
	if d.lost.Load() < 3 {
		t.Errorf("%d connections were lost, want several", d.lost.Load())
	}
}
