package eventim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// Retried is what a retry has come to. The dead letter has ended if its command was
// accepted, and has not otherwise.
type Retried struct {
	Command  string // its id
	Outcome  Outcome
	Code     string // why it was not accepted
	Message  string
	Version  int64 // of the aggregate after it
	Replayed bool  // somebody else had retried it

	forNow bool
}

// Retry sends the command of a dead letter again, as it was sent, and waits for its
// result. It takes effect at most once, whoever retries it at the same time, in this
// process or another, or tries again because it does not know what became of a retry:
// its id is made of the dead letter and of the number of retries that were answered with
// no. The command keeps its actor, and has the command that failed as its cause.
//
// When it is accepted, the dead letter has ended. When it is rejected, or fails again,
// that is among the Attempts of the dead letter, and the next retry is another command.
// ErrUnanswered says that Kafka has the command, and that no handler has answered in
// time: retry it again to see what became of it. One that has ended is ErrDeadLetterEnded.
func (l DeadLetters) Retry(ctx context.Context, k Kafka, id, by string) (Retried, error) {
	d, err := l.open(ctx, k, id)
	if err != nil {
		return Retried{}, err
	}
	n := d.next()
	if effect, err := l.effect(ctx, k, d); err != nil || effect.Command != "" {
		return effect, errors.Join(err, l.settle(ctx, k, d, n, by, effect))
	}
	original, err := l.original(ctx, k, d)
	if err != nil {
		return Retried{}, err
	}
	m := d.again(original, l.topics.Commands, n, by, time.Now())
	res, err := l.ask(ctx, k, m)
	res.Command = d.commandOf(n)
	if err != nil {
		return res, fmt.Errorf("retry %s as command %s: %w", id, res.Command, err)
	}
	return res, l.settle(ctx, k, d, n, by, res)
}

// settle puts on record what the n-th retry has come to. What fails again is on record
// as a dead letter; what is rejected for now takes up no id, and is sent under it again.
func (l DeadLetters) settle(ctx context.Context, k Kafka, d *DeadLetter, n int, by string, res Retried) error {
	note := deadLetterNote{By: by, Command: res.Command, Attempt: n, Version: res.Version}
	switch {
	case res.Outcome == Accepted:
		note.State = DeadLetterRetried
	case res.Outcome == Rejected && !res.forNow:
		note.State, note.Code, note.Reason = noteRejected, res.Code, res.Message
	default:
		return nil
	}
	return l.write(ctx, k, d, note)
}

// replacedByRetry are the headers that a retry does not take over, or says anew. Whoever
// waits at the origin has had an answer.
var replacedByRetry = []string{
	headerID, headerTime, headerCorrelation, headerCausation, headerOrigin, headerRetryOf, headerRetry, headerRetryBy,
}

// again is the command of a dead letter, to be sent once more.
func (d *DeadLetter) again(original Record, topic string, n int, by string, at time.Time) *sarama.ProducerMessage {
	cause := d.Command
	if !ValidID(cause) {
		cause = d.ID
	}
	h := newHeaders()
	h.add(headerID, d.commandOf(n))
	h.addTime(headerTime, at)
	h.add(headerCorrelation, cmp.Or(original.Header(headerCorrelation), cause))
	h.add(headerCausation, cause)
	h.add(headerRetryOf, d.ID)
	h.addInt(headerRetry, int64(n))
	h.add(headerRetryBy, by)
	m := &sarama.ProducerMessage{Topic: topic, Timestamp: at}
	for _, o := range original.Headers {
		if !slices.Contains(replacedByRetry, string(o.Key)) {
			m.Headers = append(m.Headers, sarama.RecordHeader(*o))
		}
	}
	m.Headers = append(m.Headers, h.list...)
	if original.Key != nil {
		m.Key = sarama.ByteEncoder(original.Key)
	}
	if original.Value != nil {
		m.Value = sarama.ByteEncoder(original.Value)
	}
	return m
}

// original is the command as it was sent: of one that did not fit into its dead letter
// it is read where it was sent to.
func (l DeadLetters) original(ctx context.Context, k Kafka, d *DeadLetter) (Record, error) {
	if !d.Truncated {
		return d.Record, nil
	}
	at, found := d.Record.Position, Record{}
	err := Read(ctx, k, d.Record.Topic, Positions{at.Partition: at.Offset}, Positions{at.Partition: at.Offset + 1}, func(rec Record) error {
		if rec.Position == at {
			found = rec
		}
		return nil
	})
	if errors.Is(err, ErrOffsetOutOfRange) || errors.Is(err, sarama.ErrUnknownTopicOrPartition) || err == nil && found.Topic == "" {
		return found, fmt.Errorf("retry %s: %w", d.ID, ErrDeadLetterGone)
	}
	return found, err
}

// effect looks among the events for what a retry of before has caused. The answers of the
// window keep a command from having another effect; this is for what is older than that,
// and for an answer that said no more than that.
func (l DeadLetters) effect(ctx context.Context, k Kafka, d *DeadLetter) (Retried, error) {
	gone := slices.ContainsFunc(d.Attempts, func(a DeadLetterAttempt) bool { return a.Code == CodeAnswerGone })
	if !gone && time.Since(d.Time) < l.window/2 || len(d.Record.Key) == 0 {
		return Retried{}, nil
	}
	sent := d.sentBefore()
	place := placementOf(l.name, l.partitions)(l.topics.Events)
	p, err := place.Partition(&sarama.ProducerMessage{Key: sarama.ByteEncoder(d.Record.Key)}, l.partitions)
	if err != nil {
		return Retried{}, err
	}
	ends, err := Ends(ctx, k, l.topics.Events)
	if err != nil {
		return Retried{}, err
	}
	var found Retried
	err = Read(ctx, k, l.topics.Events, nil, Positions{p: ends[p]}, func(rec Record) error {
		if id := rec.Header(headerCommandID); slices.Contains(sent, id) && string(rec.Key) == d.Aggregate {
			version, err := strconv.ParseInt(rec.Header(headerVersion), 10, 64)
			found = Retried{Command: id, Outcome: Accepted, Version: version, Replayed: true}
			return err
		}
		return nil
	})
	return found, err
}

// sentBefore are the ids under which somebody may have retried it, without those that
// turned out to be of other commands.
func (d *DeadLetter) sentBefore() (ids []string) {
	for n := range d.next() + 1 {
		reused := slices.ContainsFunc(d.Attempts, func(a DeadLetterAttempt) bool { return a.Number == n && a.Code == CodeCommandIDReused })
		if !reused {
			ids = append(ids, d.commandOf(n))
		}
	}
	return ids
}

var errAnswered = errors.New("the answer is here")

// ask sends a command as it is, and waits for its result.
func (l DeadLetters) ask(ctx context.Context, k Kafka, m *sarama.ProducerMessage) (res Retried, err error) {
	ends, err := Ends(ctx, k, l.topics.Results)
	if err != nil {
		return res, err
	}
	at, err := produce(ctx, k, senderConfig(k, l.name, l.partitions), m)
	if errors.Is(err, sarama.ErrMessageSizeTooLarge) {
		return res, fmt.Errorf("%w: with what a retry adds", ErrTooLarge)
	}
	if err != nil {
		return res, err
	}
	err = Tail(ctx, k, l.topics.Results, Positions{at.Partition: ends[at.Partition]}, func(rec Record) error {
		if p, ok := rec.CommandPosition(); !ok || p != at {
			return nil
		}
		var v resultValue
		if err := json.Unmarshal(rec.Value, &v); err != nil {
			return err
		}
		res = Retried{Outcome: v.Outcome, Code: v.Code, Message: v.Message, Version: v.Version, Replayed: rec.Header(headerReplay) != ""}
		res.forNow = rec.Header(headerForNow) != ""
		return errAnswered
	})
	switch {
	case errors.Is(err, errAnswered):
		return res, nil
	case err == nil:
		err = context.Cause(ctx)
	}
	return res, fmt.Errorf("%w: at %s: %w", ErrUnanswered, at, err)
}
