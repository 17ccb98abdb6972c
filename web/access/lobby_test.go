package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// lobby is a gate with a provider that is not ours.
type lobby struct {
	*Gate
	t        *testing.T
	provider *mockoidc.MockOIDC
	forge    func(claims map[string]any) string // makes the ID token; nil: the provider's own
	moved    time.Duration                      // the clock of the gate
}

func newLobby(t *testing.T, configure ...func(*Config)) *lobby {
	t.Helper()
	l := &lobby{t: t}
	l.startProvider()
	c := Config{
		Issuer: l.provider.Issuer(), ClientID: l.provider.ClientID, ClientSecret: l.provider.ClientSecret, RolesClaim: "groups", Scopes: []string{"groups"},
		Roles: map[string]Role{"Accounts": Bookkeeper}, Pool: migrated(t), Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range configure {
		f(&c)
	}
	var err error
	if l.Gate, err = New(c); err != nil {
		t.Fatal(err)
	}
	l.now = func() time.Time { return time.Now().Add(l.moved) }
	return l
}

func migrated(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.New(t)
	if err := migrations.Up(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return pool
}

func (l *lobby) startProvider() {
	l.t.Helper()
	var err error
	if l.provider, err = mockoidc.NewServer(nil); err != nil {
		l.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	ln := server.Listener
	if err := l.provider.AddMiddleware(l.forgery); err != nil {
		l.t.Fatal(err)
	}
	if err := l.provider.Start(ln, nil); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := l.provider.Shutdown(); err != nil {
			l.t.Error(err)
		}
	})
}

// forgery puts another ID token into the answer of the provider.
func (l *lobby) forgery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.forge == nil || !strings.HasSuffix(r.URL.Path, "/token") {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		var body map[string]any
		_ = json.Unmarshal(answer.Body.Bytes(), &body)
		if token, ok := body["id_token"].(string); ok {
			body["id_token"] = l.forge(claimsOf(token))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.Code)
		_ = json.NewEncoder(w).Encode(body)
	})
}

func claimsOf(token string) (claims map[string]any) {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	_ = json.Unmarshal(payload, &claims)
	return claims
}

// sign makes a token with the key of the provider, or as k says.
func (l *lobby) sign(claims map[string]any, k jose.SigningKey) string {
	id, err := l.provider.Keypair.KeyID()
	if err != nil {
		l.t.Fatal(err)
	}
	if k.Key == nil {
		k = jose.SigningKey{Algorithm: jose.RS256, Key: l.provider.Keypair.PrivateKey}
	}
	k.Key = jose.JSONWebKey{Key: k.Key, KeyID: id}
	signer, err := jose.NewSigner(k, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		l.t.Fatal(err)
	}
	token, _ := signed.CompactSerialize()
	return token
}

// browser keeps cookies, as one does.
type browser struct {
	l       *lobby
	cookies map[string]*http.Cookie
}

func (l *lobby) browser() *browser { return &browser{l, map[string]*http.Cookie{}} }

// request is one of this browser, and keep takes what is answered.
func (b *browser) request(target string) (*http.Request, *httptest.ResponseRecorder) {
	r := httptest.NewRequestWithContext(b.l.t.Context(), http.MethodGet, target, http.NoBody)
	r.Host = "localhost:8080"
	r.Header.Set("User-Agent", "Test/1.0")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	return r, httptest.NewRecorder()
}

func (b *browser) keep(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

// ask begins to log in, and returns the address to which the provider answers.
func (b *browser) ask(user *mockoidc.MockUser, returnTo string) string {
	b.l.t.Helper()
	r, w := b.request("/login")
	address, err := b.l.Begin(w, r, returnTo)
	if err != nil {
		b.l.t.Fatal(err)
	}
	b.keep(w)
	b.l.provider.QueueUser(user)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address)
	if err != nil {
		b.l.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.Header.Get("Location")
}

// come follows the answer of the provider.
func (b *browser) come(location string) (Principal, string, error) {
	b.l.t.Helper()
	r, w := b.request(location)
	p, to, err := b.l.Finish(w, r)
	b.keep(w)
	return p, to, err
}

func (b *browser) who() Principal {
	b.l.t.Helper()
	r, _ := b.request("/")
	p, err := b.l.Identify(r)
	if err != nil {
		b.l.t.Fatal(err)
	}
	return p
}

// logIn does all of it.
func (b *browser) logIn(user *mockoidc.MockUser) Principal {
	b.l.t.Helper()
	p, _, err := b.come(b.ask(user, "/"))
	if err != nil {
		b.l.t.Fatal(err)
	}
	return p
}

func userOf(name string, groups ...string) *mockoidc.MockUser {
	return &mockoidc.MockUser{Subject: "id-of-" + name, PreferredUsername: name, Groups: groups}
}

// changed replaces a part of an address.
func changed(t *testing.T, location string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
	return u.String()
}

func codeOf(err error) string {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Code
	}
	return ""
}
