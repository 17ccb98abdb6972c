// Package views are the projections of invoices: what each table looks like,
// how the records change it, and how it is read. People and reporting tools
// read the same views, with any SQL: their columns carry comments.
package views

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// Aggregate is the type of the aggregate that the views are made for.
type Aggregate = eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event]

// DB is what reading needs: a pool, a connection or a transaction.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotFound says that a view does not have what was asked for, or not yet.
var ErrNotFound = errors.New("not found")

func collect[T any](ctx context.Context, db DB, sql string, args []any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// storable replaces what Postgres cannot store in a text, since ids and
// messages come from outside, and one of them would stop a view.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// maxKey is how many bytes of an id an index row takes beside the other
// columns: Postgres allows a third of a page, 2704 bytes. Ids that may be sent
// today are far shorter, but a log may hold longer ones.
const maxKey = 2600

// key is an id as the columns have it that are indexed: one that is too long is
// cut, and told apart by its digest.
func key(id string) string { return cut(id, maxKey) }

// cut cuts an id that has more than limit bytes.
func cut(id string, limit int) string {
	id = storable(id)
	if len(id) <= limit {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	digest := hex.EncodeToString(sum[:])
	return strings.ToValidUTF8(id[:limit-len(digest)-len("…")], "") + "…" + digest
}

// storableJSON replaces U+0000 in the strings of a JSON document, which jsonb
// cannot store, by U+FFFD. In JSON it is always escaped; the backslash before
// the u may itself be the second of a pair, and then it means another thing.
func storableJSON(document []byte) string {
	const nul = `\u0000`
	text := string(document)
	if !strings.Contains(text, nul) {
		return text
	}
	return escapes.ReplaceAllStringFunc(text, func(escape string) string {
		if escape == nul {
			return `\ufffd`
		}
		return escape
	})
}

// escapes finds those of a JSON document, one after the other.
var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)
