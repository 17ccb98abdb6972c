// Package devpostgres runs a private Postgres server as a child process, for development and tests. It uses the Postgres
// that the machine has, and installs one when there is none.
package devpostgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Config says where a server keeps its data.
type Config struct {
	// Dir holds the data, the password, the port and the log. It is created when missing, and one server at a time can use it.
	Dir string
	// Logger hears of installations, of where the data went, and of servers left behind. Nil discards.
	Logger *slog.Logger
	// Volatile gives up durability for speed: for tests.
	Volatile bool
}

// Server is a running Postgres server.
type Server struct {
	process  *process
	lock     *os.File
	port     int
	password string
	close    func() error
}

const database = "eventim"

// Start runs a server on cfg.Dir and returns when it answers queries; ctx bounds the start only. A first start creates the
// data and takes a second. The server ends with Close. When the calling process dies without it, the kernel stops the server
// on Linux, and elsewhere the next Start on the same directory does.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	logger := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	s, err := start(ctx, dir, cfg.Volatile, logger)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start postgres: %w", err), lock.Close())
	}
	s.lock = lock
	s.close = sync.OnceValue(func() error { return errors.Join(s.process.stop(), s.lock.Close()) })
	return s, nil
}

func start(ctx context.Context, dir string, volatile bool, logger *slog.Logger) (*Server, error) {
	c, err := openCluster(ctx, dir, volatile, logger)
	if err != nil {
		return nil, err
	}
	if err := c.stopOrphan(ctx, logger); err != nil {
		return nil, err
	}
	s, err := c.launch(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.createDatabase(ctx); err != nil {
		return nil, errors.Join(err, s.process.stop())
	}
	return s, nil
}

// URL is the address of the server's database for any client on this machine. It contains the password.
func (s *Server) URL() string { return s.url(database) }

func (s *Server) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", s.password),
		Host:     "127.0.0.1:" + strconv.Itoa(s.port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, whether by Close or by itself.
func (s *Server) Done() <-chan struct{} { return s.process.exited }

// Close ends all sessions and stops the server. It may be called more than once.
func (s *Server) Close() error { return s.close() }

func (s *Server) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "create database "+database)
	const duplicateDatabase = "42P04"
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == duplicateDatabase {
		return nil
	}
	return err
}

// lockDir creates dir and locks it for this process. A process that was killed a moment ago may still hold the lock.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // postgres runs as another user when we are root
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s is in use by another process: %w", dir, err), f.Close())
		}
	}
}
