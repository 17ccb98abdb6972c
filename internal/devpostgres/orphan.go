package devpostgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphan deals with the postmaster.pid that an unclean end leaves behind. We hold the lock of the directory, so a server
// that still runs on it has lost its parent, and is stopped. A file that names no process is left to postgres.
func (c *cluster) stopOrphan(ctx context.Context, logger *slog.Logger) error {
	path := filepath.Join(c.data(), "postmaster.pid")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(string(content), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first)) // 0 when it is unreadable
	if pid <= 1 || !exists(pid) {
		return nil
	}
	if !c.isServer(ctx, pid) {
		return replacePid(path, rest)
	}
	logger.InfoContext(ctx, "stopping a postgres that outlived its parent", slog.Int("pid", pid))
	return endProcess(pid)
}

// replacePid puts a dead process into the file: its pid was given to another program, or is a zombie, and postgres would
// refuse to start. The rest of the file must stay, because it names the shared memory by which postgres notices sessions
// that outlived a killed server.
func replacePid(path, rest string) error {
	dead := 99999
	for dead > 2 && exists(dead) {
		dead--
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) // keeps owner and mode
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d\n%s", dead, rest)
	return errors.Join(err, f.Close())
}

func endProcess(pid int) error {
	for _, step := range stopSteps {
		if err := syscall.Kill(pid, step.signal); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		for deadline := time.Now().Add(step.patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if !exists(pid) {
				return nil
			}
		}
	}
	return fmt.Errorf("the postgres with pid %d does not stop", pid)
}

func exists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// isServer tells whether pid is a postgres that serves this cluster.
func (c *cluster) isServer(ctx context.Context, pid int) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil { // not Linux
		command, err = exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && bytes.Contains(command, []byte("postgres")) && bytes.Contains(command, []byte(c.data()))
}
