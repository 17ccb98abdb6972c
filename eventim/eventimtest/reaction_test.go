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

var (
	lamp = eventim.Aggregate[bool, press, press]{Name: "lamp", Commands: eventim.JSON[press]("Press"), Events: eventim.JSON[press]("Pressed")}
	bill = eventim.Effect[press]{Name: "bill"}
)

func light(react func(lit, eventim.Message[press]) (lit, []eventim.Output)) eventim.Reactor[lit, press] {
	return eventim.Reactor[lit, press]{
		Name: "light", Messages: eventim.JSON[press]("Press"), React: react, Sends: []eventim.Target{lamp},
		Performs: []eventim.Performs[press]{eventim.Performer[press, press]{Effect: bill}},
	}
}

func goesOut(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
	if m.Payload.N == 0 {
		return s, []eventim.Output{lamp.Send(m.Instance, press{len(s.Presses)}), eventim.End()}
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
		After(time.Second).Fires("out").Then(lamp.Send("instance", press{2}), eventim.End()).Ends()
}

// billed calls for a bill, and tells the lamp when that is paid.
func billed(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
	if m.Payload.N < 10 {
		return s, []eventim.Output{eventim.Call(bill, m.Payload)}
	}
	return s, []eventim.Output{lamp.Send(m.Instance, m.Payload)}
}

func TestReactionThatCalls(t *testing.T) {
	t.Parallel()
	eventimtest.React(t, light(billed)).Awaits().
		When(press{1}).Then(eventim.Call(bill, press{1})).Awaits("bill").
		Given(press{2}).Awaits("bill", "bill").
		Answered("bill", press{10}).Then(lamp.Send("instance", press{10})).Awaits("bill")
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
				return s, []eventim.Output{lamp.Send(m.Instance, press{calls})}
			})).When(press{1})
		},
		"a state outside": func(n *noted) {
			eventimtest.React(n, light(func(s lit, _ eventim.Message[press]) (lit, []eventim.Output) {
				calls++
				s.Presses = append(s.Presses, calls)
				return s, nil
			})).Given(press{1})
		},
		"another output":      func(n *noted) { eventimtest.React(n, light(goesOut)).When(press{0}).Then(eventim.End()) },
		"no timer":            func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{1}).After(time.Second).Fires("out") },
		"no end":              func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{1}).Ends() },
		"an ended one":        func(n *noted) { eventimtest.React(n, light(goesOut)).Given(press{0}, press{1}) },
		"an answer to nobody": func(n *noted) { eventimtest.React(n, light(billed)).Answered("bill", press{10}) },
		"no call":             func(n *noted) { eventimtest.React(n, light(billed)).Given(press{1}).Awaits() },
		"a call at the end": func(n *noted) {
			eventimtest.React(n, light(func(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
				return s, []eventim.Output{eventim.End(), eventim.Call(bill, m.Payload)}
			})).Given(press{1})
		},
		"another's command": func(n *noted) {
			eventimtest.React(n, light(func(s lit, m eventim.Message[press]) (lit, []eventim.Output) {
				return s, []eventim.Output{eventim.Aggregate[bool, press, press]{Name: "door"}.Send(m.Instance, press{1})}
			})).Given(press{1})
		},
		"an effect that nobody performs": func(n *noted) {
			eventimtest.React(n, light(func(s lit, _ eventim.Message[press]) (lit, []eventim.Output) {
				return s, []eventim.Output{eventim.Call(eventim.Effect[press]{Name: "mail"}, press{1})}
			})).Given(press{1})
		},
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

// heard is what two sources say of one lamp.
type heard struct{ Up, Down int }

func counting(react func(heard, int) (heard, []eventim.Output)) eventim.Reactor[heard, press] {
	return eventim.Reactor[heard, press]{
		Name: "counting", Messages: eventim.JSON[press]("Press"), Sends: []eventim.Target{lamp},
		React: func(h heard, m eventim.Message[press]) (heard, []eventim.Output) { return react(h, m.Payload.N) },
	}
}

func add(h heard, n int) heard {
	if n > 0 {
		h.Up += n
	} else {
		h.Down -= n
	}
	return h
}

// A reactor that does the same in whatever order its sources speak stands the test, and
// one that does not is found, however many orders there are.
func TestShuffled(t *testing.T) {
	t.Parallel()
	both := counting(func(h heard, n int) (heard, []eventim.Output) {
		h = add(h, n)
		if h.Up == 3 && h.Down == 3 {
			return h, []eventim.Output{lamp.Send("l", press{1}), eventim.End()}
		}
		return h, nil
	})
	up, down := []press{{1}, {1}, {1}}, []press{{-1}, {-2}}
	eventimtest.Shuffled(t, both, up, down)
	first := counting(func(h heard, n int) (heard, []eventim.Output) {
		h = add(h, n)
		if h.Up == 3 && h.Down == 0 {
			return h, []eventim.Output{lamp.Send("l", press{1})}
		}
		return h, nil
	})
	ends := counting(func(h heard, n int) (heard, []eventim.Output) {
		if h = add(h, n); h.Down > 0 {
			return h, []eventim.Output{eventim.End()} // and what the other source says is lost, or not
		}
		return h, []eventim.Output{lamp.Send("l", press{n})}
	})
	many := make([]press, 9)
	for i := range many {
		many[i].N = 1
	}
	for name, example := range map[string]func(*noted){
		"one that looks who is first":  func(n *noted) { eventimtest.Shuffled(n, first, up, down) },
		"one that ends too early":      func(n *noted) { eventimtest.Shuffled(n, ends, up, down) },
		"one of a great many messages": func(n *noted) { eventimtest.Shuffled(n, ends, many, many, many, down) },
	} {
		n := &noted{TB: t}
		example(n)
		if n.said == "" {
			t.Errorf("%s is not found", name)
		}
	}
}
