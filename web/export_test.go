package web_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eventim-go/eventim/invoices/views"
)

// readFile reads an export as a spreadsheet does.
func readFile(t *testing.T, text string) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(text, "\uFEFF")
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked {
		t.Fatalf("marked %t, error %v: %s", marked, err, text)
	}
	return lines
}

// A file has the invoices of the selection, in its order, and nothing that a spreadsheet
// would run.
func TestInvoicesAreExported(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	for i, name := range []string{`=cmd|' /C calc'!A0`, "Müller, \\\"Söhne\\\"", "Acme"} {
		n.post(fmt.Sprint("inv-", i), "CreateInvoice", strings.Replace(create, "Acme", name, 1)).want(t, 200)
	}
	sent := n.post("inv-0", "SendInvoice", "{}")
	sent.want(t, 200)
	file := n.get("/api/invoices.csv?sort=updated&wait=30s&position=" + sent.json("position").(string))
	file.want(t, 200)
	if kind := file.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") || !strings.Contains(file.header.Get("Content-Disposition"), ".csv") {
		t.Errorf("the headers are %v", file.header)
	}
	lines := readFile(t, file.text)[1:]
	for i, want := range [][]string{
		{"", "inv-1", "draft", "false", `Müller, "Söhne" GmbH`, "2026-11-21", "2026-12-21", "EUR", "25.00", "0.00", "25.00", "1"},
		{"", "inv-2", "draft", "false", "Acme GmbH", "2026-11-21", "2026-12-21", "EUR", "25.00", "0.00", "25.00", "1"},
		{"", "inv-0", "sent", lines[2][3], `'=cmd|' /C calc'!A0 GmbH`, "2026-11-21", "2026-12-21", "EUR", "25.00", "0.00", "25.00", "2"},
	} {
		if got := lines[i][:len(want)]; !slices.Equal(got, want) {
			t.Errorf("line %d: got %q, want %q", i+1, got, want)
		}
	}
	if lines := readFile(t, n.get("/api/invoices.csv?status=paid").text); len(lines) != 1 || lines[0][0] != "number" {
		t.Errorf("of none: got %v", lines)
	}
	n.get("/api/invoices.csv?sort=colour").want(t, 400, "code", "request_invalid")
	n.get("/api/invoices.csv?issuedFrom=2026-02-30").want(t, 400, "code", "request_invalid")
}

// copied fills the view with rows of one invoice, in one currency.
func (s *system) copied(n int, name, currency string) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), `
		insert into `+s.listTable()+` select (jsonb_populate_record(null::`+s.listTable()+`, to_jsonb(r) || jsonb_build_object('id', $2 || i::text, 'currency', $3::text))).*
		from (select * from `+s.listTable()+` limit 1) r, generate_series(1, $1) i`, n, name, currency); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) listTable() string {
	return fmt.Sprintf("invoice_list_v%d.invoice_list", views.InvoiceList(s.aggregate).Version)
}

// What breaks off does not look whole, also not when it is compressed.
func TestAnExportThatBreaksOffIsNotWhole(t *testing.T) {
	t.Parallel()
	s, n := listed(t)
	s.copied(3000, "copy-", "EUR")
	s.copied(1, "a-currency-that-nobody-knows-", "???") // the last
	for _, encoding := range []string{"identity", "gzip"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+"/api/invoices.csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %v, error %v", resp, err)
		}
		read, err := io.Copy(io.Discard, resp.Body)
		if resp.Body.Close(); !errors.Is(err, io.ErrUnexpectedEOF) || read == 0 {
			t.Errorf("%s: got %d bytes, error %v; want some, and a connection that breaks", encoding, read, err)
		}
	}
}

// Each file holds a connection to Postgres: when a quarter of them are held, the next file
// waits for its turn.
func TestExportsAtATimeAreBounded(t *testing.T) {
	t.Parallel()
	s, n := listed(t)
	lock, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := lock.Exec(t.Context(), `lock table `+s.listTable()); err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	most := int(s.pool.Config().MaxConns / 4)
	for range most {
		open.Go(func() {
			if got, err := n.try(http.MethodGet, "/api/invoices.csv", ""); err != nil || got.status != http.StatusOK {
				t.Errorf("got %d %s, error %v", got.status, got.text, err)
			}
		})
	}
	eventually(t, func() bool {
		var waiting int
		err := s.pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = current_database()
			and wait_event_type = 'Lock' and query like '%from public.invoice_list%'`).Scan(&waiting)
		return err == nil && waiting == most
	}, func() string { return "they do not wait for the list" })
	n.get("/api/invoices.csv").want(t, 429, "code", "too_many_requests")
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	open.Wait()
	n.get("/api/invoices.csv").want(t, 200)
}
