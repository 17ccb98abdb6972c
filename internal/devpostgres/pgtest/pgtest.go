// Package pgtest gives each test a Postgres database of its own.
//
// The server is the one that EVENTIM_TEST_POSTGRES names, a postgres:// URL whose user may create databases. Without it the
// first test that needs one starts a server, which lives until the tests of the package have run.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/internal/devpostgres"
)

// Environment is the variable that names the server to use.
const Environment = "EVENTIM_TEST_POSTGRES"

// Main runs the tests of a package, stops the server that they started, and fails when a goroutine is left. A package whose
// tests use New or URL calls it from its TestMain. It does not return.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(suite{m}, options...)
}

// New returns a pool on a new and empty database. Both are gone when the test ends.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), URL(t))
	if err != nil {
		t.Fatalf("open a pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the address of a new and empty database, which is dropped, whoever is connected, when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	server, err := shared.url(t.Context())
	if err != nil {
		t.Fatalf("start a Postgres for the tests: %v", err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("parse %s: %v", Environment, err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(t.Context(), server, "create database "+name); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := execute(ctx, server, "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

// Dir returns a temporary directory for a server of a test's own. Unlike that of t.TempDir, the user as whom root runs
// Postgres can enter it.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := makeDir()
	if err != nil {
		t.Fatalf("create a directory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the directory: %v", err)
		}
	})
	return dir
}

func makeDir() (string, error) {
	dir, err := os.MkdirTemp("", "eventim-postgres-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) //nolint:gosec // see Dir
}

func execute(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

type suite struct{ m *testing.M }

func (s suite) Run() int {
	shared.allow()
	code := s.m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the Postgres of the tests:", err)
		return max(code, 1)
	}
	return code
}

// shared is the server of this test process.
var shared lazyServer

type lazyServer struct {
	mu      sync.Mutex
	allowed bool // somebody will stop it
	dir     string
	server  *devpostgres.Server
}

func (l *lazyServer) allow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = true
}

func (l *lazyServer) url(ctx context.Context) (string, error) {
	if u := os.Getenv(Environment); u != "" {
		return u, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.allowed {
		return "", errors.New("call pgtest.Main from TestMain, it stops the server")
	}
	if l.server != nil {
		return l.server.URL(), nil
	}
	dir, err := makeDir()
	if err != nil {
		return "", err
	}
	server, err := devpostgres.Start(ctx, devpostgres.Config{Dir: dir, Volatile: true})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	l.dir, l.server = dir, server
	return server.URL(), nil
}

func (l *lazyServer) stop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil
	}
	return errors.Join(l.server.Close(), os.RemoveAll(l.dir))
}
