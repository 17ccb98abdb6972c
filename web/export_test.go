package web_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
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

// many fills the view with rows of one invoice.
func (s *system) many(n int) {
	s.t.Helper()
	schema := fmt.Sprintf("invoice_list_v%d", views.InvoiceList(s.aggregate).Version)
	if _, err := s.pool.Exec(s.t.Context(), `
		insert into `+schema+`.invoice_list select (jsonb_populate_record(r, jsonb_build_object('id', 'copy-' || i))).*
		from `+schema+`.invoice_list r, generate_series(1, $1) i`, n); err != nil {
		s.t.Fatal(err)
	}
}

// What breaks off does not look whole, also not when it is compressed.
func TestAnExportThatBreaksOffIsNotWhole(t *testing.T) {
	t.Parallel()
	s, n := listed(t)
	s.many(60_000)
	for _, encoding := range []string{"identity", "gzip"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.url+"/api/invoices.csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool {
			var ended int
			err := s.pool.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
				where datname = current_database() and state = 'active' and query like '%from public.invoice_list%' and pid <> pg_backend_pid()`).Scan(&ended)
			return err == nil && ended > 0
		}, func() string { return "nobody reads the list" })
		_, err = io.Copy(io.Discard, resp.Body)
		if resp.Body.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v, want a connection that breaks", encoding, err)
		}
	}
}

// Each file holds a connection to Postgres: more than a few at a time wait for theirs.
func TestExportsAtATimeAreBounded(t *testing.T) {
	t.Parallel()
	s, n := listed(t)
	s.many(60_000)
	var open []io.Closer
	for range 4 {
		resp, err := http.Get(n.url + "/api/invoices.csv") //nolint:noctx // it ends with the test
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %v, error %v", resp, err)
		}
		open = append(open, resp.Body)
	}
	n.get("/api/invoices.csv").want(t, 429, "code", "too_many_requests")
	for _, body := range open {
		_ = body.Close()
	}
	eventually(t, func() bool { return n.get("/api/invoices.csv?status=paid").status == http.StatusOK }, func() string { return "no file is written any more" })
}
