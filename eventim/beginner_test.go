package eventim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A basket as a beginner writes it: with maps and slices that are changed where
// they are, decisions that try things out on the state, and events that share
// slices with the command, with the state and with each other.
type (
	Basket struct {
		Items   map[string]*Item
		Coupons []string
		Seal    *Seal
	}
	Item   struct{ Count int }
	Change struct {
		Put     map[string]int `json:",omitempty"`
		Coupons []string       `json:",omitempty"`
		Fail    string         `json:",omitempty"`
	}
	Changed struct {
		Put     map[string]int `json:",omitempty"`
		Coupons []string       `json:",omitempty"`
		Fail    bool           `json:",omitempty"`
	}
)

// Seal hides its slice, so that only its methods can copy it.
type Seal struct{ marks []string }

func (s Seal) MarshalJSON() ([]byte, error)     { return json.Marshal(s.marks) }
func (s *Seal) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &s.marks) }

const tooMany = 5

var basket = eventim.Aggregate[Basket, Change, Changed]{
	Name: "basket",
	Decider: eventim.Decider[Basket, Change, Changed]{
		Decide: func(b Basket, cmd eventim.Command[Change]) ([]Changed, error) {
			c := cmd.Payload
			b.Seal.mark("decided")
			b.Coupons = append(b.Coupons[:0], c.Coupons...) // over what the state has
			for name, n := range c.Put {
				b = b.put(name, n)
				if b.Items[name].Count > tooMany {
					return nil, eventim.Reject("too_many", "at most %d of %s", tooMany, name)
				}
			}
			switch c.Fail {
			case "reject":
				return nil, errors.New("no")
			case "panic":
				panic("in Decide")
			}
			return []Changed{{c.Put, c.Coupons, false}, {nil, c.Coupons, c.Fail == "fold"}}, nil
		},
		Evolve: func(b Basket, e Changed) Basket {
			for name, n := range e.Put {
				b = b.put(name, n)
				delete(e.Put, name)
			}
			b.Seal.mark("evolved")
			if b.Seal == nil {
				b.Seal = &Seal{[]string{"evolved"}}
			}
			for i := range e.Coupons {
				e.Coupons[i] += "!"
			}
			b.Coupons = append(b.Coupons, e.Coupons...)
			if e.Fail {
				panic("half-way")
			}
			return b
		},
	},
	Commands: eventim.JSON[Change]("Change"),
	Events:   eventim.JSON[Changed]("Changed"),
}

func (b Basket) put(name string, n int) Basket {
	if b.Items == nil {
		b.Items = map[string]*Item{}
	}
	if b.Items[name] == nil {
		b.Items[name] = &Item{}
	}
	b.Items[name].Count += n
	return b
}

func (s *Seal) mark(text string) {
	if s != nil {
		s.marks = append(s.marks, text)
		s.marks[0] = text
	}
}

// Whatever Decide and Evolve do to what they are given, each result carries the
// fold of the events so far, and so does the last snapshot.
func TestDomainThatChangesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	put := map[string]int{"apple": 1}
	commands := []Change{
		{Put: put, Coupons: []string{"a", "b"}},
		{Put: put, Fail: "reject"},
		{Put: map[string]int{"apple": 9}},
		{Put: put, Coupons: []string{"c"}},
		{Put: put, Fail: "panic"},
		{Put: put, Coupons: []string{"x"}, Fail: "fold"},
		{Put: put, Coupons: []string{"d"}},
	}
	var history []Changed
	for i, res := range answers(t, basket, commands) {
		want := eventim.Accepted
		switch {
		case slices.Contains([]string{"panic", "fold"}, commands[i].Fail):
			want = eventim.Failed
		case i == 1 || i == 2:
			want = eventim.Rejected
		}
		if res.Outcome != want {
			t.Fatalf("command %d: %+v, want it %v", i, res, want)
		}
		if want != eventim.Accepted {
			continue
		}
		for _, e := range res.Events {
			history = append(history, e.Payload)
		}
		if !reflect.DeepEqual(res.Events[0].Payload.Put, put) {
			t.Errorf("command %d: the event says %v, want %v", i, res.Events[0].Payload.Put, put)
		}
		if state := refolded(t, history); !reflect.DeepEqual(res.Snapshot.State, state) {
			t.Errorf("command %d: the state is %s, want that of its %d events, %s", i, written(t, res.Snapshot.State), len(history), written(t, state))
		}
	}
}

// refolded folds events as a program does that reads them from Kafka.
func refolded(t *testing.T, history []Changed) (state Basket) {
	t.Helper()
	for _, e := range history {
		e.Put, e.Coupons = maps.Clone(e.Put), slices.Clone(e.Coupons)
		state = basket.Evolve(state, e)
	}
	return state
}

func written(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// answers lets a handler of its own answer commands for one aggregate, one
// after the other.
func answers[S, C, E any](t *testing.T, a eventim.Aggregate[S, C, E], commands []C) []eventim.Result[S, E] {
	t.Helper()
	k := eventimtest.Kafka(t)
	a.Name, a.Partitions = eventimtest.Name(t, a.Name), 1
	if err := a.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	h, err := eventim.NewHandler(a, eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t}
	s.background(h.Run)
	results := make(chan eventim.Result[S, E], len(commands))
	s.background(func(ctx context.Context) error {
		topic := a.ResultTopic()
		return eventim.Tail(ctx, k, topic.Name, eventim.Positions{0: 0}, func(r eventim.Record) error {
			res, err := topic.Decode(r)
			results <- res
			return err
		})
	})
	sender, err := eventim.NewSender(a, k)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sender.Close() }()
	var answered []eventim.Result[S, E]
	for i, c := range commands {
		if _, err := sender.Send(t.Context(), eventim.Command[C]{ID: fmt.Sprint("c", i), Aggregate: "one", Payload: c}); err != nil {
			t.Fatal(err)
		}
		answered = append(answered, <-results)
	}
	return answered
}
