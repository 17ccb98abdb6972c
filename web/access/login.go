package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/oauth2"
)

// CallbackPath is where the provider sends people back to. It is registered
// there, behind the address of the page.
const CallbackPath = "/login/callback"

// attemptLifetime is how long somebody may take to log in.
const attemptLifetime = 10 * time.Minute

// Refusal says why somebody was not let in.
type Refusal struct {
	Code string // stable: login_unknown, login_refused, login_no_role
	Text string // for the person
	Err  error  // for the log
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Err.Error() }

// Unwrap is for package errors.
func (r *Refusal) Unwrap() error { return r.Err }

// Begin returns where the browser of r is to be sent to log in, and remembers
// what the answer is held to. Afterwards the person is sent on to returnTo, if
// that is a path of this server.
func (g *Gate) Begin(w http.ResponseWriter, r *http.Request, returnTo string) (string, error) {
	p, err := g.reach(r.Context())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	ctx, err := g.attempts.Load(r.Context(), "")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	a := attempt{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), g.base(r) + CallbackPath, pathOnly(returnTo)}
	for key, value := range a.values() {
		g.attempts.Put(ctx, key, value)
	}
	return p.address(a), commit(ctx, w, g.attempts)
}

// Finish makes who comes back from the provider known, and returns where they
// wanted to go. An attempt counts once, whatever becomes of it. The error is a
// *Refusal or ErrUnavailable.
func (g *Gate) Finish(w http.ResponseWriter, r *http.Request) (Principal, string, error) {
	ctx, err := load(r.Context(), r, g.attempts)
	if err != nil {
		return Principal{}, "", err
	}
	a, err := g.takeAttempt(ctx, w)
	if err != nil {
		return Principal{}, "", err
	}
	person, err := g.judge(r, a)
	if err != nil {
		return person, "", err
	}
	s, err := g.begin(w, r, person)
	return s.principal(), a.returnTo, err
}

// judge believes an answer only when it is to this attempt.
func (g *Gate) judge(r *http.Request, a attempt) (Principal, error) {
	q := r.URL.Query()
	if a.state == "" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 {
		return Principal{}, &Refusal{"login_unknown", "This login was not begun in this browser, or took too long. Begin again.", errors.New("the state is not that of the attempt")}
	}
	if issuer := q.Get("iss"); issuer != "" && issuer != g.config.Issuer {
		return Principal{}, refused(fmt.Errorf("the answer is of the issuer %q", issuer))
	}
	if code := q.Get("error"); code != "" {
		return Principal{}, refused(fmt.Errorf("the provider says %q", code))
	}
	p, err := g.reach(r.Context())
	if err != nil {
		return Principal{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	person, err := p.redeem(r.Context(), a, q.Get("code"))
	switch {
	case errors.Is(err, errNoRole):
		return person, &Refusal{"login_no_role", person.Name + " has no role here. Whoever looks after people at the provider can give one.", err}
	case err != nil:
		return person, refused(err)
	}
	return person, nil
}

func refused(err error) *Refusal {
	return &Refusal{"login_refused", "The login did not succeed. Begin again; the log of this server says why.", err}
}

// takeAttempt returns what Begin has kept, and forgets it. Of two who come at a
// time one finds nothing.
func (g *Gate) takeAttempt(ctx context.Context, w http.ResponseWriter) (attempt, error) {
	get := func(key string) string { return g.attempts.GetString(ctx, key) }
	a := attempt{get("state"), get("nonce"), get("verifier"), get("redirect"), get("return")}
	err := destroy(ctx, w, g.attempts)
	if errors.Is(err, errForgotten) {
		return attempt{}, nil
	}
	return a, err
}

// commit keeps what was put, and gives the browser the cookie for it.
func commit(ctx context.Context, w http.ResponseWriter, m *scs.SessionManager) error {
	token, expiry, err := m.Commit(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	m.WriteSessionCookie(ctx, w, token, expiry)
	return nil
}

// destroy forgets, here and in the browser.
func destroy(ctx context.Context, w http.ResponseWriter, m *scs.SessionManager) error {
	if err := m.Destroy(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	m.WriteSessionCookie(ctx, w, "", time.Time{})
	return nil
}

// base is where the page is, for who sent r.
func (g *Gate) base(r *http.Request) string {
	if g.config.URL != "" {
		return strings.TrimSuffix(g.config.URL, "/")
	}
	return "http://" + r.Host
}

// pathOnly keeps a link from leading to another site.
func pathOnly(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
