package access

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// storeTimeout bounds one statement: no request waits longer to be known.
const storeTimeout = 5 * time.Second

// store keeps sessions in Postgres, for scs. What it gets as a token is its hash.
type store struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// FindCtx returns what was committed, unless it has ended.
func (s store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, `select data from access.sessions where token_hash = $1 and expires > $2`, token, s.now()).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes a session, new or not.
func (s store) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	return s.exec(ctx, `insert into access.sessions (token_hash, data, expires) values ($1, $2, $3)
		on conflict (token_hash) do update set data = excluded.data, expires = excluded.expires`, token, data, expires)
}

// DeleteCtx forgets a session.
func (s store) DeleteCtx(ctx context.Context, token string) error {
	return s.exec(ctx, forget, token)
}

const forget = `delete from access.sessions where token_hash = $1`

// onceStore is a store of what counts once: one forgets it, however many come at
// a time.
type onceStore struct{ store }

// errForgotten means that there was nothing left to forget.
var errForgotten = errors.New("it is not there any more")

// DeleteCtx forgets what has to be there.
func (s onceStore) DeleteCtx(ctx context.Context, token string) error {
	n, err := s.change(ctx, forget, token)
	if err == nil && n == 0 {
		return errForgotten
	}
	return err
}

// Find is for who has no context; scs prefers those that take one.
func (s store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is for who has no context.
func (s store) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

// Delete is for who has no context.
func (s store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// touch moves the end of a session that was used at now, up to its deadline. One
// that has ended meanwhile stays so.
func (s store) touch(ctx context.Context, id string, now time.Time, idle time.Duration) error {
	return s.exec(ctx, `update access.sessions set
		expires = least($2, (data->>'deadline')::timestamptz),
		data = jsonb_set(data, '{values,seen}', to_jsonb($3::text))
		where id = $1 and expires > $4`, id, now.Add(idle), now.UTC().Format(time.RFC3339), now)
}

// purge forgets what has ended.
func (s store) purge(ctx context.Context) error {
	return s.exec(ctx, `delete from access.sessions where expires <= $1`, s.now())
}

// living returns those of ids, of sessions and tokens, that have not ended.
func (s store) living(ctx context.Context, ids []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, `select id from access.sessions where id = any($1) and expires > $2
		union all select 'token ' || id from access.tokens where 'token ' || id = any($1) and expires > $2`, ids, s.now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// list returns the data of all sessions of a person.
func (s store) list(ctx context.Context, person string) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, `select data from access.sessions where person = $1 and expires > $2
		order by data->'values'->>'seen' desc, id`, person, s.now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]byte])
}

// end forgets sessions of a person: one, or all with the id "".
func (s store) end(ctx context.Context, person, id string) (n int64, err error) {
	return s.change(ctx, `delete from access.sessions where person = $1 and ($2 = '' or id = $2)`, person, id)
}

func (s store) exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.change(ctx, statement, args...)
	return err
}

// change returns how many rows it has changed.
func (s store) change(ctx context.Context, statement string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	tag, err := s.pool.Exec(ctx, statement, args...)
	return tag.RowsAffected(), err
}

// jsonCodec writes sessions so that Postgres can look into them.
type jsonCodec struct{}

type sessionJSON struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

// Encode is called by scs.
func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(sessionJSON{deadline, values})
}

// Decode is called by scs.
func (jsonCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	var s sessionJSON
	err := json.Unmarshal(data, &s)
	return s.Deadline, s.Values, err
}
