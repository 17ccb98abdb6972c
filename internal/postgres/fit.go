package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// UnfitError says why a database cannot be used, and what to do.
type UnfitError struct{ what string }

func (e *UnfitError) Error() string { return e.what }

// CheckFit returns an UnfitError when the database is not one that the programs
// can use, and another error when that cannot be found out.
func CheckFit(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	defer conn.Release()
	if err := checkEncoding(conn.Conn()); err != nil {
		return err
	}
	return checkPooler(ctx, conn.Conn())
}

// checkEncoding refuses what would lose text: other encodings lack characters,
// SQL_ASCII knows none at all, and the driver speaks UTF-8 whatever is set.
func checkEncoding(conn *pgx.Conn) error {
	const utf8 = "UTF8"
	if got := conn.PgConn().ParameterStatus("server_encoding"); got != utf8 {
		return &UnfitError{fmt.Sprintf("the database %s is encoded in %s, which cannot hold every text; make one that is encoded in %s, "+
			"such as with: createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 NAME; the views are built from Kafka again",
			conn.Config().Database, got, utf8)}
	}
	if got := conn.PgConn().ParameterStatus("client_encoding"); got != utf8 {
		return &UnfitError{fmt.Sprintf("the server takes our text for %s, since client_encoding is set for the role, the database or "+
			"the address; it has to be %s", got, utf8)}
	}
	return nil
}

// checkPooler refuses prepared statements through a pooler, which may give each
// transaction another server: they would be missing there, or be there already.
func checkPooler(ctx context.Context, conn *pgx.Conn) error {
	switch conn.Config().DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement:
	default:
		return nil
	}
	pooled, err := Pooled(ctx, conn.PgConn())
	if err != nil || !pooled {
		return err
	}
	return &UnfitError{"a connection pooler, such as pgbouncer, is between this program and Postgres, and the connections prepare statements; " +
		"add default_query_exec_mode=cache_describe to the address of the database, or set it in the configuration of the pool"}
}

// Pooled reports whether a connection pooler is between conn and the server: it
// answers for any server, and so with a process number of its own.
func Pooled(ctx context.Context, conn *pgconn.PgConn) (bool, error) {
	results, err := conn.Exec(ctx, `select pg_backend_pid()`).ReadAll() // without a prepared statement
	if err != nil {
		return false, fmt.Errorf("ask for the number of the server process: %w", err)
	}
	return string(results[0].Rows[0][0]) != strconv.FormatUint(uint64(conn.PID()), 10), nil
}

// Connect opens a connection beside the pool, as the pool does. In
// pg_stat_activity it is known by its purpose.
func Connect(ctx context.Context, pool *pgxpool.Pool, purpose string) (*pgx.Conn, error) {
	config := pool.Config()
	name := cmp.Or(config.ConnConfig.RuntimeParams["application_name"], "eventim")
	config.ConnConfig.RuntimeParams["application_name"] = name + "-" + purpose
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err == nil && config.AfterConnect != nil {
		if err = config.AfterConnect(ctx, conn); err != nil {
			err = errors.Join(err, conn.Close(ctx))
		}
	}
	return conn, err
}
