package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/devpostgres"
)

// killPostgres kills the server, whose sessions end with it, and starts it
// again on the same data and port.
func (n *nemesis) killPostgres(ctx context.Context) (string, error) {
	pid, err := n.postmaster(ctx)
	if err != nil {
		return "", err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return "", fmt.Errorf("kill Postgres: %w", err)
	}
	<-n.postgres.Done()
	down := n.within(3 * time.Second)
	sleep(ctx, down)
	_ = n.postgres.Close() // it did not end as it should
	n.postgres, err = devpostgres.Start(ctx, n.postgresConfig())
	return fmt.Sprintf("down for %v", down.Round(time.Millisecond)), err
}

func (n *nemesis) postmaster(ctx context.Context) (int, error) {
	var dir string
	if err := n.pool.QueryRow(ctx, "show data_directory").Scan(&dir); err != nil {
		return 0, fmt.Errorf("find the data of Postgres: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "postmaster.pid")) //nolint:gosec // of our own server
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strconv.Atoi(line)
}

func (n *nemesis) cutPostgres(ctx context.Context) (string, error) {
	var cut int
	for range 5 {
		var some int
		err := n.pool.QueryRow(ctx, `
			select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
			where application_name like 'eventim-%'`).Scan(&some)
		if err != nil {
			return "", fmt.Errorf("cut connections: %w", err)
		}
		cut += some
		sleep(ctx, n.within(300*time.Millisecond))
	}
	if cut == 0 {
		return "", fmt.Errorf("there was no connection to cut")
	}
	return fmt.Sprintf("%d connections", cut), nil
}

func (n *nemesis) lockPostgres(ctx context.Context) (string, error) {
	held := 2*time.Second + n.within(4*time.Second)
	return fmt.Sprintf("for %v", held.Round(time.Millisecond)), pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "lock table projector.positions in access exclusive mode")
		sleep(ctx, held)
		return err
	})
}
