package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

func TestAll(t *testing.T) {
	t.Parallel()
	_, _, env := installation(t)
	database := pgtest.URL(t)
	env = append(env, "EVENTIM_POSTGRES="+database, "EVENTIM_LOG=json", "EVENTIM_HEALTH_LISTEN=127.0.0.1:0", "EVENTIM_ACTOR_HEADER=Prefer")
	c := start(t, env, "all", "--create-topics", "--migrate", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	url := "http://" + address(t, c, "serving the page")
	eventually(t, "the web server is ready", func() bool {
		status, _ := get(t, url+"/readyz")
		return status == http.StatusOK
	})
	status, body := request(t, http.MethodPost, url+"/api/invoices/a-1/commands/CreateInvoice",
		`{"customer":{"name":"Acme"},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21","lines":[]}`)
	if status != http.StatusOK {
		t.Fatalf("got %d %s, want 200\n%s", status, body, &c.Stderr)
	}
	wantRow(t, database)
	eventually(t, "the history says who it was", func() bool {
		_, body := get(t, url+"/api/invoices/a-1/history")
		return strings.Contains(body, `"actor":"wait=30"`)
	})
	if code := c.End(t, syscall.SIGINT); code != 0 {
		t.Errorf("got exit code %d, want 0\n%s", code, &c.Stderr)
	}

	succeed(t, env, "reanchor", "invoice_list")
	if rows(t, database) != -1 {
		t.Error("the view exists after it was forgotten")
	}
	projector := start(t, env, "projector")
	wantRow(t, database)
	if code := projector.End(t, syscall.SIGTERM); code != 0 {
		t.Errorf("the projector: got exit code %d, want 0\n%s", code, &projector.Stderr)
	}
}

func wantRow(t *testing.T, database string) {
	t.Helper()
	eventually(t, "a row is in invoice_list", func() bool { return rows(t, database) == 1 })
}

// rows counts the rows of invoice_list, -1 when there is no such view.
func rows(t *testing.T, database string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var exists bool
	if err := conn.QueryRow(t.Context(), `select to_regclass('public.invoice_list') is not null`).Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if !exists {
		return -1
	}
	var n int
	if err := conn.QueryRow(t.Context(), `select count(*) from invoice_list`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
