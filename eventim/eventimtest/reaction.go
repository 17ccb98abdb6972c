package eventimtest

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Reaction is an example of what one instance of a reactor does, in a time of its own
// that After lets pass. It needs no Kafka. Whatever the instance is told, it is told
// twice, with a state of its own each time: a reaction that looks at a clock, or at
// anything else but its arguments, is found out, and so is one that changes what it
// has returned before. Between two messages the instance starts again: its state and
// its timers go through the codecs of the reactor.
type Reaction[S, M any] struct {
	t       testing.TB
	r       eventim.Reactor[S, M]
	now     time.Time
	told    int
	state   eventim.Payload
	begun   bool
	ended   bool
	timers  map[string]pendingTimer
	calls   []string         // the effects that were called for and are not answered, in order
	outputs []eventim.Output // since the last Given
	fired   []string         // since the last After
}

type pendingTimer struct {
	due     time.Time
	message eventim.Payload
}

// React begins an example with an instance that there is not yet, at 2026-01-01.
func React[S, M any](t testing.TB, r eventim.Reactor[S, M]) *Reaction[S, M] {
	t.Helper()
	if r.State == nil {
		r.State = eventim.JSON[S](r.Name)
	}
	return &Reaction[S, M]{t: t, r: r, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), timers: map[string]pendingTimer{}}
}

// Given tells the instance messages; what it wants then is not looked at, but that
// its timers are set.
func (e *Reaction[S, M]) Given(messages ...M) *Reaction[S, M] {
	e.t.Helper()
	for _, m := range messages {
		e.tell(fmt.Sprint("given/", e.told), m)
	}
	e.outputs = nil
	return e
}

// When tells the instance a message.
func (e *Reaction[S, M]) When(m M) *Reaction[S, M] {
	e.t.Helper()
	e.outputs = nil
	e.tell(fmt.Sprint("when/", e.told), m)
	return e
}

// Then wants what the instance has wanted since When, Answered or After to be that, in order.
func (e *Reaction[S, M]) Then(outputs ...eventim.Output) *Reaction[S, M] {
	e.t.Helper()
	if d := diff(e.outputs, outputs); d != "" {
		e.t.Errorf("the instance wants something else:\n%s", d)
	}
	return e
}

// Answered tells the instance what has come of the first call of an effect that is not
// answered. Nobody performs anything.
func (e *Reaction[S, M]) Answered(effect string, m M) *Reaction[S, M] {
	e.t.Helper()
	i := slices.Index(e.calls, effect)
	if i < 0 {
		e.t.Fatalf("the instance waits for %q, and not for %s", e.calls, effect)
	}
	e.calls = slices.Delete(e.calls, i, i+1)
	e.outputs = nil
	e.tell(fmt.Sprint("call/", e.told), m)
	return e
}

// Awaits wants the calls of these effects to be not answered, in the order in which
// they were called for.
func (e *Reaction[S, M]) Awaits(effects ...string) *Reaction[S, M] {
	e.t.Helper()
	if !slices.Equal(e.calls, effects) {
		e.t.Errorf("the instance waits for %q, want %q", e.calls, effects)
	}
	return e
}

// After lets time pass: timers that are due fire, in the order in which they are.
func (e *Reaction[S, M]) After(d time.Duration) *Reaction[S, M] {
	e.t.Helper()
	end := e.now.Add(d)
	e.outputs, e.fired = nil, nil
	for {
		name, next, found := e.first()
		if !found || next.due.After(end) {
			break
		}
		if next.due.After(e.now) {
			e.now = next.due
		}
		delete(e.timers, name)
		e.fired = append(e.fired, name)
		m, err := e.r.Messages.Decode(next.message)
		if err != nil {
			e.t.Fatalf("the message of timer %q: %v", name, err)
		}
		e.tell("timer/"+name, m)
	}
	e.now = end
	return e
}

func (e *Reaction[S, M]) first() (name string, next pendingTimer, found bool) {
	for _, n := range slices.Sorted(maps.Keys(e.timers)) {
		if p := e.timers[n]; !found || p.due.Before(next.due) {
			name, next, found = n, p, true
		}
	}
	return name, next, found
}

// Fires wants the last After to have fired these timers, in this order.
func (e *Reaction[S, M]) Fires(names ...string) *Reaction[S, M] {
	e.t.Helper()
	if !slices.Equal(e.fired, names) {
		e.t.Errorf("the timers %q have fired, want %q", e.fired, names)
	}
	return e
}

// Ends wants the instance to have ended, with no timer left.
func (e *Reaction[S, M]) Ends() *Reaction[S, M] {
	e.t.Helper()
	if !e.ended {
		e.t.Error("the instance has not ended")
	}
	return e
}

func (e *Reaction[S, M]) tell(id string, m M) {
	e.t.Helper()
	e.told++
	if e.ended {
		e.t.Fatalf("%s: the instance has ended, and is not told %+v", id, m)
	}
	state, outputs := e.react(id, m)
	again, outputsAgain := e.react(id, m)
	if !reflect.DeepEqual(outputs, outputsAgain) {
		e.t.Errorf("told %T twice, the instance wants something else:\n%s", m, diff(outputs, outputsAgain))
	}
	if !bytes.Equal(state.Data, again.Data) {
		e.t.Errorf("told %T twice, the instance is %s and %s", m, state.Data, again.Data)
	}
	for _, o := range outputs {
		if err := e.r.CheckOutput(o); err != nil {
			e.t.Errorf("told %T, the instance wants what cannot be: %v", m, err)
		}
	}
	calls := func(o eventim.Output) bool { return o.Call != nil }
	ends := func(o eventim.Output) bool { return o.End }
	if slices.ContainsFunc(outputs, calls) && slices.ContainsFunc(outputs, ends) {
		e.t.Errorf("told %T, the instance ends, and calls for what nobody does then", m)
	}
	e.state, e.begun = state, true
	for _, o := range outputs {
		e.apply(o)
	}
	e.outputs = append(e.outputs, outputs...)
}

// react reacts with copies of its own of the state and the message.
func (e *Reaction[S, M]) react(id string, m M) (eventim.Payload, []eventim.Output) {
	e.t.Helper()
	var state S
	var err error
	if e.begun {
		if state, err = e.r.State.Decode(e.state); err != nil {
			e.t.Fatalf("the state does not come back: %v", err)
		}
	}
	p, err := e.r.Messages.Encode(m)
	if err == nil {
		m, err = e.r.Messages.Decode(p)
	}
	if err != nil {
		e.t.Fatalf("the message %T does not come back: %v", m, err)
	}
	state, outputs := e.r.React(state, eventim.Message[M]{Instance: "instance", ID: id, Time: e.now, Payload: m})
	out, err := e.r.State.Encode(state)
	if err != nil {
		e.t.Fatalf("the state cannot be written: %v", err)
	}
	return out, outputs
}

func (e *Reaction[S, M]) apply(o eventim.Output) {
	e.t.Helper()
	switch {
	case o.At != nil:
		m, ok := o.At.Message.(M)
		if !ok {
			e.t.Fatalf("timer %q brings a %T, which is no message of this reactor", o.At.Name, o.At.Message)
		}
		p, err := e.r.Messages.Encode(m)
		if err != nil {
			e.t.Fatalf("the message of timer %q: %v", o.At.Name, err)
		}
		e.timers[o.At.Name] = pendingTimer{o.At.Due, p}
	case o.Cancel != "":
		delete(e.timers, o.Cancel)
	case o.Call != nil:
		e.calls = append(e.calls, o.Call.Effect)
	case o.End:
		e.ended = true
		clear(e.timers)
		e.calls = nil
	}
}
