//go:build crashpoints

package faultpoint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// This file is part of test builds only. A test orders faults of a running
// process by files in the directory that EVENTIM_FAULTS names:
//
//	crash   the name of a crash point and how many passages are let through
//	clock   by how much the clock is wrong, as a duration
//
// Orders are read at each passage, so that they hold from the moment at which
// they are written.

// crashes counts passages of the point that is ordered.
var crashes struct {
	sync.Mutex
	order []byte
	left  int
}

// At kills the process as if by kill -9, when that is ordered here. It
// takes the order away first: that is how the test knows that it was this.
func At(point string) {
	order, path := ordered("crash")
	var where string
	var passages int
	if n, _ := fmt.Sscan(string(order), &where, &passages); n != 2 || where != point {
		return
	}
	crashes.Lock()
	defer crashes.Unlock() // whoever comes second finds the process dead
	if !bytes.Equal(crashes.order, order) {
		crashes.order, crashes.left = order, passages
	}
	if crashes.left--; crashes.left >= 0 || os.Remove(path) != nil {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // signals take a moment
}

// Now is the clock of a handler.
func Now() time.Time {
	order, _ := ordered("clock")
	wrong, _ := time.ParseDuration(string(bytes.TrimSpace(order)))
	return time.Now().Add(wrong)
}

func ordered(what string) (order []byte, path string) {
	dir := os.Getenv("EVENTIM_FAULTS")
	if dir == "" {
		return nil, ""
	}
	path = filepath.Join(dir, what)
	order, _ = os.ReadFile(path) //nolint:gosec // the test's directory
	return order, path
}
