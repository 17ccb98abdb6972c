package eventim

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// errRefold asks for the states to be folded again from the events: they were
// folded by an older revision of the code, or some of them are gone.
var errRefold = errors.New("the snapshots are not the states")

// Names of the tables in the checkpoint of a store.
const (
	tableSnapshots = "snapshots"
	tableAnswers   = "results"
)

// tables are what a handler restores: the last snapshot of each aggregate, and the
// answers of the window.
func (a *Aggregate[S, C, E]) tables() []task.Table {
	t := a.Topics()
	return []task.Table{
		{Name: tableSnapshots, Topic: t.Snapshots, Compacted: true, Restore: func(s *statestore.Store, p int32) task.Filling {
			return &snapshotFilter{
				topic: t.Snapshots, partition: p,
				revision: a.Revision, outdated: map[string]bool{}, broken: map[string]error{}, readable: map[schema]bool{},
				decode: func(v storedSnapshot) error { _, err := DecodeWhole(a.State, v.payload()); return err },
			}
		}},
		{Name: tableAnswers, Topic: t.Results, Restore: func(s *statestore.Store, p int32) task.Filling {
			answers, err := dedup.Open(s, a.Deduplication)
			return &answerFilter{write: tablesWrite{answers: answers}, topic: t.Results, partition: p, commands: t.Commands, err: err}
		}},
	}
}

// complete finds snapshots that are missing as a whole. Nobody deletes them but
// an operator, with the topic or a part of it, or a cleanup policy that did: to
// restore from what is left would begin their aggregates anew, at version 1.
func (a *Aggregate[S, C, E]) complete(ctx context.Context, r *task.Restorer, partition int32) error {
	start, end, err := r.Bounds(ctx, a.Topics().Snapshots, partition)
	if err != nil {
		return err
	}
	_, events, err := r.Bounds(ctx, a.Topics().Events, partition)
	switch {
	case err != nil:
		return err
	case start > 0:
		return fmt.Errorf("%w: those below offset %d were deleted", errRefold, start)
	case end == 0 && events > 0:
		return fmt.Errorf("%w: there are events, and no snapshot", errRefold)
	}
	return nil
}

// snapshotFilter takes snapshots into the store and knows which of them were
// folded by an older revision of the code. The log has such, superseded by
// newer ones, until it is compacted; the checkpoint waits while the last one of
// an aggregate is.
//
// A tombstone counts as one of them. The handler writes none: somebody has
// deleted a state whose events are still there, for ever, and an aggregate that
// is gone from the states would begin anew, at version 1, beside its history.
type snapshotFilter struct {
	write     tablesWrite
	topic     string
	partition int32
	revision  int
	outdated  map[string]bool
	broken    map[string]error // the last one cannot be read
	decode    func(storedSnapshot) error
	readable  map[schema]bool // what decode has read
}

// schema is the wire name and the schema version of a payload.
type schema struct {
	name    string
	version int
}

// Put implements task.Filling.
func (f *snapshotFilter) Put(w *statestore.Write, b *sarama.RecordBatch, r *sarama.Record) error {
	return f.put(f.write.over(w), recordOf(f.topic, f.partition, b, r))
}

// Settled implements task.Filling.
func (f *snapshotFilter) Settled() bool { return len(f.outdated) == 0 && len(f.broken) == 0 }

// Done implements task.Filling.
func (f *snapshotFilter) Done() error {
	for _, err := range f.broken {
		return &historyError{Err: err}
	}
	if len(f.outdated) > 0 {
		return fmt.Errorf("%w: %d of them were folded by an older revision of the code, or deleted", errRefold, len(f.outdated))
	}
	return nil
}

func (f *snapshotFilter) put(w *tablesWrite, rec Record) error {
	aggregate := string(rec.Key)
	delete(f.outdated, aggregate)
	delete(f.broken, aggregate)
	if rec.Value == nil {
		f.outdated[aggregate] = true
		return nil
	}
	v, err := storedOf(rec)
	if err == nil {
		err = f.check(rec, v)
	}
	if err != nil {
		return f.keepBroken(aggregate, err)
	}
	if v.revision < f.revision {
		f.outdated[aggregate] = true
	}
	w.setSnapshot(aggregate, v)
	return nil
}

// keepBroken remembers that the last snapshot of an aggregate cannot be read. A
// later one, or a tombstone, mends it: so can an operator what somebody else
// has written into the topic.
func (f *snapshotFilter) keepBroken(aggregate string, err error) error {
	const enough = 1000
	f.broken[aggregate] = err
	if len(f.broken) > enough {
		return &historyError{Err: err}
	}
	return nil
}

// check finds out at once whether this program can read what is there. It
// decodes one snapshot of each schema; a state that is broken by itself shows
// when it is needed.
func (f *snapshotFilter) check(rec Record, v storedSnapshot) error {
	if v.revision > f.revision {
		return fmt.Errorf("%s %s: state revision %d is newer than this program's %d: upgrade it",
			rec.Topic, rec.Position, v.revision, f.revision)
	}
	s := schema{v.typ, v.schemaVersion}
	if v.revision < f.revision || f.readable[s] { // an outdated one is not read, but folded again
		return nil
	}
	if err := f.decode(v); err != nil {
		return fmt.Errorf("%s %s: %w", rec.Topic, rec.Position, err)
	}
	f.readable[s] = true
	return nil
}

// answerFilter takes the first answers of results into the store.
type answerFilter struct {
	write           tablesWrite
	topic, commands string
	partition       int32
	err             error // why there is no window
}

// Put implements task.Filling.
func (f *answerFilter) Put(w *statestore.Write, b *sarama.RecordBatch, r *sarama.Record) error {
	if f.err != nil {
		return f.err
	}
	return f.put(f.write.over(w), recordOf(f.topic, f.partition, b, r))
}

func (f *answerFilter) put(w *tablesWrite, rec Record) error {
	command, a, first, err := answerOf(f.commands, rec)
	if err != nil {
		return &historyError{Err: err}
	}
	if first {
		w.setAnswer(command, a)
	}
	return nil
}

// Settled implements task.Filling.
func (*answerFilter) Settled() bool { return true }

// Done implements task.Filling.
func (f *answerFilter) Done() error { return f.err }
