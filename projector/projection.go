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
	"slices"
	"sync/atomic"

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

	// Queue, in place of Write, queues the statements that apply records, for
	// projections that need no answer of the server in between. They share
	// transactions and round trips with other partitions and other views, which
	// costs Postgres and this process less than half of what Write does while
	// records are few. The records are of one partition, at most Config.MaxBatch, or
	// of several, at most 1200; those of each are in its order. All that is said
	// of Write holds, and no statement may have a function for its answer.
	Queue func(statements *pgx.Batch, batch []T) error

	// Key is the column of the table <Name> that holds the key of the record that
	// a row comes from, which is the id of its aggregate. Where it is empty, a
	// comparison tells no partitions apart, and Reproject is refused.
	Key string

	// Expires says that the topic deletes old records, and that the view may
	// lack what was deleted before it was applied. Otherwise such a gap stops
	// the partition.
	Expires bool
}

// View is a Projection of any type.
type View interface {
	view() (*view, error)
	named() string
}

// NameOf returns the name of a view.
func NameOf(v View) string { return v.named() }

func (p Projection[T]) named() string { return p.Name }

// view is a projection without its type.
type view struct {
	name    string
	version int
	topic   string
	ddl     string
	expires bool
	key     string                    // the column
	queues  bool                      // it has Queue
	alone   atomic.Int32              // partitions that cannot do with company for now
	deletes func(eventim.Record) bool // tells tombstones, which are passed over
	decode  func([]eventim.Record) (batch, error)

	reanchor string // Config.ReanchorCommand
}

// batch is a run of decoded records. Tombstones have their place in it, so that
// it is cut as the records are, and are not written.
type batch interface {
	size() int
	bytes() int // of the records
	cut(from, to int) batch
	write(ctx context.Context, tx pgx.Tx) error
	// queue queues what writes b and others, which are of the same view.
	queue(statements *pgx.Batch, others ...batch) error
}

// 45 characters leave room in Postgres's 63 for _v<version>.
var (
	viewName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,44}$`)
	columnName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

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
	check(p.Key == "" || columnName.MatchString(p.Key), "Key is not a lower-case identifier")
	check((p.Write != nil) != (p.Queue != nil), "it needs Write or Queue, and not both")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("projection %q: %w", p.Name, err)
	}
	return &view{
		name: p.Name, version: p.Version, topic: p.Topic.Name, ddl: p.DDL, expires: p.Expires, key: p.Key,
		queues: p.Queue != nil, deletes: p.Topic.Deletes, decode: p.decode,
	}, nil
}

func (v *view) schema() string { return schemaOf(v.name, v.version) }

// schemaOf names the schema of a version, or of what a rebuild builds.
func schemaOf(name string, version int) string {
	if version < 0 {
		return fmt.Sprintf("%s_r%d", name, -version)
	}
	return fmt.Sprintf("%s_v%d", name, version)
}

// rebuilt is the view as rebuild id builds it, beside the live rows.
func (v *view) rebuilt(id int) *view {
	return &view{
		name: v.name, version: -id, topic: v.topic, ddl: v.ddl, expires: v.expires, key: v.key,
		deletes: v.deletes, decode: v.decode, reanchor: v.reanchor,
	}
}

func (v *view) digest() string {
	sum := sha256.Sum256([]byte(v.ddl))
	return hex.EncodeToString(sum[:])
}

// decode decodes records up to the first that cannot be read, whose error it
// returns beside the batch of those before it.
func (p Projection[T]) decode(records []eventim.Record) (batch, error) {
	b := values[T]{projection: p, upTo: make([]int, 1, len(records)+1), ends: make([]int, 1, len(records)+1)}
	for _, r := range records {
		if !p.Topic.Deletes(r) {
			v, err := p.decodeOne(r)
			if err != nil {
				return b, unreadable(r, err)
			}
			b.values = append(b.values, v)
		}
		b.upTo = append(b.upTo, len(b.values))
		b.ends = append(b.ends, b.ends[len(b.ends)-1]+len(r.Key)+len(r.Value))
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
// many values those before each of them have, and ends how many bytes.
type values[T any] struct {
	projection Projection[T]
	values     []T
	upTo, ends []int
}

func (b values[T]) size() int { return len(b.upTo) - 1 }

func (b values[T]) cut(from, to int) batch {
	b.upTo, b.ends = b.upTo[from:to+1], b.ends[from:to+1]
	return b
}

func (b values[T]) bytes() int { return b.ends[b.size()] - b.ends[0] }

func (b values[T]) all() []T { return b.values[b.upTo[0]:b.upTo[b.size()]] }

func (b values[T]) write(ctx context.Context, tx pgx.Tx) (err error) {
	defer recoverTo(&err)
	switch {
	case len(b.all()) == 0:
		return nil
	case b.projection.Write != nil:
		return b.projection.Write(ctx, tx, b.all())
	}
	var statements pgx.Batch
	if err := b.queue(&statements); err != nil {
		return err
	}
	return tx.SendBatch(ctx, &statements).Close()
}

var errAnswer = errors.New("a function of Queue waits for the answer to a statement: that is for Write")

func (b values[T]) queue(statements *pgx.Batch, others ...batch) (err error) {
	defer recoverTo(&err)
	records := slices.Clip(b.all()) // what is appended does not go into b
	for _, o := range others {
		records = append(records, o.(values[T]).all()...) //nolint:forcetypeassert // of the same view
	}
	if len(records) == 0 {
		return nil
	}
	if err := b.projection.Queue(statements, records); err != nil {
		return err
	}
	if slices.ContainsFunc(statements.QueuedQueries, func(q *pgx.QueuedQuery) bool { return q.Fn != nil }) {
		return errAnswer
	}
	return nil
}

func recoverTo(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}
