package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/web"
)

func TestCommandWaitsForItsResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	got := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	got.want(t, http.StatusOK, "commandId", "cmd-1", "invoiceId", "inv-1", "type", "CreateInvoice", "outcome", "accepted",
		"version", 1.0, "replayed", false, "invoice.status", "draft", "invoice.total.amount", "25.00")
	if got.header.Get("ETag") != `"1"` {
		t.Errorf("ETag: got %s", got.header.Get("ETag"))
	}
	events, _ := got.json("events").([]any)
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1: %s", len(events), got.text)
	}
	wantJSON(t, events[0], "type", "InvoiceCreated", "version", 1.0)
}

func TestCommandWithoutWaitIsPending(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	got := n.do(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create)
	got.want(t, http.StatusAccepted, "outcome", "pending", "invoiceId", "inv-1")
	id, _ := got.json("commandId").(string)
	if _, err := uuid.Parse(id); err != nil {
		t.Errorf("command id %q: %v", id, err)
	}
	if want := "/api/invoices/inv-1/commands/" + id; got.header.Get("Location") != want {
		t.Errorf("Location: got %s, want %s", got.header.Get("Location"), want)
	}
	if position, _ := got.json("position").(string); !strings.Contains(position, ":") {
		t.Errorf("position: got %q", position)
	}
}

func TestCommandThatWaitsInVainIsPending(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve() // nobody handles commands
	got := n.post("inv-1", "CreateInvoice", create, "Prefer", "wait=1")
	got.want(t, http.StatusAccepted, "outcome", "pending")
	if got.header.Get("Preference-Applied") != "wait=1" {
		t.Errorf("Preference-Applied: got %q", got.header.Get("Preference-Applied"))
	}
}

func TestRepeatedCommandGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1").want(t, 200, "replayed", false)
	n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "cmd-2").want(t, 200, "version", 2.0)
	n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1").
		want(t, 200, "replayed", true, "version", 1.0, "invoice.total.amount", "25.00")
	n.post("inv-1", "AddLineItem", `{"description":"Other","quantity":"1","unitPrice":"1"}`, "Idempotency-Key", "cmd-2").
		want(t, 422, "code", "command_id_reused", "commandId", "cmd-2")
}

func TestConcurrentRepeatsHaveOneEffect(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	nodes := []*node{s.serve(), s.serve()}
	nodes[0].post("inv-1", "CreateInvoice", create).want(t, 200)
	var wg sync.WaitGroup
	replies := make([]reply, 16)
	for i := range replies {
		wg.Go(func() {
			replies[i], _ = nodes[i%2].try(http.MethodPost, "/api/invoices/inv-1/commands/AddLineItem", addLine,
				"Idempotency-Key", "same", "Prefer", "wait=30")
		})
	}
	wg.Wait()
	first := 0
	for _, r := range replies {
		r.want(t, 200, "version", 2.0)
		if r.json("replayed") == false {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d first answers, want 1", first)
	}
}

func TestStaleVersionIsRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", `"1"`).want(t, 200, "version", 2.0)
	got := n.post("inv-1", "AddLineItem", addLine, "If-Match", `"1"`, "Idempotency-Key", "stale")
	got.want(t, http.StatusPreconditionFailed, "code", "version_conflict", "currentVersion", 2.0, "commandId", "stale",
		"type", "urn:eventim:problem:version_conflict", "status", 412.0)
	if got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("Content-Type: got %s", got.header.Get("Content-Type"))
	}
	n.post("inv-1", "CreateInvoice", create).want(t, 412, "currentVersion", 2.0) // implies version 0
}

func TestRejectionsAreProblems(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	n.post("inv-1", "SendInvoice", "").want(t, 422, "code", "invoice_not_found")
	n.post("inv-1", "CreateInvoice", strings.Replace(create, "Acme GmbH", "", 1)).want(t, 422, "code", "customer_name_missing")
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.post("inv-1", "ReceivePayment", pay).want(t, 422, "code", "invoice_not_payable")
	n.post("inv-1", "VoidInvoice", `{"reason":"issued twice"}`).want(t, 422, "code", "invoice_not_voidable")
	n.post("inv-1", "WriteOffInvoice", `{"reason":"insolvent"}`).want(t, 422, "code", "nothing_to_write_off")
}

func TestUnreadableRequests(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	path := "/api/invoices/inv-1/commands/"
	for _, c := range []struct {
		name, path, body string
		header           []string
		status           int
		code             string
	}{
		{"no JSON", path + "CreateInvoice", "{", nil, 400, "payload_invalid"},
		{"two objects", path + "CreateInvoice", "{}{}", nil, 400, "payload_invalid"},
		{"wrong type", path + "CreateInvoice", `{"customer":1}`, nil, 400, "payload_invalid"},
		{"unknown field", path + "SendInvoice", `{"sent":true}`, nil, 400, "payload_invalid"},
		{"amount as a number", path + "ReceivePayment", strings.Replace(pay, `"10.00"`, "10.00", 1), nil, 400, "payload_invalid"},
		{"too large", path + "CreateInvoice", `"` + strings.Repeat("x", 2<<20) + `"`, nil, 413, "request_too_large"},
		{"too large for a record", path + "ReceivePayment", strings.Replace(pay, "bank", strings.Repeat("x", 1<<20-len(pay)), 1), nil, 413, "command_too_large"},
		{"unknown command", path + "BurnInvoice", "{}", nil, 404, "command_unknown"},
		{"unknown path", "/api/nothing", "{}", nil, 404, "not_found"},
		{"version of another kind", path + "SendInvoice", "{}", []string{"If-Match", `"v1"`}, 400, "request_invalid"},
		{"negative version", path + "SendInvoice", "{}", []string{"If-Match", `"-1"`}, 400, "request_invalid"},
		{"invoice id with a space", "/api/invoices/a%20b/commands/SendInvoice", "{}", nil, 400, "request_invalid"},
		{"long command id", path + "SendInvoice", "{}", []string{"Idempotency-Key", strings.Repeat("x", 200)}, 400, "request_invalid"},
		{"a form", path + "SendInvoice", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media_type_unsupported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := n.do(http.MethodPost, c.path, c.body, c.header...)
			got.want(t, c.status, "code", c.code, "status", float64(c.status))
			if got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("Content-Type: got %s", got.header.Get("Content-Type"))
			}
		})
	}
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	path := "/api/invoices/inv-1/commands/CreateInvoice"
	n.do(http.MethodPost, path, create, "Sec-Fetch-Site", "cross-site").want(t, 403, "code", "cross_origin")
	n.do(http.MethodPost, path, create, "Origin", "https://evil.example").want(t, 403, "code", "cross_origin")
	n.do(http.MethodPost, path, create, "Origin", n.url).want(t, 202)
}

func TestPostgresDown(t *testing.T) {
	t.Parallel()
	s := newSystem(t) // its Postgres is down
	s.handle()
	n := s.serve()
	for _, path := range []string{"/api/invoices", "/api/invoices/inv-1", "/api/invoices/inv-1/history", "/api/commands/x", "/api/invoices?position=0:1"} {
		got := n.get(path)
		got.want(t, http.StatusServiceUnavailable, "code", "database_unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	n.post("inv-1", "CreateInvoice", create).want(t, 200, "outcome", "accepted")
	got := n.get("/readyz")
	got.want(t, http.StatusServiceUnavailable, "parts.live", "ok")
	n.get("/healthz").want(t, 200, "status", "ok")
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	for _, path := range []string{"/", "/healthz", "/api/invoices"} {
		h := n.get(path).header
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Permissions-Policy": "camera=()", "Referrer-Policy": "same-origin",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s of %s: got %q, want %q", name, path, h.Get(name), want)
			}
		}
	}
}

func TestIfMatchByTheBook(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	n.post("inv-1", "CreateInvoice", create, "If-Match", "*").want(t, 412, "code", "version_conflict")
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", `W/"1"`).want(t, 200, "version", 2.0)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", `*`).want(t, 200, "version", 3.0)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", `"2", W/"3"`).want(t, 200, "version", 4.0)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", `"1", "2"`).want(t, 412, "currentVersion", 4.0)
	n.post("inv-1", "AddLineItem", addLine, "If-Match", "").want(t, 400, "code", "request_invalid")
	n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", " ").want(t, 400, "code", "request_invalid")
}

func TestPreferInSeveralHeaders(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	got, _ := n.exchange("POST /api/invoices/inv-1/commands/CreateInvoice HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
		"Prefer: return=representation\r\nPrefer: wait=30; x=\"a,b\"\r\nPrefer: respond-async\r\nConnection: close\r\n" +
		"Content-Length: " + strconv.Itoa(len(create)) + "\r\n\r\n" + create)
	if applied := got.header.Get("Preference-Applied"); applied != "wait=30" {
		t.Errorf("got %d, Preference-Applied %q", got.status, applied)
	}
}

// A header that has nothing to do with the command neither destroys it nor
// burns its key.
func TestHeadersDoNotDestroyCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.configure = func(c *web.Config) { c.Actor = web.ActorHeader("X-User") }
	s.project()
	s.handle()
	n := s.serve()
	n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1", "Traceparent", "00-\x80\t").want(t, 200, "version", 1.0)
	n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1").want(t, 200, "replayed", true)
	for i, actor := range []string{"M\xfcller", "Müller", "UTF-8''M%C3%BCller"} {
		n.post("inv-1", "AddLineItem", addLine, "X-User", actor).want(t, 200, "version", float64(i+2))
	}
	for name, actor := range map[string]string{"control": "a\tb", "long": strings.Repeat("x", 9000), "reordering": "a\u202eb", "C1": "a\x80b"} {
		n.post("inv-1", "AddLineItem", addLine, "X-User", actor, "Idempotency-Key", "burnt").want(t, 400, "code", "request_invalid")
		if _, resp, err := n.dial("X-User", actor); err == nil || resp.StatusCode != 400 {
			t.Errorf("%s: the websocket took it", name)
		}
	}
	n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "burnt").want(t, 200, "version", 5.0, "replayed", false)
	n.post("inv-1", "AddLineItem", addLine, "Eventim-Origin", strings.Repeat("x", 9000)).want(t, 400, "code", "request_invalid")
	last := n.post("inv-1", "AddLineItem", addLine, "Eventim-Origin", "page-1")
	last.want(t, 200, "version", 6.0)
	history := n.get("/api/invoices/inv-1/history?wait=30s&position=" + last.json("position").(string))
	for i, want := range []string{"", "Müller", "Müller", "Müller", "", ""} {
		wantJSON(t, history.json("events").([]any)[i], "actor", want)
	}
}
