// Package embedded runs a Kafka broker and a Postgres server for tests, for
// development and for trying things out, with nothing to install but Go: the
// broker is in the process, and Postgres is that of the machine, or is installed
// when there is none. Neither needs a testing.TB, so that a program's main can
// have them, too. They are not for production: the broker is one node, and never
// deletes what it has.
package embedded

import (
	"log/slog"
	"os"
)

// Config says where a server keeps its data.
type Config struct {
	// Dir holds the data, which are there at the next start, even after a
	// kill -9. It is created when missing, and one server at a time can use it.
	// When it is empty, the data are temporary, and gone after Close.
	Dir string

	// Logger hears of installations, of repairs and of what goes wrong. Nil
	// discards.
	Logger *slog.Logger
}

// place returns the directory of c, and what removes it when it is temporary.
func (c Config) place() (dir string, remove func() error, err error) {
	if c.Dir != "" {
		return c.Dir, func() error { return nil }, nil
	}
	if dir, err = os.MkdirTemp("", "eventim-embedded-"); err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	return dir, remove, os.Chmod(dir, 0o755) //nolint:gosec // root runs Postgres as another user
}
