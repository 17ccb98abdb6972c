package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Effect is something that a reactor asks of the world outside of Kafka, such as a
// payment or a mail: a request Q, which a Performer carries out. It is a plain value,
// so that React can name it (see Call) without knowing who does it.
type Effect[Q any] struct {
	// Name is kept with each request that waits: it never changes.
	Name string

	Requests Codec[Q] // JSON[Q](Name) when nil
}

// Request is what a Performer is asked to do.
type Request[Q any] struct {
	// Key is the same at each attempt, whoever makes it, and that of no other request:
	// what the other side needs to do it once (an idempotency key).
	Key string

	Instance    string // that asks
	Attempt     int    // from 1: how many were made, with this one, of which we know
	Causation   string // id of the message that it is asked because of
	Correlation string
	Traceparent string

	Payload Q
}

// Performer carries out an effect. It runs outside of any transaction, at least once:
// a process can die after the other side has done it, and before that is known here.
// What comes of a request is told to the instance once, as a message.
type Performer[Q, M any] struct {
	Effect Effect[Q]

	// Do asks the other side, and returns what the instance is told. It is called by
	// several goroutines, also for one instance. After an error it is called again,
	// later, unless the error is Permanent. ctx ends after Timeout.
	Do func(ctx context.Context, r Request[Q]) (M, error)

	// Probe asks the other side whether it has done what an earlier attempt wanted,
	// which nobody knows who was interrupted; done is false when it has not. It is
	// called before each attempt but the first. nil when the other side cannot be
	// asked: Do is called again, with the same key.
	Probe func(ctx context.Context, r Request[Q]) (m M, done bool, err error)

	// Failed is what the instance is told when all Attempts have failed, or one that
	// was Permanent. err is that of the last one. After a time-out the other side may
	// have done it all the same.
	Failed func(r Request[Q], err error) M

	Timeout  time.Duration // of an attempt; 30 s when 0
	Parallel int           // attempts at a time in a process; 16 when 0
	Attempts int           // how often it is tried; 10 when 0

	// Pause is the time before the second attempt, 1 s when 0. It doubles with each
	// one, up to LongestPause, 5 minutes when 0. A part of it, up to a half, is left
	// out by chance, so that those that have failed together do not come again
	// together.
	Pause, LongestPause time.Duration
}

// Performs is a Performer of any request.
type Performs[M any] interface {
	limits() performing
	encodeRequest(q any) (Payload, error)
	perform(ctx context.Context, r Request[Payload], probe bool) (M, error)
	failure(r Request[Payload], err error) (M, error)
	check() error
}

// performing says how an effect is performed.
type performing struct {
	effect              string
	timeout             time.Duration
	parallel, attempts  int
	pause, longestPause time.Duration
}

func (p Performer[Q, M]) limits() performing {
	return performing{
		effect: p.Effect.Name, timeout: cmp.Or(p.Timeout, 30*time.Second), parallel: cmp.Or(p.Parallel, 16), attempts: cmp.Or(p.Attempts, 10),
		pause: cmp.Or(p.Pause, time.Second), longestPause: cmp.Or(p.LongestPause, 5*time.Minute),
	}
}

func (p Performer[Q, M]) check() error {
	l := p.limits()
	switch {
	case !ValidID(p.Effect.Name):
		return fmt.Errorf("%q cannot be the name of an effect", p.Effect.Name)
	case p.Do == nil || p.Failed == nil:
		return fmt.Errorf("effect %s: Do or Failed is nil", p.Effect.Name)
	case l.timeout < 0 || l.parallel < 0 || l.attempts < 0 || l.pause < 0 || l.longestPause < 0:
		return fmt.Errorf("effect %s: a limit is negative", p.Effect.Name)
	}
	if c, ok := p.Effect.codec().(interface{ check() error }); ok {
		return c.check()
	}
	return nil
}

func (e Effect[Q]) codec() Codec[Q] {
	if e.Requests == nil {
		return JSON[Q](e.Name)
	}
	return e.Requests
}

func (p Performer[Q, M]) encodeRequest(q any) (Payload, error) {
	request, ok := q.(Q)
	if !ok {
		return Payload{}, fmt.Errorf("%T is no request of the effect %s", q, p.Effect.Name)
	}
	return writeBy(p.Effect.codec(), request)
}

// errRequest is a request that this program cannot read.
type errRequest struct{ error }

func (p Performer[Q, M]) decodeRequest(r Request[Payload]) (q Request[Q], err error) {
	payload, err := readBy(p.Effect.codec().Decode, r.Payload)
	if err != nil {
		return q, errRequest{fmt.Errorf("the request of effect %s: %w", p.Effect.Name, err)}
	}
	return Request[Q]{r.Key, r.Instance, r.Attempt, r.Causation, r.Correlation, r.Traceparent, payload}, nil
}

// perform makes an attempt.
func (p Performer[Q, M]) perform(ctx context.Context, raw Request[Payload], probe bool) (m M, err error) {
	r, err := p.decodeRequest(raw)
	if err != nil {
		return m, err
	}
	defer recovered(&err, "the performer of "+p.Effect.Name)
	if probe && p.Probe != nil {
		m, done, err := p.Probe(ctx, r)
		if done || err != nil {
			return m, err
		}
	}
	return p.Do(ctx, r)
}

func (p Performer[Q, M]) failure(raw Request[Payload], failed error) (m M, err error) {
	r, err := p.decodeRequest(raw)
	if err != nil {
		return m, err
	}
	defer recovered(&err, "Failed of "+p.Effect.Name)
	return p.Failed(r, failed), nil
}

// recovered makes a panic an error.
func recovered(err *error, who string) {
	if reason := recover(); reason != nil {
		*err = fmt.Errorf("%s panicked: %v\n%s", who, reason, debug.Stack())
	}
}

// Permanent marks the error of an attempt that no other one would mend, such as a card
// that is declined: it is not tried again.
func Permanent(err error) error { return permanentError{err} }

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func isPermanent(err error) bool {
	_, permanent := errors.AsType[permanentError](err)
	return permanent
}

// Call asks for an effect. Who performs it is in Reactor.Performs, and what comes of
// it is a message to the instance. It is asked when the reaction is committed, never
// before. An instance that ends gives up the calls that are not answered; so wait for
// the answer.
func Call[Q any](e Effect[Q], q Q) Output {
	return Output{Call: &CallOutput{Effect: e.Name, Request: q}}
}

// CallOutput is a request to the world outside.
type CallOutput struct {
	Effect  string // its name
	Request any    // of the effect's Q
}
