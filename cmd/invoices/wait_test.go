package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestWaitsForKafka(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	env := []string{"EVENTIM_KAFKA=127.0.0.1:" + strconv.Itoa(port), "EVENTIM_LOG=json", "EVENTIM_HEALTH_LISTEN=127.0.0.1:0"}
	waiting := start(t, env, "handler", "--data", t.TempDir())
	url := "http://" + address(t, waiting, "serving health") + "/readyz"
	waiting.Stderr.Await(t, "waiting for a server")
	if status, body := get(t, url); status != http.StatusServiceUnavailable || !strings.Contains(body, "waiting for Kafka") {
		t.Errorf("got %d %s, want 503 and what it waits for", status, body)
	}
	if code := waiting.End(t, syscall.SIGTERM); code != 0 {
		t.Errorf("got exit code %d while it waits, want 0\n%s", code, &waiting.Stderr)
	}

	creating := start(t, env, "topics", "create", "--replication", "1")
	creating.Stderr.Await(t, "waiting for a server")
	broker(t, kfake.Ports(port))
	if code := creating.Wait(t); code != 0 {
		t.Errorf("got exit code %d, want 0\n%s", code, &creating.Stderr)
	}
	creating.Stderr.Await(t, `"to":"Kafka"`)
}

func TestDoesNotWaitForWhatStaysWrong(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	missing := strings.Replace(database, "/test_", "/missing_", 1)
	code, _, stderr := run(t, []string{"EVENTIM_POSTGRES=" + missing}, "migrate")
	if code != failed || !strings.Contains(stderr, "does not exist") {
		t.Errorf("got exit code %d and %q, want 1 and that the database does not exist", code, stderr)
	}
	code, _, stderr = run(t, []string{"EVENTIM_POSTGRES=postgres://:port/"}, "migrate")
	if code != failed || !strings.Contains(stderr, "the address of Postgres") {
		t.Errorf("got exit code %d and %q, want 1 and words about the address", code, stderr)
	}
}

func TestTheSecondSignalEndsTheProcess(t *testing.T) {
	t.Parallel()
	c := start(t, []string{"EVENTIM_KAFKA=" + silent(t), "EVENTIM_LOG=json", "EVENTIM_LOG_LEVEL=debug"}, "topics", "list")
	c.Stderr.Await(t, "ApiVersions")
	c.Signal(syscall.SIGTERM)
	c.Stderr.Await(t, "a second signal stops at once")
	if code := c.End(t, syscall.SIGTERM); code != -1 {
		t.Errorf("got exit code %d, want that the signal ended the process", code)
	}
}

// silent is the address of a server that takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the kernel takes the connections
}

func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
