// Package migrations creates what the programs need in Postgres and what is
// not a versioned view: those bring their own DDL (see package projector).
package migrations

import (
	"context"
	"embed"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/eventim-go/eventim/internal/postgres"
)

//go:embed *.sql
var files embed.FS

// Up applies the migrations that the database lacks. Any number of programs
// may call it at once: an advisory lock lets one at a time pass. A database
// that is not in UTF-8 is refused.
func Up(ctx context.Context, pool *pgxpool.Pool) error {
	err := postgres.CheckFit(ctx, pool)
	if err == nil {
		err = locked(ctx, pool, func() error { return up(ctx, pool) })
	}
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// locked runs fn under the lock that goose takes, but for a transaction and not
// for a session: a connection pooler gives no sessions, and a lock that is
// taken in one server process and given back in another one stays for ever. It
// has a connection of its own, since those of the pool may all be used up by
// those who wait.
func locked(ctx context.Context, pool *pgxpool.Pool, fn func() error) error {
	conn, err := postgres.Connect(ctx, pool, "lock")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil {
			return fmt.Errorf("wait for others: %w", err)
		}
		return fn()
	})
}

func up(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName("eventim_migrations"),
		goose.WithLogger(goose.NopLogger()),
		// Numbers are given out by subject: a lower one may come later.
		goose.WithAllowOutofOrder(true),
	)
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return err
	}
	for _, r := range results {
		slog.InfoContext(ctx, "migrated the database", slog.String("file", r.Source.Path), slog.Duration("took", r.Duration))
	}
	return nil
}
