package access

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIdleSessionEnds(t *testing.T) {
	t.Parallel()
	l := newLobby(t, func(c *Config) { c.Idle, c.Lifetime = time.Hour, 12*time.Hour })
	b := l.browser()
	b.logIn(userOf("vera", "viewer"))
	for range 3 { // each use of it lets it live on
		l.moved += 50 * time.Minute
		if !b.who().Known() {
			t.Fatalf("ended after %v, though it was used", l.moved)
		}
	}
	l.moved += time.Hour + time.Minute
	if b.who().Known() {
		t.Error("still there after an hour without a request")
	}
}

func TestSessionEndsHoweverMuchItIsUsed(t *testing.T) {
	t.Parallel()
	l := newLobby(t, func(c *Config) { c.Idle, c.Lifetime = time.Hour, 3*time.Hour })
	b := l.browser()
	b.logIn(userOf("vera", "viewer"))
	for l.moved < 3*time.Hour-30*time.Minute {
		l.moved += 30 * time.Minute
		if !b.who().Known() {
			t.Fatalf("ended after %v", l.moved)
		}
	}
	l.moved = 3*time.Hour + time.Minute
	if b.who().Known() {
		t.Error("still there after its time")
	}
}

func TestUseOverAWebsocketCounts(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	p := b.logIn(userOf("vera", "viewer"))
	defer l.Attend(p, func() {})()
	for range 3 {
		l.moved += 50 * time.Minute
		l.Touch(t.Context(), p)
	}
	if !b.who().Known() {
		t.Error("ended, though it was used")
	}
}

func TestLogOutEndsTheSessionOnTheServer(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	b.logIn(userOf("vera", "viewer"))
	stolen := *b.cookies["eventim"]
	r, w := b.request("/account/log-out")
	if err := l.LogOut(w, r); err != nil {
		t.Fatal(err)
	}
	if b.keep(w); len(b.cookies) != 0 {
		t.Errorf("the browser keeps %v", b.cookies)
	}
	b.cookies["eventim"] = &stolen
	if b.who().Known() {
		t.Error("the cookie still counts")
	}
}

func TestLogInGivesANewCookie(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	b.logIn(userOf("vera", "viewer"))
	first := *b.cookies["eventim"]
	b.logIn(userOf("ada", "admin"))
	if b.cookies["eventim"].Value == first.Value || b.who().Name != "ada" {
		t.Errorf("got %+v", b.who())
	}
	b.cookies["eventim"] = &first
	if b.who().Known() {
		t.Error("the cookie of before still counts")
	}
}

func TestSessionsAreOnesOwn(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	here, there, other := l.browser(), l.browser(), l.browser()
	ada := here.logIn(userOf("ada", "admin"))
	away := there.logIn(userOf("ada", "admin"))
	vera := other.logIn(userOf("vera", "viewer"))
	list, err := l.Sessions(t.Context(), ada)
	if err != nil || len(list) != 2 || list[0].Agent != "Test/1.0" || list[0].Address == "" {
		t.Fatalf("got %+v, error %v", list, err)
	}
	for _, id := range []string{vera.Session, "", "x"} {
		if ended, err := l.End(t.Context(), ada, id); ended || err != nil {
			t.Errorf("session %q: ended %v, error %v", id, ended, err)
		}
	}
	if ended, err := l.End(t.Context(), ada, away.Session); !ended || err != nil {
		t.Errorf("ended %v, error %v", ended, err)
	}
	if there.who().Known() || !here.who().Known() || !other.who().Known() {
		t.Error("one was to end, and no other")
	}
	there.logIn(userOf("ada", "admin"))
	if err := l.EndAll(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if there.who().Known() || here.who().Known() || !other.who().Known() {
		t.Error("all of one person were to end, and no others")
	}
}

// Who reads the table cannot log in with what stands there.
func TestTableHasNoTokens(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	b := l.browser()
	b.logIn(userOf("ada", "admin"))
	rows, err := l.config.Pool.Query(t.Context(), `select token_hash || data::text from access.sessions`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil || strings.Contains(row, b.cookies["eventim"].Value) {
			t.Errorf("the token stands in %s, error %v", row, err)
		}
	}
}

func TestAttendedSessionsAreToldThatTheyEnded(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	run(t, l.Gate)
	elsewhere, err := New(l.config) // another node
	if err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(*browser, Principal) error{
		"log-out here":    func(b *browser, _ Principal) error { r, w := b.request("/"); return l.LogOut(w, r) },
		"everywhere":      func(_ *browser, p Principal) error { return l.EndAll(t.Context(), p) },
		"on another node": func(_ *browser, p Principal) error { return elsewhere.EndAll(t.Context(), p) },
		"a new login":     func(b *browser, _ Principal) error { b.logIn(userOf("ada", "admin")); return nil },
		"in the database": func(*browser, Principal) error {
			_, err := l.config.Pool.Exec(t.Context(), `update access.sessions set expires = now() - interval '1 second' where person like '%in the database'`)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, bystander := l.browser(), l.browser()
			gone, wrong := make(chan struct{}, 10), make(chan struct{}, 10)
			p := b.logIn(userOf(name, "viewer"))
			defer l.Attend(p, func() { gone <- struct{}{} })()
			defer l.Attend(bystander.logIn(userOf("bystander", "viewer")), func() { wrong <- struct{}{} })()
			if err := end(b, p); err != nil {
				t.Fatal(err)
			}
			<-gone
			if len(wrong) > 0 {
				t.Error("somebody else was told")
			}
		})
	}
}

// Nobody stays for long whom nobody can be asked about.
func TestAttendedAreLetGoWhenNobodyKnows(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	p := l.browser().logIn(userOf("vera", "viewer"))
	gone := 0
	defer l.Attend(p, func() { gone++ })()
	since := l.look(t.Context(), l.now())
	l.config.Pool.Close()
	l.moved += trustFor / 2
	if since = l.look(t.Context(), since); gone != 0 {
		t.Fatal("gone at once")
	}
	l.moved += trustFor
	if l.look(t.Context(), since); gone != 1 {
		t.Error("still there")
	}
}

func TestWhatHasEndedIsForgotten(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.browser().ask(userOf("vera", "viewer"), "/") // and never comes back
	l.browser().logIn(userOf("vera", "viewer"))
	l.moved = 24 * time.Hour
	if err := l.store.purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := l.config.Pool.QueryRow(t.Context(), `select count(*) from access.sessions`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, error %v", left, err)
	}
}

func TestCookiesOfTLSAreOfThisHostOnly(t *testing.T) {
	t.Parallel()
	l := newLobby(t, func(c *Config) { c.URL = "https://invoices.example" })
	b := l.browser()
	b.logIn(userOf("vera", "viewer"))
	c := b.cookies["__Host-eventim"]
	if len(b.cookies) != 1 || c == nil || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != 2 {
		t.Errorf("got %v", b.cookies)
	}
}

func TestConfigurationThatIsUnsafeIsRefused(t *testing.T) {
	t.Parallel()
	good := Config{Issuer: "https://login.example", ClientID: "x", URL: "https://invoices.example"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func(*Config){
		func(c *Config) { c.Issuer = "" },
		func(c *Config) { c.ClientID = "" },
		func(c *Config) { c.Issuer = "http://login.example" },
		func(c *Config) { c.URL = "http://invoices.example" },
		func(c *Config) { c.URL = "http://127.0.0.1.evil.example" },
		func(c *Config) { c.URL = "invoices.example" },
		func(c *Config) { c.Idle, c.Lifetime = 2*time.Hour, time.Hour },
		func(c *Config) { c.Idle = time.Second },
		func(c *Config) { c.Anonymous = Open },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%+v: want an error", c)
		}
	}
}

func run(t *testing.T, g *Gate) {
	t.Helper()
	done := make(chan error, 1)
	ctx, cancel := contextOf(t)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRolesAreALadder(t *testing.T) {
	t.Parallel()
	ladder := []Role{Nobody, Viewer, Clerk, Bookkeeper, Admin}
	for i, has := range ladder {
		for j, needs := range ladder {
			if (Principal{Role: has}).May(needs) != (i >= j) {
				t.Errorf("%v, which needs %v", has, needs)
			}
		}
		if got, err := ParseRole(has.String()); got != has || err != nil {
			t.Errorf("%v: got %v, error %v", has, got, err)
		}
	}
	if !slices.IsSorted(ladder) {
		t.Error("the ladder has no order")
	}
	if _, err := ParseRole("Admin"); err == nil {
		t.Error("want an error")
	}
}
