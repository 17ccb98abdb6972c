package eventimtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Scenario is one example of a decision: given these events, when this
// command, then those events, or a rejection. It needs no Kafka.
type Scenario[S, C, E any] struct {
	// Name is the name of the subtest; without one, Run checks within t.
	Name string

	// Given are the events so far; their number is the version.
	Given []E

	// When is the command. Expected, Time and Metadata are of its envelope.
	When     C
	Expected *int64
	Time     time.Time
	Metadata eventim.Metadata

	// Then are the events that an accepted command must cause, in order.
	Then []E

	// Rejected is the code of the rejection that a command must get. It
	// excludes Then.
	Rejected string
}

// Run checks the scenario against a, which needs no more than its Decider. Beside
// what the command causes, it finds out
//
//   - a Decide that answers another time otherwise, or that changes the state or
//     the command that it is given, whether it accepts or rejects;
//   - an Evolve that folds the same events to another state, or that changes the
//     state or the event that it is given, or events before it;
//   - states, events and accepted commands that do not come back as they were
//     from the codecs of a: fields that are not written, maps that come back as
//     nil, NaN. State is JSON when a names no codec; Commands and Events are left
//     out.
//
// A nil slice may come back as an empty one, and a time in another location.
func (s Scenario[S, C, E]) Run(t *testing.T, a eventim.Aggregate[S, C, E]) {
	t.Helper()
	if s.Name != "" {
		name := s.Name
		s.Name = ""
		t.Run(name, func(t *testing.T) {
			t.Helper()
			s.Run(t, a)
		})
		return
	}
	if err := s.check(a); err != nil {
		t.Error(err)
	}
}

func (s Scenario[S, C, E]) check(a eventim.Aggregate[S, C, E]) error {
	d := newTrial(a)
	var zero S
	state, err := d.fold(zero, s.Given)
	if err != nil {
		return err
	}
	current := eventim.Snapshot[S]{Aggregate: "scenario", Version: int64(len(s.Given)), State: state}
	cmd := eventim.Command[C]{
		ID: "when", Aggregate: "scenario", Expected: s.Expected, Metadata: s.Metadata, Time: s.Time, Payload: s.When,
	}
	if err := d.decide(current, cmd); err != nil {
		return err
	}
	result := a.Handle(current, cmd)
	if err := d.agree(current, cmd, result, s.Given); err != nil {
		return err
	}
	return s.compare(result)
}

func (s Scenario[S, C, E]) compare(result eventim.Result[S, E]) error {
	code := ""
	if result.Rejection != nil {
		code = result.Rejection.Code
	}
	switch {
	case s.Rejected != "" && len(s.Then) > 0:
		return fmt.Errorf("the scenario expects both events and the rejection %s", s.Rejected)
	case code != "" && s.Rejected == "":
		return fmt.Errorf("%T is rejected with %s (%s), want it accepted", s.When, code, result.Rejection.Message)
	case code == "" && s.Rejected != "":
		return fmt.Errorf("%T is accepted, want the rejection %s\n%s", s.When, s.Rejected, diff(payloads(result.Events), nil))
	case code != s.Rejected:
		return fmt.Errorf("%T is rejected with %s (%s), want %s", s.When, code, result.Rejection.Message, s.Rejected)
	}
	if d := diff(payloads(result.Events), s.Then); d != "" {
		return fmt.Errorf("%T causes other events than wanted:\n%s", s.When, d)
	}
	return nil
}

func payloads[E any](events []eventim.Event[E]) []E {
	var list []E
	for _, e := range events {
		list = append(list, e.Payload)
	}
	return list
}

// diff describes the events that differ, one after the other; "" when none do.
func diff[E any](got, want []E) string {
	var b strings.Builder
	for i := range max(len(got), len(want)) {
		g, w := "none", "none"
		if i < len(got) {
			g = show(got[i])
		}
		if i < len(want) {
			w = show(want[i])
		}
		if i < min(len(got), len(want)) {
			if reflect.DeepEqual(got[i], want[i]) {
				continue
			}
			if g == w { // they differ in what JSON leaves out
				g, w = fmt.Sprintf("%#v", got[i]), fmt.Sprintf("%#v", want[i])
			}
		}
		fmt.Fprintf(&b, "event %d\n  got  %s\n  want %s\n", i+1, g, w)
	}
	return b.String()
}

// show writes a value as its type and its JSON, which honours how the domain
// writes its values; as Go syntax when it has no JSON.
func show(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v)
	}
	return fmt.Sprintf("%T %s", v, data)
}
