package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/devlogin"
	"github.com/eventim-go/eventim/web"
	"github.com/eventim-go/eventim/web/access"
)

// gated gives the system a database, and people: vera, clara, ben and ada, a
// viewer, a clerk, a bookkeeper and an admin.
func (s *system) gated(configure ...func(*access.Config)) {
	s.t.Helper()
	s.migrate()
	provider, err := devlogin.Listen(s.t.Context(), 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("provider", provider.Run)
	s.t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	s.configure = func(c *web.Config) {
		config := access.Config{Issuer: provider.Issuer, ClientID: devlogin.ClientID, Pool: s.pool, Logger: quiet()}
		for _, f := range configure {
			f(&config)
		}
		if c.Gate, err = access.New(config); err != nil {
			s.t.Fatal(err)
		}
	}
}

// visit asks without following anywhere.
func visit(t testing.TB, method, address, cookies string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Close = true
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func cookiesOf(r *http.Response) string {
	var all []string
	for _, c := range r.Cookies() {
		if c.MaxAge >= 0 {
			all = append(all, c.Name+"="+c.Value)
		}
	}
	return strings.Join(all, "; ")
}

// logIn picks a person, and returns the cookie that a browser would keep.
func (n *node) logIn(person string) string {
	n.t.Helper()
	begun := visit(n.t, http.MethodGet, n.url+"/login?to=/", "")
	address, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || begun.StatusCode != http.StatusSeeOther {
		n.t.Fatalf("got %d, %v", begun.StatusCode, err)
	}
	address.Path = "/pick/" + person
	picked := visit(n.t, http.MethodGet, address.String(), "")
	back := visit(n.t, http.MethodGet, picked.Header.Get("Location"), cookiesOf(begun))
	if back.StatusCode != http.StatusSeeOther || cookiesOf(back) == "" {
		n.t.Fatalf("%s is not let in: %d", person, back.StatusCode)
	}
	return cookiesOf(back)
}
