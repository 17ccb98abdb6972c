package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/childtest"
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

// child is a running program and its page.
type child struct {
	*childtest.Process
	url string
}

// start runs the program on dir until its page works.
func start(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	c := &child{Process: launch(t, append([]string{"--port", "0", "--data", dir}, args...)...)}
	line := c.Line(t)
	url, ok := strings.CutPrefix(line, "listening on ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("got the line %q, want listening on http://127.0.0.1:PORT", line)
	}
	c.url = url
	return c
}

func launch(t *testing.T, args ...string) *childtest.Process {
	t.Helper()
	return childtest.Start(t, []string{asDev + "=1"}, args...)
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
		t.Fatalf("%v\n%s", err, &c.Stderr)
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
		t.Fatalf("%s %s: got %d %s, want 200\n%s", method, path, status, answer, &c.Stderr)
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
