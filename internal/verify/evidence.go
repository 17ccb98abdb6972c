// Package verify judges a whole invoicing system by what it left: in Kafka (by
// package checker), in Postgres, in the state stores, and in the journals of
// its clients. It reads all of that itself, and folds invoices by code of its
// own.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/checker"
	"github.com/eventim-go/eventim/internal/journal"
)

// Source says where the evidence is.
type Source struct {
	Brokers   []string
	Aggregate string
	Pool      *pgxpool.Pool // nil: the views are not judged
	Stores    []Store
	Journals  []*journal.Journal // of the clients
	Numbered  bool               // the numbering runs, and is judged
	Settle    time.Duration      // how long to wait for the handlers and the projectors; 30 s when 0
}

// Store is the data directory of a handler that has ended.
type Store struct {
	Dir string
	// Partitions are those that the handler had at its end, after everything had
	// been handled: their stores lack nothing. When nil, all that are there are
	// read, and may lack what was handled after their partitions went elsewhere.
	Partitions []int32
	// Damaged are partitions whose files somebody has damaged on purpose. A
	// handler finds that when it reads what is damaged, and not before: such a
	// store need not be readable, but what can be read has to be right.
	Damaged []int32
}

// Evidence is everything that is judged.
type Evidence struct {
	Aggregate string
	Log       *checker.Log
	Series    *checker.Log // nil: not judged
	Rows      *Rows        // nil: not judged
	Stores    []checker.Copy
	Corrupt   int // stores that are not among them, since they are damaged
	Journals  []*journal.Journal
}

// seriesOf is the prefix of the topics of the series of an installation.
func seriesOf(aggregate string) string { return aggregate + "-series" }

func (s Source) settle() time.Duration { return cmp.Or(s.Settle, 30*time.Second) }

// logs are those that views are made of.
func (e *Evidence) logs() []*checker.Log {
	if e.Series == nil {
		return []*checker.Log{e.Log}
	}
	return []*checker.Log{e.Log, e.Series}
}

// Verify collects the evidence and judges it. It waits until the handlers have
// handled all commands, and the views have got all that came of them. The
// error is one of collecting.
func Verify(ctx context.Context, s Source) (*Report, error) {
	e, err := Collect(ctx, s)
	if err != nil {
		return nil, err
	}
	return Judge(e), nil
}

// Collect collects the evidence.
func Collect(ctx context.Context, s Source) (*Evidence, error) {
	log, err := checker.Read(ctx, checker.Options{Brokers: s.Brokers, Aggregate: s.Aggregate, Settle: s.settle()})
	if err != nil {
		return nil, err
	}
	e := &Evidence{Aggregate: s.Aggregate, Log: log, Journals: s.Journals}
	if s.Numbered {
		if e.Series, err = checker.Read(ctx, checker.Options{Brokers: s.Brokers, Aggregate: seriesOf(s.Aggregate), Settle: s.settle()}); err != nil {
			return nil, err
		}
	}
	if s.Pool != nil {
		if err := awaitViews(ctx, s.Pool, e.logs(), s.settle()); err != nil {
			return nil, err
		}
		if e.Rows, err = readRows(ctx, s.Pool); err != nil {
			return nil, fmt.Errorf("read the views: %w", err)
		}
	}
	var errs []error
	for _, store := range s.Stores {
		stores, corrupt, err := readStores(store, s.Aggregate)
		errs = append(errs, err)
		e.Stores, e.Corrupt = append(e.Stores, stores...), e.Corrupt+corrupt
	}
	return e, errors.Join(errs...)
}
