package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var longScript = strings.Repeat("let x;", 1000)

var builtPage = newPageOf(fstest.MapFS{
	"index.html":       {Data: []byte("<!doctype html>the page")},
	"favicon.svg":      {Data: []byte("<svg/>")},
	".gitkeep":         {},
	"assets/app-1a.js": {Data: []byte(longScript)},
})

func TestPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, accept string
		status       int
		body, cache  string
	}{
		{"/", "text/html", 200, "the page", "no-cache"},
		{"/index.html", "*/*", 200, "the page", "no-cache"},
		{"/invoices/inv-1", "text/html,*/*", 200, "the page", "no-cache"},
		{"/favicon.svg", "*/*", 200, "<svg/>", "no-cache"},
		{"/assets/app-1a.js", "*/*", 200, "let x", "public, max-age=31536000, immutable"},
		{"/assets/app-2b.js", "text/html", 404, "not_found", "no-store"},
		{"/robots.txt", "*/*", 404, "not_found", "no-store"},
		{"/.gitkeep", "*/*", 404, "not_found", "no-store"},
		{"/assets/", "*/*", 404, "not_found", "no-store"},
		{"/../server.go", "*/*", 404, "not_found", "no-store"},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://x"+c.path, nil)
			r.Header.Set("Accept", c.accept)
			builtPage.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.body)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control: got %q, want %q", got, c.cache)
			}
		})
	}
}

func TestPageThatIsNotBuiltSaysSo(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newPageOf(fstest.MapFS{".gitkeep": {}}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make ui") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestPageIsCompressed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/app-1a.js", nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	builtPage.ServeHTTP(w, r)
	z, err := gzip.NewReader(w.Body)
	must(t, err)
	body, err := io.ReadAll(z)
	must(t, err)
	if string(body) != longScript || w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Content-Type"), "javascript") {
		t.Errorf("got %q with %v", body, w.Header())
	}
}

func TestFilesOfThePageHaveValidators(t *testing.T) {
	t.Parallel()
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		builtPage.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/", "/index.html", "/favicon.svg", "/assets/app-1a.js"} {
		tag := get(path).Header().Get("ETag")
		if again := get(path, "If-None-Match", "W/"+tag); tag == "" || again.Code != http.StatusNotModified {
			t.Errorf("%s: got %d for the tag %s", path, again.Code, tag)
		}
		if other := get(path, "If-None-Match", `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s: got %d for another tag", path, other.Code)
		}
	}
	const script = "/assets/app-1a.js"
	if get(script).Header().Get("ETag") == get(script, "Accept-Encoding", "gzip").Header().Get("ETag") {
		t.Error("both forms have one tag")
	}
	if part := get(script, "Range", "bytes=0-4"); part.Code != http.StatusPartialContent || part.Body.String() != longScript[:5] {
		t.Errorf("got %d %s", part.Code, part.Body)
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "br, gzip": true, "gzip;q=0.1": true, "gzip; q=1.0": true, "*": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "*;q=0": false, "gzip;q=0, *": false, "*, gzip;q=0": false, "br;q=1, *;q=0.1": true,
		"br": false, "identity": false, "gzipped": false, "gzip;q=x": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := acceptsGzip(r); got != want {
			t.Errorf("%q: got %t, want %t", header, got, want)
		}
	}
}
