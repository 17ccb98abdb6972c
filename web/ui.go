package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// The page is built by `make ui`. Without it the directory holds only a
// placeholder, and the server says what to run.
//
//go:embed all:ui/dist
var dist embed.FS

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Eventim invoices</title>
<h1>The page has not been built</h1>
<p>Run <code>make ui</code> (it needs Node), then build and start the server again.
The API works without it: <a href="/openapi.json">/openapi.json</a>.</p>
</html>
`

// page serves the files of the page. Paths of the page itself, such as
// /invoices/1, get its index: the page routes them.
type page struct {
	files      fs.FS
	serve      http.Handler
	compressed map[string][]byte
}

func newPage() page {
	files, err := fs.Sub(dist, "ui/dist")
	if err != nil {
		panic(err) // the path is constant
	}
	return newPageOf(files)
}

func newPageOf(files fs.FS) page { return page{files, http.FileServerFS(files), compress(files)} }

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		answerMethod(w, r, http.MethodGet, http.MethodHead)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	switch {
	case name != "index.html" && p.has(name):
		p.file(w, r, name)
	case wantsPage(r, name):
		p.index(w, r)
	default:
		newProblem(codeNotFound, "There is no file %s.", r.URL.Path).write(w)
	}
}

func (p page) has(name string) bool {
	info, err := fs.Stat(p.files, name)
	return err == nil && info.Mode().IsRegular() && !strings.HasPrefix(path.Base(name), ".")
}

// file serves one file. Those in assets carry a hash of their content in the
// name, so that they never change.
func (p page) file(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if data, ok := p.compressed[name]; ok {
		w.Header().Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
			return
		}
	}
	p.serve.ServeHTTP(w, r)
}

// compress returns what text shrinks to, once for all who ask for it.
func compress(files fs.FS) map[string][]byte {
	compressed := map[string][]byte{}
	for _, pattern := range []string{"assets/*.js", "assets/*.css"} {
		names, _ := fs.Glob(files, pattern) // the patterns are well formed
		for _, name := range names {
			data, err := fs.ReadFile(files, name)
			if err != nil {
				continue // the file server will say why
			}
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(data) // a buffer does not fail
			_ = z.Close()
			compressed[name] = b.Bytes()
		}
	}
	return compressed
}

// wantsPage tells somebody who opens an address from a missing file.
func wantsPage(r *http.Request, name string) bool {
	if strings.HasPrefix(name, "assets/") {
		return false
	}
	return name == "" || name == "index.html" || strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (p page) index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	index, err := fs.ReadFile(p.files, "index.html")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		index = []byte(notBuilt)
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(index) // the client has gone
	}
}
