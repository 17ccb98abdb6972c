package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
	"github.com/eventim-go/eventim/web"
)

func TestMain(m *testing.M) {
	pgtest.Main(m,
		// sarama's metrics keep one goroutine for the life of the process.
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),
	)
}

// system is the product around a server under test.
type system struct {
	t         testing.TB
	kafka     eventim.Kafka
	aggregate web.Aggregate
	pool      *pgxpool.Pool
	configure func(*web.Config)
}

// newSystem makes topics. Its Postgres is one that never answers.
func newSystem(t testing.TB) *system {
	t.Helper()
	s := &system{t: t, kafka: eventimtest.Kafka(t), aggregate: invoices.Aggregate, configure: func(*web.Config) {}}
	s.aggregate.Name, s.aggregate.Partitions = eventimtest.Name(t, "invoice"), 3
	if err := s.aggregate.CreateTopics(t.Context(), s.kafka, 1); err != nil {
		t.Fatal(err)
	}
	s.pool = deadPool(t)
	return s
}

// deadPool is a pool whose server does not run.
func deadPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@"+freeAddress(t)+"/none?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// freeAddress is one that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	return ln.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// run runs fn until the test ends or stop is called, and fails the test when
// it fails.
func (s *system) run(what string, fn func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("%s: %v", what, err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// handle runs a command handler.
func (s *system) handle() (stop func()) {
	s.t.Helper()
	h, err := eventim.NewHandler(s.aggregate, eventim.HandlerConfig{Kafka: s.kafka, Dir: s.t.TempDir(), Logger: quiet()})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.run("handler", h.Run)
}

// migrate gives the system a Postgres without views.
func (s *system) migrate() {
	s.t.Helper()
	s.pool = pgtest.New(s.t)
	if err := migrations.Up(s.t.Context(), s.pool); err != nil {
		s.t.Fatal(err)
	}
}

// project gives the system a Postgres, and runs the projector on it.
func (s *system) project() {
	s.t.Helper()
	s.migrate()
	p, err := projector.New(s.pool, projector.Config{Kafka: s.kafka, Group: s.aggregate.Name, Logger: quiet()},
		views.InvoiceList(s.aggregate), views.InvoiceHistory(s.aggregate), views.CommandResults(s.aggregate))
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("projector", p.Run)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// node is a running server.
type node struct {
	t    testing.TB
	url  string
	stop func()
}

// serve runs a server and waits until it is connected to Kafka.
func (s *system) serve() *node {
	s.t.Helper()
	n := s.serveAnyway()
	n.until("live", "ok")
	return n
}

func (s *system) serveAnyway() *node {
	s.t.Helper()
	config := web.Config{Kafka: s.kafka, Pool: s.pool, Aggregate: s.aggregate, Logger: quiet()}
	s.configure(&config)
	server, err := web.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	ln := listen(s.t)
	n := &node{t: s.t, url: "http://" + ln.Addr().String()}
	n.stop = s.run("server", func(ctx context.Context) error { return server.Run(ctx, ln) })
	return n
}

// until waits for a part of /readyz to be in a state.
func (n *node) until(part, state string) {
	n.t.Helper()
	var got reply
	eventually(n.t, func() bool {
		got = n.get("/readyz")
		return got.json("parts", part) == state
	}, func() string { return "readyz: " + got.text })
}

// eventually waits for a condition, with a deadline far beyond what it takes.
func eventually(t testing.TB, condition func() bool, message func() string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen in time: %s", message())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	text   string
	body   any
}

// json is the value at a path of object keys, nil when there is none.
func (r reply) json(path ...string) any { return dig(r.body, path...) }

func dig(v any, path ...string) any {
	for _, key := range path {
		if list, ok := v.([]any); ok {
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(list) {
				return nil
			}
			v = list[i]
			continue
		}
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}

func (n *node) get(path string, header ...string) reply {
	n.t.Helper()
	return n.do(http.MethodGet, path, "", header...)
}

// post sends a command and waits for its result.
func (n *node) post(invoice, command, payload string, header ...string) reply {
	n.t.Helper()
	return n.do(http.MethodPost, "/api/invoices/"+invoice+"/commands/"+command, payload, append([]string{"Prefer", "wait=30"}, header...)...)
}

func (n *node) do(method, path, body string, header ...string) reply {
	n.t.Helper()
	r, err := n.try(method, path, body, header...)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

func (n *node) try(method, path, body string, header ...string) (reply, error) {
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Del("Content-Type")
	}
	req.Close = true // so that no idle connection outlives the test
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.NewDecoder(bytes.NewReader(text)).Decode(&r.body)
	return r, err
}

// want checks the status and pairs of a JSON path (with dots) and a value.
func (r reply) want(t testing.TB, status int, pairs ...any) {
	t.Helper()
	if r.status != status {
		t.Fatalf("got status %d, want %d: %s", r.status, status, r.text)
	}
	wantJSON(t, r.body, pairs...)
}

func wantJSON(t testing.TB, body any, pairs ...any) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		path := pairs[i].(string)
		if got := dig(body, strings.Split(path, ".")...); got != pairs[i+1] {
			t.Errorf("%s: got %v, want %v, in %v", path, got, pairs[i+1], body)
		}
	}
}

const (
	create  = `{"customer":{"name":"Acme GmbH"},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21","lines":[{"description":"Consulting","quantity":"2","unitPrice":"12.50"}]}`
	addLine = `{"description":"Travel","quantity":"1","unitPrice":"100"}`
	pay     = `{"amount":{"amount":"10.00","currency":"EUR"},"date":"2026-11-22","reference":"bank"}`
)
