package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/series"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
	"github.com/eventim-go/eventim/web"
)

// connections are enough for each partition of each view, and for the page.
const connections = 60

// run runs everything until ctx ends, and stops it in the opposite order. It
// writes to out when the page works.
func run(ctx context.Context, f flags, console *app.Console, logger *slog.Logger, out io.Writer) (err error) {
	unlock, err := lock(f.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	listener, err := app.Listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(f.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the web server has closed it, if it came so far
	s, err := startServers(ctx, f, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	pool, err := app.Postgres{URL: s.postgres, Connections: connections}.Open(ctx, "dev")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := prepare(ctx, s.kafka, pool, f.Replication, logger); err != nil {
		return err
	}
	if len(f.Kafka) == 0 { // the topics are ours, and may be those of an earlier version
		if err := invoices.Aggregate.StampTopics(ctx, s.kafka); err != nil { // those of the series are younger
			return err
		}
	}
	d := dev{hosts: f.AllowedHosts, requireLogin: f.Login == "required", console: console, logger: logger, servers: s, pool: pool, dir: f.Data, listener: listener, out: out}
	parts, err := d.parts(ctx)
	if err != nil {
		return err
	}
	return eventim.RunAll(ctx, parts...)
}

// prepare creates what is missing in Kafka and in Postgres.
func prepare(ctx context.Context, k eventim.Kafka, pool *pgxpool.Pool, replication int16, logger *slog.Logger) error {
	if err := app.AwaitKafka(ctx, k, logger); err != nil {
		return err
	}
	if err := app.CreateTopics(ctx, k, invoices.Aggregate, replication); err != nil {
		return err
	}
	if err := app.AwaitPostgres(ctx, pool, logger); err != nil {
		return err
	}
	return migrations.Up(ctx, pool)
}

// dev is the product on its servers.
type dev struct {
	hosts        []string
	requireLogin bool
	console      *app.Console
	logger       *slog.Logger
	servers      *servers
	pool         *pgxpool.Pool
	dir          string
	listener     net.Listener
	out          io.Writer
}

func (d dev) parts(ctx context.Context) ([]eventim.Part, error) {
	handler, err := app.NewHandler(invoices.Aggregate, eventim.HandlerConfig{
		Kafka: d.servers.kafka, Dir: filepath.Join(d.dir, "handler"), Logger: d.logger, OnRestore: d.console.RestoreProgress(d.logger),
	})
	if err != nil {
		return nil, err
	}
	numbering, err := app.NewNumbering(invoices.Aggregate, series.DefaultFormat, eventim.HandlerConfig{
		Kafka: d.servers.kafka, Dir: filepath.Join(d.dir, "handler"), Logger: d.logger,
	})
	if err != nil {
		return nil, err
	}
	views, err := app.NewProjector(invoices.Aggregate, d.pool, projector.Config{Kafka: d.servers.kafka, Logger: d.logger})
	if err != nil {
		return nil, err
	}
	gate, login, err := d.login(ctx)
	if err != nil {
		return nil, err
	}
	page, err := app.Web(web.Config{
		Kafka: d.servers.kafka, Pool: d.pool, Aggregate: invoices.Aggregate, Logger: d.logger, AllowedHosts: d.hosts, Gate: gate,
		RateLimit: 10_000, // whoever tries it out on this machine
	}, d.listener, nil, d.logger)
	if err != nil {
		return nil, err
	}
	return append(d.servers.watch,
		eventim.Part{Name: "handler", Run: handler.Run},
		eventim.Part{Name: "numbering", Run: numbering.Run},
		eventim.Part{Name: "projector", Run: views.Run},
		login,
		page,
		eventim.Part{Name: "start", Run: func(ctx context.Context) error { return d.announce(ctx, handler.Health) }},
	), nil
}
