package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// wires is a listener whose connections know what net/http keeps to itself.
type wires struct{ net.Listener }

// Accept waits for the next connection.
func (l wires) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &wire{TCPConn: tcp}, nil
	}
	return c, err
}

// wire is a connection to a client. net/http drops the Content-Length of a
// request that is chunked too, and answers what it cannot read as plain text;
// both are seen only here.
type wire struct {
	*net.TCPConn

	heads     heads
	ambiguous atomic.Bool // a head had both lengths
}

// Read looks at what the client sends.
func (c *wire) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if c.heads.scan(b[:n]) {
		c.ambiguous.Store(true)
	}
	return n, err
}

// Write makes problems of the errors that net/http itself writes.
func (c *wire) Write(b []byte) (int, error) {
	status, detail, ok := plainError(b)
	if !ok {
		return c.TCPConn.Write(b)
	}
	if _, err := c.TCPConn.Write(problemOfWire(status, detail)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// heads finds out whether a head of a stream of requests has two lengths. It
// does not tell heads from bodies: between two blank lines of a body nothing
// looks like both headers, unless it is not JSON either.
type heads struct {
	line            []byte // the begin of the current line
	length, chunked bool   // since the last blank line
}

const (
	lengthHeader  = "content-length:"
	chunkedHeader = "transfer-encoding:"
)

// scan takes the next bytes and reports whether both headers stand together.
func (h *heads) scan(b []byte) (both bool) {
	for len(b) > 0 {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		h.line = append(h.line, line[:min(len(line), len(chunkedHeader)-len(h.line))]...)
		if ended {
			both = h.endLine() || both
		}
		b = rest
	}
	return both
}

func (h *heads) endLine() (both bool) {
	line := strings.ToLower(strings.TrimSuffix(string(h.line), "\r"))
	h.line = h.line[:0]
	if line == "" {
		h.length, h.chunked = false, false
	}
	h.length = h.length || strings.HasPrefix(line, lengthHeader)
	h.chunked = h.chunked || strings.HasPrefix(line, chunkedHeader)
	return h.length && h.chunked
}

// plainError recognizes what net/http writes when it cannot read a request. No
// handler's answer looks like it: a Date comes first.
func plainError(b []byte) (status int, detail string, ok bool) {
	head, rest, _ := bytes.Cut(b[:min(len(b), 512)], []byte("\r\n"))
	detail, ok = strings.CutPrefix(string(rest), "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
	code, found := bytes.CutPrefix(head, []byte("HTTP/1.1 "))
	if !ok || !found || len(code) < 3 {
		return 0, "", false
	}
	status, err := strconv.Atoi(string(code[:3]))
	return status, detail, err == nil
}

func problemOfWire(status int, detail string) []byte {
	code, ok := map[int]string{
		http.StatusRequestHeaderFieldsTooLarge: codeHeaderTooLarge,
		http.StatusNotImplemented:              codeTransferEncoding,
		http.StatusHTTPVersionNotSupported:     codeHTTPVersion,
	}[status]
	if !ok {
		code = codeRequestInvalid
	}
	p := newProblem(code, "%s.", strings.TrimPrefix(detail, strconv.Itoa(status)+" "))
	body, _ := json.Marshal(p) // strings and a number
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		p.Status, http.StatusText(p.Status), problemContentType, noStore, len(body), body)
}

type wireKey struct{}

// withWire is for http.Server.ConnContext.
func withWire(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, wireKey{}, c)
}

// framed refuses a request with two lengths, and whatever comes after it: what
// is before this server may have taken the other one (request smuggling).
func framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(wireKey{}).(*wire); ok && c.ambiguous.Load() {
			w.Header().Set("Connection", "close")
			newProblem(codeRequestInvalid, "The request has a Content-Length and a Transfer-Encoding; send one of them.").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
