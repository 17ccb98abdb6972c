package fleet

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell returns a process that runs a script.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	f := &Fleet{Binary: "/bin/sh", Dir: t.TempDir()}
	return f.Process(t.Name(), "-c", script)
}

// said waits until the process has said that it listens.
func said(t *testing.T, p *Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.Serving(ctx); err != nil {
		t.Fatal(err)
	}
}

const hello = `echo '{"msg":"serving health","address":"here"}' >&2; `

func TestDiedKnowsSIGKILL(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]bool{"kill -KILL $$": true, "kill -ABRT $$": false, "exit 3": false} {
		p := shell(t, script)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if err := p.Died(t.Context()); (err == nil) != want {
			t.Errorf("after %q: %v", script, err)
		}
	}
}

func TestTerminateDumpsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	// As a Go program does: SIGQUIT makes it say what it does, and end.
	p := shell(t, `trap "" TERM; trap 'echo "goroutine 1 [running]:" >&2; exit 2' QUIT; `+hello+`while :; do sleep 0.02; done`)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	said(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := p.Terminate(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), p.LogFile()) {
		t.Errorf("Terminate: %v, want the log file", err)
	}
	if p.Running() {
		t.Error("it was not ended")
	}
	if log, err := os.ReadFile(p.LogFile()); err != nil || !strings.Contains(string(log), "goroutine 1") {
		t.Errorf("the log is %q, %v, and has no goroutines", log, err)
	}
}

func TestEnvOfAProcessIsItsOwn(t *testing.T) {
	t.Parallel()
	p := shell(t, `[ "$OWN$LIFE" = "a b" ]`)
	p.Env = []string{"OWN=a"}
	if err := p.Start("LIFE= b"); err != nil {
		t.Fatal(err)
	}
	if err := p.Exited(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !p.run.cmd.ProcessState.Success() {
		t.Error("the process does not have its environment")
	}
}
