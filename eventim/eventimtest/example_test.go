package eventimtest_test

import (
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

type (
	Light  struct{ On bool }
	Switch struct{ On bool }
)

func ExampleScenario() {
	light := eventim.Aggregate[Light, Switch, Switch]{Name: "light"}
	light.Decider = eventim.Decider[Light, Switch, Switch]{
		Decide: func(l Light, cmd eventim.Command[Switch]) ([]Switch, error) {
			if cmd.Payload.On == l.On {
				return nil, eventim.Reject("switched_already", "the light is switched already")
			}
			return []Switch{cmd.Payload}, nil
		},
		Evolve: func(_ Light, e Switch) Light { return Light(e) },
	}

	t := new(testing.T) // that of your test

	eventimtest.Scenario[Light, Switch, Switch]{
		When: Switch{On: true},
		Then: []Switch{{On: true}},
	}.Run(t, light)

	eventimtest.Scenario[Light, Switch, Switch]{
		Given:    []Switch{{On: true}},
		When:     Switch{On: true},
		Rejected: "switched_already",
	}.Run(t, light)

	fmt.Println("failed:", t.Failed())
	// Output: failed: false
}
