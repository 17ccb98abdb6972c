package web

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/eventim-go/eventim/web/access"
)

const noStore = "no-store"

// routes puts everything together, the outermost layer last.
func (s *Server) routes() (http.Handler, error) {
	mux := newRouting()
	s.registerAPI(mux)
	s.registerLogin(mux)
	mux.Handle("/assets/", newPage())
	mux.Handle(anyPage, newPage())
	if err := access.CheckRoutes(mux.patterns); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	crossOrigin := http.NewCrossOriginProtection()
	for _, origin := range s.allowedOrigins {
		if err := crossOrigin.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("web: allowed origin %q: %w", origin, err)
		}
	}
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		newProblem(codeCrossOrigin, "A page of another site may not change anything here.").write(w)
	}))
	handler := s.identified(mux.ServeMux)
	for _, layer := range []func(http.Handler) http.Handler{
		joined, addressed, compressed, crossOrigin.Handler, s.shared, s.directed, framed, secured, s.recovered,
	} {
		handler = layer(handler)
	}
	return handler, nil
}

// policy allows the page nothing but this server.
const policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// permissions are what the page does not need, and nothing that gets into it may have.
const permissions = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()"

// secured adds what holds for every answer. What may be kept says so itself.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Permissions-Policy", permissions)
		h.Set("Cache-Control", noStore)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// recovered answers a request whose handler panicked.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.log.Error("request panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			newProblem(codeInternal, "The server could not answer; its log says why.").write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

// bufferPool lets connections share their write buffers.
type bufferPool struct{ sync.Pool }
