package eventim

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
)

// Types as beginners write them, and what each of them loses.
type (
	private    struct{ Items, items int }     //nolint:unused // it is lost
	privateAll struct{ items map[string]int } //nolint:unused // it is lost
	dashed     struct {
		Total int `json:"-"`
	}
	named struct{ Dash int }
	deep  struct {
		Lines []struct{ Parts map[string]*private }
	}
	anything    struct{ Extra map[string]any }
	shaped      struct{ Shape interface{ area() int } }
	called      struct{ Done chan int }
	waved       struct{ Z complex128 }
	keyed       struct{ At map[time.Duration]int }
	floatKeyed  struct{ At map[float64]int }
	timeKeyed   struct{ At map[time.Time]int }
	structKeyed struct{ At map[named]int }
	valued      struct{ Amount big.Int }
	pointed     struct{ Amount *big.Int }
	listed      struct{ Amounts []big.Int }
	mapped      struct{ Amounts map[string]big.Int }
	stamped     struct {
		time.Time
		Note string
	}
	stampOnly struct{ time.Time }
	named2    struct{ At time.Time }
	embedding struct{ base }
	embedded  struct{ *base }
	shadowing struct {
		base
		Currency string `json:"currency"`
	}
	twins struct {
		A int `json:"B"`
		B int
	}
	recursive struct{ Children []recursive }
	blank     struct {
		_ struct{}
		A int
	}
	raw struct{ Data json.RawMessage }
)

// itself hides everything, and says so in JSON of its own.
type itself struct{ n int }

func (i itself) MarshalJSON() ([]byte, error)     { return json.Marshal(i.n) }
func (i *itself) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &i.n) }

func TestTypesThatLoseWhatTheyHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		example any
		want    string // "" for none
	}{
		{private{}, "eventim.private.items is not exported, so it is not written: export it, or give eventim.private MarshalJSON and UnmarshalJSON"},
		{&private{}, "eventim.private.items is not exported"},
		{privateAll{}, "eventim.privateAll.items is not exported"},
		{dashed{}, `eventim.dashed.Total has the tag json:"-"`},
		{deep{}, "eventim.deep.Lines.Parts.items is not exported"},
		{anything{}, "eventim.anything.Extra is an interface"},
		{shaped{}, "eventim.shaped.Shape is an interface"},
		{called{}, "eventim.called.Done is of type chan int, which JSON does not have"},
		{waved{}, "eventim.waved.Z is of type complex128"},
		{func() {}, "func() is of type func()"},
		{floatKeyed{}, "eventim.floatKeyed.At has keys of type float64"},
		{structKeyed{}, "eventim.structKeyed.At has keys of type eventim.named"},
		{valued{}, "eventim.valued.Amount writes itself with a method of *big.Int, which is not called for a value"},
		{mapped{}, "eventim.mapped.Amounts writes itself with a method of *big.Int"},
		{stamped{}, "eventim.stamped.Time is embedded and writes itself"},
		{embedded{}, "eventim.embedded.base is an embedded pointer to an unexported type"},
		{shadowing{}, `eventim.shadowing.base.Currency has the name "currency" in JSON, as eventim.shadowing.Currency has`},
		{twins{}, `eventim.twins.B has the name "B" in JSON, as eventim.twins.A has`},
		{nil, "nil has no type"},
		{named{}, ""},
		{keyed{}, ""},
		{timeKeyed{}, ""},
		{pointed{}, ""},
		{listed{}, ""},
		{stampOnly{}, ""},
		{named2{}, ""},
		{embedding{}, ""},
		{recursive{}, ""},
		{blank{}, ""},
		{raw{}, ""},
		{itself{}, ""},
		{order{}, ""},
		{7, ""},
	} {
		text := refusal(func() { NewUnion(Of[any]("Thing", c.example)) })
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("NewUnion of a %T: %q, want %q", c.example, text, c.want)
		}
	}
}

// refusal is what do panics with.
func refusal(do func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = p.(string)
		}
	}()
	do()
	return ""
}

// What a type loses is refused before anything is written.
func TestAggregateRefusesTypesThatLoseWhatTheyHold(t *testing.T) {
	t.Parallel()
	state := Aggregate[private, tick, tick]{Name: "clock", Commands: JSON[tick]("tick"), Events: JSON[tick]("tick")}
	state.Decide = func(private, Command[tick]) ([]tick, error) { return nil, nil }
	state.Evolve = func(p private, _ tick) private { return p }
	event := Aggregate[named, tick, private]{Name: "clock", Commands: JSON[tick]("tick"), Events: JSON[private]("private")}
	event.Decide = func(named, Command[tick]) ([]private, error) { return nil, nil }
	event.Evolve = func(n named, _ private) named { return n }
	open := Aggregate[named, any, tick]{Name: "clock", Commands: JSON[any]("any"), Events: JSON[tick]("tick")}
	open.Decide = func(named, Command[any]) ([]tick, error) { return nil, nil }
	open.Evolve = func(n named, _ tick) named { return n }
	for want, err := range map[string]error{
		`aggregate "clock": eventim.JSON "clock": eventim.private.items is not exported`:            state.validate(),
		`aggregate "clock": eventim.JSON "private": eventim.private.items is not exported`:          event.validate(),
		`aggregate "clock": eventim.JSON "any": interface {} is an interface, which cannot be read`: open.validate(),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("validate() = %v, want %q", err, want)
		}
	}
}

// A nil *Rejection in an error is not nil, and the answer says so.
func TestNilRejection(t *testing.T) {
	t.Parallel()
	var none *Rejection
	if r := asRejection(none); r.Code != CodeRejected || !strings.Contains(r.Message, "nil *Rejection") {
		t.Errorf("%+v, want the code %s and why", r, CodeRejected)
	}
}
