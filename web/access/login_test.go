package access

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestPersonIsKnownAfterTheLogin(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	if p := b.who(); p.Known() || p.Role != Nobody {
		t.Errorf("before: got %+v", p)
	}
	p, to, err := b.come(b.ask(userOf("vera", "viewer"), "/invoices/1?q=x"))
	if err != nil || to != "/invoices/1?q=x" {
		t.Fatalf("got %q, error %v", to, err)
	}
	want := Principal{Person: l.provider.Issuer() + " id-of-vera", Name: "vera", Role: Viewer, Session: p.Session}
	if got := b.who(); p != want || got != want || p.Session == "" {
		t.Errorf("got %+v and then %+v, want %+v", p, got, want)
	}
	if got := l.browser().who(); got.Known() {
		t.Errorf("another browser is %+v", got)
	}
}

// A token that is not from the issuer, for this client, for this login, and of
// today, makes nobody known.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(map[string]any) string {
		return func(claims map[string]any) string {
			claims[name] = value
			return l.sign(claims, jose.SigningKey{})
		}
	}
	now := time.Now()
	for name, forge := range map[string]func(map[string]any) string{
		"wrong issuer":       set("iss", "https://evil.example"),
		"wrong audience":     set("aud", "another-client"),
		"several audiences":  set("aud", []string{l.provider.ClientID, "another-client"}),
		"wrong party":        set("azp", "another-client"),
		"expired":            set("exp", now.Add(-time.Minute).Unix()),
		"not yet valid":      set("nbf", now.Add(time.Hour).Unix()),
		"wrong nonce":        set("nonce", "of-another-login"),
		"no nonce":           set("nonce", ""),
		"no subject":         set("sub", ""),
		"a name with a line": set("preferred_username", "a\nb"),
		"another key": func(claims map[string]any) string {
			return l.sign(claims, jose.SigningKey{Algorithm: jose.RS256, Key: other})
		},
		"the client's secret as key": func(claims map[string]any) string {
			return l.sign(claims, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(l.provider.ClientSecret + "................................")})
		},
		"unsigned": func(claims map[string]any) string {
			payload, _ := json.Marshal(claims)
			encode := base64.RawURLEncoding.EncodeToString
			return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
		},
		"no token": func(map[string]any) string { return "" },
	} {
		b := l.browser()
		l.forge = forge
		p, _, err := b.come(b.ask(userOf("ada", "admin"), "/"))
		if codeOf(err) != "login_refused" || b.who().Known() {
			t.Errorf("%s: got %+v, error %v", name, p, err)
		}
	}
	l.forge = func(claims map[string]any) string { return l.sign(claims, jose.SigningKey{}) }
	if p := l.browser().logIn(userOf("ada", "admin")); p.Role != Admin {
		t.Errorf("a token with nothing changed: got %+v", p)
	}
}

func TestAnswerOfAnotherLoginIsRefused(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	for name, c := range map[string]struct {
		want   string
		change func(url.Values)
	}{
		"wrong state":                 {"login_unknown", func(q url.Values) { q.Set("state", "x") }},
		"no state":                    {"login_unknown", func(q url.Values) { q.Del("state") }},
		"another issuer":              {"login_refused", func(q url.Values) { q.Set("iss", "https://evil.example") }},
		"wrong code":                  {"login_refused", func(q url.Values) { q.Set("code", "x") }},
		"the provider says no":        {"login_refused", func(q url.Values) { q.Set("error", "access_denied") }},
		"nothing changed, to compare": {"", func(url.Values) {}},
	} {
		b := l.browser()
		_, _, err := b.come(changed(t, b.ask(userOf("ada", "admin"), "/"), c.change))
		if codeOf(err) != c.want || b.who().Known() != (c.want == "") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// Who is led to the end of somebody else's login does not become somebody else.
func TestAnswerBelongsToItsBrowser(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	attacker, victim := l.browser(), l.browser()
	location := attacker.ask(userOf("ada", "admin"), "/")
	if _, _, err := victim.come(location); codeOf(err) != "login_unknown" {
		t.Errorf("without a login of its own: %v", err)
	}
	victim.ask(userOf("vera", "viewer"), "/")
	if _, _, err := victim.come(location); codeOf(err) != "login_unknown" {
		t.Errorf("with a login of its own: %v", err)
	}
}

func TestAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	location := b.ask(userOf("ada", "admin"), "/")
	before := &browser{l, maps.Clone(b.cookies)}
	if _, _, err := b.come(location); err != nil {
		t.Fatal(err)
	}
	if _, _, err := before.come(location); codeOf(err) != "login_unknown" {
		t.Errorf("again, with the cookie of before: %v", err)
	}
	failed := l.browser()
	location = failed.ask(userOf("ada", "admin"), "/")
	_, _, _ = failed.come(changed(t, location, func(q url.Values) { q.Set("code", "x") }))
	if _, _, err := failed.come(location); codeOf(err) != "login_unknown" {
		t.Errorf("again, after it failed: %v", err)
	}
}

// Of two who come at a time, one finds the attempt, so that it does not rest on the
// provider that a code counts once.
func TestAnswerCountsOnceAtATime(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	b.ask(userOf("ada", "admin"), "/")
	var both []context.Context
	for range 2 {
		r, _ := b.request("/")
		ctx, err := load(t.Context(), r, l.attempts)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, ctx)
	}
	for i, ctx := range both {
		if a, err := l.takeAttempt(ctx, httptest.NewRecorder()); err != nil || (a.state != "") != (i == 0) {
			t.Errorf("number %d: got %+v, error %v", i+1, a, err)
		}
	}
}

func TestAttemptTakesTenMinutes(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	location := b.ask(userOf("ada", "admin"), "/")
	l.moved = attemptLifetime + time.Second
	if _, _, err := b.come(location); codeOf(err) != "login_unknown" {
		t.Errorf("got %v", err)
	}
}

func TestRolesOfAPerson(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	for _, c := range []struct {
		groups []string
		want   Role
	}{
		{[]string{"viewer"}, Viewer},
		{[]string{"clerk", "viewer"}, Clerk},
		{[]string{"Accounts", "everyone"}, Bookkeeper},
		{[]string{"admin"}, Admin},
		{[]string{"Admin", "everyone"}, Nobody},
		{nil, Nobody},
	} {
		b := l.browser()
		p, _, err := b.come(b.ask(userOf("somebody", c.groups...), "/"))
		if got := b.who(); got.Role != c.want || c.want != Nobody && p.Role != c.want {
			t.Errorf("%v: got %+v, want %v", c.groups, got, c.want)
		}
		if c.want == Nobody && codeOf(err) != "login_no_role" {
			t.Errorf("%v: got %v", c.groups, err)
		}
	}
}

func TestNameIsOneThatNobodyElseHas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claims map[string]any
		want   string
	}{
		{map[string]any{"email": "ada@example.com", "email_verified": true, "preferred_username": "ada"}, "ada@example.com"},
		{map[string]any{"email": "ada@example.com", "preferred_username": "ada"}, "ada"},
		{map[string]any{"email": "ada@example.com", "email_verified": false, "name": "Ada"}, "s-1"},
		{map[string]any{"preferred_username": " Zoe\u0308 "}, "Zoë"},
		{map[string]any{"preferred_username": 7}, "s-1"},
	} {
		if got := nameOf("s-1", c.claims); got != c.want {
			t.Errorf("%v: got %q, want %q", c.claims, got, c.want)
		}
	}
}

func TestOnlyOwnPathsAreReturnedTo(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/": "/", "/invoices/1?q=a#b": "/invoices/1?q=a#b", "": "/", "//evil.example": "/", "https://evil.example": "/",
		`/\evil.example`: "/", "/\t/evil.example": "/", "javascript:alert(1)": "/", "/a\r\nb": "/",
	} {
		if got := pathOnly(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
