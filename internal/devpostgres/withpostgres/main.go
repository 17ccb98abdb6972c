// Command withpostgres runs a command with a Postgres server for its tests: go test starts a process for each package, and
// one server for all of them is faster than one each.
//
//	withpostgres -- go test ./...
//
// It exits with the code of the command. When EVENTIM_TEST_POSTGRES is set already, the command gets that server.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/eventim-go/eventim/internal/devpostgres"
)

const environment = "EVENTIM_TEST_POSTGRES"

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres -- command [argument ...]")
		os.Exit(2)
	}
	code, err := run(context.Background(), args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, args []string) (code int, err error) {
	if os.Getenv(environment) != "" {
		return execute(ctx, args, os.Environ())
	}
	dir, err := os.MkdirTemp("", "eventim-postgres-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // root runs Postgres as another user
		return 1, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := devpostgres.Start(ctx, devpostgres.Config{Dir: dir, Logger: logger, Volatile: true})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return execute(ctx, args, append(os.Environ(), environment+"="+server.URL()))
}

func execute(ctx context.Context, args, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // running what it is given is its purpose
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it fails only when the command has just ended
		case err := <-ended:
			if _, ok := errors.AsType[*exec.ExitError](err); ok {
				return max(cmd.ProcessState.ExitCode(), 1), nil
			}
			return 0, err
		}
	}
}
