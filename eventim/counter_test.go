package eventim_test

import (
	"errors"
	"strings"

	"github.com/eventim-go/eventim/eventim"
)

// The domain of the tests: a counter that adds numbers.
type (
	Add struct {
		N     int
		Note  string `json:",omitempty"` // repeated in the event, to make it large
		Times int    `json:",omitempty"` // how often, to cause several events
	}
	Added struct {
		N    int
		Note string `json:",omitempty"`
	}
	Count struct {
		Sum, Adds int
		Note      string `json:",omitempty"`
	}
)

var counter = eventim.Aggregate[Count, Add, Added]{
	Name: "counter",
	Decider: eventim.Decider[Count, Add, Added]{
		Decide: func(_ Count, cmd eventim.Command[Add]) ([]Added, error) {
			switch cmd.Payload.N {
			case 0:
				return nil, eventim.Reject("zero", "adding nothing is pointless")
			case 13:
				panic("thirteen")
			case 14:
				return nil, errors.New("no code")
			case 15:
				panic(strings.Repeat("x", 5<<20))
			case 16:
				return nil, eventim.Reject("long", "%s", strings.Repeat("x", 5<<20))
			}
			events := []Added{{cmd.Payload.N, cmd.Payload.Note}}
			for range cmd.Payload.Times {
				events = append(events, Added{N: cmd.Payload.N})
			}
			return events, nil
		},
		Evolve: func(c Count, e Added) Count {
			return Count{c.Sum + e.N, c.Adds + 1, e.Note}
		},
	},
	Commands: eventim.JSON[Add]("Add"),
	Events:   eventim.JSON[Added]("Added"),
}
