package eventim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

type (
	hire     struct{ Name, Role string }
	fire     struct{}
	contract interface{ isContract() }
)

func (hire) isContract() {}
func (fire) isContract() {}

var staff = eventim.Aggregate[struct{}, contract, struct{}]{
	Name: "staff",
	Commands: eventim.NewUnion[contract](
		eventim.Of[contract]("Hire", hire{}, func(old []byte) ([]byte, error) {
			return []byte(strings.Replace(string(old), "{", `{"Role":"clerk",`, 1)), nil
		}),
		eventim.Of[contract]("Fire", fire{}),
	),
}

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data string
		want       contract
		wrong      string
	}{
		{"Hire", `{"Name":"Ada","Role":"head"}`, hire{"Ada", "head"}, ""},
		{"Fire", ``, fire{}, ""},
		{"Fire", " \n", fire{}, ""},
		{"Hire", `{"Name":"Ada"}`, nil, "Role"}, // the newest schema, not the first
		{"Hire", `{"Name":"Ada","Role":"head","Role":"clerk"}`, nil, "Role"},
		{"Hire", `{"Name":"Ada","Role":"head","Pay":1}`, nil, "Pay"},
		{"Hire", `{"name":"Ada","Role":"head"}`, nil, "name"},
		{"Hire", `{"Name":"Ada","Role":"head"} {}`, nil, "end"},
	} {
		got, err := staff.ParseCommand(c.name, []byte(c.data))
		if c.wrong == "" && (err != nil || got != c.want) {
			t.Errorf("%s %s: got %v, %v, want %v", c.name, c.data, got, err, c.want)
		}
		if c.wrong != "" {
			if _, ok := errors.AsType[*eventim.InvalidError](err); !ok || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s %s: got %v, %v, want an *InvalidError about %s", c.name, c.data, got, err, c.wrong)
			}
		}
	}
}

func TestParseCommandOfAnotherName(t *testing.T) {
	t.Parallel()
	if _, err := staff.ParseCommand("hire", nil); !errors.Is(err, eventim.ErrUnknownCommand) {
		t.Errorf("got %v, want ErrUnknownCommand", err)
	}
	if _, err := counter.ParseCommand("Added", nil); !errors.Is(err, eventim.ErrUnknownCommand) {
		t.Errorf("got %v, want ErrUnknownCommand", err)
	}
	got, err := counter.ParseCommand("Add", []byte(`{"N":3}`))
	if err != nil || got.N != 3 {
		t.Errorf("got %v, %v, want 3", got, err)
	}
}

func ExampleAggregate_ParseCommand() {
	cmd, err := jars.ParseCommand("PutCoins", []byte(`{"Coins": 40}`))
	fmt.Println(cmd.Coins, err)
	_, err = jars.ParseCommand("PutCoins", []byte(`{"Coins": 40, "From": "Ada"}`))
	fmt.Println(err)
	_, err = jars.ParseCommand("TakeCoins", nil)
	fmt.Println(err)
	// Output:
	// 40 <nil>
	// /From of the payload is not known
	// "TakeCoins" of jar: there is no such command
}
