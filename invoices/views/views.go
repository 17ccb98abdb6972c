// Package views are the projections of invoices: what each table looks like,
// how the records change it, and how it is read. People and reporting tools
// read the same views, with any SQL: their columns carry comments.
package views

import (
	"context"
	"errors"
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
