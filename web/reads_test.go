package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	n.until("postgres", "ok")
	n.get("/readyz").want(t, 200, "status", "ready")
	created := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	created.want(t, 200)

	at := "?wait=30s&position=" + created.json("position").(string)
	got := n.get("/api/invoices/inv-1" + at)
	got.want(t, 200, "id", "inv-1", "version", 1.0, "overdue", false, "invoice.total.amount", "25.00", "invoice.customer.name", "Acme GmbH")
	if got.header.Get("ETag") != `"1"` {
		t.Errorf("ETag: got %s", got.header.Get("ETag"))
	}
	list := n.get("/api/invoices" + at)
	list.want(t, 200, "count", 1.0, "next", "")
	wantJSON(t, list.json("invoices").([]any)[0], "id", "inv-1", "customerName", "Acme GmbH", "status", "draft",
		"total.amount", "25.00", "total.currency", "EUR", "paid.amount", "0.00", "issueDate", "2026-11-21", "dueDate", "2026-12-21", "overdue", false)
	wantJSON(t, list.json("totals").([]any)[0], "currency", "EUR", "count", 1.0, "total.amount", "25.00", "balance.amount", "25.00")
	history := n.get("/api/invoices/inv-1/history" + at)
	history.want(t, 200)
	wantJSON(t, history.json("events").([]any)[0], "version", 1.0, "type", "InvoiceCreated", "commandId", "cmd-1", "data.currency", "EUR")

	var command reply
	eventually(t, func() bool {
		command = n.get("/api/commands/cmd-1")
		return command.status == http.StatusOK
	}, func() string { return command.text })
	command.want(t, 200, "commandId", "cmd-1", "invoiceId", "inv-1", "outcome", "accepted", "version", 1.0,
		"invoice.total.amount", "25.00", "position", created.json("position"))
}

func TestReadsThatFindNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	n := s.serve()
	var got reply
	for _, path := range []string{"/api/commands/none", "/api/invoices/none/history", "/api/invoices"} {
		eventually(t, func() bool { // the projector is making the views
			got = n.get(path)
			return got.json("code") != "view_missing"
		}, func() string { return got.text })
	}
	got.want(t, 200, "count", 0.0)
	if !strings.Contains(got.text, `"invoices":[]`) || !strings.Contains(got.text, `"totals":[]`) {
		t.Errorf("lists are null: %s", got.text)
	}
	n.get("/api/invoices/none").want(t, 404, "code", "invoice_not_found")
	n.get("/api/invoices/none/history").want(t, 404, "code", "invoice_not_found")
	n.get("/api/commands/none").want(t, 404, "code", "command_not_found")
	n.get("/api/invoices/inv-1/commands/none").want(t, 404, "code", "command_not_found")
	n.get("/api/invoices?position=0:1&wait=10ms").want(t, 503, "code", "view_behind")
	for _, query := range []string{"position=x", "position=0:1&wait=long", "limit=0", "limit=1000", "cursor=x", "status=lost", "overdue=maybe", "sort=colour", "issuedFrom=2026-02-30", "dueTo=tomorrow"} {
		n.get("/api/invoices?"+query).want(t, 400, "code", "request_invalid")
	}
}

func TestRejectedCommandCanBeFetched(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	n.post("inv-1", "SendInvoice", "", "Idempotency-Key", "cmd-1").want(t, 422)
	var got reply
	eventually(t, func() bool {
		got = n.get("/api/commands/cmd-1")
		return got.status == http.StatusOK
	}, func() string { return got.text })
	got.want(t, 200, "outcome", "rejected", "code", "invoice_not_found", "invoice", nil)
}

func TestListPagesAndFilters(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	late := strings.NewReplacer("2026-11-21", "2020-01-01", "2026-12-21", "2020-02-01").Replace(create)
	var last [3]reply
	for i := range last {
		last[i] = n.post(fmt.Sprintf("inv-%d", i), "CreateInvoice", late)
		last[i].want(t, 200)
	}
	sent := n.post("inv-1", "SendInvoice", "{}")
	sent.want(t, 200, "invoice.status", "sent")
	for _, r := range append(last[:], sent) {
		n.get("/api/invoices?wait=30s&limit=1&position="+r.json("position").(string)).want(t, 200)
	}
	seen := map[any]bool{}
	for cursor := ""; ; {
		page := n.get("/api/invoices?limit=2&cursor=" + cursor)
		page.want(t, 200, "count", 3.0)
		for _, row := range page.json("invoices").([]any) {
			seen[dig(row, "id")] = true
		}
		if cursor = page.json("next").(string); cursor == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("pages: got %v", seen)
	}
	overdue := n.get("/api/invoices?overdue=true")
	overdue.want(t, 200, "count", 1.0)
	wantJSON(t, overdue.json("invoices").([]any)[0], "id", "inv-1", "overdue", true)
	n.get("/api/invoices?status=draft,sent").want(t, 200, "count", 3.0)
	n.get("/api/invoices?status=draft").want(t, 200, "count", 2.0)
	n.get("/api/invoices?q=acme").want(t, 200, "count", 3.0)
	n.get("/api/invoices?issuedFrom=2000-01-01&issuedTo=2000-12-31").want(t, 200, "count", 0.0)
	first := n.get("/api/invoices?sort=-total&limit=2")
	first.want(t, 200, "previous", "")
	second := n.get("/api/invoices?sort=-total&limit=2&cursor=" + first.json("next").(string))
	second.want(t, 200, "next", "")
	back := n.get("/api/invoices?sort=-total&limit=2&cursor=" + second.json("previous").(string))
	back.want(t, 200, "previous", "", "next", first.json("next"))
	if got, want := fmt.Sprint(back.json("invoices")), fmt.Sprint(first.json("invoices")); got != want {
		t.Errorf("back: got %s, want %s", got, want)
	}
	n.get("/api/invoices?cursor="+first.json("next").(string)).want(t, 400, "code", "request_invalid")
}

func TestWaitingForAPosition(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	created := n.post("inv-1", "CreateInvoice", create)
	created.want(t, 200)
	at := created.json("position").(string)
	for _, view := range []string{"/api/invoices", "/api/invoices/inv-1", "/api/invoices/inv-1/history"} {
		n.get(view+"?wait=30s&position="+at).want(t, 200)
		n.get(view+"?wait=0s&position="+at).want(t, 200) // it is there already
		n.get(view+"?wait=1ms&position="+at).want(t, 200)
	}
	behind := n.get("/api/invoices?wait=0s&position=" + strings.Split(at, ":")[0] + ":1000000")
	behind.want(t, 503, "code", "view_behind")
	if behind.header.Get("Retry-After") == "" {
		t.Error("view_behind: no Retry-After")
	}
	got := n.get("/api/invoices?position=999:0")
	got.want(t, 422, "code", "position_unknown")
	if detail := got.json("detail").(string); !strings.Contains(detail, "999") || !strings.Contains(detail, "0 to 2") {
		t.Errorf("got %s", detail)
	}
}
