package eventim

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
)

// ErrUnanswered says that Kafka has a command, and that its result has not been
// waited for to the end. A handler will answer the command, or has.
var ErrUnanswered = errors.New("the command was sent, and its result was not awaited")

var errAskerClosed = errors.New("the asker is closed")

// Asker sends commands and waits for their results. It is safe for concurrent
// use; one per process is enough. It follows all results of its aggregate, those
// for others too.
type Asker[S, C, E any] struct {
	sender  *Sender[C]
	results Topic[Result[S, E]]
	inbox   Inbox
	follows context.Context // ends, with a cause, when results do not come any more
	end     context.CancelCauseFunc
	tail    sync.WaitGroup
}

// NewAsker connects an asker of commands for a, whose topics must exist
// (*TopicsError). ctx bounds the connecting alone. Close disconnects it.
func NewAsker[S, C, E any](ctx context.Context, a Aggregate[S, C, E], k Kafka) (*Asker[S, C, E], error) {
	sender, err := NewSender(a, k)
	if err != nil {
		return nil, err
	}
	q := &Asker[S, C, E]{sender: sender, results: a.ResultTopic()}
	// Whatever is sent from now on is answered behind these.
	ends, err := Ends(ctx, k, q.results.Name)
	if err != nil {
		return nil, errors.Join(err, sender.Close())
	}
	q.follows, q.end = context.WithCancelCause(context.WithoutCancel(ctx))
	q.tail.Go(func() {
		err := Tail(q.follows, k, q.results.Name, ends, func(rec Record) error {
			q.inbox.Record(rec)
			return nil
		})
		q.end(err) // after the end of follows, this is not heard
	})
	return q, nil
}

// Ask sends cmd and returns its result, whatever the outcome: a command that is
// rejected or has failed is no error. Result.Effect says whether it has changed
// anything, and for which position a reader of a view waits to see that.
//
// With an error, the result has no outcome, but its Command is the id that cmd
// was sent with. ErrUnanswered says that Kafka has the command, at
// CommandPosition. The errors of Send that say so mean that it was not sent.
// After any other one the outcome is unknown. In each case, ask again with the
// same id: the command takes effect at most once, and the answer to a repeat is
// the first one, marked Replayed.
func (q *Asker[S, C, E]) Ask(ctx context.Context, cmd Command[C]) (Result[S, E], error) {
	if cmd.ID == "" {
		cmd.ID = uuid.Must(uuid.NewV7()).String()
	}
	asked := Result[S, E]{Command: cmd.ID, Aggregate: cmd.Aggregate, Metadata: cmd.Metadata}
	if q.follows.Err() != nil {
		return asked, fmt.Errorf("ask command %s: %w", cmd.ID, context.Cause(q.follows)) //nolint:contextcheck // another one
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(q.follows, func() { cancel(context.Cause(q.follows)) })() //nolint:contextcheck // another one
	answer := q.inbox.Expect(cmd.Aggregate, cmd.ID)                                   // before it is sent: the result may be here before Send returns
	defer answer.Forget()
	sent, err := q.sender.Send(ctx, cmd)
	if err != nil {
		return asked, err
	}
	asked.Time, asked.Metadata, asked.CommandPosition = sent.Time, sent.Metadata, sent.Position
	rec, err := answer.Await(ctx, sent.Position)
	if err != nil {
		return asked, fmt.Errorf("%w: command %s at %s: %w", ErrUnanswered, cmd.ID, sent.Position, err)
	}
	res, err := q.results.Decode(rec)
	if err != nil {
		return asked, fmt.Errorf("read the result of command %s: %w", cmd.ID, err)
	}
	return res, nil
}

// Err says why Ask would refuse every command at the moment: see Sender.Err, or
// that Kafka has deleted results before they were read. Nil while all is well.
func (q *Asker[S, C, E]) Err() error { return errors.Join(q.sender.Err(), context.Cause(q.follows)) }

// Close disconnects. No Ask may be running or follow.
func (q *Asker[S, C, E]) Close() error {
	q.end(errAskerClosed)
	q.tail.Wait()
	return q.sender.Close()
}
