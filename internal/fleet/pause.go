package fleet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Pause stops the process by SIGSTOP and waits until the kernel says that it
// is stopped. It needs Linux.
func (p *Process) Pause(ctx context.Context) error { return p.signalUntil(ctx, syscall.SIGSTOP, 'T') }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

func (p *Process) signalUntil(ctx context.Context, s syscall.Signal, state byte) error {
	if err := p.Signal(s); err != nil {
		return err
	}
	for {
		got, err := processState(p.ID())
		if err != nil || got == state {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s is in state %c after %v: %w", p.Name, got, s, context.Cause(ctx))
		}
	}
}

// processState reads the third field of /proc/<pid>/stat; the second is the
// name, in parentheses, and may contain anything.
func processState(pid int) (byte, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 || len(stat) < i+3 {
		return 0, fmt.Errorf("cannot read /proc/%d/stat", pid)
	}
	return stat[i+2], nil
}
