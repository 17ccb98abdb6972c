package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// asInvoices makes the test binary the program.
const asInvoices = "EVENTIM_TEST_AS_INVOICES"

func init() {
	if os.Getenv(asInvoices) != "" {
		main()
	}
}

const patience = time.Minute

// child is a running program.
type child struct {
	cmd    *exec.Cmd
	stdout output
	stderr output
	exited chan error
}

// start runs the program; env are assignments NAME=value.
func start(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	c := &child{cmd: exec.CommandContext(ctx, os.Args[0], args...), exited: make(chan error, 1)} //nolint:gosec // ourselves
	c.cmd.Env = append(append(os.Environ(), asInvoices+"=1"), env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.exited <- c.cmd.Wait() }()
	t.Cleanup(func() {
		c.end(t, os.Kill)
		cancel()
	})
	return c
}

// end signals the program and returns its exit code, -1 when the signal ended
// it.
func (c *child) end(t *testing.T, s os.Signal) int {
	t.Helper()
	_ = c.cmd.Process.Signal(s) // it fails when the program has ended
	return c.wait(t)
}

func (c *child) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-c.exited:
		c.exited <- err // for the next who asks
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		t.Fatalf("the program does not end\n%s", &c.stderr)
		return 0
	}
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := start(t, env, args...)
	code = c.wait(t)
	return code, c.stdout.String(), c.stderr.String()
}

// output collects what the program writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the program has written text.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(o.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the program has not written %q:\n%s", text, o)
		}
	}
}
