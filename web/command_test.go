package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// found reads a path until the view has what it names.
func (n *node) found(path string) (got reply) {
	n.t.Helper()
	eventually(n.t, func() bool {
		got = n.get(path)
		return got.status != http.StatusNotFound && got.status != http.StatusServiceUnavailable
	}, func() string { return path + ": " + got.text })
	return got
}

func TestLocationLeadsToTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	for _, invoice := range []string{"r\u00e9f-1", "\u8acb\u6c42\u66f8", strings.Repeat("\u00e9", eventim.MaxID/2)} { // as other doors take them
		sent := n.post(url.PathEscape(invoice), "SendInvoice", "{}", "Idempotency-Key", "cmd-1", "Prefer", "wait=0")
		sent.want(t, http.StatusAccepted, "invoiceId", invoice)
		n.found(sent.header.Get("Location")).want(t, http.StatusOK, "invoiceId", invoice, "outcome", "rejected")
	}
	for _, invoice := range []string{"re\u0301f", "a b", "a\u200bb", strings.Repeat("\u00e9", eventim.MaxID/2+1), "\xff"} {
		n.post(url.PathEscape(invoice), "SendInvoice", "{}").want(t, http.StatusBadRequest, "code", "request_invalid")
	}
	for _, key := range []string{
		"/", "//", "a/../b", "%", "%2F", "%25", "?a=b", "#", "&;=", "+", "'", "\\", "{id}", "<>|^`", "~", "~..", "~.", "~~..", "...", ":",
	} {
		for _, invoice := range []string{"inv-1", "~x", "2026/" + key} {
			sent := n.post(url.PathEscape(invoice), "SendInvoice", "{}", "Idempotency-Key", key, "Prefer", "wait=0")
			sent.want(t, http.StatusAccepted, "commandId", key, "invoiceId", invoice)
			n.found(sent.header.Get("Location")).want(t, http.StatusOK, "commandId", key, "invoiceId", invoice,
				"outcome", "rejected", "position", sent.json("position"))
		}
	}
}

// Whichever partitions the invoices are in.
func TestACommandIDBelongsToItsInvoice(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	invoices := []string{"inv-0", "inv-1", "inv-2", "inv-3", "inv-4", "inv/5"}
	n.post(invoices[0], "CreateInvoice", create, "Idempotency-Key", "same").want(t, 200, "replayed", false)
	n.found("/api/commands/same").want(t, 200, "invoiceId", invoices[0])
	var links []any
	for i, invoice := range invoices {
		got := n.post(url.PathEscape(invoice), "CreateInvoice", create, "Idempotency-Key", "same")
		got.want(t, 200, "invoiceId", invoice, "replayed", i == 0)
		links = append(links, got.header.Get("Location"))
		n.found(got.header.Get("Location")).want(t, 200, "invoiceId", invoice, "commandId", "same", "outcome", "accepted", "version", 1.0)
	}
	got := n.get("/api/commands/same")
	got.want(t, http.StatusConflict, "code", "command_ambiguous", "commandId", "same")
	listed, _ := got.json("links").([]any)
	if len(listed) != len(links) {
		t.Fatalf("got the links %v, want %v", listed, links)
	}
	for i, link := range listed { // in the order of the ids
		if link != links[i] {
			t.Errorf("link %d: got %v, want %v", i, link, links[i])
		}
	}
	n.get("/api/invoices/other/commands/same").want(t, 404, "code", "command_not_found")
}
