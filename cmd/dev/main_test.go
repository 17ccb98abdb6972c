package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// asDev makes the test binary the program.
const asDev = "EVENTIM_TEST_AS_DEV"

func TestMain(m *testing.M) {
	if os.Getenv(asDev) != "" {
		main()
		os.Exit(0)
	}
	pgtest.Main(m)
}

const patience = time.Minute

// child is a running program.
type child struct {
	cmd    *exec.Cmd
	url    string
	stdout *bufio.Reader
	stderr *log
	exited chan error
}

// start runs the program on dir until its page works.
func start(t *testing.T, dir string) *child {
	t.Helper()
	c := launch(t, "--port", "0", "--data", dir)
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("the program ended before its page worked: %v\n%s", err, c.stderr)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("got the line %q, want listening on http://127.0.0.1:PORT", line)
	}
	c.url = url
	return c
}

func launch(t *testing.T, args ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	c := &child{cmd: exec.CommandContext(ctx, os.Args[0], args...), stderr: &log{}, exited: make(chan error, 1)}
	c.cmd.Env = append(os.Environ(), asDev+"=1")
	c.cmd.Stderr = c.stderr
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdout, c.cmd.Stdout = bufio.NewReader(read), write
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	go func() { c.exited <- c.cmd.Wait() }()
	t.Cleanup(func() {
		c.end(t, syscall.SIGKILL)
		cancel()
		_ = read.Close()
	})
	return c
}

// end signals the program, waits for its end, and returns how it ended.
func (c *child) end(t *testing.T, s os.Signal) error {
	t.Helper()
	_ = c.cmd.Process.Signal(s) // it fails when the program has ended
	return c.wait(t)
}

func (c *child) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-c.exited:
		c.exited <- err // for the next who asks
		return err
	case <-time.After(patience):
		t.Fatalf("the program does not end\n%s", c.stderr)
		return nil
	}
}

// log collects what the program writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// find waits until the program has written what pattern matches, and returns
// the first group.
func (l *log) find(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if m := re.FindStringSubmatch(l.String()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("the program has not written %s:\n%s", pattern, l)
	return ""
}

// ask sends a request, and returns the status and the body of the answer.
func (c *child) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=30")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.stderr)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// want sends a request that must be answered with 200 and contain each of
// parts; it returns the answer.
func (c *child) want(t *testing.T, method, path, body string, parts ...string) string {
	t.Helper()
	status, answer := c.ask(t, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: got %d %s, want 200\n%s", method, path, status, answer, c.stderr)
	}
	for _, part := range parts {
		if !strings.Contains(answer, part) {
			t.Fatalf("%s %s: got %s, want %s in it", method, path, answer, part)
		}
	}
	return answer
}

// postmaster is the process id of the Postgres of dir.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func creation(customer string) string {
	return fmt.Sprintf(`{"customer":{"name":%q},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21",
		"lines":[{"description":"Consulting","quantity":"2","unitPrice":"12.50"}]}`, customer)
}
