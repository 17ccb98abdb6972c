package eventim

import (
	"time"

	"github.com/eventim-go/eventim/internal/task"
	"github.com/eventim-go/eventim/internal/txn"
)

// Observer is told what a handler does, for metrics and traces. Each function
// may be nil, and costs nothing then. They are called by the goroutines that do
// the work, several at a time, and hold it up: they return at once, and do not
// call the handler.
type Observer struct {
	// Claimed and Released are called when the group has given a partition to
	// this handler, and when it is given up: a rebalance, as one sees it.
	Claimed, Released func(partition int32)

	// TakenOver is called when a partition is ready to handle commands.
	TakenOver func(TakenOver)

	// Decided is called for each batch of commands that was decided, before it
	// is written. A batch that is not committed is decided again.
	Decided func(Decided)

	// Transacted is called for each transaction, by the lane that ran it.
	Transacted func(Transaction)

	// Answered is called for each command whose answer was committed, in the
	// order of a partition, but that repeats come last in their batch. One that
	// failed has a dead letter as well.
	Answered func(Answered)

	// Fenced is called when Kafka refuses a batch of this handler, since the
	// partition is no longer its own.
	Fenced func(partition int32, err error)

	// Ended is called when the open transaction of a process that is dead was
	// ended, with its transactional id.
	Ended func(id string)
}

// TakenOver says how a partition was made ready.
type TakenOver struct {
	Partition int32
	Offset    int64 // of the first command to handle, in the commands topic
	Attempts  int   // 1 when nothing was in the way
	Took      time.Duration
}

// Decided says how a batch of commands was decided.
type Decided struct {
	Partition int32
	Commands  int
	Bytes     int // of what is to be written, about
	Took      time.Duration
}

// Transaction says how a transaction went.
type Transaction struct {
	Batches int // of so many partitions
	Records int
	Bytes   int           // about
	Queued  time.Duration // how long the batch that came first waited for the lane
	Phases  Phases
	Took    time.Duration // from the first request of the transaction to its outcome
	Err     error         // nil when it was committed
}

// Phases are what a transaction spends its time on. Writing and committing the
// offsets happen at the same time. One that failed has those that it came to.
type Phases struct {
	Begin   time.Duration // AddPartitionsToTxn
	Write   time.Duration // Produce
	Offsets time.Duration // AddOffsetsToTxn and TxnOffsetCommit
	End     time.Duration // EndTxn
}

// Answered says how a command was answered.
type Answered struct {
	Command         string // its id
	Aggregate       string
	CommandPosition Position
	Time            time.Time // when the broker got the command
	Metadata
	Outcome  Outcome
	Code     string // of the rejection or the failure, "" of what was accepted
	Version  int64  // of the aggregate
	Replayed bool
}

func (o *Observer) answered(all []Answered) {
	for _, a := range all { // none when nobody wants them
		o.Answered(a)
	}
}

// observed is an Observer for the engine.
type observed struct{ o *Observer }

// Claimed implements task.Observer.
func (d observed) Claimed(partition int32) {
	if d.o.Claimed != nil {
		d.o.Claimed(partition)
	}
}

// Released implements task.Observer.
func (d observed) Released(partition int32) {
	if d.o.Released != nil {
		d.o.Released(partition)
	}
}

// TakenOver implements task.Observer.
func (d observed) TakenOver(t task.TakenOver) {
	if d.o.TakenOver != nil {
		d.o.TakenOver(TakenOver(t))
	}
}

// Decided implements task.Observer.
func (d observed) Decided(t task.Decided) {
	if d.o.Decided != nil {
		d.o.Decided(Decided{t.Partition, t.Records, t.Bytes, t.Took})
	}
}

// Transacted implements task.Observer.
func (d observed) Transacted(r txn.Report) {
	if d.o.Transacted != nil {
		d.o.Transacted(Transaction{r.Batches, r.Records, r.Bytes, r.Queued, Phases(r.Phases), r.Took, r.Err})
	}
}

// Fenced implements task.Observer.
func (d observed) Fenced(partition int32, err error) {
	if d.o.Fenced != nil {
		d.o.Fenced(partition, err)
	}
}

// Ended implements task.Observer.
func (d observed) Ended(id string) {
	if d.o.Ended != nil {
		d.o.Ended(id)
	}
}

func answeredOf[S, E any](res *Result[S, E]) Answered {
	a := Answered{
		Command: res.Command, Aggregate: res.Aggregate, CommandPosition: res.CommandPosition, Time: res.Time, Metadata: res.Metadata,
		Outcome: res.Outcome, Version: res.Version, Replayed: res.Replayed,
	}
	if res.Rejection != nil {
		a.Code = res.Rejection.Code
	}
	return a
}
