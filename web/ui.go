package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
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

const index = "index.html"

// page serves the files of the page, by name. Paths of the page itself, such as
// /invoices/1, get its index: the page routes them.
type page map[string]asset

// newPage reads and compresses what is embedded, once for all servers.
var newPage = sync.OnceValue(func() page {
	files, err := fs.Sub(dist, "ui/dist")
	if err != nil {
		panic(err) // the path is constant
	}
	return newPageOf(files)
})

func newPageOf(files fs.FS) page {
	p := page{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(files, name)
		p[name] = newAsset(name, data, keep(name))
		return err
	})
	if err != nil {
		panic(err) // the files are in memory
	}
	return p
}

// keep is for how long: files in assets carry a hash of their content in the
// name, so that they never change.
func keep(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return immutable
	}
	return revalidated
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		answerMethod(w, r, http.MethodGet, http.MethodHead)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	file, found := p[name]
	switch {
	case found:
		file.ServeHTTP(w, r)
	case wantsPage(r, name):
		p.index(w, r)
	default:
		newProblem(codeNotFound, "There is no file %s.", r.URL.Path).write(w)
	}
}

// wantsPage tells somebody who opens an address from a missing file.
func wantsPage(r *http.Request, name string) bool {
	if strings.HasPrefix(name, "assets/") {
		return false
	}
	return name == "" || name == index || strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (p page) index(w http.ResponseWriter, r *http.Request) {
	if built, ok := p[index]; ok {
		built.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(notBuilt)) // the client has gone
	}
}
