//go:build pgbouncer

package projector_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/migrations"
)

// bouncer starts a pgbouncer in transaction mode before the server of pool, and
// returns the address of the same database through it. It has two connections
// for all, so that transactions do change their server process.
func bouncer(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatalf("%v: install it, such as with: apt-get install pgbouncer", err)
	}
	server, port := pool.Config().ConnConfig, freePort(t)
	file := filepath.Join(pgtest.Dir(t), "pgbouncer.ini")
	settings := fmt.Sprintf(`
[databases]
* = host=%s port=%d user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
`, server.Host, server.Port, server.User, server.Password, port)
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil { //nolint:gosec // pgbouncer runs as another user when we are root
		t.Fatal(err)
	}
	args := []string{file}
	if os.Getuid() == 0 {
		args = append(args, "-u", "nobody")
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	u := url.URL{
		Scheme: "postgres", User: url.User("anybody"), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Path: server.Database, RawQuery: "sslmode=disable",
	}
	eventually(t, func() error {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", u.Host)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	return u.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// All that the programs do in Postgres works through a pooler in transaction
// mode: migrations, building a view, following the topic, waiting.
func TestEverythingThroughPgbouncer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.execute(t, `drop schema projector cascade; drop schema access cascade; drop table eventim_migrations`)
	pool, err := app.Postgres{URL: bouncer(t, f.pool)}.Open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for range 3 {
		if err := migrations.Up(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	f.publishMany(t, 300)
	var log childtest.Output
	config := f.config()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	p, stop := start(t, pool, config, f.queued())
	f.awaitFold(t)
	w := f.runWaiter(t, pool)
	for range 20 {
		last := f.publish(t, 1, add{"b", 1})
		if err := <-await(t, w, last); err != nil {
			t.Fatal(err)
		}
		if got, err := f.rows(t.Context()); err != nil || got["b"] != f.fold["b"] {
			t.Fatalf("after Await the view shows %v, error %v; want %v", got, err, f.fold)
		}
	}
	for _, s := range p.Status() {
		if s.Err != nil {
			t.Errorf("status is %+v", s)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if failed := linesWith(&log, "goes alone"); len(failed) > 0 {
		t.Errorf("lanes do not work through it: %v", failed)
	}
	next := f.queued()
	next.Version = 2
	start(t, pool, f.config(), next)
	f.publishMany(t, 100)
	f.awaitFold(t)
	eventually(t, func() error {
		var version int
		err := f.pool.QueryRow(t.Context(), `select version from projector.views where view = 'counters'`).Scan(&version)
		if err == nil && version != 2 {
			err = errNotYet
		}
		return err
	})
}
