package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

type migrateCommand struct {
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Run runs the command.
func (c *migrateCommand) Run(ctx context.Context, p process) error {
	pool, err := c.Postgres.open(ctx, "migrate")
	if err != nil {
		return err
	}
	defer pool.Close()
	return migrate(ctx, pool, p)
}

func migrate(ctx context.Context, pool *pgxpool.Pool, p process) error {
	if err := app.AwaitPostgres(ctx, pool, p.logger); err != nil {
		return err
	}
	return migrations.Up(ctx, pool)
}

type reanchorCommand struct {
	View     string        `arg:"" enum:"${views}" help:"One of ${enum}."`
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// Help is shown by reanchor --help.
func (c *reanchorCommand) Help() string {
	return `Deletes what the view holds and where it stood. The next start of a projector builds it from the beginning of its topic, in whatever cluster that is; until then the view does not exist. It loses nothing: a view is made of the records in Kafka.

Stop the projectors first.`
}

// Run runs the command.
func (c *reanchorCommand) Run(ctx context.Context, p process) error {
	pool, err := c.Postgres.open(ctx, "reanchor")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := app.AwaitPostgres(ctx, pool, p.logger); err != nil {
		return err
	}
	if err := projector.Reanchor(ctx, pool, c.View); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s is forgotten; start a projector to build it anew\n", c.View)
	return err
}
