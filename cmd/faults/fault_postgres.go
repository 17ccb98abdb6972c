package main

import (
	"context"
	"errors"
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

// conflict lets one of two writes of a position fail as if by a conflict of
// transactions. The sequence counts them, since nothing takes it back.
const conflict = `
	create sequence faults_conflicts;
	create function faults_conflict() returns trigger language plpgsql as $$
	begin
		if random() < 0.5 then
			perform nextval('faults_conflicts');
			raise exception 'could not serialize access' using errcode = '40001';
		end if;
		return new;
	end $$;
	create trigger faults_conflict before insert or update on projector.positions
		for each row execute function faults_conflict()`

const noConflict = `
	drop trigger faults_conflict on projector.positions;
	drop function faults_conflict();
	drop sequence faults_conflicts`

func (n *nemesis) failSerialization(ctx context.Context) (string, error) {
	if _, err := n.pool.Exec(ctx, conflict); err != nil {
		return "", fmt.Errorf("let transactions fail: %w", err)
	}
	begun := time.Now()
	sleep(ctx, 2*time.Second+n.within(2*time.Second))
	failed, err := n.conflicts(ctx)
	lasted := time.Since(begun)
	if _, dropped := n.pool.Exec(ctx, noConflict); dropped != nil || err != nil {
		return "", fmt.Errorf("let transactions be: %w", errors.Join(err, dropped))
	}
	return fmt.Sprintf("%d transactions in %v", failed, lasted.Round(time.Millisecond)), nil
}

// conflicts waits until a transaction has failed, and returns how many have.
// None may have for ten seconds: while a killed broker still counts as in sync,
// no record becomes visible, and nobody writes a position.
func (n *nemesis) conflicts(ctx context.Context) (failed int64, err error) {
	var some bool
	awaited := await(ctx, time.Minute, "a transaction fails", func() bool {
		err = n.pool.QueryRow(ctx, "select last_value, is_called from faults_conflicts").Scan(&failed, &some)
		return some || err != nil
	})
	return failed, errors.Join(err, awaited)
}

func (n *nemesis) lockPostgres(ctx context.Context) (string, error) {
	held := 2*time.Second + n.within(4*time.Second)
	return fmt.Sprintf("for %v", held.Round(time.Millisecond)), pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "lock table projector.positions in access exclusive mode")
		sleep(ctx, held)
		return err
	})
}
