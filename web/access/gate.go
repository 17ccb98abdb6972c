package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says how people log in.
type Config struct {
	// Issuer is the provider of OpenID Connect, as its own discovery names it.
	Issuer       string
	ClientID     string
	ClientSecret string // empty for a public client: PKCE is used always

	// RolesClaim is the member of the ID token that has the roles or groups of a
	// person, a text or several. "roles" when empty.
	RolesClaim string

	// Scopes are asked for besides openid, profile and email: some providers have
	// one for groups.
	Scopes []string

	// Roles are the roles of groups with other names. A claim that is the name of
	// a role means that role, unless it is here.
	Roles map[string]Role

	// URL is where people reach the page, scheme://host[:port]. Empty: under the
	// Host of each request, over HTTP; for development.
	URL string

	// Anonymous is the role of who has not logged in.
	Anonymous Role

	// Idle and Lifetime end a session: so long after its last request, and after
	// it began. An hour and twelve when 0.
	Idle     time.Duration
	Lifetime time.Duration

	Pool   *pgxpool.Pool
	Logger *slog.Logger
}

// Gate lets people in. It is safe for concurrent use.
type Gate struct {
	config   Config
	log      *slog.Logger
	store    store
	sessions *scs.SessionManager
	attempts *scs.SessionManager // to log in
	now      func() time.Time

	reaching sync.Mutex
	provider *provider // nil until it was reached

	mu       sync.Mutex
	attended map[string]map[int]func()
	touched  map[string]time.Time // of those that are attended
	next     int
	ended    chan struct{} // has room for one signal
}

// ErrUnavailable means that it cannot be said now who somebody is.
var ErrUnavailable = errors.New("the sessions cannot be read")

// New makes a gate; it does not connect to anything yet.
func New(c Config) (*Gate, error) {
	c.RolesClaim, c.Idle, c.Lifetime = cmp.Or(c.RolesClaim, "roles"), cmp.Or(c.Idle, time.Hour), cmp.Or(c.Lifetime, 12*time.Hour)
	switch {
	case c.Issuer == "" || c.ClientID == "":
		return nil, errors.New("logging in needs an issuer and a client id")
	case c.Idle < time.Minute || c.Lifetime < c.Idle:
		return nil, fmt.Errorf("sessions of %v that end after %v without a request: want a minute at least, and no more than the whole", c.Lifetime, c.Idle)
	case c.Anonymous < Nobody || c.Anonymous > Admin:
		return nil, errors.New("there is no such role for who has not logged in")
	}
	for _, address := range []string{c.Issuer, c.URL} {
		if err := checkAddress(address); err != nil {
			return nil, err
		}
	}
	g := &Gate{
		config: c, log: cmp.Or(c.Logger, slog.Default()), now: time.Now,
		attended: map[string]map[int]func(){}, touched: map[string]time.Time{}, ended: make(chan struct{}, 1),
	}
	g.store = store{c.Pool, func() time.Time { return g.now() }}
	g.sessions = newSessions(g.store, c, "eventim")
	g.sessions.IdleTimeout, g.sessions.Lifetime = c.Idle, c.Lifetime
	g.attempts = newSessions(onceStore{g.store}, c, "eventim-login")
	g.attempts.Lifetime = attemptLifetime
	return g, nil
}

// checkAddress wants TLS wherever others could listen.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q is not an address such as https://login.example.com", address)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("%s has to be https://, except on loopback", address)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newSessions does without scs.New, which starts a goroutine for a store in
// memory. Managers that are made like this share their place in a context, so
// each loads into one of its own.
func newSessions(s scs.Store, c Config, cookie string) *scs.SessionManager {
	m := &scs.SessionManager{
		Store: s, Codec: jsonCodec{}, HashTokenInStore: true,
		Cookie: scs.SessionCookie{Name: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}, // it ends with the browser
	}
	if strings.HasPrefix(c.URL, "https://") {
		m.Cookie.Name, m.Cookie.Secure = "__Host-"+cookie, true // which no other host can set
	}
	return m
}

// Identify says who sends r. The error is ErrUnavailable for who shows something
// and cannot be asked about it, and ErrToken for a wrong token.
func (g *Gate) Identify(r *http.Request) (Principal, error) {
	if secret, shown := bearer(r); shown {
		return g.identifyToken(r.Context(), secret)
	}
	nobody := Principal{Role: g.config.Anonymous}
	ctx, err := load(r.Context(), r, g.sessions)
	if err != nil {
		return nobody, err
	}
	s, known := sessionOf(ctx, g.sessions)
	if !known {
		return nobody, nil
	}
	if now := g.now(); now.Sub(s.Seen) >= touchInterval {
		if err := g.store.touch(ctx, s.ID, now, g.config.Idle); err != nil {
			return nobody, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return s.principal(), nil
}

// Touch notes that the session of p, which is attended, was used other than by a
// request.
func (g *Gate) Touch(ctx context.Context, p Principal) {
	if p.Session == "" || !g.due(p.Session) {
		return
	}
	if err := g.store.touch(ctx, p.Session, g.now(), g.config.Idle); err != nil {
		g.log.Warn("cannot note that a session was used", "error", err)
	}
}

// due tells whether a session that is attended was not touched for some time.
func (g *Gate) due(session string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if g.attended[session] == nil || now.Sub(g.touched[session]) < touchInterval {
		return false
	}
	g.touched[session] = now
	return true
}

// load returns what m knows of r's cookie, which may be nothing.
func load(ctx context.Context, r *http.Request, m *scs.SessionManager) (context.Context, error) {
	var token string
	if cookie, err := r.Cookie(m.Cookie.Name); err == nil {
		token = cookie.Value
	}
	ctx, err := m.Load(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return ctx, nil
}
