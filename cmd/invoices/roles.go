package main

import (
	"context"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
)

type handlerCommand struct {
	Handler      handlerFlags `embed:"" group:"handler"`
	Kafka        kafkaFlags   `embed:"" group:"kafka"`
	HealthListen string       `env:"EVENTIM_HEALTH_LISTEN" default:"127.0.0.1:8081" placeholder:"HOST:PORT" group:"health" help:"Address of /healthz, /readyz and /metrics."`
}

// Run runs the command.
func (c *handlerCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-handler")
	if err != nil {
		return err
	}
	handler, err := c.Handler.part(c.Kafka.aggregate(), k, p)
	if err != nil {
		return err
	}
	return runChecked(ctx, c.HealthListen, "handler", handler.Health, handler.Run, p)
}

type numberingCommand struct {
	Numbering    numberingFlags `embed:"" group:"numbering"`
	Handler      handlerFlags   `embed:"" group:"handler"`
	Kafka        kafkaFlags     `embed:"" group:"kafka"`
	HealthListen string         `env:"EVENTIM_HEALTH_LISTEN" default:"127.0.0.1:8083" placeholder:"HOST:PORT" group:"health" help:"Address of /healthz, /readyz and /metrics."`
}

// Run runs the command.
func (c *numberingCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-numbering")
	if err != nil {
		return err
	}
	numbering, err := c.Numbering.part(c.Handler, c.Kafka.aggregate(), k, p)
	if err != nil {
		return err
	}
	return runChecked(ctx, c.HealthListen, "numbering", numbering.Health, numbering.Run, p)
}

type projectorCommand struct {
	Projector    projectorFlags `embed:"" group:"projector"`
	Kafka        kafkaFlags     `embed:"" group:"kafka"`
	Postgres     postgresFlags  `embed:"" group:"postgres"`
	HealthListen string         `env:"EVENTIM_HEALTH_LISTEN" default:"127.0.0.1:8082" placeholder:"HOST:PORT" group:"health" help:"Address of /healthz, /readyz and /metrics."`
}

// Run runs the command.
func (c *projectorCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-projector")
	if err != nil {
		return err
	}
	pool, err := c.Postgres.open(ctx, "projector")
	if err != nil {
		return err
	}
	defer pool.Close()
	views, err := c.Projector.part(c.Kafka.aggregate(), k, pool, p)
	if err != nil {
		return err
	}
	return runChecked(ctx, c.HealthListen, "projector", views.Health, views.Run, p)
}

// runChecked runs a part of that name, with a health endpoint that says how it is.
func runChecked(ctx context.Context, listen, name string, health func() app.Health, run func(context.Context) error, p process) error {
	endpoint, err := app.HealthServer(ctx, listen, map[string]func() app.Health{name: health}, p.metrics.Serve(), p.logger)
	if err != nil {
		return err
	}
	return eventim.RunAll(ctx, endpoint, eventim.Part{Name: name, Run: run})
}

type webCommand struct {
	Web           webFlags      `embed:"" group:"web"`
	Kafka         kafkaFlags    `embed:"" group:"kafka"`
	Postgres      postgresFlags `embed:"" group:"postgres"`
	MetricsListen string        `env:"EVENTIM_METRICS_LISTEN" placeholder:"HOST:PORT" group:"health" help:"Address of /metrics, and of /healthz again: not the one that people use. None without."`
}

// Run runs the command.
func (c *webCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-web")
	if err != nil {
		return err
	}
	pool, err := c.Postgres.open(ctx, "web")
	if err != nil {
		return err
	}
	defer pool.Close()
	page, err := c.Web.part(ctx, c.Kafka.aggregate(), k, pool, p)
	if err != nil {
		return err
	}
	if c.MetricsListen == "" {
		return eventim.RunAll(ctx, page)
	}
	measured, err := app.HealthServer(ctx, c.MetricsListen, nil, p.metrics.Serve(), p.logger)
	if err != nil {
		return err
	}
	return eventim.RunAll(ctx, measured, page)
}
