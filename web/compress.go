package web

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

const (
	minCompressed = 2 << 10 // bytes; below, all is one packet anyway
	jitter        = 32      // bytes at most
)

// compressed makes the answers of the API smaller for those who take gzip.
//
// The length of a compressed answer tells what is in it (BREACH) to somebody
// who watches the line and makes the browser of a person ask again and again.
// So nothing is compressed for pages of other sites, and the length is blurred
// by what depends on the content, so that asking again does not help.
func compressed(next http.Handler) http.Handler {
	gzip, err := gzhttp.NewWrapper(
		gzhttp.EnableZstd(false), gzhttp.MinSize(minCompressed), gzhttp.RandomJitter(jitter, 0, false),
	)
	if err != nil {
		panic(err) // the options are constant
	}
	smaller := gzip(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, anyAPI) || r.Header.Get("Upgrade") != "" || !ownPage(r) {
			next.ServeHTTP(w, r)
			return
		}
		smaller(&weakener{ResponseWriter: w}, r)
	})
}

// ownPage tells what browsers say of a request that was not made by a page of
// another site. Programs say nothing.
func ownPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	default:
		return false
	}
}

// weakener makes the tag of a compressed answer weak: a strong one names bytes,
// and these are others. As If-Match it is still the version.
type weakener struct {
	http.ResponseWriter

	done bool
}

// WriteHeader writes the head.
func (w *weakener) WriteHeader(status int) {
	h := w.Header()
	if tag := h.Get("ETag"); !w.done && h.Get("Content-Encoding") != "" && strings.HasPrefix(tag, `"`) {
		h.Set("ETag", "W/"+tag)
	}
	w.done = w.done || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the head before the first bytes.
func (w *weakener) Write(b []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *weakener) Unwrap() http.ResponseWriter { return w.ResponseWriter }
