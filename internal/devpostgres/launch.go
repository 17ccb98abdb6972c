package devpostgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	startTimeout = 60 * time.Second
	maxLogSize   = 16 << 20
)

// launch starts the server and waits until it answers. Sessions that outlived a killed server hold its shared memory, and a
// free port can be taken before postgres binds it: both pass, so launch tries again while they last.
func (c *cluster) launch(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		s, transient, err := c.tryLaunch(ctx)
		if err == nil {
			return s, c.rememberPort(s.port)
		}
		if !transient {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *cluster) tryLaunch(ctx context.Context) (_ *Server, transient bool, _ error) {
	log, err := c.openLog()
	if err != nil {
		return nil, false, err
	}
	defer log.Close()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, false, err
	}
	s := &Server{password: c.password}
	if s.port, err = c.choosePort(ctx); err != nil {
		return nil, false, err
	}
	if s.process, err = spawn(ctx, c.as, log, filepath.Join(c.bin, "postgres"), c.arguments(s.port)...); err != nil {
		return nil, false, err
	}
	if err = s.awaitReady(ctx); err == nil {
		return s, false, nil
	}
	err = errors.Join(err, s.process.stop())
	text, readErr := io.ReadAll(io.NewSectionReader(log, begin, 64<<10))
	transient = bytes.Contains(text, []byte("pre-existing shared memory")) || bytes.Contains(text, []byte("could not bind"))
	return nil, transient, errors.Join(err, readErr, errors.New(lastLines(text, 15)))
}

func (c *cluster) openLog() (*os.File, error) {
	path := filepath.Join(c.dir, "postgres.log")
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogSize {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
}

func (c *cluster) arguments(port int) []string {
	settings := []string{
		"port=" + strconv.Itoa(port),
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=", // their paths are limited to some hundred bytes
		"logging_collector=off",
		"log_destination=stderr",
		"max_connections=200",
		"shared_buffers=64MB",
		"jit=off",
	}
	if c.volatile {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{"-D", c.data()}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// choosePort prefers the port of the last start, so that the connections saved in a SQL tool keep working.
func (c *cluster) choosePort(ctx context.Context) (int, error) {
	remembered, err := os.ReadFile(filepath.Join(c.dir, "port"))
	if err == nil {
		if port, err := freePort(ctx, strings.TrimSpace(string(remembered))); err == nil {
			return port, nil
		}
	}
	return freePort(ctx, "0")
}

func freePort(ctx context.Context, port string) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (c *cluster) rememberPort(port int) error {
	return os.WriteFile(filepath.Join(c.dir, "port"), []byte(strconv.Itoa(port)+"\n"), 0o600)
}

func (s *Server) awaitReady(ctx context.Context) error {
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		const starting = "57P03"
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code != starting {
			return fmt.Errorf("connect: %w", err)
		}
		select {
		case <-s.process.exited:
			return fmt.Errorf("postgres ended while it started: %w", s.process.err)
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
