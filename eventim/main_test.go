package eventim_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/eventim"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		os.Exit(runChild(config))
	}
	// Tests mostly wait, for sessions to end and transactions to be answered.
	_ = flag.Set("test.parallel", "6")
	// go-metrics, which sarama uses, starts this once for the process and
	// offers no way to end it.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

const childVariable = "EVENTIM_TEST_CHILD"

// childConfig is what a handler process of a test needs to know.
type childConfig struct {
	Brokers    []string
	Aggregate  string
	Partitions int32
	Dir        string
	Revision   int // 2 counts twice
	MaxBatch   int
	Session    time.Duration // a second when 0

	// Reactor is the name of a reactor, see reserving, which the process is instead of a
	// handler; with how patient it is.
	Reactor  string
	Patience time.Duration
	Provider string // URL of a provider, see charges, which the reactor calls then

	// DieAt is the number of the commit at which the process kills itself,
	// before the broker gets it or after it has done it; 0 is never.
	DieAt    int
	DieAfter bool
}

// runChild is the main function of a handler process. It ends on SIGTERM, and
// when the test that started it has ended, however that ended.
func runChild(config string) int {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_ = os.Stdout.Close() // tells the test that signals are heeded
	a := counter
	a.Name, a.Partitions = c.Aggregate, c.Partitions
	if c.Revision == 2 {
		a = twice(a)
	}
	hc := eventim.HandlerConfig{
		Kafka: eventim.Kafka{Brokers: c.Brokers}, Dir: c.Dir, Session: cmp.Or(c.Session, time.Second), MaxBatch: c.MaxBatch,
		Logger: slog.New(withoutPanics{slog.NewTextHandler(os.Stderr, nil)}),
	}
	if c.DieAt > 0 {
		via(dyingAt(c.DieAt, c.DieAfter))(&hc)
	}
	if err := c.run(ctx, a, hc); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (c childConfig) run(ctx context.Context, a eventim.Aggregate[Count, Add, Added], hc eventim.HandlerConfig) error {
	if c.Reactor != "" {
		reactor := reserving(c.Reactor, c.Patience, 0, func() {})
		if c.Provider != "" {
			reactor = charges(c.Reactor, remote(c.Provider))
		}
		h, err := eventim.NewReactorHandler(reactor, hc)
		if err != nil {
			return err
		}
		return h.Run(ctx)
	}
	h, err := eventim.NewHandler(a, hc)
	if err != nil {
		return err
	}
	return h.Run(ctx)
}

// withoutPanics shortens what a handler says: its panics are on purpose.
type withoutPanics struct{ slog.Handler }

func (h withoutPanics) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "the decision panicked" {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h withoutPanics) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withoutPanics{h.Handler.WithAttrs(attrs)}
}

// child is a handler in a process of its own.
type child struct {
	t       testing.TB
	dir     string
	process *exec.Cmd
	log     *syncWriter
	ended   chan error
}

// start starts a handler process on a data directory.
func (s *system) start(dir string, change ...func(*childConfig)) *child {
	s.t.Helper()
	cc := childConfig{
		Brokers: s.kafka.Brokers, Aggregate: s.agg.Name, Partitions: s.agg.Partitions, Dir: dir, Revision: s.agg.Revision,
	}
	for _, f := range change {
		f(&cc)
	}
	return startChild(s.t, cc)
}

func startChild(t testing.TB, cc childConfig) *child {
	t.Helper()
	config, err := json.Marshal(cc)
	if err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, dir: cc.Dir, process: exec.Command(executable), log: &syncWriter{}, ended: make(chan error, 1)} //nolint:noctx // ends with its input
	c.process.Env = append(os.Environ(), childVariable+"="+string(config))
	c.process.Stderr = c.log
	if _, err := c.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	ready, err := c.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, ready)
	go func() { c.ended <- c.process.Wait() }()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("handler process %d:\n%s", c.process.Process.Pid, c.log)
		}
	})
	return c
}

func (c *child) signal(sig os.Signal) {
	c.t.Helper()
	if err := c.process.Process.Signal(sig); err != nil {
		c.t.Errorf("signal %v: %v", sig, err)
	}
}

// kill ends the process at once, with SIGKILL.
func (c *child) kill() {
	_ = c.process.Process.Kill()
	c.ended <- <-c.ended
}

// die waits until the process has ended by itself.
func (c *child) die() {
	c.t.Helper()
	select {
	case err := <-c.ended:
		c.ended <- err
	case <-time.After(time.Minute):
		c.t.Fatal("the handler process has not died after a minute")
	}
}

// stop ends the process with SIGTERM and wants it to end well.
func (c *child) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	select {
	case err := <-c.ended:
		c.ended <- err
		if err != nil {
			c.t.Errorf("the handler process ended with %v, want 0", err)
		}
	case <-time.After(time.Minute):
		c.t.Error("the handler process has not ended a minute after SIGTERM")
	}
}

// syncWriter keeps the end of what a process says.
type syncWriter struct {
	mu   sync.Mutex
	text []byte
}

func (w *syncWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	if over := len(w.text) - 20_000; over > 0 {
		w.text = w.text[over:]
	}
	return len(p), nil
}

func (w *syncWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.ToValidUTF8(string(w.text), "?")
}
