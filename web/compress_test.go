package web_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// manyLines is a command whose answer is long.
func manyLines() string {
	line := `{"description":"Consulting","quantity":"2","unitPrice":"12.50"}`
	return strings.Replace(create, "["+line+"]", "["+strings.Repeat(line+",", 49)+line+"]", 1)
}

// raw asks without the client's own decompression.
func (n *node) raw(method, path, body string, header ...string) (*http.Response, []byte) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp, data
}

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	const path = "/api/invoices/inv-1/commands/CreateInvoice"
	again := []string{"Idempotency-Key", "cmd-1", "Prefer", "wait=30"}
	plain, whole := n.raw(http.MethodPost, path, manyLines(), again...)
	if plain.StatusCode != 200 || plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("ETag") != `"1"` {
		t.Fatalf("got %d %s with %v", plain.StatusCode, whole, plain.Header)
	}
	small, packed := n.raw(http.MethodPost, path, manyLines(), append(again, "Accept-Encoding", "br, gzip;q=0.5")...)
	if small.Header.Get("Content-Encoding") != "gzip" || small.Header.Get("ETag") != `W/"1"` || len(packed) > len(whole)/2 {
		t.Errorf("got %d bytes of %d with %v", len(packed), len(whole), small.Header)
	}
	z, err := gzip.NewReader(strings.NewReader(string(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.NewDecoder(z).Decode(&answer); err != nil || answer["replayed"] != true {
		t.Errorf("got %v, error %v", answer["replayed"], err)
	}
	// The weak tag is the version that it was.
	n.post("inv-1", "AddLineItem", addLine, "If-Match", small.Header.Get("ETag")).want(t, 200, "version", 2.0)

	for name, header := range map[string][]string{
		"refused": {"Accept-Encoding", "gzip;q=0"}, "not named": {"Accept-Encoding", "br"},
		"a page of another site": {"Accept-Encoding", "gzip", "Sec-Fetch-Site", "cross-site", "Origin", n.url},
	} {
		got, _ := n.raw(http.MethodPost, path, manyLines(), append(again, header...)...)
		if got.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %d with %v", name, got.StatusCode, got.Header)
		}
	}
	for _, header := range []http.Header{plain.Header, small.Header} {
		if header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Vary: got %q", header.Get("Vary"))
		}
	}
	if short, body := n.raw(http.MethodGet, "/healthz", "", "Accept-Encoding", "gzip"); short.Header.Get("Content-Encoding") != "" {
		t.Errorf("a short answer is compressed: %q", body)
	}
}

// What is published can be kept, and asked about.
func TestPublishedFilesHaveValidators(t *testing.T) {
	t.Parallel()
	h := offline(t)
	for _, file := range []string{"/openapi.json", "/openapi.yaml", "/openapi-3.0.json", "/openapi-3.0.yaml"} {
		tags := map[string]bool{}
		for _, encoding := range []string{"identity", "gzip"} {
			first := ask(t, h, http.MethodGet, "http://localhost"+file, "Accept-Encoding", encoding)
			tag := first.Header().Get("ETag")
			if first.Code != 200 || tag == "" || tags[tag] || first.Header().Get("Cache-Control") != "no-cache" || first.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: got %d with %v", file, first.Code, first.Header())
			}
			tags[tag] = true
			second := ask(t, h, http.MethodGet, "http://localhost"+file, "Accept-Encoding", encoding, "If-None-Match", tag)
			if second.Code != http.StatusNotModified || second.Body.Len() > 0 {
				t.Errorf("%s: got %d and %d bytes", file, second.Code, second.Body.Len())
			}
		}
	}
}

// Under compression the length must not tell whether a guess was right.
func TestLengthsAreBlurred(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	lengths := map[int]bool{}
	for i := range 16 {
		body := strings.Replace(manyLines(), "Acme GmbH", fmt.Sprintf("Acme %04d", i), 1)
		_, packed := n.raw(http.MethodPost, fmt.Sprintf("/api/invoices/inv-%02d/commands/CreateInvoice", i), body,
			"Idempotency-Key", fmt.Sprintf("cmd-%02d", i), "Prefer", "wait=30", "Accept-Encoding", "gzip")
		lengths[len(packed)] = true
	}
	if len(lengths) < 4 {
		t.Errorf("16 answers that differ in a few characters have the lengths %v", lengths)
	}
}
