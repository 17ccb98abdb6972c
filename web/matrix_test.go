package web_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web/access"
)

// who asks, and how they show who they are.
type who struct {
	name   string
	role   access.Role
	cookie func() string
}

// everyone is all that may come: nobody, each role, and sessions that are none.
func (s *system) everyone(n *node) []who {
	expired := n.logIn("ada")
	if _, err := s.pool.Exec(s.t.Context(), `update access.sessions set expires = now() - interval '1 second'`); err != nil {
		s.t.Fatal(err)
	}
	person := func(name string) func() string { // some routes log out
		cookie := ""
		return func() string {
			if cookie == "" || n.get("/api/me", "Cookie", cookie).json("known") != true {
				cookie = n.logIn(name)
			}
			return cookie
		}
	}
	always := func(cookie string) func() string { return func() string { return cookie } }
	return []who{
		{"nobody", access.Nobody, always("")},
		{"viewer", access.Viewer, person("vera")},
		{"clerk", access.Clerk, person("clara")},
		{"bookkeeper", access.Bookkeeper, person("ben")},
		{"admin", access.Admin, person("ada")},
		{"expired", access.Nobody, always(expired)},
		{"forged", access.Nobody, always("eventim=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
	}
}

// routesOf lists all that the server has: the operations that it describes, and
// what is beside them.
func routesOf(n *node) []string {
	n.t.Helper()
	routes := []string{
		"GET /", "GET /invoices/inv-1", "GET /account", "POST /account/log-out", "POST /account/log-out-everywhere",
		"POST /account/sessions/{id}/end", "POST /account/tokens", "POST /account/tokens/{id}/revoke", "GET /login", "GET /login/callback", "GET /account/style.css", "GET /assets/none.js",
		"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /openapi.yaml", "GET /openapi-3.0.json", "GET /openapi-3.0.yaml",
		"GET /api/live", "GET /api/nothing", "OPTIONS /api/invoices", "POST /api/invoices/{id}/commands/Nothing",
	}
	paths, _ := n.get("/openapi.json").json("paths").(map[string]any)
	for path, operations := range paths {
		for method := range operations.(map[string]any) {
			routes = append(routes, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	return routes
}

// Each route, as everyone who may come, is open to just those to whom the
// committed table opens it.
func TestMatrixOfRoutes(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	all := s.everyone(n)
	var got strings.Builder
	for _, route := range routesOf(n) {
		fmt.Fprintf(&got, "%s:", route)
		for _, w := range all {
			method, path, _ := strings.Cut(route, " ")
			path = strings.NewReplacer("{id}", "inv-1", "{key}", "cmd-1").Replace(path)
			answer, err := n.try(method, path, "", "Cookie", w.cookie())
			if err != nil {
				t.Fatal(err)
			}
			code, _ := answer.json("code").(string)
			switch {
			case code == "login_required" && answer.status == http.StatusUnauthorized && w.role == access.Nobody:
			case code == "forbidden" && answer.status == http.StatusForbidden && w.role > access.Nobody:
			case answer.status == http.StatusUnauthorized || code == "forbidden" || code == "login_required":
				t.Errorf("%s as %s: got %d %s", route, w.name, answer.status, code)
			default:
				fmt.Fprintf(&got, " %s", w.name)
			}
		}
		got.WriteString("\n")
	}
	golden(t, "testdata/routes.txt", got.String())
}

// Each command over the websocket is taken from just those from whom it is taken
// over HTTP, and nobody else connects.
func TestMatrixOfTheWebsocket(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	names := invoices.Aggregate.Commands.(interface{ Names() []string }).Names()
	for _, w := range s.everyone(n) {
		c, resp, err := n.dial("Cookie", w.cookie())
		if w.role == access.Nobody {
			if err == nil || resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: the websocket opened", w.name)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		c.send(map[string]any{"type": "hello", "origin": "page"})
		c.next("welcome")
		for _, name := range names {
			body := bodies[name].body
			if !invoices.Asked(name) {
				body = `{"series":"2026","number":"2026-0001"}`
			}
			c.command(w.name+name, w.name+name, name, body)
			frame, err := c.read()
			for err == nil && frame["type"] != "ack" && frame["type"] != "refused" {
				frame, err = c.read()
			}
			needed, _ := access.ForCommand(name)
			problem, _ := frame["problem"].(map[string]any)
			if !invoices.Asked(name) { // nobody's, whatever the role
				if err != nil || frame["type"] != "refused" {
					t.Errorf("%s sends %s: got %v, error %v", w.name, name, frame, err)
				}
				continue
			}
			if refused := problem["code"] == "forbidden"; err != nil || refused != (w.role < needed) {
				t.Errorf("%s sends %s: got %v, error %v", w.name, name, frame, err)
			}
		}
	}
}

// golden compares with a committed file, which -update writes.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; got\n%s", file, got)
	}
}
