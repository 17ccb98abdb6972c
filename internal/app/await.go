package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/postgres"
	"github.com/eventim-go/eventim/internal/verdict"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	pingTimeout  = 5 * time.Second
)

// AwaitKafka returns when Kafka answers. It tries as long as ctx lasts, but
// not when the answer is one that waiting does not change: refused
// credentials, a certificate that is not trusted.
func AwaitKafka(ctx context.Context, k eventim.Kafka, logger *slog.Logger) error {
	return await(ctx, logger, "Kafka", func(ctx context.Context) error {
		_, err := eventim.ClusterID(ctx, k)
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it hangs up; does it expect TLS, or SASL, or another user?", err)
		}
		return err
	})
}

// AwaitPostgres returns when Postgres answers, as AwaitKafka does, and refuses
// a database that is not fit: one that is not in UTF-8.
func AwaitPostgres(ctx context.Context, pool *pgxpool.Pool, logger *slog.Logger) error {
	return await(ctx, logger, "Postgres", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		if err := pool.Ping(ctx); err != nil {
			return fmt.Errorf("connect to Postgres: %w", err)
		}
		return postgres.CheckFit(ctx, pool)
	})
}

// await calls check until it succeeds, with growing pauses. When ctx ends it
// returns the error of ctx.
func await(ctx context.Context, logger *slog.Logger, what string, check func(context.Context) error) error {
	waiting := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := check(ctx)
		switch {
		case err == nil && waiting:
			logger.InfoContext(ctx, "connected", slog.String("to", what))
			return nil
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case verdict.Stays(err):
			return err
		}
		waiting = true
		logger.WarnContext(ctx, "waiting for a server", slog.String("server", what), slog.Any("error", err), slog.Duration("next", pause))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
