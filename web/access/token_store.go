package access

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// Tokens are all tokens, for who looks after the database. NewTokens makes it.
type Tokens struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// NewTokens looks after the tokens of a database.
func NewTokens(pool *pgxpool.Pool) Tokens { return Tokens{pool, time.Now} }

// Create makes a token in the name of a person, and returns what the program
// sends. The error is a *TokenError when it cannot be as it was asked for.
func (s Tokens) Create(ctx context.Context, person, owner, name string, role Role, lifetime time.Duration) (Token, string, error) {
	if err := checkToken(name, role, lifetime); err != nil {
		return Token{}, "", err
	}
	t, secret := newToken(s.now(), person, owner, name, role, lifetime)
	if !eventim.ValidActor(t.principal().Name) {
		return Token{}, "", &TokenError{"needs a shorter name: the history has it beside that of who makes it"}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, `insert into access.tokens (id, secret, name, role, person, owner, created, expires) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.ID, hashOf(secret), t.Name, t.Role.String(), t.Person, t.Owner, t.Created, t.Expires)
	return t, secret, err
}

const selectRow = `select id, name, role, person, owner, created, expires, used from access.tokens `

// List returns the tokens of a person that have not expired, or everybody's for "".
func (s Tokens) List(ctx context.Context, person string) ([]Token, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectRow+`where ($1 = '' or person = $1) and expires > $2 order by created desc, id`, person, s.now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanToken)
}

// Revoke ends a token of a person, or anybody's for "". It returns false when
// there is none.
func (s Tokens) Revoke(ctx context.Context, person, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	tag, err := s.pool.Exec(ctx, `delete from access.tokens where id = $1 and ($2 = '' or person = $2)`, id, person)
	return tag.RowsAffected() > 0, err
}

func (s Tokens) find(ctx context.Context, secret string) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, selectRow+`where secret = $1 and expires > $2`, hashOf(secret), s.now())
	if err != nil {
		return Token{}, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanToken)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, ErrToken
	}
	return t, err
}

func (s Tokens) touch(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, `update access.tokens set used = $2 where id = $1`, id, s.now())
	return err
}

func scanToken(row pgx.CollectableRow) (t Token, err error) {
	var role string
	if err = row.Scan(&t.ID, &t.Name, &role, &t.Person, &t.Owner, &t.Created, &t.Expires, &t.Used); err != nil {
		return t, err
	}
	t.Role, err = ParseRole(role)
	return t, err
}
