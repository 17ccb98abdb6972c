package eventimtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/eventim-go/eventim/eventim"
)

// trial runs the functions of a domain on the values themselves, where a handler
// gives them copies: it shows what they do to what they are given.
type trial[S, C, E any] struct {
	eventim.Aggregate[S, C, E]
}

func newTrial[S, C, E any](a eventim.Aggregate[S, C, E]) trial[S, C, E] {
	if a.State == nil {
		a.State = eventim.JSON[S](a.Name)
	}
	return trial[S, C, E]{a}
}

// fold folds events twice, and checks each step of the first time.
func (d trial[S, C, E]) fold(start S, events []E) (S, error) {
	before := partsOf(events)
	state := start
	for i, e := range events {
		next, err := d.step(state, e)
		if err != nil {
			return state, fmt.Errorf("event %d, %T: %w", i+1, e, err)
		}
		state = next
	}
	if what := before.changed(partsOf(events)); what != "" {
		return state, faultOf("Evolve", "changes an event of before: %s: %s", what, advice)
	}
	if what := partsOf(state).changed(partsOf(d.Replay(start, events...))); what != "" {
		return state, faultOf("Evolve", "is not pure: the same events fold to another state the second time: %s", what)
	}
	return state, nil
}

// faultOf is what is wrong with one of the two functions.
func faultOf(function, format string, args ...any) error {
	return fmt.Errorf("%s %w", function, fmt.Errorf(format, args...))
}

const advice = "give it a copy (maps.Clone, slices.Clone)"

func (d trial[S, C, E]) step(state S, e E) (S, error) {
	given, event := partsOf(state), partsOf(e)
	next := d.Evolve(state, e)
	if what := given.changed(partsOf(state)); what != "" {
		return next, faultOf("Evolve", "changes the state that it is given: %s: %s", what, advice)
	}
	if what := event.changed(partsOf(e)); what != "" {
		return next, faultOf("Evolve", "changes the event that it is given: %s: %s", what, advice)
	}
	if err := comesBack(d.Events, e); err != nil {
		return next, err
	}
	return next, comesBack(d.State, next)
}

// decide decides twice, when the version of the command lets it.
func (d trial[S, C, E]) decide(current eventim.Snapshot[S], cmd eventim.Command[C]) error {
	if cmd.Expected != nil && *cmd.Expected != current.Version {
		return nil
	}
	state, command := partsOf(current.State), partsOf(cmd)
	first := decided(d.Decide(current.State, cmd))
	if what := state.changed(partsOf(current.State)); what != "" {
		return faultOf("Decide", "changes the state that it is given: %s: %s", what, advice)
	}
	if what := command.changed(partsOf(cmd)); what != "" {
		return faultOf("Decide", "changes the command that it is given: %s: %s", what, advice)
	}
	if what := first.changed(decided(d.Decide(current.State, cmd))); what != "" {
		return faultOf("Decide", "is not pure: %T is decided differently the second time: %s", cmd.Payload, what)
	}
	return nil
}

func decided[E any](events []E, err error) parts {
	if err != nil {
		code := ""
		if r, ok := errors.AsType[*eventim.Rejection](err); ok && r != nil {
			code = r.Code
		}
		return parts{"the error": fmt.Sprintf("%T %s %q", err, code, err)}
	}
	return partsOf(events)
}

// agree holds what a handler keeps of an accepted command against the fold of
// the same events by whoever reads them.
func (d trial[S, C, E]) agree(current eventim.Snapshot[S], cmd eventim.Command[C], result eventim.Result[S, E], given []E) error {
	if result.Outcome != eventim.Accepted {
		return nil
	}
	if err := comesBack(d.Commands, cmd.Payload); err != nil {
		return err
	}
	if _, err := d.fold(current.State, payloads(result.Events)); err != nil {
		return err
	}
	var zero S
	replayed := d.Replay(zero, slices.Concat(given, payloads(result.Events))...)
	if what := partsOf(result.Snapshot.State).changed(partsOf(replayed)); what != "" {
		return fmt.Errorf("the state that is kept is not the fold of its events: %s when they are replayed", what)
	}
	return nil
}

// comesBack holds v against what is read when v was written.
func comesBack[T any](codec eventim.Codec[T], v T) error {
	if codec == nil {
		return nil
	}
	p, err := codec.Encode(v)
	if err != nil {
		return fmt.Errorf("%T cannot be written: %w", v, err)
	}
	back, err := codec.Decode(p)
	if err != nil {
		return fmt.Errorf("%T cannot be read when it was written as %s: %w", v, p.Data, err)
	}
	if what := partsOf(v).changed(partsOf(back)); what != "" {
		return fmt.Errorf("%T does not come back as it was written, %s: %s", v, p.Data, what)
	}
	return nil
}
