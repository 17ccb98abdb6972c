package devpostgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a postgres that this process started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended and was reaped
	err    error         // how it ended; read it after exited
}

// spawn starts postgres in a process group of its own, because a Ctrl-C in the terminal must not reach it before the program
// has drained. The signal that the kernel sends when the parent dies belongs to the parent's thread, not to its process: the
// thread stays locked until the child has ended.
func spawn(ctx context.Context, as *identity, log *os.File, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	endWithParent(cmd.SysProcAttr)

	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	return p, <-started
}

// stopSteps are a fast shutdown, an immediate one, and the end.
var stopSteps = []struct {
	signal   syscall.Signal
	patience time.Duration
}{
	{syscall.SIGINT, 20 * time.Second},
	{syscall.SIGQUIT, 5 * time.Second},
	{syscall.SIGKILL, 2 * time.Second},
}

func (p *process) stop() error {
	for _, step := range stopSteps {
		if err := p.cmd.Process.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		select {
		case <-p.exited:
			return nil
		case <-time.After(step.patience):
		}
	}
	return errors.New("postgres does not stop")
}
