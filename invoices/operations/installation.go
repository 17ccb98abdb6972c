// Package operations is what one does when something of an installation did not go: the
// commands that could not be handled, and what waits because a reaction failed.
package operations

import (
	"context"
	"fmt"
	"strings"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/numbering"
	"github.com/eventim-go/eventim/invoices/series"
)

// Installation is the invoices of one Kafka, with what numbers them.
type Installation struct {
	kafka     eventim.Kafka
	of        []eventim.DeadLetters
	numbering numbering.Reactor
}

// New returns the installation whose invoices are those of a. It does not connect.
func New(k eventim.Kafka, a numbering.Invoices) Installation {
	return Installation{
		kafka: k, of: []eventim.DeadLetters{a.DeadLetters(), numbering.SeriesOf(a).DeadLetters()},
		numbering: numbering.New(a, series.DefaultFormat),
	}
}

// lettersOf are the dead letters among which that of an id is.
func (i Installation) lettersOf(id string) (eventim.DeadLetters, error) {
	topic, _, _ := strings.Cut(id, "/")
	for _, l := range i.of {
		if l.Commands() == topic {
			return l, nil
		}
	}
	return eventim.DeadLetters{}, fmt.Errorf("%w: %s", eventim.ErrNoDeadLetter, id)
}

// DeadLetters returns the dead letters, the newest first, and at most limit of them, of
// any number if it is 0. Those that have ended are left out unless all are wanted.
func (i Installation) DeadLetters(ctx context.Context, all bool, limit int) (DeadLetterList, error) {
	var found []*eventim.DeadLetter
	list := DeadLetterList{DeadLetters: []DeadLetter{}}
	for _, l := range i.of {
		letters, foreign, err := l.List(ctx, i.kafka)
		if err != nil {
			return list, err
		}
		list.Foreign += foreign
		found = append(found, letters...)
	}
	list.fill(found, all, limit)
	return list, nil
}

// DeadLetter returns the dead letter of an id with its command, or
// eventim.ErrNoDeadLetter.
func (i Installation) DeadLetter(ctx context.Context, id string) (DeadLetter, error) {
	l, err := i.lettersOf(id)
	if err != nil {
		return DeadLetter{}, err
	}
	d, err := l.Find(ctx, i.kafka, id)
	if err != nil {
		return DeadLetter{}, err
	}
	return whole(d), nil
}

// Retry sends the command of a dead letter again: see eventim.DeadLetters.
func (i Installation) Retry(ctx context.Context, id, by string) (Retry, error) {
	l, err := i.lettersOf(id)
	if err != nil {
		return Retry{}, err
	}
	res, err := l.Retry(ctx, i.kafka, id, by)
	return Retry{
		ID: id, CommandID: res.Command, Outcome: string(res.Outcome), Code: res.Code, Message: res.Message,
		Version: res.Version, Replayed: res.Replayed, Ended: res.Outcome == eventim.Accepted,
	}, err
}

// Discard gives the command of a dead letter up, and puts on record who did, and why.
func (i Installation) Discard(ctx context.Context, id, by, why string) (DeadLetter, error) {
	l, err := i.lettersOf(id)
	if err != nil {
		return DeadLetter{}, err
	}
	d, err := l.Discard(ctx, i.kafka, id, by, why)
	if err != nil {
		return DeadLetter{}, err
	}
	return whole(d), nil
}

// Parked returns the instances of the numbering that are parked.
func (i Installation) Parked(ctx context.Context) (ParkedList, error) {
	list := ParkedList{Parked: []Parked{}}
	all, err := i.numbering.Parked(ctx, i.kafka)
	for _, p := range all {
		list.Parked = append(list.Parked, i.parked(p))
	}
	return list, err
}

func (i Installation) parked(p eventim.ParkedInstance) Parked {
	return Parked{Reactor: i.numbering.Name, Instance: p.Instance, Since: p.Since, Reason: p.Reason, Messages: p.Messages}
}

// Release orders an instance of the numbering to go on, and says what has become of that.
func (i Installation) Release(ctx context.Context, instance string, how eventim.Release) (Release, error) {
	released, err := i.numbering.ReleaseAndAwait(ctx, i.kafka, instance, how)
	r := Release{Instance: instance, How: string(how), Ended: released.Ended}
	if released.Parked != nil {
		r.Parked = new(i.parked(*released.Parked))
	}
	return r, err
}
