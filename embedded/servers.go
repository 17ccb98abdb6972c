package embedded

import (
	"context"
	"errors"
	"path/filepath"
)

// Servers are a broker and a Postgres, all that a program on Eventim needs.
type Servers struct {
	*Broker
	Postgres *Postgres
}

// Start starts both, with their data in directories of their own within that of
// c. Both serve when it returns. ctx bounds the start only.
func Start(ctx context.Context, c Config) (*Servers, error) {
	broker, err := StartBroker(c.within("kafka"))
	if err != nil {
		return nil, err
	}
	postgres, err := StartPostgres(ctx, c.within("postgres"))
	if err != nil {
		return nil, errors.Join(err, broker.Close())
	}
	return &Servers{broker, postgres}, nil
}

// Close stops both servers. It may be called more than once; end before it what
// uses them.
func (s *Servers) Close() error { return errors.Join(s.Broker.Close(), s.Postgres.Close()) }

// within is c for a server that shares the directory with others.
func (c Config) within(name string) Config {
	if c.Dir != "" {
		c.Dir = filepath.Join(c.Dir, name)
	}
	return c
}
