package projector_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

// inDatabase returns a pool on a database of its own with these options.
func (f *fixture) inDatabase(t *testing.T, options string) *pgxpool.Pool {
	t.Helper()
	name := f.pool.Config().ConnConfig.Database + "_other"
	f.execute(t, `create database `+name+` template template0 `+options)
	t.Cleanup(func() { _, _ = f.pool.Exec(context.WithoutCancel(t.Context()), `drop database `+name+` with (force)`) })
	return f.connect(t, func(c *pgxpool.Config) { c.ConnConfig.Database = name })
}

// Text that does not fit into the encoding would stop a view later, or be
// stored as something else.
func TestDatabaseThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			pool := f.inDatabase(t, `encoding '`+encoding+`' locale 'C'`)
			p, err := projector.New(pool, f.config(), f.counters())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for who, err := range map[string]error{
				"migrations": migrations.Up(ctx, pool),
				"projector":  p.Run(ctx),
				"await":      app.AwaitPostgres(ctx, pool, f.config().Logger),
			} {
				if err == nil || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "createdb") {
					t.Errorf("%s: got %v, want it refused with what to do", who, err)
				}
			}
		})
	}
}

// A role whose client_encoding is another one makes the server take our UTF-8
// for that; the pool of the programs insists.
func TestClientEncodingIsUTF8(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	latin := f.connect(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["client_encoding"] = "LATIN1" })
	if err := migrations.Up(t.Context(), latin); err == nil || !strings.Contains(err.Error(), "client_encoding") {
		t.Errorf("got %v, want it to name the setting", err)
	}
	f.execute(t, `alter database `+f.pool.Config().ConnConfig.Database+` set client_encoding = 'LATIN1'`)
	pool, err := app.Postgres{URL: f.pool.Config().ConnString()}.Open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := migrations.Up(t.Context(), pool); err != nil {
		t.Errorf("got %v, want the pool to set it", err)
	}
}

// behindPooler is a connection whose server calls itself by another process
// number, as a pooler does.
type behindPooler struct{ net.Conn }

func (c behindPooler) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	keyData := []byte{'K', 0, 0, 0, 12}
	if i := bytes.Index(b[:n], keyData); i >= 0 && i+len(keyData)+4 <= n {
		b[i+len(keyData)+3]++
	}
	return n, err
}

func pooler(c net.Conn) net.Conn { return behindPooler{c} }

func TestPreparedStatementsThroughAPoolerAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	direct := f.pool
	f.pool = f.dialing(t, pooler)
	for who, err := range map[string]error{
		"projector":  f.refused(t, f.kafka, f.counters()),
		"migrations": migrations.Up(t.Context(), f.pool),
	} {
		if err == nil || !strings.Contains(err.Error(), "default_query_exec_mode=cache_describe") {
			t.Errorf("%s: got %v, want the remedy", who, err)
		}
	}
	config := f.pool.Config()
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	f.pool = direct
	f.publish(t, 0, add{"a", 1})
	start(t, pool, f.config(), f.counters())
	f.awaitFold(t)
}
