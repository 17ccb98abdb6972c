package eventim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Release says what becomes of an instance that is parked.
type Release string

const (
	// Retry tells it what it has not heard, from the first message on.
	Retry Release = "retry"
	// DiscardFirst leaves out the message that it could not react to, and tells it the
	// others.
	DiscardFirst Release = "discard-first"
	// DiscardAll leaves out all that it has not heard.
	DiscardAll Release = "discard-all"
)

const headerRelease = "ce_release"

var (
	// ErrNotParked says that an instance is not parked.
	ErrNotParked = errors.New("the instance is not parked")
	// ErrReleasing says that an order is in Kafka, and has not taken effect yet.
	ErrReleasing = errors.New("the order was sent, and has not taken effect yet")
)

// Release orders an instance that is parked to go on. The order takes its turn in the
// inbox; when the instance fails again, it is parked again.
func (r Reactor[S, M]) Release(ctx context.Context, k Kafka, instance string, how Release) error {
	if how != Retry && how != DiscardFirst && how != DiscardAll {
		return fmt.Errorf("release %s: there is no %q", instance, how)
	}
	d := r.withDefaults()
	h := cloudEvent(uuid.NewString(), string(how), "/"+r.Name+"/inbox", instance, time.Now())
	h.add(headerRelease, string(how))
	_, err := produce(ctx, k, senderConfig(k, r.Name, d.Partitions), message(d.Topics().Inbox, instance, nil, h))
	if err != nil {
		return fmt.Errorf("release %s: %w", instance, err)
	}
	return nil
}

// Released is what an order to go on has come to.
type Released struct {
	Ended  int             // how many messages wait no more: the instance has heard them, or they were discarded
	Parked *ParkedInstance // it is parked again, and by what; nil: it goes on
}

var errReleased = errors.New("the order has taken effect")

// ReleaseAndAwait is Release, and waits until the order has taken effect: nothing of the
// instance waits any more, or it has failed again. ErrNotParked says that there was
// nothing to release. With ErrReleasing, the order will take effect when a handler of the
// reactor comes to it.
func (r Reactor[S, M]) ReleaseAndAwait(ctx context.Context, k Kafka, instance string, how Release) (Released, error) {
	w, ends, err := r.waiting(ctx, k)
	if err != nil {
		return Released{}, err
	}
	before := len(w[instance])
	if before == 0 {
		return Released{}, fmt.Errorf("release %s: %w", instance, ErrNotParked)
	}
	if err := r.Release(ctx, k, instance, how); err != nil {
		return Released{}, err
	}
	err = Tail(ctx, k, r.Topics().Parked, ends, func(rec Record) error {
		id, failed, err := w.add(rec)
		if err == nil && id == instance && (failed != "" || len(w[id]) == 0) {
			err = errReleased
		}
		return err
	})
	if err == nil { // its time is over
		err = fmt.Errorf("%w: %w", ErrReleasing, context.Cause(ctx))
	}
	released := Released{Ended: max(0, before-len(w[instance]))}
	if len(w[instance]) > 0 {
		released.Parked = new(w.parked(instance))
	}
	if !errors.Is(err, errReleased) {
		return released, fmt.Errorf("release %s: %w", instance, err)
	}
	return released, nil
}
