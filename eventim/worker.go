package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/IBM/sarama"
	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// historyError is an event or a snapshot that cannot be read, or that disagrees with
// the others.
type historyError = task.UnreadableError

// worker decides the commands of one partition, for as long as the group leaves it
// here: what internal/task does with any input, it does with commands. It is used by
// one goroutine.
type worker[S, C, E any] struct {
	*task.Claim
	agg         *Aggregate[S, C, E]
	config      HandlerConfig
	partitioner sarama.Partitioner

	store          *tables
	states         *lru.LRU[string, Snapshot[S]] // decoded states of the store
	batch          *batch[S, C, E]
	answeredBefore int64 // the results of commands below are not in the topic, see origins
}

// TakeOver implements task.Processor: the store is brought up to the ends of the
// snapshots and the results, and agrees with the last results, and these with the
// committed offset.
func (w *worker[S, C, E]) TakeOver(ctx context.Context) error {
	w.store = nil
	if err := w.verifyPosition(ctx); err != nil {
		return err
	}
	w.Moved() // from here on, it is known how much waits
	err := w.Open(ctx)
	if errors.Is(err, errRefold) {
		err = w.refold(ctx, err)
	}
	if err != nil {
		return err
	}
	answers, err := dedup.Open(w.Store, w.agg.Deduplication)
	if err != nil {
		return err
	}
	w.store = &tables{w.Store, answers}
	for _, verify := range []func(context.Context) error{w.verifyOrigins, w.verifyAgreement, w.verifyUnique, w.verifyContinuity} {
		if err := verify(ctx); err != nil {
			return err
		}
	}
	w.states, err = lru.NewLRU[string, Snapshot[S]](w.config.CachedStates, nil)
	return err
}

// Begin implements task.Processor.
func (w *worker[S, C, E]) Begin(s *task.Scope) {
	w.batch = &batch[S, C, E]{
		Scope: s, agg: w.agg, partitioner: w.partitioner,
		snapshot: w.snapshot, answer: w.store.answer, results: w.results, crashed: w.crashed, errand: w.Errand,
		observed:  w.config.Observer.Answered != nil,
		snapshots: map[string]changed[S]{}, answers: map[commandKey]given{},
	}
}

// Process implements task.Processor.
func (w *worker[S, C, E]) Process(_ *task.Scope, m *sarama.ConsumerMessage) error {
	return w.batch.add(recordOfMessage(m))
}

// Finish implements task.Processor.
func (w *worker[S, C, E]) Finish(s *task.Scope) error {
	s.Keep(w.keep)
	return w.batch.finish()
}

// keep writes down what was committed, and remembers it.
func (w *worker[S, C, E]) keep(to *statestore.Write) {
	w.config.Observer.answered(w.batch.noted)
	w.batch.keep((&tablesWrite{answers: w.store.answers}).over(to))
	for aggregate, c := range w.batch.snapshots {
		w.states.Add(aggregate, c.Snapshot)
	}
}

// Kept implements task.Processor.
func (w *worker[S, C, E]) Kept(c task.Commit) error { return w.sweep(c.Latest) }

func (w *worker[S, C, E]) crashed(cmd Record, reason any, stack []byte) {
	w.Logger.Error("the decision panicked", slog.Int64("offset", cmd.Position.Offset),
		slog.String("command_id", cmd.Header(headerID)), slog.Any("reason", reason), slog.String("stack", string(stack)))
}

// snapshot returns the committed snapshot of an aggregate.
func (w *worker[S, C, E]) snapshot(aggregate string) (Snapshot[S], error) {
	if s, ok := w.states.Get(aggregate); ok {
		return s, nil
	}
	stored, found, err := w.store.snapshot(aggregate)
	if err != nil || !found {
		return Snapshot[S]{Aggregate: aggregate}, err
	}
	s, err := w.agg.snapshotOf(aggregate, w.Partition, stored)
	if err != nil {
		return s, &historyError{Err: fmt.Errorf("snapshot of %s at version %d: %w", aggregate, stored.version, err)}
	}
	w.states.Add(aggregate, s)
	return s, nil
}
