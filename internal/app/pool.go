package app

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/postgres"
)

// Postgres says how to reach the database.
type Postgres struct {
	// URL is a postgres:// URL or a keyword string. What it lacks comes from
	// the variables that psql reads: PGPASSWORD, PGPASSFILE, PGSSLROOTCERT …
	URL         string
	Password    string // replaces that of URL when it is not empty
	Connections int32  // at most; the default of the driver when 0
}

// Open returns a pool for the part called name, by which the connections are
// known in pg_stat_activity. It does not connect yet. Through a connection
// pooler, its connections do without prepared statements.
func (p Postgres) Open(ctx context.Context, name string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(p.URL)
	if err != nil {
		return nil, fmt.Errorf("the address of Postgres: %w", err)
	}
	if p.Password != "" {
		config.ConnConfig.Password = p.Password
	}
	if p.Connections > 0 {
		config.MaxConns = p.Connections
	}
	config.ConnConfig.RuntimeParams["application_name"] = "eventim-" + name
	config.ConnConfig.RuntimeParams["client_encoding"] = "UTF8" // whatever the role or the database has
	config.BeforeConnect = (&pooling{}).adapt
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("the address of Postgres: %w", err)
	}
	return pool, nil
}

// pooling finds out, before the first connection, whether a pooler is between.
// One in transaction mode, as pgbouncer has it, gives each transaction another
// server: prepared statements would be missing there, or be there already.
type pooling struct {
	mu      sync.Mutex
	known   bool
	between bool
}

func (p *pooling) adapt(ctx context.Context, config *pgx.ConnConfig) error {
	between, err := p.look(ctx, config)
	if between && config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return err
}

func (p *pooling) look(ctx context.Context, config *pgx.ConnConfig) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known {
		return p.between, nil
	}
	conn, err := pgconn.ConnectConfig(ctx, &config.Config)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if p.between, err = postgres.Pooled(ctx, conn); err != nil {
		return false, err
	}
	p.known = true
	return p.between, nil
}
