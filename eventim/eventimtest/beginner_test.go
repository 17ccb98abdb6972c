package eventimtest

import (
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// A cart as beginners write it.
type (
	cart struct {
		Items  map[string]*item `json:",omitempty"`
		Tags   []string
		Weight float64
		seen   int
		At     time.Time
	}
	item struct{ Count int }
	put  struct {
		Name string
		Tags []string
	}
)

type cartScenario = Scenario[cart, put, put]

func carts(decide func(cart, eventim.Command[put]) ([]put, error), evolve func(cart, put) cart) eventim.Aggregate[cart, put, put] {
	if decide == nil {
		decide = func(_ cart, cmd eventim.Command[put]) ([]put, error) { return []put{cmd.Payload}, nil }
	}
	return eventim.Aggregate[cart, put, put]{
		Name: "cart", Decider: eventim.Decider[cart, put, put]{Decide: decide, Evolve: evolve},
		Commands: eventim.JSON[put]("put"), Events: eventim.JSON[put]("put"),
	}
}

// counted is a fold that changes nothing that it is given.
func counted(c cart, e put) cart {
	items := map[string]*item{e.Name: {1}}
	for name, i := range c.Items {
		if name == e.Name {
			i = &item{i.Count + 1}
		}
		items[name] = i
	}
	c.Items, c.Tags = items, slices.Concat(c.Tags, e.Tags)
	return c
}

func TestScenarioFindsWhatBeginnersDo(t *testing.T) {
	t.Parallel()
	sample := put{"apple", []string{"a", "b"}}
	var calls atomic.Int64
	for name, c := range map[string]struct {
		cart eventim.Aggregate[cart, put, put]
		want string // "" for none
	}{
		"nothing wrong": {carts(nil, counted), ""},
		"appended": {carts(nil, func(c cart, e put) cart {
			c = counted(c, e)
			c.Tags = append(c.Tags, "c")
			return c
		}), ""},
		"decides in place, and rejects": {carts(func(c cart, cmd eventim.Command[put]) ([]put, error) {
			c.Items["apple"].Count++
			return nil, eventim.Reject("full", "no room")
		}, counted), `Decide changes the state that it is given: .Items["apple"].Count was 1, and is 2`},
		"decides in a map": {carts(func(c cart, cmd eventim.Command[put]) ([]put, error) {
			c.Items["pear"] = &item{}
			return []put{cmd.Payload}, nil
		}, counted), "Decide changes the state that it is given: .Items was a map of 1, and is a map of 2"},
		"decides on the command": {carts(func(_ cart, cmd eventim.Command[put]) ([]put, error) {
			slices.Reverse(cmd.Payload.Tags)
			return nil, nil
		}, counted), "Decide changes the command that it is given: .Payload.Tags[0]"},
		"decides by a counter": {carts(func(cart, eventim.Command[put]) ([]put, error) {
			return make([]put, calls.Add(1)), nil
		}, counted), "Decide is not pure: eventimtest.put is decided differently the second time"},
		"rejects at random": {carts(func(cart, eventim.Command[put]) ([]put, error) {
			return nil, eventim.Reject("full", "for the %dth time", calls.Add(1))
		}, counted), "Decide is not pure"},
		"folds in place": {carts(nil, func(c cart, e put) cart {
			if c.Items == nil {
				c.Items = map[string]*item{}
			}
			c.Items[e.Name] = &item{}
			c.Items["total"] = &item{len(c.Items)}
			return c
		}), `Evolve changes the state that it is given: .Items["total"].Count was 1, and is 2`},
		"folds behind a pointer": {carts(nil, func(c cart, e put) cart {
			if len(c.Items) == 0 {
				return counted(c, e)
			}
			c.Items["apple"].Count++
			return c
		}), `.Items["apple"].Count was 1, and is 2`},
		"folds into the event": {carts(nil, func(c cart, e put) cart {
			e.Tags[0] += "!"
			return counted(c, e)
		}), `Evolve changes the event that it is given: .Tags[0] was "a", and is "a!"`},
		"folds into an event of before": {carts(nil, func(c cart, e put) cart {
			if len(c.Tags) > 0 {
				c.Tags[0] = "new"
				return c
			}
			c.Tags = e.Tags
			return c
		}), `Evolve changes the state that it is given: .Tags[0]`},
		"folds by a counter": {carts(nil, func(c cart, e put) cart {
			c.Weight = float64(calls.Add(1))
			return c
		}), "Evolve is not pure: the same events fold to another state the second time: .Weight"},
		"keeps what is not written": {carts(nil, func(c cart, e put) cart {
			c.seen++
			return c
		}), "does not come back as it was written, "},
		"keeps a map that comes back as nil": {carts(nil, func(c cart, e put) cart {
			c.Items = map[string]*item{}
			return c
		}), ".Items was a map of 0, and is a nil map"},
		"divides by zero": {carts(nil, func(c cart, e put) cart {
			c.Weight = math.NaN()
			return c
		}), "cart cannot be written: encode cart: json: unsupported value: NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given := []put{{sample.Name, slices.Clone(sample.Tags)}, {sample.Name, slices.Clone(sample.Tags)}}[:1]
			if strings.HasPrefix(name, "folds") {
				given = given[:2]
			}
			when := put{sample.Name, slices.Clone(sample.Tags)}
			err := cartScenario{Given: given, When: when, Then: []put{sample}}.check(c.cart)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("check() = %v, want %q", err, c.want)
			}
		})
	}
}

// An instant comes back in another location, and without the reading of the
// clock of the process.
func TestScenarioComparesInstants(t *testing.T) {
	t.Parallel()
	at := time.Now().In(time.FixedZone("somewhere", 3600))
	clock := carts(nil, func(c cart, e put) cart {
		c.At = at
		return c
	})
	if err := (cartScenario{When: put{"apple", nil}, Then: []put{{"apple", nil}}}).check(clock); err != nil {
		t.Error(err)
	}
}

// What the events of a command share is theirs alone for a handler only.
func TestScenarioFoldsWhatWasDecided(t *testing.T) {
	t.Parallel()
	shared := carts(func(_ cart, cmd eventim.Command[put]) ([]put, error) {
		return []put{cmd.Payload, cmd.Payload}, nil
	}, func(c cart, e put) cart {
		e.Tags[0] += "!"
		return c
	})
	err := cartScenario{When: put{"apple", []string{"a"}}}.check(shared)
	if err == nil || !strings.Contains(err.Error(), "Evolve changes the event that it is given") {
		t.Errorf("check() = %v, want that Evolve changes the event", err)
	}
}
