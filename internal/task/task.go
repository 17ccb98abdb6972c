// Package task is the engine of everything that reads a topic and writes others:
// command handlers, routers, reactors. It takes the records of a partition, lets a
// function of values say what they cause, and commits that with the position of the
// input in one transaction. What is specific is a Processor; what is here knows of no
// command. On it rest promise 1 (nothing is skipped: the loop goes on behind what is
// committed, and nowhere else) and promise 5 (whoever takes over knows all that those
// before have written).
package task

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/statestore"
)

// Task says what is done with the records of a topic, and what it rests on.
type Task struct {
	Name       string // of what does it, for the log and the directory
	Group      string
	Input      string   // the topic that is read
	Partitions int32    // of the input; records in others are nobody's
	Outputs    []string // the topics that transactions write to
	Tables     []Table  // what is kept of each partition; none: no store
	Positions  Positions

	// What the state store is a copy of, beside the cluster and the partition.
	Identity         string // the topic whose id it carries
	Revision, Format int

	// Reanchor lets a store go on beside a topic that was made anew; nil: none does.
	Reanchor func(*Restorer, *statestore.Store, Checkpoint) (Checkpoint, error)

	// Complete finds what a restore from the beginning would miss; nil: nothing.
	Complete func(ctx context.Context, r *Restorer, partition int32) error

	// New makes what processes the records of a claim.
	New func(*Claim) Processor
}

// Topics are all topics of the task.
func (t *Task) Topics() []string { return append([]string{t.Input}, t.written()...) }

// written are the topics that its transactions write to.
func (t *Task) written() []string {
	if t.Positions.Topic == "" {
		return t.Outputs
	}
	return append(slices.Clip(t.Outputs), t.Positions.Topic)
}

// Table is a part of the state store that is restored from a topic, of the same
// partition.
type Table struct {
	Name  string // in the checkpoint
	Topic string

	// Compacted is a table of the last value of each key: all of it is needed, and
	// what was deleted is known for a while only. Another one is a window: what
	// retention has removed is not needed.
	Compacted bool

	// Restore begins to read a stretch of the topic into the store.
	Restore func(s *statestore.Store, partition int32) Filling
}

// Filling takes the records of a stretch, in their order.
type Filling interface {
	Put(w *statestore.Write, b *sarama.RecordBatch, rec *sarama.Record) error

	// Settled tells whether what was put so far may stay: the checkpoint moves on.
	Settled() bool

	// Done is called at the end of the stretch.
	Done() error
}

// Processor does the work of one claim: of one partition, for as long as the group
// leaves it here. It is used by one goroutine.
type Processor interface {
	// TakeOver makes the claim ready, see Claim.takeOver: older owners cannot commit
	// any more, and Next is what the group has committed. It may move that, and it
	// opens the store. An *UnreadableError stops the partition.
	TakeOver(ctx context.Context) error

	// Begin begins a batch; one that was begun before, and not kept, has never been.
	Begin(s *Scope)

	// Process says what a record causes. It does not touch Kafka, and the store
	// through the scope alone. An error is never the record's fault.
	Process(s *Scope, m *sarama.ConsumerMessage) error

	// Finish ends a batch, before it is committed.
	Finish(s *Scope) error

	// Kept is called when what a batch has written is in Kafka and in the store.
	Kept(c Commit) error

	// Look is called between two batches, every few seconds.
	Look(ctx context.Context) error
}

// Ticker is a Processor that also acts without a record of the input, such as when a
// timer is due.
type Ticker interface {
	// Tick says what is due, as many things of it as most at most, and how many they
	// were. It is called after Claim.Wake, again and again until there are none.
	Tick(s *Scope, most int) (n int, err error)
}

// Limits are those of the topics.
type Limits struct {
	OutputBytes     int           // the smallest max.message.bytes of what is written
	DeleteRetention time.Duration // of the compacted tables: how long a deletion is kept
}

// UnreadableError is something that cannot be read, or agrees with nothing else.
// History is never skipped: the partition stops until the program or the topic is
// mended.
type UnreadableError struct{ Err error }

func (e *UnreadableError) Error() string {
	return "unreadable history: " + e.Err.Error() +
		"; the partition stays stopped until a program that can read it is started"
}

// Unwrap returns why.
func (e *UnreadableError) Unwrap() error { return e.Err }

// A CrashError says where somebody else's code panicked: to the log, not to whoever
// reads the error.
type CrashError interface {
	error
	slog.LogValuer
}
