package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Process is a part of the product. Its methods are safe for concurrent use.
type Process struct {
	Name  string
	Env   []string // added to that of the fleet; set it before Start
	fleet *Fleet
	args  []string

	mu  sync.Mutex
	run *run // nil before the first start
}

// run is one life of a process.
type run struct {
	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed when the fields below are set
	err    error
}

// ErrRunning is returned by Start when the process runs already.
var ErrRunning = errors.New("it is running")

// Start starts the process, with more of the environment for this life alone.
func (p *Process) Start(env ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && !p.run.hasExited() {
		return fmt.Errorf("start %s: %w", p.Name, ErrRunning)
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	r := &run{cmd: exec.Command(p.fleet.Binary, p.args...), output: &output{log: log}, exited: make(chan struct{})} //nolint:gosec,noctx // see Build; it outlives every context but that of a signal
	r.cmd.Env = slices.Concat(os.Environ(), p.fleet.Env, p.Env, env)
	r.cmd.Stderr = r.output
	r.cmd.SysProcAttr = new(syscall.SysProcAttr)
	endWithParent(r.cmd.SysProcAttr)
	started := make(chan error)
	go r.live(started)
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.run = r
	return nil
}

// live stays on its thread: the kernel ends the child when the thread that
// made it ends, not only when the process does.
func (r *run) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.exited)
	defer func() { r.err = errors.Join(r.err, r.output.log.Close()) }()
	err := r.cmd.Start()
	started <- err
	if err == nil {
		// How a killed process ended is no news.
		if err = r.cmd.Wait(); err != nil && r.cmd.ProcessState == nil {
			r.err = err
		}
	}
}

func (r *run) hasExited() bool {
	select {
	case <-r.exited:
		return true
	default:
		return false
	}
}

// Running reports whether the process lives; a paused one does.
func (p *Process) Running() bool {
	r := p.current()
	return r != nil && !r.hasExited()
}

// Address is where the process listens, host:port; "" while it does not.
func (p *Process) Address() string {
	if r := p.current(); r != nil && !r.hasExited() {
		return r.output.listens()
	}
	return ""
}

// ID is the process id of the present or the last life, 0 before the first.
func (p *Process) ID() int {
	if r := p.current(); r != nil {
		return r.cmd.Process.Pid
	}
	return 0
}

func (p *Process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Kill ends the process by SIGKILL, waits for that, and checks that it was
// the signal that ended it.
func (p *Process) Kill() error {
	r := p.current()
	if r == nil {
		return nil
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.Name, err)
	}
	<-r.exited
	return p.died(r)
}

// Died waits until the process has ended, and checks that SIGKILL has ended
// it, whoever sent it.
func (p *Process) Died(ctx context.Context) error {
	if err := p.Exited(ctx); err != nil {
		return err
	}
	return p.died(p.current())
}

func (p *Process) died(r *run) error {
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("%s was not killed, it ended by itself: %v", p.Name, r.cmd.ProcessState)
	}
	return nil
}

// Terminate ends the process by SIGTERM, as an operator does. The error says
// when it does not end before ctx does, or not with 0; it is ended then, and
// leaves in its log what its goroutines were doing.
func (p *Process) Terminate(ctx context.Context) error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("terminate %s: it was never started", p.Name)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("terminate %s: %w", p.Name, err)
	}
	select {
	case <-r.exited:
	case <-ctx.Done():
		return fmt.Errorf("%s does not end: %w, see the goroutines in %s", p.Name, errors.Join(context.Cause(ctx), r.dump()), p.LogFile())
	}
	if !r.cmd.ProcessState.Success() {
		return fmt.Errorf("%s, told to end, ended with %v", p.Name, r.cmd.ProcessState)
	}
	return r.err
}

// dump ends the process by SIGQUIT, which makes a Go program write the stacks
// of its goroutines.
func (r *run) dump() error {
	if err := r.cmd.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ask for its goroutines: %w", err)
	}
	select {
	case <-r.exited:
		return nil
	case <-time.After(dumpTimeout):
		return errors.New("it does not tell what its goroutines do")
	}
}

const dumpTimeout = 5 * time.Second

// Exited waits until the process has ended, however.
func (p *Process) Exited(ctx context.Context) error {
	r := p.current()
	if r == nil {
		return nil
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s does not end: %w", p.Name, context.Cause(ctx))
	}
}

// Signal sends a signal, such as SIGSTOP.
func (p *Process) Signal(s syscall.Signal) error {
	r := p.current()
	if r == nil || r.hasExited() {
		return fmt.Errorf("signal %s: %w", p.Name, os.ErrProcessDone)
	}
	if err := r.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	return nil
}

// Serving waits until the process listens.
func (p *Process) Serving(ctx context.Context) error {
	for p.Address() == "" {
		if !p.Running() {
			return fmt.Errorf("%s has ended, see %s", p.Name, p.LogFile())
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w", p.Name, context.Cause(ctx))
		}
	}
	return nil
}
