package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/internal/devpostgres"
)

// Postgres is a server that runs as a child of this process, and ends with it:
// at once on Linux, however the process ends, and elsewhere at the next start on
// the same directory at the latest. It listens on this machine only. One whose
// data are temporary gives up durability for speed.
type Postgres struct {
	server *devpostgres.Server
	close  func() error
}

// StartPostgres starts a server, which answers queries when it returns. ctx
// bounds the start only. The first start on a machine that has no Postgres
// installs one, and says what to do where it cannot.
func StartPostgres(ctx context.Context, c Config) (*Postgres, error) {
	dir, remove, err := c.place()
	if err != nil {
		return nil, err
	}
	s, err := devpostgres.Start(ctx, devpostgres.Config{Dir: dir, Logger: c.Logger, Volatile: c.Dir == ""})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return &Postgres{s, sync.OnceValue(func() error { return errors.Join(s.Close(), remove()) })}, nil
}

// URL is the address of the server's database, which is empty at first, for any
// client on this machine. It contains the password.
func (p *Postgres) URL() string { return p.server.URL() }

// NewDatabase creates another, empty database, such as for each test, and
// returns its address. It stays as long as the data of the server.
func (p *Postgres) NewDatabase(ctx context.Context) (address string, err error) {
	u, err := url.Parse(p.URL())
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	name := "db_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Done is closed when the server has ended, whether by Close or by itself.
func (p *Postgres) Done() <-chan struct{} { return p.server.Done() }

// Close ends all sessions and stops the server. It may be called more than once.
func (p *Postgres) Close() error { return p.close() }
