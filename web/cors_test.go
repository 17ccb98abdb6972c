package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
)

const books = "https://books.example"

func allowBooks(c *web.Config) { c.AllowedOrigins = []string{"https://Books.example:443"} }

// What a browser asks before it sends a command with our headers.
func TestPreflight(t *testing.T) {
	t.Parallel()
	h := offline(t, allowBooks)
	const path = "http://localhost/api/invoices/inv-1/commands/SendInvoice"
	preflight := []string{
		"Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "content-type,eventim-origin,idempotency-key,if-match,prefer,traceparent",
	}
	got := ask(t, h, http.MethodOptions, path, append(preflight, "Origin", books)...)
	if got.Code != http.StatusNoContent {
		t.Fatalf("got %d", got.Code)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": books, "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
	} {
		if g := got.Header().Get(name); g != want {
			t.Errorf("%s: got %q, want %q", name, g, want)
		}
	}
	for asked := range strings.SplitSeq(preflight[3], ",") {
		if !strings.Contains(strings.ToLower(got.Header().Get("Access-Control-Allow-Headers")), asked) {
			t.Errorf("%s is not allowed", asked)
		}
	}
	if !strings.Contains(got.Header().Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("Access-Control-Allow-Methods: got %q", got.Header().Get("Access-Control-Allow-Methods"))
	}
	for _, origin := range []string{"https://evil.example", "null", "http://books.example", books + ".evil.example"} {
		got := ask(t, h, http.MethodOptions, path, append(preflight, "Origin", origin)...)
		if got.Header().Get("Access-Control-Allow-Origin") != "" || got.Header().Get("Vary") != "Origin" {
			t.Errorf("%s: got %v", origin, got.Header())
		}
	}
	if got := ask(t, h, http.MethodOptions, "http://localhost/api/nothing", append(preflight, "Origin", books)...); got.Code != http.StatusNotFound {
		t.Errorf("a path that does not exist: got %d", got.Code)
	}
	if got := ask(t, offline(t), http.MethodOptions, path, append(preflight, "Origin", books)...); got.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("nobody was allowed")
	}
}

// A page has to see errors too, and the version of what it reads.
func TestAllowedOriginsReadAnswers(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.configure = allowBooks
	s.handle()
	n := s.serve()
	path := "/api/invoices/inv-1/commands/CreateInvoice"
	for _, got := range []reply{
		n.do(http.MethodPost, path, create, "Origin", books, "Sec-Fetch-Site", "cross-site", "Prefer", "wait=30"),
		n.do(http.MethodPost, path, "{", "Origin", books, "Sec-Fetch-Site", "cross-site"),
		n.get("/api/nothing", "Origin", books),
	} {
		if got.header.Get("Access-Control-Allow-Origin") != books || !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "ETag") {
			t.Errorf("%d: got %v", got.status, got.header)
		}
	}
	n.do(http.MethodPost, path, create, "Origin", "https://evil.example").want(t, 403, "code", "cross_origin")
	if _, resp, err := n.dial("Origin", books); err != nil {
		t.Errorf("websocket: got %v, error %v", resp, err)
	}
}

func TestOriginsThatAreNoneAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "*", "null", "books.example", "https://books.example/", "https://books.example/x", "ftp://books.example", "https://a@books.example"} {
		if _, err := web.New(web.Config{Aggregate: invoices.Aggregate, AllowedOrigins: []string{origin}}); err == nil {
			t.Errorf("%q: want an error", origin)
		}
	}
}
