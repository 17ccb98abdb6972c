package verify

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/checker"
)

// has tells whether an instance has timers, or calls.
func (at place) has(field string) bool { return len(at.field(field)) > 0 }

func (at place) field(name string) (all map[string]json.RawMessage) {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(at.record().Value, &fields) // it was judged to be right
	_ = json.Unmarshal(fields[name], &all)
	return all
}

// loses lets an instance lose what it has in a field, from its first record on.
func (e *Evidence) loses(field string) error {
	at, err := e.find(func(at place) bool { return at.has(field) })
	for more := true; err == nil && more; at, more = at.next() {
		if at.record().Value != nil {
			replace(at.p, at.n, edited(at.record(), func(f map[string]json.RawMessage) { delete(f, field) }))
		}
	}
	return err
}

func lostTimer(e *Evidence) error { return e.loses("timers") }

func lostCall(e *Evidence) error { return e.loses("calls") }

// heardAgain lets an instance hear what a timer or a call brings once more, in place of
// what it heard next.
func (e *Evidence) heardAgain(kind string) error {
	at, err := e.find(func(at place) bool {
		_, ok := at.next()
		return ok && strings.HasPrefix(at.heard(), kind) && at.record().Value != nil
	})
	if err == nil {
		next, _ := at.next()
		replace(next.p, next.n, at.record())
	}
	return err
}

// due is when the timer is due that a record was written because of.
func (at place) due() time.Time {
	heard := at.heard()
	due, _ := strconv.ParseInt(heard[strings.LastIndex(heard, "/")+1:], 10, 64)
	return time.UnixMilli(due)
}

func (at place) isTimer() bool { return strings.HasPrefix(at.heard(), "timer/") }

func earlyTimer(e *Evidence) error {
	at, err := e.find(place.isTimer)
	if err == nil {
		r := at.record()
		r.Time = at.due().Add(-time.Millisecond)
		replace(at.p, at.n, r)
	}
	return err
}

// undrainedTimer lets a timer fire before its instance has heard what a source had said
// long before it was due.
func undrainedTimer(e *Evidence) error {
	fired, err := e.find(func(at place) bool {
		answer, set := at.before()
		return at.isTimer() && set && answer.ofInbox() && answer.has("timers")
	})
	if err != nil {
		return err
	}
	answer, _ := fired.before()
	if err := e.saidAt(answer.heard(), fired.due().Add(-time.Minute)); err != nil {
		return err
	}
	early, late := fired.record(), answer.record()
	early.Time = fired.due()
	replace(answer.p, answer.n, early)
	replace(fired.p, fired.n, late)
	return nil
}

// saidAt lets a source have said a message at a time.
func (e *Evidence) saidAt(message string, at time.Time) error {
	for _, r := range e.Reactors {
		for _, log := range r.logs(e) {
			p, n, err := pick(&log.Events, func(ev *checker.Record) bool { return log.Events.Name+"/"+header(ev, "ce_id") == message })
			if err == nil {
				event := p.Visible[n]
				event.Time = at
				replace(p, n, event)
				return nil
			}
		}
	}
	return errNothing
}

// cameBack lets an instance that has ended hear once more what it heard before.
func cameBack(e *Evidence) error {
	ended, err := e.find(func(at place) bool {
		before, lived := at.before()
		return at.record().Value == nil && lived && before.record().Value != nil
	})
	if err == nil {
		before, _ := ended.before()
		write(ended.p, before.record())
	}
	return err
}

// lostParked lets what waits for an instance that is parked be gone.
func lostParked(e *Evidence) error {
	for _, r := range e.Reactors {
		last := map[string]place{}
		for i := range r.Log.Parked.Partitions {
			p := &r.Log.Parked.Partitions[i]
			for n := range p.Visible {
				last[string(p.Visible[n].Key)] = place{p, n}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(last)) {
			if at := last[key]; at.record().Value != nil {
				remove(at.p, at.n)
				return nil
			}
		}
	}
	return errNothing
}
