package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// joined makes one line of headers that came in several, as RFC 9110 allows for
// lists: who reads a header sees its first line only. One that may stand once
// becomes something that is refused. An empty one that asks for safety is
// refused here, since it could not be told from none later.
func joined(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{
			"Content-Encoding", "Content-Type", "Eventim-Origin", "Idempotency-Key", "If-Match", "Prefer", "Traceparent",
		} {
			if lines := r.Header[name]; len(lines) > 1 {
				r.Header[name] = []string{strings.Join(lines, ", ")}
			}
		}
		for _, name := range []string{"Idempotency-Key", "If-Match"} {
			if lines := r.Header[name]; len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
				newProblem(codeRequestInvalid, "%s is empty; leave it out, or send one.", name).write(w)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// addressed refuses an address that is not text: no view holds such a thing,
// and Postgres does not even look for it.
func addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if text := r.URL.Path + query; err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			newProblem(codeRequestInvalid, "The address is not percent-encoded UTF-8, or has a NUL in it.").write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
