package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// child is a contender as a process of its own. It writes lines of JSON: that
// it is running, and, for each line that it reads, what it has allocated. It
// ends when its input does, so that it never outlives the benchmark.
type child struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	replies chan childLine
	ended   chan struct{}
	err     error // of the process, once ended
}

type childLine struct {
	Running   bool
	Allocated int64
}

func startChild(args []string, log *os.File) (*child, error) {
	c := &child{cmd: exec.Command(args[0], args[1:]...), replies: make(chan childLine, 16), ended: make(chan struct{})} //nolint:gosec,noctx // our own programs, ended by stop
	c.cmd.Stderr = log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us, who then stop it
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go c.listen(out)
	return c, nil
}

func (c *child) listen(out io.Reader) {
	defer close(c.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l childLine
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		select {
		case c.replies <- l:
		default: // nobody waits: Kafka Streams is running again after a rebalance
		}
	}
	c.err = c.cmd.Wait()
}

// reply waits for a line of the child.
func (c *child) reply(ctx context.Context, patience time.Duration, want func(childLine) bool) (childLine, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case l := <-c.replies:
			if want(l) {
				return l, nil
			}
		case <-c.ended:
			return childLine{}, fmt.Errorf("%s ended: %w", c.cmd.Path, cmp.Or(c.err, errors.New("without an error")))
		case <-timeout.C:
			return childLine{}, fmt.Errorf("%s: no answer after %s", c.cmd.Path, patience)
		case <-ctx.Done():
			return childLine{}, ctx.Err()
		}
	}
}

func (c *child) awaitRunning(ctx context.Context, patience time.Duration) error {
	_, err := c.reply(ctx, patience, func(l childLine) bool { return l.Running })
	return err
}

func (c *child) allocated(ctx context.Context) (int64, error) {
	_, _ = io.WriteString(c.stdin, "stats\n") // a failure is the end of the child, which reply reports
	l, err := c.reply(ctx, 10*time.Second, func(l childLine) bool { return l.Allocated > 0 })
	return l.Allocated, err
}

// stop ends the child and waits for it.
func (c *child) stop() error {
	_ = c.stdin.Close()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
		return nil // how a program leaves is not measured
	case <-time.After(40 * time.Second):
		return errors.Join(fmt.Errorf("%s did not stop", c.cmd.Path), c.kill())
	}
}

func (c *child) kill() error {
	err := c.cmd.Process.Kill()
	<-c.ended
	return err
}
