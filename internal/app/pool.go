package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
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
// known in pg_stat_activity. It does not connect yet.
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
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("the address of Postgres: %w", err)
	}
	return pool, nil
}
