package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Headers that pages of other origins may send, and read. Authorization is for
// a proxy that knows people.
const (
	corsRequestHeaders  = "Authorization, Content-Type, Eventim-Origin, Idempotency-Key, If-Match, Prefer, Traceparent"
	corsResponseHeaders = "Allow, ETag, Location, Preference-Applied, Retry-After"
	corsMethods         = "GET, HEAD, POST"
	corsMaxAge          = "7200" // seconds; browsers take no more
)

// shared lets pages of the allowed origins read the answers (CORS), with the
// cookies by which a proxy knows people. A preflight is answered like any
// OPTIONS: for a path that does not exist it fails.
func (s *Server) shared(next http.Handler) http.Handler {
	if len(s.allowedOrigins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); slices.Contains(s.allowedOrigins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", corsResponseHeaders)
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", corsMethods)
				h.Set("Access-Control-Allow-Headers", corsRequestHeaders)
				h.Set("Access-Control-Max-Age", corsMaxAge)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// originsOf writes origins as browsers do, who compare them byte by byte.
func originsOf(configured []string) ([]string, error) {
	origins := make([]string, len(configured))
	for i, origin := range configured {
		u, err := url.Parse(strings.ToLower(origin))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme+"://"+u.Host != strings.ToLower(origin) {
			return nil, fmt.Errorf("allowed origin %q: want https://host[:port], without a path", origin)
		}
		defaultPort := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
		origins[i] = u.Scheme + "://" + strings.TrimSuffix(u.Host, defaultPort)
	}
	return origins, nil
}
