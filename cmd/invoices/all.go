package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
)

type allCommand struct {
	CreateTopics bool           `env:"EVENTIM_CREATE_TOPICS" help:"Create the topics that are missing."`
	Replication  int16          `env:"EVENTIM_REPLICATION" default:"3" placeholder:"N" help:"Replication factor of the topics that are created."`
	Migrate      bool           `env:"EVENTIM_MIGRATE" help:"Bring the database up to date."`
	Handler      handlerFlags   `embed:"" group:"handler"`
	Numbering    numberingFlags `embed:"" group:"numbering"`
	Projector    projectorFlags `embed:"" group:"projector"`
	Web          webFlags       `embed:"" group:"web"`
	Kafka        kafkaFlags     `embed:"" group:"kafka"`
	Postgres     postgresFlags  `embed:"" group:"postgres"`
	HealthListen string         `env:"EVENTIM_HEALTH_LISTEN" default:"127.0.0.1:8081" placeholder:"HOST:PORT" group:"health" help:"Address of /healthz and /readyz of handler, numbering and projector, and of /metrics."`
}

// Run runs the command.
func (c *allCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices")
	if err != nil {
		return err
	}
	pool, err := c.Postgres.open(ctx, "all")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := c.prepare(ctx, k, pool, p); err != nil {
		return err
	}
	handler, err := c.Handler.part(c.Kafka.aggregate(), k, p)
	if err != nil {
		return err
	}
	numbering, err := c.Numbering.part(c.Handler, c.Kafka.aggregate(), k, p)
	if err != nil {
		return err
	}
	views, err := c.Projector.part(c.Kafka.aggregate(), k, pool, p)
	if err != nil {
		return err
	}
	health, err := app.HealthServer(ctx, c.HealthListen, map[string]func() app.Health{
		"handler": handler.Health, "numbering": numbering.Health, "projector": views.Health,
	}, p.metrics.Serve(), p.logger)
	if err != nil {
		return err
	}
	page, err := c.Web.part(ctx, c.Kafka.aggregate(), k, pool, p)
	if err != nil {
		return err
	}
	return eventim.RunAll(ctx, health, eventim.Part{Name: "handler", Run: handler.Run}, eventim.Part{Name: "numbering", Run: numbering.Run},
		eventim.Part{Name: "projector", Run: views.Run}, page)
}

func (c *allCommand) prepare(ctx context.Context, k eventim.Kafka, pool *pgxpool.Pool, p process) error {
	if c.CreateTopics {
		if err := createTopics(ctx, c.Kafka.aggregate(), k, c.Replication, p); err != nil {
			return err
		}
	}
	if c.Migrate {
		return migrate(ctx, pool, p)
	}
	return nil
}
