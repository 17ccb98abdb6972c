package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/eventim-go/eventim/internal/devpostgres"
)

// The disks are not really full: the kernel refuses to let files grow beyond a
// limit (RLIMIT_FSIZE), which to a program is the same error at another
// number, and needs no rights. Postgres makes a point of treating it so.

// limitFiles limits how large a process may make a file, in bytes; -1 is no
// limit.
func limitFiles(ctx context.Context, pid, bytes int) error {
	limit := strconv.Itoa(bytes)
	if bytes < 0 {
		limit = "unlimited"
	}
	owner, err := os.Stat("/proc/" + strconv.Itoa(pid))
	if err != nil {
		return fmt.Errorf("limit the files of process %d: %w", pid, err)
	}
	cmd := exec.CommandContext(ctx, "prlimit", "--pid", strconv.Itoa(pid), "--fsize="+limit+":") //nolint:gosec // numbers
	// Only a process of the same user may, and root when nothing is taken from it.
	if stat, ok := owner.Sys().(*syscall.Stat_t); ok && os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("limit the files of process %d: %w %s", pid, err, out)
	}
	return nil
}

// fillStoreDisk lets a handler meet a full disk. It ends, since it cannot keep
// what it commits, or says that it is not ready.
func (n *nemesis) fillStoreDisk(ctx context.Context) (string, error) {
	k := n.random.IntN(len(n.handlers))
	p := n.handlers[k]
	n.victim(ctx, k)
	if err := limitFiles(ctx, p.ID(), 0); err != nil {
		return "", err
	}
	ended := false
	noticed := await(ctx, time.Minute, p.Name+" ends, or says that it is not ready", func() bool {
		ended = !p.Running()
		return ended || n.ready(ctx, p) != nil
	})
	if noticed != nil {
		return "", noticed
	}
	sleep(ctx, n.within(2*time.Second))
	if !ended && p.Running() {
		return p.Name + " was not ready", limitFiles(ctx, p.ID(), -1)
	}
	return p.Name + " ended by itself", n.startProcess(ctx, p)
}

// postgresFileBytes is less than the files of the write-ahead log have, where
// Postgres does not go on without being able to write.
const postgresFileBytes = 64 << 10

// fillPostgresDisk lets Postgres meet a full disk. It ends, and is started
// again when there is room.
func (n *nemesis) fillPostgresDisk(ctx context.Context) (string, error) {
	pids, err := n.postgresProcesses(ctx)
	if err != nil {
		return "", err
	}
	for i, pid := range pids {
		if err := limitFiles(ctx, pid, postgresFileBytes); err != nil && i == 0 {
			return "", err // a session may have ended, but the server is there
		}
	}
	begun := time.Now()
	select {
	case <-n.postgres.Done():
	case <-time.After(time.Minute):
		return "", errors.New("with a full disk, Postgres goes on")
	}
	ended := time.Since(begun)
	sleep(ctx, n.within(3*time.Second))
	_ = n.postgres.Close() // it did not end as it should
	n.postgres, err = devpostgres.Start(ctx, n.postgresConfig())
	return fmt.Sprintf("it ended after %v", ended.Round(time.Millisecond)), err
}

// postgresProcesses returns the process ids of the server and its sessions.
func (n *nemesis) postgresProcesses(ctx context.Context) ([]int, error) {
	server, err := n.postmaster(ctx)
	if err != nil {
		return nil, err
	}
	var pids []int
	if err := n.pool.QueryRow(ctx, "select array_agg(pid) from pg_stat_activity").Scan(&pids); err != nil {
		return nil, fmt.Errorf("find the processes of Postgres: %w", err)
	}
	return append([]int{server}, pids...), nil
}
