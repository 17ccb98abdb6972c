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
	"slices"
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
	Numbered  bool               // the numbering runs, and is judged, with the reactor that it is
	Format    string             // of new numbers; "" for the default
	Processes []Process          // that run beside it, and are judged
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
	Reactors  []*Reacted
	Journals  []*journal.Journal
}

// Process is a reactor and the aggregates that it stands between, which are not those
// of the product.
type Process struct {
	Reactor    checker.Reactor
	Aggregates []checker.Options // by what each is judged
}

// Reacted is a reactor and what it left.
type Reacted struct {
	checker.Reactor
	Log        *checker.ReactorLog
	Aggregates []Handled // that it stands between, of those that are no part of the product
}

// logs are those that it hears and sends to.
func (r *Reacted) logs(e *Evidence) []*checker.Log {
	logs := slices.Clone(e.logs())
	for _, a := range r.Aggregates {
		logs = append(logs, a.Log)
	}
	return logs
}

// Handled is an aggregate and what it left.
type Handled struct {
	checker.Options
	Log *checker.Log
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
	reactors, err := s.reactors(ctx) // first: what they send is handled then
	if err != nil {
		return nil, err
	}
	log, err := checker.Read(ctx, checker.Options{Brokers: s.Brokers, Aggregate: s.Aggregate, Settle: s.settle()})
	if err != nil {
		return nil, err
	}
	e := &Evidence{Aggregate: s.Aggregate, Log: log, Journals: s.Journals, Reactors: reactors}
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
	if err := e.readAggregates(ctx); err != nil {
		return nil, err
	}
	var errs []error
	for _, store := range s.Stores {
		stores, corrupt, err := readStores(store, s.Aggregate)
		errs = append(errs, err)
		e.Stores, e.Corrupt = append(e.Stores, stores...), e.Corrupt+corrupt
	}
	return e, errors.Join(errs...)
}

// readAggregates reads what the aggregates left that are no part of the product.
func (e *Evidence) readAggregates(ctx context.Context) (err error) {
	for _, r := range e.Reactors {
		for i := range r.Aggregates {
			a := &r.Aggregates[i]
			if a.Log, err = checker.Read(ctx, a.Options); err != nil {
				return err
			}
		}
	}
	return nil
}

// reactors reads what reactors left, when they have come to rest.
func (s Source) reactors(ctx context.Context) (all []*Reacted, err error) {
	at := checker.Options{Brokers: s.Brokers, Settle: s.settle()}
	processes := s.Processes
	if s.Numbered {
		processes = append([]Process{{Reactor: Numbering(s.Aggregate, s.Format)}}, processes...)
	}
	for _, p := range processes {
		r := &Reacted{Reactor: p.Reactor}
		if r.Log, err = checker.ReadReactor(ctx, p.Reactor, at); err != nil {
			return nil, fmt.Errorf("read reactor %s: %w", p.Reactor.Name, err)
		}
		for _, a := range p.Aggregates {
			a.Brokers, a.Settle = at.Brokers, at.Settle
			r.Aggregates = append(r.Aggregates, Handled{Options: a})
		}
		all = append(all, r)
	}
	return all, nil
}
