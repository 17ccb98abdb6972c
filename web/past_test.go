package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// aPast is an invoice with four versions, the reads of which show them.
func aPast(t *testing.T) (n *node, created reply, after string) {
	t.Helper()
	s := newSystem(t)
	s.project()
	s.handle()
	n = s.serve()
	created = n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	created.want(t, 200)
	n.post("inv-1", "AddLineItem", `{"description":"Hosting","quantity":"1","unitPrice":"5"}`).want(t, 200, "version", 2.0)
	n.post("inv-1", "ChangeDetails", strings.Replace(same, "Acme GmbH", "Acme AG", 1)).want(t, 200, "version", 3.0)
	sent := n.post("inv-1", "SendInvoice", "{}")
	sent.want(t, 200, "version", 4.0)
	after = "wait=30s&position=" + sent.json("position").(string)
	n.get("/api/invoices/inv-1/history?"+after).want(t, 200)
	return n, created, after
}

func TestAnInvoiceAsItWas(t *testing.T) {
	t.Parallel()
	n, created, after := aPast(t)
	for version, want := range map[string][]any{
		"1": {"version", 1.0, "invoice.total.amount", "25.00", "invoice.lines.1", nil, "event.type", "InvoiceCreated", "event.commandId", "cmd-1"},
		"2": {"version", 2.0, "invoice.total.amount", "30.00", "invoice.lines.1.description", "Hosting", "invoice.customer.name", "Acme GmbH"},
		"3": {"version", 3.0, "invoice.customer.name", "Acme AG", "invoice.status", "draft", "event.type", "DetailsChanged"},
		"4": {"version", 4.0, "invoice.customer.name", "Acme AG", "invoice.status", "sent", "event.type", "InvoiceSent"},
	} {
		got := n.get("/api/invoices/inv-1?version=" + version + "&" + after)
		got.want(t, 200, append(want, "id", "inv-1", "overdue", false, "updatedAt", got.json("event", "time"), "event.actor", created.json("events", "0", "actor"))[:len(want)]...)
	}
	first := n.get("/api/invoices/inv-1?version=1")
	began, err := time.Parse(time.RFC3339, first.json("event", "time").(string))
	if err != nil {
		t.Fatal(err)
	}
	at := func(moment time.Time) reply {
		return n.get("/api/invoices/inv-1?at=" + url.QueryEscape(moment.Format(time.RFC3339Nano)))
	}
	at(began.Add(time.Hour)).want(t, 200, "version", 4.0, "invoice.status", "sent")
	at(began.In(time.FixedZone("", 3600))).want(t, 200, "invoice.total.currency", "EUR")
	at(began.Add(-time.Millisecond)).want(t, 404, "code", "version_not_found")
	at(began.AddDate(1, 0, 0)).want(t, 200, "version", 4.0, "overdue", true)
	n.get("/api/invoices/inv-1?version=5").want(t, 404, "code", "version_not_found")
	n.get("/api/invoices/none?version=1").want(t, 404, "code", "invoice_not_found")
	n.get("/api/invoices/none?at=2026-11-21T00:00:00Z").want(t, 404, "code", "invoice_not_found")
	for _, query := range []string{"version=1&at=2026-11-21T00:00:00Z", "version=0", "version=-1", "version=x", "at=yesterday", "at=2026-11-21"} {
		n.get("/api/invoices/inv-1?"+query).want(t, 400, "code", "request_invalid")
	}
}

// What is past does not change: whoever has it may keep it, but no cache of several people.
func TestThePastIsKeptByItsReader(t *testing.T) {
	t.Parallel()
	n, _, _ := aPast(t)
	for path, cache := range map[string]string{
		"/api/invoices/inv-1?version=1":               "private, max-age=86400, immutable",
		"/api/invoices/inv-1/diff?from=1&to=3":        "private, max-age=86400, immutable",
		"/api/invoices/inv-1?at=2100-01-01T00:00:00Z": "private, no-cache",
	} {
		got := n.get(path)
		got.want(t, 200)
		tag, vary := got.header.Get("ETag"), strings.Join(got.header.Values("Vary"), ", ")
		if got.header.Get("Cache-Control") != cache || tag == "" || !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Authorization") {
			t.Errorf("%s: got the head %v", path, got.header)
		}
		for _, have := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			again := n.get(path, "If-None-Match", have)
			if again.status != http.StatusNotModified || again.text != "" || again.header.Get("ETag") != tag || again.header.Get("Cache-Control") != cache {
				t.Errorf("%s with %s: got %d %s, %v", path, have, again.status, again.text, again.header)
			}
		}
		n.get(path, "If-None-Match", `"other"`).want(t, 200)
		n.post("inv-1", "VoidInvoice", `{"reason":"x"}`, "If-Match", tag).want(t, 400, "code", "request_invalid")
	}
	now := n.get("/api/invoices/inv-1")
	missing := n.get("/api/invoices/inv-1?version=9")
	if now.header.Get("Cache-Control") != "no-store" || missing.header.Get("Cache-Control") != "no-store" {
		t.Errorf("what is not past yet is kept: %v, %v", now.header, missing.header)
	}
}

func TestWhatChangedByField(t *testing.T) {
	t.Parallel()
	n, _, after := aPast(t)
	diff := n.get("/api/invoices/inv-1/diff?from=1&to=3&" + after)
	diff.want(t, 200, "from", 1.0, "to", 3.0,
		"changes.0.path", "/customer/name", "changes.0.kind", "changed", "changes.0.before", "Acme GmbH", "changes.0.after", "Acme AG",
		"changes.1.path", "/lines/2", "changes.1.kind", "added", "changes.1.before", nil, "changes.1.after.description", "Hosting", "changes.1.index", 1.0,
		"changes.3.path", "/total", "changes.3.before.amount", "25.00", "changes.3.after.amount", "30.00", "changes.3.after.currency", "EUR")
	n.get("/api/invoices/inv-1/diff?from=3&to=1").want(t, 200, "changes.1.kind", "removed", "changes.1.before.description", "Hosting", "changes.1.after", nil)
	n.get("/api/invoices/inv-1/diff?from=0&to=1").want(t, 200, "changes.0.path", "/customer", "changes.0.kind", "added")
	if same := n.get("/api/invoices/inv-1/diff?from=2&to=2"); same.status != 200 || !strings.Contains(same.text, `"changes":[]`) {
		t.Errorf("the same version: got %s", same.text)
	}
	n.get("/api/invoices/inv-1/diff?from=1&to=5").want(t, 404, "code", "version_not_found")
	n.get("/api/invoices/none/diff?from=0&to=1").want(t, 404, "code", "invoice_not_found")
	n.get("/api/invoices/none/diff?from=0&to=0").want(t, 404, "code", "invoice_not_found")
	for _, query := range []string{"", "from=1", "to=1", "from=-1&to=1", "from=x&to=1"} {
		n.get("/api/invoices/inv-1/diff?"+query).want(t, 400, "code", "request_invalid")
	}
	history := n.get("/api/invoices/inv-1/history")
	history.want(t, 200, "events.2.changes.0.path", "/customer/name", "events.2.changes.0.after", "Acme AG", "events.2.changes.1", nil,
		"events.1.changes.0.path", "/lines/2", "events.1.changes.0.kind", "added", "events.3.changes.0.path", "/status", "events.0.moreChanges", nil)
}

// An event of a thousand lines does not make the history tell a thousand changes; the difference does.
func TestTheHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	line := `{"description":"Work","quantity":"1","unitPrice":"1"}`
	large := strings.Replace(create, `"lines":[`, `"lines":[`+strings.Repeat(line+",", 999), 1)
	created := n.post("inv-1", "CreateInvoice", large)
	created.want(t, 200, "version", 1.0)
	after := "wait=30s&position=" + created.json("position").(string)
	history := n.get("/api/invoices/inv-1/history?" + after)
	history.want(t, 200)
	diff := n.get("/api/invoices/inv-1/diff?from=0&to=1")
	diff.want(t, 200)
	told, all := history.json("events", "0", "changes").([]any), diff.json("changes").([]any)
	if len(told) != 50 || len(all) < 1000 || history.json("events", "0", "moreChanges") != float64(len(all)-50) {
		t.Errorf("%d changes of %d are told, and %v are said to be missing", len(told), len(all), history.json("events", "0", "moreChanges"))
	}
	n.get("/api/invoices/inv-1?version=1").want(t, 200, "invoice.lines.999.id", "1000", "version", 1.0)
}
