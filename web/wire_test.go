package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/web"
)

// exchange sends bytes on a connection of its own, says that no more will
// come, and reads the first answer. Left is what the server sends after it
// until it closes.
func (n *node) exchange(sent string) (reply reply, left string) {
	n.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(n.t.Context(), "tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, sent); err != nil {
		n.t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		n.t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		n.t.Fatalf("%.60q: %v", sent, err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	reply.status, reply.header, reply.text = resp.StatusCode, resp.Header, string(text)
	_ = json.Unmarshal(text, &reply.body)
	rest, _ := io.ReadAll(r)
	return reply, string(rest)
}

// What a client gets wrong is its own: a 4xx (501 for a coding) that says
// what, and no line in the log that somebody would get up for.
func TestClientsMistakesAreTheirs(t *testing.T) {
	t.Parallel()
	var log childtest.Output
	s := newSystem(t)
	s.configure = func(c *web.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	n := s.serve()
	const head = "POST /api/invoices/inv-1/commands/SendInvoice HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	const chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
	const after = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, c := range map[string]struct {
		sent   string
		status int
		code   string
	}{
		"body shorter than its length":  {head + "Content-Length: 10\r\n\r\n{}", 400, "request_invalid"},
		"chunks that end early":         {chunked + "5\r\n{}", 400, "request_invalid"},
		"no last chunk":                 {chunked + "2\r\n{}\r\n", 400, "request_invalid"},
		"chunk whose size is no number": {chunked + "zz\r\n{}\r\n0\r\n\r\n", 400, "request_invalid"},
		"chunk longer than its size":    {chunked + "1\r\n{}\r\n0\r\n\r\n", 400, "request_invalid"},
		"two lengths":                   {head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + after, 400, "request_invalid"},
		"two lengths, the other way":    {head + "transfer-encoding: chunked\r\nCONTENT-LENGTH: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + after, 400, "request_invalid"},
		"two Content-Lengths":           {head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400, "request_invalid"},
		"no number as a length":         {head + "Content-Length: +2\r\n\r\n{}", 400, "request_invalid"},
		"unknown transfer coding":       {head + "Transfer-Encoding: gzip\r\n\r\n{}", 501, "transfer_encoding_unsupported"},
		"head of 100 kB":                {head + "X: " + strings.Repeat("x", 100_000) + "\r\n\r\n", 431, "header_too_large"},
		"no host":                       {"GET / HTTP/1.1\r\n\r\n", 400, "request_invalid"},
		"two hosts":                     {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400, "request_invalid"},
		"no HTTP":                       {"hello\r\n\r\n", 400, "request_invalid"},
		"another HTTP":                  {"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, "http_version_unsupported"},
		"header with a line break":      {head + "X: a\rb\r\n\r\n", 400, "request_invalid"},
		"compressed body":               {head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", 415, "media_type_unsupported"},
	} {
		got, left := n.exchange(c.sent)
		if got.status != c.status || got.json("code") != c.code || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d %s", name, got.status, got.text, c.status, c.code)
		}
		if left != "" {
			t.Errorf("%s: the connection was used on: %s", name, left)
		}
	}
	if log.String() != "" && !onlyPostgres(log.String()) {
		t.Errorf("the log has\n%s", &log)
	}
}

// onlyPostgres tells the lines about the Postgres that these tests lack.
func onlyPostgres(log string) bool {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Postgres") && !strings.Contains(line, "views") {
			return false
		}
	}
	return true
}

func TestChunkedAndPipelinedRequestsAreServed(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	const head = "POST /api/invoices/inv-1/commands/SendInvoice HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	got, left := n.exchange(head + "Content-Length: 2\r\n\r\n{}" + head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
	if got.status != http.StatusAccepted || !strings.HasPrefix(left, "HTTP/1.1 202") {
		t.Errorf("got %d %s, then %q", got.status, got.text, left)
	}
}

func TestHandshakeErrorsAreProblems(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	const head = "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: eventim.v1.json\r\n"
	for name, headers := range map[string]string{
		"no key":        "Sec-WebSocket-Version: 13\r\n",
		"no version":    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"old version":   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n",
		"malformed key": "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
	} {
		got, _ := n.exchange(head + headers + "\r\n")
		got.want(t, http.StatusBadRequest, "code", "handshake_invalid")
		if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: got %v", name, got.header)
		}
	}
}

// Whoever opens connections and sends half a request does not keep others out.
func TestHalfOpenRequestsLeaveHealthz(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	for range 300 {
		conn, err := (&net.Dialer{}).DialContext(context.WithoutCancel(t.Context()), "tcp", strings.TrimPrefix(n.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /api/invoices/inv-1/commands/SendInvoice HTTP/1.1\r\nHost: localhost\r\nContent-Le"); err != nil {
			t.Fatal(err)
		}
	}
	n.get("/healthz").want(t, http.StatusOK)
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	const path = "/api/invoices/inv-1/commands/SendInvoice"
	for contentType, want := range map[string]int{
		"application/json": 202, "Application/JSON; charset=UTF-8": 202, `application/json;charset="utf-8"`: 202,
		"": 415, "text/plain": 415, "application/json; charset=latin1": 415, "application/jsonp": 415, "application/json;": 202,
		"application/vnd.x+json": 415, "text/json": 415, "application/json, text/plain": 415, "json": 415,
	} {
		got := n.do(http.MethodPost, path, "{}", "Content-Type", contentType)
		if got.status != want {
			t.Errorf("%q: got %d %s, want %d", contentType, got.status, got.text, want)
		}
		if want == 415 && got.header.Get("Accept") != "application/json" {
			t.Errorf("%q: Accept is %q", contentType, got.header.Get("Accept"))
		}
	}
	n.do(http.MethodPost, path, "", "Content-Type", "").want(t, 202) // nothing to say needs no type
	n.do(http.MethodPost, path, "{}", "Content-Encoding", "identity").want(t, 202)
	if got := n.do(http.MethodPost, path, "{}", "Content-Encoding", "br"); got.status != 415 || got.header.Get("Accept-Encoding") != "identity" {
		t.Errorf("br: got %d with %v", got.status, got.header)
	}
}

// Who accepts nothing that there is gets it nevertheless: 406 helps nobody.
func TestAcceptDoesNotMatter(t *testing.T) {
	t.Parallel()
	var log childtest.Output
	s := newSystem(t)
	s.configure = func(c *web.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	n := s.serve()
	for _, accept := range []string{"image/png", "application/cbor", "*/*;q=0", "x", "application/json;q=0"} {
		got := n.do(http.MethodPost, "/api/invoices/inv-1/commands/SendInvoice", "{}", "Accept", accept)
		if got.status != http.StatusAccepted || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %s", accept, got.status, got.header.Get("Content-Type"))
		}
		n.get("/api/invoices?limit=0", "Accept", accept).want(t, 400, "code", "request_invalid")
	}
	if log.String() != "" {
		t.Errorf("the log has\n%s", &log)
	}
}
