package eventimtest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A light is asked for, and goes out after a while, unless it is asked for again.
type (
	press struct{ N int }
	lit   struct{ Presses []int }
)

var lamp = eventim.Aggregate[bool, press, press]{Name: "lamp"}

func light(react func(lit, eventim.Message[press]) (lit, []eventim.Output)) eventim.Reactor[lit, press] {
	return eventim.Reactor[lit, press]{Name: "light", Messages: eventim.JSON[press]("Press"), React: react}
}

func goesOut(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
	if m.Payload.N == 0 {
		return s, []eventim.Output{eventim.Send(lamp, m.Instance, press{len(s.Presses)}), eventim.End()}
	}
	s.Presses = append(s.Presses, m.Payload.N)
	return s, []eventim.Output{eventim.At("out", m.Time.Add(time.Minute), press{0})}
}

func TestReaction(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	eventimtest.React(t, light(goesOut)).
		Given(press{1}).
		After(59*time.Second).Fires().
		When(press{2}).Then(eventim.At("out", start.Add(119*time.Second), press{0})).
		After(59*time.Second).Fires().Then().
		After(time.Second).Fires("out").Then(eventim.Send(lamp, "instance", press{2}), eventim.End()).Ends()
}

// noted is a test that keeps what it is told.
type noted struct {
	testing.TB
	said string
}

func (*noted) Helper()                     {}
func (n *noted) Error(args ...any)         { n.said += fmt.Sprintln(args...) }
func (n *noted) Errorf(f string, a ...any) { n.said += fmt.Sprintf(f+"\n", a...) }
func (n *noted) Fatalf(f string, a ...any) { n.said += fmt.Sprintf(f+"\n", a...); panic(n) }

// What is no function of its arguments, and what is not as wanted, is found.
func TestReactionsThatAreNone(t *testing.T) {
	t.Parallel()
	calls := 0
	for name, example := range map[string]func(*noted){
		"a counter": func(n *noted) {
			eventimtest.React(n, light(func(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
				calls++
				return s, []eventim.Output{eventim.Send(lamp, m.Instance, press{calls})}
			})).When(press{1})
		},
		"a state outside": func(n *noted) {
			eventimtest.React(n, light(func(s lit, _ eventim.Message[press]) (lit, []eventim.Output) {
				calls++
				s.Presses = append(s.Presses, calls)
				return s, nil
			})).Given(press{1})
		},
		"another output": func(n *noted) { eventimtest.React(n, light(goesOut)).When(press{0}).Then(eventim.End()) },
		"no timer":       func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{1}).After(time.Second).Fires("out") },
		"no end":         func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{1}).Ends() },
		"an ended one":   func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{0}, press{1}) },
		"another's message": func(n *noted) {
			eventimtest.React(n, light(func(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
				return s, []eventim.Output{eventim.At("x", m.Time, "no press")}
			})).Given(press{1})
		},
	} {
		n := &noted{TB: t}
		func() {
			defer func() { _ = recover() }() // Fatalf
			example(n)
		}()
		if n.said == "" {
			t.Errorf("%s is not found", name)
		}
	}
}
