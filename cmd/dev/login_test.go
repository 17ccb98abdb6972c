package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// visit asks for an address without following anywhere, as a browser with cookies.
func (c *child) visit(t *testing.T, address, cookies string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookies)
	r.Close = true
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, &c.Stderr)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// logIn clicks on a person, and returns the cookie.
func (c *child) logIn(t *testing.T, person string) string {
	t.Helper()
	begun := c.visit(t, c.url+"/login?to=/", "")
	address, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || len(begun.Cookies()) == 0 {
		t.Fatalf("got %d, %v", begun.StatusCode, err)
	}
	address.Path = "/pick/" + person
	picked := c.visit(t, address.String(), "")
	back := c.visit(t, picked.Header.Get("Location"), begun.Cookies()[0].Name+"="+begun.Cookies()[0].Value)
	for _, cookie := range back.Cookies() {
		if cookie.MaxAge >= 0 {
			return cookie.Name + "=" + cookie.Value
		}
	}
	t.Fatalf("%s is not let in: %d\n%s", person, back.StatusCode, &c.Stderr)
	return ""
}

// What a new user tries first works without a login, and the login is there.
func TestLoginIsOffered(t *testing.T) {
	t.Parallel()
	c := start(t, pgtest.Dir(t))
	c.want(t, http.MethodGet, "/api/me", "", `"login":true`, `"known":false`, `"role":"admin"`)
	if got := c.visit(t, c.url+"/api/live", c.logIn(t, "vera")); got.StatusCode != http.StatusBadRequest { // no websocket, but let in
		t.Errorf("got %d", got.StatusCode)
	}
}

func TestLoginCanBeRequired(t *testing.T) {
	t.Parallel()
	c := start(t, pgtest.Dir(t), "--login", "required")
	if status, answer := c.ask(t, http.MethodGet, "/api/invoices", ""); status != http.StatusUnauthorized || !strings.Contains(answer, "login_required") {
		t.Errorf("got %d %s", status, answer)
	}
	vera := c.logIn(t, "vera")
	if got := c.visit(t, c.url+"/api/handling", vera); got.StatusCode != http.StatusOK {
		t.Errorf("got %d", got.StatusCode)
	}
}
