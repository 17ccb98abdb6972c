package errands

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Told is what the instance of an errand is told.
type Told struct {
	What string `json:"what"` // started, answered, reminder, late, delivered, returned
	N    int    `json:"n"`
}

// Course is the state of the instance of an errand.
type Course struct {
	N     int      `json:"n"`
	Heard []string `json:"heard"`
}

// Letter is what the world outside is asked to deliver.
type Letter struct {
	N int `json:"n"`
}

// When an errand is reminded of itself, and when it is late.
const (
	Reminded = 3 * time.Second
	Late     = 4 * time.Second
)

var letters = eventim.Effect[Letter]{Name: "letter"}

// Process is the type of the reactor.
type Process = eventim.Reactor[Course, Told]

// ProcessOf is the reactor of a load: an errand that is started asks its desk, writes a
// letter, and notes what comes of both. It ends when it has heard of both, and was
// reminded.
func ProcessOf(prefix string) Process {
	errands, desks := Of(prefix), DesksOf(prefix)
	return Process{
		Name: prefix + "-errands", Partitions: 3, Messages: eventim.JSON[Told]("Told"), State: eventim.JSON[Course]("Course"),
		Sources: []eventim.Source[Told]{
			eventim.Begins(eventim.From(errands.EventTopic(), func(e eventim.Event[Event]) (string, Told, bool) {
				return e.Aggregate, Told{"started", e.Payload.N}, e.Payload.What == "start"
			})),
			eventim.From(desks.EventTopic(), func(e eventim.Event[Answered]) (string, Told, bool) {
				return e.Payload.Errand, Told{"answered", e.Payload.N}, true
			}),
		},
		Sends: []eventim.Target{errands, desks}, Performs: []eventim.Performs[Told]{postman()},
		React: func(s Course, m eventim.Message[Told]) (Course, []eventim.Output) { return react(s, m, errands, desks) },
	}
}

func react(s Course, m eventim.Message[Told], errands Errands, desks Desks) (Course, []eventim.Output) {
	what, n := m.Payload.What, m.Payload.N
	again := slices.Contains(s.Heard, what)
	s = Course{n, append(s.Heard, what)}
	note := errands.Send(m.Instance, Command{what, n})
	var out []eventim.Output
	switch what {
	case "started":
		if n%11 == 5 {
			panic("an errand that nobody can run")
		}
		return s, []eventim.Output{
			desks.Send(deskOf(n), Ask{m.Instance, n}),
			eventim.At("reminder", m.Time.Add(Reminded), Told{"reminder", n}), eventim.At("late", m.Time.Add(Late), Told{"late", n}),
			eventim.Call(letters, Letter{n}),
		}
	case "answered":
		if !again {
			out = append(out, eventim.Cancel("late"), note)
		}
	case "late", "delivered", "returned":
		out = append(out, note)
	}
	if s.done() {
		out = append(out, eventim.End())
	}
	return s, out
}

// done tells whether there is nothing more to hear.
func (s Course) done() bool {
	heard := func(what ...string) bool {
		return slices.ContainsFunc(what, func(w string) bool { return slices.Contains(s.Heard, w) })
	}
	return heard("answered", "late") && heard("delivered", "returned") && heard("reminder")
}

// postman delivers letters: each other one at the second attempt, and each seventh never.
func postman() eventim.Performer[Letter, Told] {
	return eventim.Performer[Letter, Told]{
		Effect: letters, Pause: 50 * time.Millisecond,
		Do: func(_ context.Context, r eventim.Request[Letter]) (Told, error) {
			switch {
			case r.Payload.N%7 == 0:
				return Told{}, eventim.Permanent(errors.New("nobody lives there"))
			case r.Payload.N%2 == 0 && r.Attempt == 1:
				return Told{}, errors.New("nobody is at home")
			}
			return Told{"delivered", r.Payload.N}, nil
		},
		Failed: func(r eventim.Request[Letter], _ error) Told { return Told{"returned", r.Payload.N} },
	}
}
