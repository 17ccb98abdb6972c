package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestTokensOverTheAPI(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	clara := n.logIn("clara")
	made := n.do(http.MethodPost, "/api/tokens", `{"name":"nightly","role":"clerk","days":30}`, "Cookie", clara)
	made.want(t, http.StatusCreated, "about.name", "nightly", "about.role", "clerk", "about.owner", "Clara")
	secret, _ := made.json("token").(string)
	show := "Bearer " + secret
	n.get("/api/me", "Authorization", show).want(t, 200, "known", true, "name", "nightly (token of Clara)", "role", "clerk")
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create, "Authorization", show).want(t, http.StatusAccepted)
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/VoidInvoice", `{"reason":"x"}`, "Authorization", show).want(t, 403, "code", "forbidden")
	n.do(http.MethodPost, "/api/tokens", `{"name":"more","role":"viewer","days":30}`, "Authorization", show).want(t, 422, "code", "token_refused")
	n.do(http.MethodPost, "/api/tokens", `{"name":"more","role":"admin","days":30}`, "Cookie", clara).want(t, 422, "code", "token_refused")
	n.get("/api/invoices", "Authorization", show+"x").want(t, 401, "code", "token_unknown")
	// A wrong token is not made good by a session.
	n.get("/api/invoices", "Authorization", show+"x", "Cookie", clara).want(t, 401, "code", "token_unknown")
	if list := n.get("/api/tokens", "Cookie", clara); strings.Contains(list.text, secret) || !strings.Contains(list.text, "nightly") {
		t.Errorf("got %s", list.text)
	}
	c, _, err := n.dial("Authorization", show)
	if err != nil {
		t.Fatal(err)
	}
	c.send(map[string]any{"type": "hello", "origin": "page"})
	c.next("welcome")
	id, _ := made.json("about", "id").(string)
	n.do(http.MethodDelete, "/api/tokens/"+id, "", "Cookie", n.logIn("ben")).want(t, 404, "code", "token_not_found")
	if got := n.do(http.MethodDelete, "/api/tokens/"+id, "", "Cookie", clara); got.status != http.StatusNoContent {
		t.Errorf("got %d: %s", got.status, got.text)
	}
	if code := c.closeCode(); code != 1008 {
		t.Errorf("the websocket closed with %d", code)
	}
	n.get("/api/invoices", "Authorization", show).want(t, 401, "code", "token_unknown")
}

var shownToken = regexp.MustCompile(`evt_[A-Z2-7]+`)

func TestTokensOnTheAccountPage(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	ben := n.logIn("ben")
	submit := func(path string, form url.Values) string {
		answer := n.do(http.MethodPost, path, form.Encode(), "Cookie", ben, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
		if answer.status != 200 {
			t.Fatalf("%s: got %d: %s", path, answer.status, answer.text)
		}
		return answer.text
	}
	page := submit("/account/tokens", url.Values{"name": {"<b>nightly</b>"}, "role": {"viewer"}, "days": {"30"}})
	secret := shownToken.FindString(page)
	n.get("/api/me", "Authorization", "Bearer "+secret).want(t, 200, "role", "viewer")
	text, err := io.ReadAll(visit(t, http.MethodGet, n.url+"/account", ben).Body)
	if err != nil || strings.Contains(string(text), secret) || !strings.Contains(string(text), "&lt;b&gt;nightly") {
		t.Errorf("got %s, %v", text, err)
	}
	if page := submit("/account/tokens", url.Values{"name": {"x"}, "role": {"admin"}, "days": {"30"}}); shownToken.MatchString(page) || !strings.Contains(page, "token_refused") {
		t.Errorf("got %s", page)
	}
	var id string
	if err := s.pool.QueryRow(t.Context(), `select id from access.tokens`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	submitted := visit(t, http.MethodPost, n.url+fmt.Sprintf("/account/tokens/%s/revoke", id), ben)
	n.get("/api/me", "Authorization", "Bearer "+secret).want(t, 401)
	if submitted.StatusCode != http.StatusSeeOther {
		t.Errorf("got %d", submitted.StatusCode)
	}
}
