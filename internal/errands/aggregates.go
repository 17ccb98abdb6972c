// Package errands is a process for loads, which uses all that a reactor has: it hears
// two aggregates, sends to both, has timers that fire, are cancelled, and go with their
// instance, calls a flaky world outside, ends, and is parked by some of what it is told.
package errands

import (
	"fmt"

	"github.com/eventim-go/eventim/eventim"
)

// Command is one to an errand.
type Command struct {
	What string `json:"what"` // start, or what is to be noted
	N    int    `json:"n"`    // decides what becomes of it
}

// Event is one of an errand.
type Event struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// Errand is the state of an errand.
type Errand struct {
	N     int      `json:"n"`
	Notes []string `json:"notes"`
}

// Ask is a command to a desk.
type Ask struct {
	Errand string `json:"errand"`
	N      int    `json:"n"`
}

// Answered is an event of a desk.
type Answered struct {
	Errand string `json:"errand"`
	N      int    `json:"n"`
}

// Desk is the state of a desk.
type Desk struct {
	Asked int `json:"asked"`
}

// Errands is the aggregate of the errands of a load.
type Errands = eventim.Aggregate[Errand, Command, Event]

// Desks is the aggregate that errands ask.
type Desks = eventim.Aggregate[Desk, Ask, Answered]

// Of are the errands of a load with that prefix.
func Of(prefix string) Errands {
	return Errands{
		Name: prefix + "-errand", Partitions: 3,
		Commands: eventim.JSON[Command]("Command"), Events: eventim.JSON[Event]("Event"), State: eventim.JSON[Errand]("Errand"),
		Decider: eventim.Decider[Errand, Command, Event]{
			Decide: func(s Errand, c eventim.Command[Command]) ([]Event, error) {
				if (c.Payload.What == "start") != (len(s.Notes) == 0) {
					return nil, eventim.Reject("not_now", "it has %d notes", len(s.Notes))
				}
				return []Event{Event(c.Payload)}, nil
			},
			Evolve: func(s Errand, e Event) Errand { return Errand{e.N, append(s.Notes, e.What)} },
		},
	}
}

// DesksOf are the desks of a load. They say nothing to each third errand, and the same
// twice to the others.
func DesksOf(prefix string) Desks {
	return Desks{
		Name: prefix + "-desk", Partitions: 2,
		Commands: eventim.JSON[Ask]("Ask"), Events: eventim.JSON[Answered]("Answered"), State: eventim.JSON[Desk]("Desk"),
		Decider: eventim.Decider[Desk, Ask, Answered]{
			Decide: func(_ Desk, c eventim.Command[Ask]) ([]Answered, error) {
				if c.Payload.N%3 == 0 {
					return nil, nil
				}
				return []Answered{Answered(c.Payload), Answered(c.Payload)}, nil
			},
			Evolve: func(s Desk, _ Answered) Desk { return Desk{s.Asked + 1} },
		},
	}
}

// deskOf is the desk that an errand asks.
func deskOf(n int) string { return fmt.Sprint("desk-", n%4) }
