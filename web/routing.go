package web

import "net/http"

// routing is a ServeMux that knows its patterns, so that none is without a line
// in the table of roles.
type routing struct {
	*http.ServeMux
	patterns []string
}

func newRouting() *routing { return &routing{ServeMux: http.NewServeMux()} }

// Handle adds a route.
func (m *routing) Handle(pattern string, handler http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, handler)
}

// HandleFunc adds a route.
func (m *routing) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(handler))
}
