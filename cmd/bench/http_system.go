package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// system is what is called: a plain program, or the programs of the product.
type system struct {
	base       string // of the URLs
	writer     int    // the process that writes to Postgres
	postmaster int    // the first process of Postgres
	programs   []*exec.Cmd
}

// start starts a system with a database and topics of its own.
func (r *httpRun) start(ctx context.Context, name, kafka string) (*system, error) {
	s := &system{}
	database, err := r.createDatabase(ctx, s)
	if err != nil {
		return s, err
	}
	listen, err := freeAddress(ctx)
	if err != nil {
		return s, err
	}
	s.base = "http://" + listen
	if name == "plain" {
		self, err := os.Executable()
		if err == nil {
			s.writer, err = r.program(ctx, s, s.base+"/readyz", self, "plain", "--postgres", database, "--listen", listen)
		}
		return s, err
	}
	lanes := "1"
	if name == "single" {
		lanes = "-1"
	}
	return s, r.product(ctx, s, kafka, database, listen, lanes)
}

func (r *httpRun) product(ctx context.Context, s *system, kafka, database, listen, lanes string) error {
	broker := []string{"--kafka", kafka, "--aggregate", fmt.Sprint("bench", os.Getpid(), "-", r.turns)}
	views := []string{"--postgres", database}
	for _, args := range [][]string{append([]string{"topics", "create", "--replication", "1"}, broker...), append([]string{"migrate"}, views...)} {
		if err := tool(ctx, r.dir, r.programs, args...); err != nil {
			return err
		}
	}
	run := func(ready string, args ...string) (int, error) {
		return r.program(ctx, s, ready, r.programs, append(args, broker...)...)
	}
	health := func(args ...string) (int, error) {
		address, err := freeAddress(ctx)
		if err != nil {
			return 0, err
		}
		return run("http://"+address+"/readyz", append(args, "--health-listen", address)...)
	}
	_, err := health("handler", "--data", filepath.Join(r.dir, fmt.Sprint("data", r.turns)))
	if err != nil {
		return err
	}
	if s.writer, err = health(append([]string{"projector", "--projector-lanes=" + lanes}, views...)...); err != nil {
		return err
	}
	_, err = run(s.base+"/readyz", append([]string{"web", "--listen", listen}, views...)...)
	return err
}

func (r *httpRun) createDatabase(ctx context.Context, s *system) (string, error) {
	conn, err := pgx.Connect(ctx, r.postgres.URL())
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	name := fmt.Sprint("bench", r.turns)
	if _, err := conn.Exec(ctx, `create database `+name); err != nil {
		return "", err
	}
	var pid string
	if err := conn.QueryRow(ctx, `select split_part(pg_read_file('postmaster.pid'), E'\n', 1)`).Scan(&pid); err != nil {
		return "", err
	}
	if s.postmaster, err = strconv.Atoi(pid); err != nil {
		return "", err
	}
	u, err := url.Parse(r.postgres.URL())
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// program starts one and waits until it is ready.
func (r *httpRun) program(ctx context.Context, s *system, ready, name string, args ...string) (pid int, err error) {
	log, err := os.OpenFile(filepath.Join(r.dir, args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	cmd := exec.Command(name, args...) //nolint:noctx // ended by stop
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who then stop it
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	s.programs = append(s.programs, cmd)
	if err := awaitReady(ctx, ready); err != nil {
		return 0, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return cmd.Process.Pid, nil
}

func awaitReady(ctx context.Context, ready string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it is not ready after a minute"))
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, http.NoBody)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// stop ends the programs, the last one first.
func (s *system) stop() error {
	var errs []error
	for _, cmd := range slices.Backward(s.programs) {
		errs = append(errs, cmd.Process.Signal(syscall.SIGTERM))
		late := time.AfterFunc(40*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how a program leaves is not measured
		late.Stop()
	}
	return errors.Join(errs...)
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// cost is what a system has used of the processors, in seconds of a core.
type cost struct{ writer, postgres float64 }

func (s *system) cost() (c cost, err error) {
	if c.writer, err = cpuOf(s.writer); err != nil {
		return c, err
	}
	c.postgres, err = cpuOfFamily(s.postmaster)
	return c, err
}
