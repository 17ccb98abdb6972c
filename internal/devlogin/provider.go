// Package devlogin is a provider of OpenID Connect for development: whoever
// reaches it is whom they say. It listens on loopback only.
package devlogin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClientID is that of the one client.
const ClientID = "eventim-dev"

const (
	keyID         = "dev"
	codeLifetime  = time.Minute
	tokenLifetime = 5 * time.Minute
	maxCodes      = 1000
)

// person is somebody to log in as.
type person struct{ Subject, Name, Role, Text string }

// people are one for each role.
var people = []person{
	{"vera", "Vera", "viewer", "reads, and changes nothing"},
	{"clara", "Clara", "clerk", "writes invoices and sends them"},
	{"ben", "Ben", "bookkeeper", "books payments, and voids"},
	{"ada", "Ada", "admin", "does everything"},
}

// grant is what a code stands for.
type grant struct {
	person                     person
	redirect, nonce, challenge string
	until                      time.Time
}

// Provider answers as an issuer does.
type Provider struct {
	issuer string
	key    *ecdsa.PrivateKey
	signer jose.Signer
	now    func() time.Time

	mu    sync.Mutex
	codes map[string]grant
}

// New makes a provider that is reached at issuer. Its key is new, too.
func New(issuer string) (*Provider, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("a key for the login: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		return nil, fmt.Errorf("a key for the login: %w", err)
	}
	return &Provider{issuer: issuer, key: key, signer: signer, now: time.Now, codes: map[string]grant{}}, nil
}

// Handler serves the discovery, the keys, the page to pick a person on, and the
// tokens.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("GET /pick/{person}", p.pick)
	mux.HandleFunc("POST /token", p.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+"'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		mux.ServeHTTP(w, r)
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none"}, "authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: keyID, Algorithm: "ES256", Use: "sig"}}})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
