package eventim

import (
	"context"
	"sync"
)

// Inbox hands the results of commands to those who wait for them. Give it each
// record of the results, such as from Tail, from a place on that is no later
// than the first command was sent. The zero value is an empty one. An Asker has
// an Inbox; take one of your own where the results are read already.
type Inbox struct {
	mu      sync.Mutex
	waiting map[commandName]map[*Expectation]struct{}
}

// commandName is what a command is known by: its id belongs to its aggregate.
type commandName struct{ aggregate, id string }

// Expect makes the results of a command arrive at the Expectation. Call it
// before the command is sent, since its result may come before Send returns,
// and call Forget in the end. Any number may expect the same command.
func (b *Inbox) Expect(aggregate, id string) *Expectation {
	e := &Expectation{inbox: b, name: commandName{aggregate, id}, more: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[commandName]map[*Expectation]struct{}{}
	}
	if b.waiting[e.name] == nil {
		b.waiting[e.name] = map[*Expectation]struct{}{}
	}
	b.waiting[e.name][e] = struct{}{}
	return e
}

// Record takes a record of the results. It never blocks, and reads no more of
// one that nobody expects than whose it is.
func (b *Inbox) Record(rec Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return
	}
	for e := range b.waiting[commandName{string(rec.Key), rec.Header(headerCommandID)}] {
		e.came = append(e.came, rec)
		select {
		case e.more <- struct{}{}:
		default: // it has not looked at those before
		}
	}
}

// Expectation waits for the result of one command.
type Expectation struct {
	inbox *Inbox
	name  commandName
	came  []Record // guarded by the inbox
	more  chan struct{}
}

// Await returns the record of the result of the command at a position, which
// Send has told. Other commands of the same aggregate and id may be answered at
// the same time, each with a result of its own. When ctx ends first, the error
// is its cause.
func (e *Expectation) Await(ctx context.Context, command Position) (Record, error) {
	for {
		if rec, ok := e.take(command); ok {
			return rec, nil
		}
		select {
		case <-e.more:
		case <-ctx.Done():
			return Record{}, context.Cause(ctx)
		}
	}
}

// take looks through what has come, and lets go of it.
func (e *Expectation) take(command Position) (Record, bool) {
	e.inbox.mu.Lock()
	defer e.inbox.mu.Unlock()
	came := e.came
	e.came = nil
	for _, rec := range came {
		if p, ok := rec.CommandPosition(); ok && p == command {
			return rec, true
		}
	}
	return Record{}, false
}

// Forget ends the expectation. It may be called more than once.
func (e *Expectation) Forget() {
	b := e.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting[e.name], e)
	if len(b.waiting[e.name]) == 0 {
		delete(b.waiting, e.name)
	}
}
