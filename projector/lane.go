package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/postgres"
)

// lane owns one connection to Postgres, beside the pool: who waits for a
// connection of the pool must not hold up all partitions. One goroutine uses it.
type lane struct {
	pool *pgxpool.Pool

	conn      *pgx.Conn // nil: to be connected
	expires   time.Time // when conn is old, as in the pool
	resting   time.Time // until when nobody tries to connect
	described map[nameIn]*pgconn.StatementDescription
	encoder   pgx.ExtendedQueryBuilder
}

// nameIn is the text of a statement, whose names mean what the schema says.
type nameIn struct{ schema, sql string }

const (
	// A connection that is dead without a word must not hold all partitions for
	// long.
	laneTimeout = 30 * time.Second
	// rest is how long a lane without a connection lets all go alone.
	rest = time.Second
	// mostDescribed bounds the statements of one connection, whose text may hold
	// whatever a projection writes into it.
	mostDescribed = 1000
)

var errResting = errors.New("could not connect to Postgres a moment ago")

// transact commits all requests, or none of them. After an error it is in doubt
// which, and the connection, whatever state it was in, is gone.
func (l *lane) transact(ctx context.Context, requests []*request) error {
	statements, err := pipeline(requests)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, laneTimeout)
	defer cancel()
	if err := l.connect(ctx); err != nil {
		return err
	}
	if err := l.send(ctx, statements); err != nil {
		l.disconnect(ctx)
		return err
	}
	return nil
}

func (l *lane) connect(ctx context.Context) error {
	now := time.Now()
	switch {
	case l.conn != nil && !l.conn.IsClosed() && now.Before(l.expires) && len(l.described) < mostDescribed:
		return nil
	case now.Before(l.resting):
		return errResting
	}
	l.disconnect(ctx)
	conn, err := postgres.Connect(ctx, l.pool, "lane")
	if err != nil {
		l.resting = time.Now().Add(rest)
		return fmt.Errorf("connect a lane: %w", err)
	}
	l.conn, l.described = conn, map[nameIn]*pgconn.StatementDescription{}
	l.expires = now.Add(l.pool.Config().MaxConnLifetime)
	return nil
}

func (l *lane) disconnect(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rest)
	defer cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}

// send executes statements in one round trip and one transaction, which is that
// of a pipeline: it begins with the first, and the end of the pipeline commits
// it, or takes all back when one has failed.
func (l *lane) send(ctx context.Context, statements []statement) error {
	var b pgconn.Batch
	for _, s := range statements {
		if err := l.encode(ctx, &b, s); err != nil {
			return err
		}
	}
	return l.conn.PgConn().ExecBatch(ctx, &b).Close()
}

func (l *lane) encode(ctx context.Context, b *pgconn.Batch, s statement) (err error) {
	if len(s.args) > 0 {
		if rewriter, ok := s.args[0].(pgx.QueryRewriter); ok {
			if s.sql, s.args, err = rewriter.RewriteQuery(ctx, l.conn, s.sql, s.args[1:]); err != nil {
				return err
			}
		}
	}
	d, err := l.describe(ctx, nameIn{s.schema, s.sql})
	if err != nil {
		return fmt.Errorf("prepare a statement: %w", err)
	}
	if err := l.encoder.Build(l.conn.TypeMap(), d, s.args); err != nil {
		return err
	}
	if d.Name == "" {
		b.ExecParams(s.sql, l.encoder.ParamValues, d.ParamOIDs, l.encoder.ParamFormats, l.encoder.ResultFormats)
		return nil
	}
	b.ExecPrepared(d.Name, l.encoder.ParamValues, l.encoder.ParamFormats, l.encoder.ResultFormats)
	return nil
}

// describe has the server describe a statement, once for each connection, where
// names mean what they mean when it is executed. It stays prepared there,
// unless the connection is one that should not prepare, as before a pooler.
func (l *lane) describe(ctx context.Context, in nameIn) (*pgconn.StatementDescription, error) {
	if d := l.described[in]; d != nil {
		return d, nil
	}
	name := ""
	if l.conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		name = fmt.Sprint("lane_", len(l.described))
	}
	// To describe a statement locks its tables, too.
	begin := fmt.Sprintf(`begin; set local lock_timeout = %d`, lockLimit.Milliseconds())
	if in.schema != "" {
		begin += `; set local search_path = ` + pgx.Identifier{in.schema}.Sanitize()
	}
	conn := l.conn.PgConn()
	if _, err := conn.Exec(ctx, begin).ReadAll(); err != nil {
		return nil, err
	}
	d, err := conn.Prepare(ctx, name, in.sql, nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `commit`).ReadAll(); err != nil {
		return nil, err
	}
	l.described[in] = d
	return d, nil
}
