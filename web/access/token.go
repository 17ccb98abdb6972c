package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/eventim"
)

// A token begins with tokenMark, so that one that was published by mistake can be
// found by who looks for such things.
const (
	tokenMark        = "evt_"
	maxTokenName     = 60 // bytes
	maxTokenLifetime = 366 * 24 * time.Hour
)

// Token is what a program is known by. What it sends is told once, when it is
// made, and is nowhere afterwards.
type Token struct {
	ID      string
	Name    string
	Role    Role
	Person  string // who made it, as in Principal
	Owner   string // what the history calls them
	Created time.Time
	Expires time.Time
	Used    *time.Time // nil: never
}

// ErrToken means that a token is unknown, has expired or was revoked.
var ErrToken = errors.New("the token is not known, has expired, or was revoked")

// TokenError says why a token cannot be made, to who wants it.
type TokenError struct{ Reason string }

func (e *TokenError) Error() string { return "a token: " + e.Reason }

// NewToken makes a token for p. It may do no more than p, and ends by itself.
// What the program sends is returned beside it.
func (g *Gate) NewToken(ctx context.Context, p Principal, name string, role Role, lifetime time.Duration) (Token, string, error) {
	if p.Session == "" {
		return Token{}, "", &TokenError{"is made by a person who is logged in"}
	}
	if !p.May(role) {
		return Token{}, "", &TokenError{fmt.Sprintf("may do no more than who makes it, whose role is %s", p.Role)}
	}
	return Tokens{g.config.Pool, g.now}.Create(ctx, p.Person, p.Name, name, role, lifetime)
}

// checkToken refuses what cannot be told apart, or would stay for ever.
func checkToken(name string, role Role, lifetime time.Duration) error {
	switch {
	case name == "" || len(name) > maxTokenName || !eventim.ValidActor(name):
		return &TokenError{fmt.Sprintf("needs a name of 1 to %d bytes that can be seen", maxTokenName)}
	case role < Viewer || role > Admin:
		return &TokenError{"needs the role viewer, clerk, bookkeeper or admin"}
	case lifetime < time.Minute || lifetime > maxTokenLifetime:
		return &TokenError{"lasts a minute at least, and 366 days at most"}
	}
	return nil
}

func newToken(now time.Time, person, owner, name string, role Role, lifetime time.Duration) (Token, string) {
	now = now.UTC().Truncate(time.Second)
	t := Token{ID: uuid.NewString(), Name: name, Role: role, Person: person, Owner: owner, Created: now, Expires: now.Add(lifetime)}
	return t, tokenMark + rand.Text()
}

// hashOf needs no salt and no time: what is hashed is random.
func hashOf(secret string) string {
	digest := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(digest[:])
}

func (t Token) principal() Principal {
	return Principal{Person: "token " + t.ID, Name: t.Name + " (token of " + t.Owner + ")", Role: t.Role, Token: t.ID}
}

// bearer is the token that r shows, if it shows one.
func bearer(r *http.Request) (secret string, shown bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

// identifyToken says which program sends r. A wrong token makes nobody known,
// not even who else is behind it.
func (g *Gate) identifyToken(ctx context.Context, secret string) (Principal, error) {
	tokens := Tokens{g.config.Pool, g.now}
	t, err := tokens.find(ctx, secret)
	switch {
	case errors.Is(err, ErrToken):
		return Principal{}, err
	case err != nil:
		return Principal{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if t.Used == nil || g.now().Sub(*t.Used) >= touchInterval {
		if err := tokens.touch(ctx, t.ID); err != nil {
			return Principal{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	return t.principal(), nil
}

// Tokens lists the tokens that p made; an admin sees all.
func (g *Gate) Tokens(ctx context.Context, p Principal) ([]Token, error) {
	if !p.Known() {
		return nil, nil
	}
	list, err := Tokens{g.config.Pool, g.now}.List(ctx, ownerOf(p))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return list, nil
}

// RevokeToken ends a token that p made; an admin ends any. It returns false when
// there is no such token.
func (g *Gate) RevokeToken(ctx context.Context, p Principal, id string) (bool, error) {
	if !p.Known() || id == "" {
		return false, nil
	}
	defer g.sessionEnded()
	revoked, err := Tokens{g.config.Pool, g.now}.Revoke(ctx, ownerOf(p), id)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return revoked, nil
}

// ownerOf is whose tokens p looks after: "" is everybody's.
func ownerOf(p Principal) string {
	if p.Role == Admin {
		return ""
	}
	return p.Person
}
