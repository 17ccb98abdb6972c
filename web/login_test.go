package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
	"github.com/eventim-go/eventim/web/access"
)

func TestHistoryNamesThePerson(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	pool := s.pool
	s.gated()
	s.pool = pool
	s.handle()
	n := s.serve()
	clara := n.logIn("clara")
	n.post("inv-1", "CreateInvoice", create, "Cookie", clara, "X-User", "somebody else").want(t, 200)
	c, _, err := n.dial("Cookie", n.logIn("ben"))
	if err != nil {
		t.Fatal(err)
	}
	c.send(map[string]any{"type": "hello", "origin": "page"})
	c.next("welcome")
	c.command("cmd-2", "inv-1", "AddLineItem", addLine)
	results, _ := c.results("cmd-2")
	position, _ := results["cmd-2"]["effect"].(string)
	history := n.get("/api/invoices/inv-1/history?wait=30s&position="+position, "Cookie", clara)
	for i, want := range []string{"Clara", "Ben"} {
		wantJSON(t, history.json("events").([]any)[i], "actor", want)
	}
}

func TestWhoOpensThePageIsSentToLogIn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	for path, want := range map[string]string{"/invoices/1?q=a%26b": "/login?to=%2Finvoices%2F1%3Fq%3Da%2526b", "/account": "/login?to=%2Faccount"} {
		got := visit(t, http.MethodGet, n.url+path, "", "Accept", "text/html")
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != want {
			t.Errorf("%s: got %d, %s", path, got.StatusCode, got.Header.Get("Location"))
		}
	}
	got := visit(t, http.MethodGet, n.url+"/api/invoices", "", "Accept", "text/html")
	if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("the API: got %d, %v", got.StatusCode, got.Header)
	}
}

// Without a session the role of who is not known counts, and no more.
func TestAnonymousHaveTheRoleOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated(func(c *access.Config) { c.Anonymous = access.Clerk })
	n := s.serve()
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create).want(t, http.StatusAccepted)
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/ReceivePayment", pay).want(t, http.StatusUnauthorized, "code", "login_required")
	n.get("/api/me").want(t, 200, "login", true, "known", false, "role", "clerk")
	n.get("/api/me", "Cookie", n.logIn("ada")).want(t, 200, "known", true, "role", "admin", "name", "Ada")
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create, "Cookie", n.logIn("vera")).want(t, 403, "code", "forbidden")
}

func TestSessionsCanBeListedAndEnded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	here, there := n.logIn("ada"), n.logIn("ada")
	list := n.get("/api/sessions", "Cookie", here)
	sessions, _ := list.json("sessions").([]any)
	if len(sessions) != 2 {
		t.Fatalf("got %s", list.text)
	}
	for _, each := range sessions {
		if each.(map[string]any)["current"] == false {
			path := "/api/sessions/" + each.(map[string]any)["id"].(string)
			n.do(http.MethodDelete, path, "", "Cookie", n.logIn("ben")).want(t, 404, "code", "session_not_found")
			if got := n.do(http.MethodDelete, path, "", "Cookie", here); got.status != http.StatusNoContent {
				t.Errorf("got %d: %s", got.status, got.text)
			}
		}
	}
	n.get("/api/me", "Cookie", there).want(t, 200, "known", false)
	n.do(http.MethodDelete, "/api/sessions", "", "Cookie", here, "Sec-Fetch-Site", "cross-site").want(t, 403, "code", "cross_origin")
	n.get("/api/me", "Cookie", here).want(t, 200, "known", true)
	again := n.logIn("ada")
	if got := n.do(http.MethodDelete, "/api/sessions", "", "Cookie", here); got.status != http.StatusNoContent {
		t.Errorf("got %d: %s", got.status, got.text)
	}
	for _, cookie := range []string{here, again} {
		n.get("/api/me", "Cookie", cookie).want(t, 200, "known", false)
	}
}

// The page needs no script: each of its buttons is a form.
func TestAccountPage(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	cookie := n.logIn("clara")
	page := visit(t, http.MethodGet, n.url+"/account", cookie, "User-Agent", "x")
	text, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != 200 {
		t.Fatalf("got %d, %v", page.StatusCode, err)
	}
	for _, want := range []string{"<strong>Clara</strong>", "<strong>clerk</strong>", "(this one)", `action="/account/log-out"`, `action="/account/log-out-everywhere"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	foreign := visit(t, http.MethodPost, n.url+"/account/log-out", cookie, "Sec-Fetch-Site", "cross-site")
	n.get("/api/me", "Cookie", cookie).want(t, 200, "known", true)
	out := visit(t, http.MethodPost, n.url+"/account/log-out", cookie, "Sec-Fetch-Site", "same-origin")
	if foreign.StatusCode != 403 || out.StatusCode != http.StatusSeeOther || out.Header.Get("Location") != "/login" || len(out.Cookies()) != 1 || out.Cookies()[0].MaxAge >= 0 {
		t.Errorf("got %d and %d, %v", foreign.StatusCode, out.StatusCode, out.Header)
	}
	n.get("/api/me", "Cookie", cookie).want(t, 200, "known", false)
}

// A browser calls itself what it likes, also markup.
func TestNamesOfBrowsersAreText(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	cookie := n.logIn("ada")
	if _, err := s.pool.Exec(t.Context(), `update access.sessions set data = jsonb_set(data, '{values,agent}', '"<script>alert(1)</script>"')`); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(visit(t, http.MethodGet, n.url+"/account", cookie).Body)
	if err != nil || strings.Contains(string(text), "<script>") || !strings.Contains(string(text), "&lt;script&gt;") {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestWebsocketClosesOnLogOut(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	nodes := []*node{s.serve(), s.serve()}
	cookie := nodes[0].logIn("clara")
	var open []*client
	for _, n := range nodes {
		c, _, err := n.dial("Cookie", cookie)
		if err != nil {
			t.Fatal(err)
		}
		c.send(map[string]any{"type": "hello", "origin": "page"})
		c.next("welcome")
		open = append(open, c)
	}
	visit(t, http.MethodPost, nodes[0].url+"/account/log-out", cookie)
	for _, c := range open {
		var err error
		for range 4 { // nothing comes any more but heartbeats
			if _, err = c.read(); err != nil {
				break
			}
		}
		if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRefusedLoginSaysSo(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	n := s.serve()
	got := visit(t, http.MethodGet, n.url+"/login/callback?code=x&state=y", "")
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != 403 || !strings.Contains(string(text), "login_unknown") || !strings.Contains(string(text), `href="/login?to=/"`) {
		t.Errorf("got %d: %s, %v", got.StatusCode, text, err)
	}
}

// Nothing is taken from somebody who cannot be known, and health does not ask.
func TestWithoutTheDatabaseNobodyIsKnown(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.gated()
	s.pool = deadPool(t)
	n := s.serve()
	n.get("/api/invoices", "Cookie", "eventim=x").want(t, 503, "code", "sessions_unavailable")
	n.do(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create, "Cookie", "eventim=x").want(t, 503, "code", "sessions_unavailable")
	n.get("/api/invoices").want(t, 401)
	if got := n.get("/healthz", "Cookie", "eventim=x"); got.status != 200 {
		t.Errorf("healthz: %d", got.status)
	}
}

func TestGateAndActorExcludeEachOther(t *testing.T) {
	t.Parallel()
	gate, err := access.New(access.Config{Issuer: "https://login.example", ClientID: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.New(web.Config{Aggregate: invoices.Aggregate, Gate: gate, Actor: web.ActorHeader("X-User")}); err == nil {
		t.Error("want an error")
	}
}
