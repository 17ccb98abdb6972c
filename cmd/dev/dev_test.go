package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestEverythingIsThereAfterAKill(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	c := start(t, dir)
	answer := c.want(t, http.MethodPost, "/api/invoices/a-1/commands/CreateInvoice", creation("Acme GmbH"), `"outcome":"accepted"`)
	id, position := between(t, answer, `"commandId":"`, `"`), between(t, answer, `"position":"`, `"`)
	wantEverything(t, c, id, position)
	if code := c.End(t, syscall.SIGKILL); code != -1 {
		t.Fatal("the program survived SIGKILL")
	}

	c = start(t, dir)
	wantEverything(t, c, id, position)
	c.want(t, http.MethodPost, "/api/invoices/a-1/commands/SendInvoice", `{}`, `"version":2`)
	if status, answer := c.ask(t, http.MethodPost, "/api/invoices/a-1/commands/CreateInvoice", creation("Other")); status != http.StatusPreconditionFailed {
		t.Errorf("creating it again: got %d %s, want 412", status, answer)
	}
}

// wantEverything reads the only invoice by all ways.
func wantEverything(t *testing.T, c *child, command, position string) {
	t.Helper()
	c.want(t, http.MethodGet, "/api/invoices?wait=30s&position="+position, "", `"id":"a-1"`, `"customerName":"Acme GmbH"`, `"count":1`)
	c.want(t, http.MethodGet, "/api/invoices/a-1?wait=30s&position="+position, "", `"amount":"25.00"`)
	c.want(t, http.MethodGet, "/api/invoices/a-1/history?wait=30s&position="+position, "", `"type":"InvoiceCreated"`)
	var total int64
	query(t, c, `select total from invoice_list where id = 'a-1'`, &total)
	if total != 2500 {
		t.Errorf("got a total of %d in Postgres, want 2500", total)
	}
	var status int
	var answer string
	childtest.Eventually(t, func() bool {
		status, answer = c.ask(t, http.MethodGet, "/api/commands/"+command, "")
		return status != http.StatusNotFound // which means not yet
	}, func() string { return "the result of the command is not known" })
	if status != http.StatusOK || !strings.Contains(answer, `"outcome":"accepted"`) {
		t.Fatalf("the result of the command: got %d %s, want 200", status, answer)
	}
}

func TestInstancesRunSideBySide(t *testing.T) {
	t.Parallel()
	first, second := pgtest.Dir(t), pgtest.Dir(t)
	a, b := start(t, first), start(t, second)
	a.want(t, http.MethodPost, "/api/invoices/only-in-a/commands/CreateInvoice", creation("Acme"), `"accepted"`)
	b.want(t, http.MethodPost, "/api/invoices/only-in-b/commands/CreateInvoice", creation("Acme"), `"accepted"`)
	for _, c := range []*child{a, b} {
		var count int
		query(t, c, `select count(*) from projector.views`, &count)
		if count != 4 {
			t.Errorf("got %d views, want 4", count)
		}
	}
	if status, answer := b.ask(t, http.MethodPost, "/api/invoices/only-in-a/commands/SendInvoice", `{}`); status != http.StatusUnprocessableEntity {
		t.Errorf("an invoice of the other instance: got %d %s, want 422", status, answer)
	}
	wantRefusal(t, "is in use by another process", "--port", "0", "--data", first)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, "choose another port", "--port", port, "--data", pgtest.Dir(t))
}

// wantRefusal runs the program, which must end with one line that says why.
func wantRefusal(t *testing.T, reason string, args ...string) {
	t.Helper()
	c := launch(t, args...)
	if code := c.Wait(t); code != 1 {
		t.Errorf("got exit code %d, want 1", code)
	}
	if text := c.Stderr.String(); !strings.Contains(text, reason) || strings.Count(text, "\n") != 1 {
		t.Errorf("got %q, want one line with %q", text, reason)
	}
}

func TestInterruptStopsEverything(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	c := start(t, dir)
	pid := postmaster(t, dir)
	address := postgresURL(t, c)
	if code := c.End(t, syscall.SIGINT); code != 0 {
		t.Errorf("got exit code %d, want 0\n%s", code, &c.Stderr)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("signalling the Postgres: got %v, want that there is no such process", err)
	}
	if conn, err := pgx.Connect(t.Context(), address); err == nil {
		_ = conn.Close(t.Context())
		t.Error("somebody still answers at the address of the Postgres")
	}
	if text := c.Stdout.String(); strings.Count(text, "\n") != 1 {
		t.Errorf("got %q, want one line on the standard output", text)
	}
	c.Stderr.Await(t, "interrupt signal received")
}

func postgresURL(t *testing.T, c *child) string {
	t.Helper()
	return c.Stderr.Find(t, `psql '(postgres://[^']+)'`)
}

// query scans the only row of a query to the Postgres of c.
func query(t *testing.T, c *child, sql string, into any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), postgresURL(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(into); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, before)
	value, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("there is no %s…%s in %s", before, after, s)
	}
	return value
}

// Nothing is wrong, so nothing is warned of, not even while the machine is busy.
func TestNothingIsWarnedOf(t *testing.T) {
	t.Parallel()
	c := start(t, pgtest.Dir(t))
	var posted sync.WaitGroup
	for i := range 50 {
		posted.Go(func() {
			path := fmt.Sprintf("/api/invoices/quiet-%d/commands/CreateInvoice", i)
			if status, answer := c.ask(t, http.MethodPost, path, creation("Acme")); status != http.StatusOK {
				t.Errorf("%s: got %d %s, want 200", path, status, answer)
			}
		})
	}
	posted.Wait()
	if code := c.End(t, syscall.SIGINT); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	for line := range strings.Lines(c.Stderr.String()) {
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("nothing is wrong, and the log has %s", line)
		}
	}
}
