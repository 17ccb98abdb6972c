package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/text/unicode/norm"

	"github.com/eventim-go/eventim/eventim"
)

// providerTimeout bounds one request to the provider.
const providerTimeout = 10 * time.Second

// algorithms are those that an ID token may be signed with, whatever else the
// provider offers: all are asymmetric, so that who can check can not forge.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// provider is the issuer, once its discovery was read.
type provider struct {
	config   Config
	client   *http.Client
	endpoint oauth2.Endpoint
	verifier *oidc.IDTokenVerifier
}

func (g *Gate) reach(ctx context.Context) (*provider, error) {
	g.reaching.Lock()
	defer g.reaching.Unlock()
	if g.provider != nil {
		return g.provider, nil
	}
	client := &http.Client{Timeout: providerTimeout}
	// Its keys are fetched with this context for as long as the gate is there.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), client)
	found, err := oidc.NewProvider(ctx, g.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", g.config.Issuer, err)
	}
	g.provider = &provider{g.config, client, found.Endpoint(), found.VerifierContext(ctx, &oidc.Config{
		ClientID: g.config.ClientID, SupportedSigningAlgs: algorithms, Now: g.now,
	})}
	return g.provider, nil
}

func (p *provider) oauth(redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: p.endpoint, RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, p.config.Scopes...),
	}
}

// attempt is what a login is held to, from its begin to its end.
type attempt struct {
	state, nonce, verifier, redirect, returnTo string
}

func (a attempt) values() map[string]string {
	return map[string]string{"state": a.state, "nonce": a.nonce, "verifier": a.verifier, "redirect": a.redirect, "return": a.returnTo}
}

// address is where somebody is sent to log in.
func (p *provider) address(a attempt) string {
	return p.oauth(a.redirect).AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier))
}

// redeem turns the code that came back into a person. The ID token is believed
// only when it was made by the issuer, for this client, for this attempt.
func (p *provider) redeem(ctx context.Context, a attempt, code string) (Principal, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth(a.redirect).Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return Principal{}, fmt.Errorf("redeem the code: %w", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return Principal{}, fmt.Errorf("the ID token: %w", err)
	}
	if token.Nonce == "" || subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.nonce)) != 1 {
		return Principal{}, errors.New("the ID token was made for another login")
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return Principal{}, fmt.Errorf("the ID token: %w", err)
	}
	if party, ok := claims["azp"]; ok && party != p.config.ClientID || !ok && len(token.Audience) > 1 {
		return Principal{}, errors.New("the ID token was given to another client")
	}
	return p.config.person(token.Issuer, token.Subject, claims)
}

// errNoRole means that somebody is known, and has nothing to do here.
var errNoRole = errors.New("there is no role for this person here")

// person is who the claims are about. Of several roles the highest counts.
func (c Config) person(issuer, subject string, claims map[string]any) (Principal, error) {
	p := Principal{Person: issuer + " " + subject, Name: nameOf(subject, claims)}
	for _, group := range texts(claims[c.RolesClaim]) {
		role, mapped := c.Roles[group]
		if !mapped {
			role, _ = ParseRole(group)
		}
		p.Role = max(p.Role, role)
	}
	switch {
	case subject == "":
		return p, errors.New("the ID token has no subject")
	case !eventim.ValidActor(p.Name):
		return p, fmt.Errorf("%q cannot be written into a history", p.Name)
	case p.Role == Nobody:
		return p, errNoRole
	}
	return p, nil
}

// nameOf is what the history calls somebody: what cannot be two people's.
func nameOf(subject string, claims map[string]any) string {
	email, _ := claims["email"].(string)
	username, _ := claims["preferred_username"].(string)
	name := subject
	if verified, _ := claims["email_verified"].(bool); verified && email != "" {
		name = email
	} else if username != "" {
		name = username
	}
	return norm.NFC.String(strings.TrimSpace(name))
}

// texts reads a claim that is a text or several.
func texts(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		return slices.Concat(mapped(claim, texts)...)
	default:
		return nil
	}
}

func mapped[A, B any](list []A, f func(A) B) []B {
	all := make([]B, len(list))
	for i, a := range list {
		all[i] = f(a)
	}
	return all
}
