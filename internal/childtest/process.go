// Package childtest runs the program that a test is about in a process of its
// own, which the test can signal and kill. The program is the test binary: its
// TestMain runs it where a variable of the environment says so.
package childtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what takes a moment.
const Patience = time.Minute

// Eventually waits until something holds, and fails the test with what otherwise says.
func Eventually(t testing.TB, holds func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen in time: %s", otherwise())
		}
	}
}

// Process is a running program. Its standard input ends when the test process
// does, however that ends.
type Process struct {
	Stdout, Stderr Output

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of the end, once exited is closed
}

// Start runs the test binary; env are assignments NAME=value. The process is
// killed when the test ends, or after five minutes.
func Start(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*Patience)
	p := &Process{cmd: exec.CommandContext(ctx, os.Args[0], args...), exited: make(chan struct{})} //nolint:gosec // ourselves
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.Stdout, &p.Stderr
	_, err := p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.End(t, os.Kill)
		cancel()
	})
	return p
}

// Signal signals the program, if it has not ended.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// End signals the program and waits as Wait does.
func (p *Process) End(t testing.TB, s os.Signal) int {
	t.Helper()
	p.Signal(s)
	return p.Wait(t)
}

// Wait waits for the end and returns the exit code, -1 when a signal ended the
// program.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(Patience):
		t.Fatalf("the program does not end\n%s", &p.Stderr)
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode()
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	return 0
}

// Line waits for the first line of the standard output, and fails the test
// when the program ends without one.
func (p *Process) Line(t testing.TB) string {
	t.Helper()
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		line, _, ok := strings.Cut(p.Stdout.String(), "\n")
		if ok {
			return line
		}
		select {
		case <-p.exited:
			t.Fatalf("the program has ended and not written a line: %q\n%s", line, &p.Stderr)
		default:
		}
	}
	t.Fatalf("the program has not written a line\n%s", &p.Stderr)
	return ""
}
