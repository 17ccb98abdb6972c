package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps a second process out of the data directory. The kernel gives the
// lock back when the process ends, however it ends.
func lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // postgres runs as another user when we are root
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "dev.lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the developer's directory
	if err != nil {
		return nil, fmt.Errorf("open the data directory: %w", err)
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil { //nolint:gosec // a file descriptor fits
		return nil, errors.Join(fmt.Errorf("the data directory %s is in use by another process: stop that one, or choose another --data and --port", dir), f.Close())
	}
	return f.Close, nil
}
