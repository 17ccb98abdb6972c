// Package projector writes views: it applies the records of a topic to tables
// of Postgres, exactly once. The position of each partition commits in the
// transaction of the rows that it stands for, so that whatever crashes, and
// whoever else believes to own the partition, a view is the fold of the
// records below its position.
//
// Each version of a view lives in a schema of its own, <name>_v<version>, and
// public.<name> shows the live one. A version that a program brings along is
// built beside the live one and replaces it in one transaction when it has
// caught up. The tables that the package needs come from package migrations.
package projector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
)

// Projection declares one view: a table and how the records of a topic change
// it. It is a plain value.
type Projection[T any] struct {
	// Name is the name of the view, and of the table that DDL creates for it:
	// lower-case letters, digits and underscores.
	Name string

	// Version counts from 1. Raise it when DDL or Write change: the view is
	// then built anew from the beginning of the topic.
	Version int

	// Topic is where the records come from. Tombstones of a compacted topic are
	// passed over, and said in the log: no handler writes them, and what the view
	// shows has a history. A row stays until another record of its key comes.
	Topic eventim.Topic[T]

	// DDL creates the table <Name> and whatever Write needs beside it. It runs
	// once per version, with the schema of the version as the search path.
	// Comments on the table and its columns are carried over to the view.
	DDL string

	// Write applies records, which are in the order of their partition and at
	// most Config.MaxBatch, inside tx. It must have no effect outside of it:
	// it may run again for the same records. Unqualified names are those of
	// the schema of the version. A constraint violation, a statement that is
	// wrong, a missing privilege, an error that is not Postgres's, and a panic
	// stop the partition; what passes, such as a deadlock, a full disk, a
	// timeout or a standby, is tried again for as long as it takes; after a
	// timeout, with fewer records.
	Write func(ctx context.Context, tx pgx.Tx, batch []T) error

	// Expires says that the topic deletes old records, and that the view may
	// lack what was deleted before it was applied. Otherwise such a gap stops
	// the partition.
	Expires bool
}

// View is a Projection of any type.
type View interface{ view() (*view, error) }

// view is a projection without its type.
type view struct {
	name    string
	version int
	topic   string
	ddl     string
	expires bool
	deletes func(eventim.Record) bool // tells tombstones, which are passed over
	decode  func([]eventim.Record) (batch, error)

	reanchor string // Config.ReanchorCommand
}

// batch is a run of decoded records. Tombstones have their place in it, so that
// it is cut as the records are, and are not written.
type batch interface {
	size() int
	cut(from, to int) batch
	write(ctx context.Context, tx pgx.Tx) error
}

// 45 characters leave room in Postgres's 63 for _v<version>.
var viewName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,44}$`)

func (p Projection[T]) view() (*view, error) {
	var errs []error
	check := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	check(viewName.MatchString(p.Name), "Name is not a lower-case identifier of at most 45 characters")
	check(p.Version > 0, "Version is not positive")
	check(p.Topic.Name != "", "Topic has no name")
	check(p.Topic.Decode != nil, "Topic has no Decode")
	check(p.DDL != "", "DDL is empty")
	check(p.Write != nil, "Write is nil")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("projection %q: %w", p.Name, err)
	}
	return &view{
		name: p.Name, version: p.Version, topic: p.Topic.Name, ddl: p.DDL, expires: p.Expires,
		deletes: p.Topic.Deletes, decode: p.decode,
	}, nil
}

func (v *view) schema() string { return fmt.Sprintf("%s_v%d", v.name, v.version) }

func (v *view) digest() string {
	sum := sha256.Sum256([]byte(v.ddl))
	return hex.EncodeToString(sum[:])
}

// decode decodes records up to the first that cannot be read, whose error it
// returns beside the batch of those before it.
func (p Projection[T]) decode(records []eventim.Record) (batch, error) {
	b := values[T]{projection: p, upTo: make([]int, 1, len(records)+1)}
	for _, r := range records {
		if !p.Topic.Deletes(r) {
			v, err := p.decodeOne(r)
			if err != nil {
				return b, unreadable(r, err)
			}
			b.values = append(b.values, v)
		}
		b.upTo = append(b.upTo, len(b.values))
	}
	return b, nil
}

// unreadable names a record that nobody of ours has written, or a newer program.
func unreadable(r eventim.Record, err error) error {
	what := "cannot be read"
	if r.Value == nil {
		what += ", for it is a tombstone, and the topic is not compacted"
	}
	return fmt.Errorf("%s %s %s: key %.200q: %w", r.Topic, r.Position, what, r.Key, err)
}

func (p Projection[T]) decodeOne(r eventim.Record) (v T, err error) {
	defer recoverTo(&err)
	return p.Topic.Decode(r)
}

// values is a batch of the records [0, len(upTo)-1), of which upTo counts how
// many values those before each of them have.
type values[T any] struct {
	projection Projection[T]
	values     []T
	upTo       []int
}

func (b values[T]) size() int { return len(b.upTo) - 1 }

func (b values[T]) cut(from, to int) batch {
	b.upTo = b.upTo[from : to+1]
	return b
}

func (b values[T]) write(ctx context.Context, tx pgx.Tx) (err error) {
	defer recoverTo(&err)
	batch := b.values[b.upTo[0]:b.upTo[b.size()]]
	if len(batch) == 0 {
		return nil
	}
	return b.projection.Write(ctx, tx, batch)
}

func recoverTo(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}
