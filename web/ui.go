package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
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
	files fs.FS
	serve http.Handler
}

func newPage() page {
	files, err := fs.Sub(dist, "ui/dist")
	if err != nil {
		panic(err) // the path is constant
	}
	return page{files, http.FileServerFS(files)}
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		newProblem(codeNotFound, "%s %s is not part of the API; /openapi.json says what is.", r.Method, r.URL.Path).write(w)
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
	p.serve.ServeHTTP(w, r)
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
