package access

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// program asks with a token.
func (l *lobby) program(secret string) (Principal, error) {
	r, _ := l.browser().request("/")
	r.Header.Set("Authorization", "Bearer "+secret)
	return l.Identify(r)
}

func (l *lobby) token(p Principal, role Role) (Token, string) {
	l.t.Helper()
	t, secret, err := l.NewToken(l.t.Context(), p, "nightly", role, 30*24*time.Hour)
	if err != nil {
		l.t.Fatal(err)
	}
	return t, secret
}

func TestTokenMakesAProgramKnown(t *testing.T) {
	t.Parallel()
	l := newLobby(t, func(c *Config) { c.Anonymous = Viewer })
	ben := l.browser().logIn(userOf("ben", "bookkeeper"))
	token, secret := l.token(ben, Clerk)
	p, err := l.program(secret)
	if err != nil || p.Role != Clerk || p.Name != "nightly (token of ben)" || p.Token != token.ID || p.Session != "" {
		t.Errorf("got %+v, error %v", p, err)
	}
	list, err := l.Tokens(t.Context(), ben)
	if err != nil || len(list) != 1 || list[0].Used == nil {
		t.Errorf("got %+v, error %v", list, err)
	}
	// A wrong one is not taken for nobody, who may read here.
	for _, wrong := range []string{"", "evt_", secret + "x", secret[:len(secret)-1], strings.ToLower(secret), token.ID, hashOf(secret)} {
		if p, err := l.program(wrong); !errors.Is(err, ErrToken) || p.Role != Nobody {
			t.Errorf("%q: got %+v, error %v", wrong, p, err)
		}
	}
	l.moved = 30*24*time.Hour + time.Minute
	if _, err := l.program(secret); !errors.Is(err, ErrToken) {
		t.Errorf("after its time: %v", err)
	}
}

func TestTokenIsNowhereAfterItWasTold(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	_, secret := l.token(l.browser().logIn(userOf("ada", "admin")), Admin)
	var row string
	if err := l.config.Pool.QueryRow(t.Context(), `select t::text from access.tokens t`).Scan(&row); err != nil || strings.Contains(row, secret) {
		t.Errorf("got %s, error %v", row, err)
	}
}

func TestTokenMayDoNoMoreThanWhoMadeIt(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	clara := l.browser().logIn(userOf("clara", "clerk"))
	_, secret := l.token(clara, Clerk)
	program, err := l.program(secret)
	if err != nil {
		t.Fatal(err)
	}
	long := clara
	long.Name = strings.Repeat("x", eventim.MaxActor) // as people may be called
	for name, c := range map[string]struct {
		by       Principal
		name     string
		role     Role
		lifetime time.Duration
	}{
		"more than its maker":       {clara, "x", Bookkeeper, time.Hour},
		"no role":                   {clara, "x", Nobody, time.Hour},
		"what is open to all":       {clara, "x", Open, time.Hour},
		"made by a program":         {program, "x", Viewer, time.Hour},
		"made by nobody":            {Principal{Role: Admin}, "x", Viewer, time.Hour},
		"for ever":                  {clara, "x", Viewer, 400 * 24 * time.Hour},
		"for no time":               {clara, "x", Viewer, 0},
		"without a name":            {clara, "", Viewer, time.Hour},
		"with a name of two lines":  {clara, "a\nb", Viewer, time.Hour},
		"with a name that is large": {clara, strings.Repeat("x", maxTokenName+1), Viewer, time.Hour},
		"too large for a history":   {long, strings.Repeat("x", maxTokenName), Viewer, time.Hour},
	} {
		_, _, err := l.NewToken(t.Context(), c.by, c.name, c.role, c.lifetime)
		if _, refused := errors.AsType[*TokenError](err); !refused {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTokensAreOnesOwnAndAnAdminsAll(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	run(t, l.Gate)
	clara, ben, ada := l.browser().logIn(userOf("clara", "clerk")), l.browser().logIn(userOf("ben", "bookkeeper")), l.browser().logIn(userOf("ada", "admin"))
	token, secret := l.token(clara, Clerk)
	other, _ := l.token(ben, Viewer)
	for p, want := range map[Principal]int{clara: 1, ben: 1, ada: 2, {}: 0} {
		if list, err := l.Tokens(t.Context(), p); err != nil || len(list) != want {
			t.Errorf("%s: got %d tokens, error %v, want %d", p.Name, len(list), err, want)
		}
	}
	if revoked, err := l.RevokeToken(t.Context(), ben, token.ID); revoked || err != nil {
		t.Errorf("that of somebody else: %v, %v", revoked, err)
	}
	program, err := l.program(secret)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{}, 10)
	defer l.Attend(program, func() { gone <- struct{}{} })()
	if revoked, err := l.RevokeToken(t.Context(), clara, token.ID); !revoked || err != nil {
		t.Errorf("one's own: %v, %v", revoked, err)
	}
	<-gone
	if _, err := l.program(secret); !errors.Is(err, ErrToken) {
		t.Errorf("a revoked token: %v", err)
	}
	if revoked, err := l.RevokeToken(t.Context(), ada, other.ID); !revoked || err != nil {
		t.Errorf("by an admin: %v, %v", revoked, err)
	}
}

func TestOnlyBearerIsAToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{"Bearer x": true, "bearer x": true, "Bearer": true, "Basic x": false, "": false, "Bearerx": false} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if _, shown := bearer(r); shown != want {
			t.Errorf("%q: got %v", header, shown)
		}
	}
}
