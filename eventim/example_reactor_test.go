package eventim_test

import (
	"fmt"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// An order, and the stock that it wants something of, are two aggregates. (Their
// deciders are left out here.)
type (
	OrderCommand struct{ Do string } // place, confirm, expire
	OrderEvent   struct{ Did string }
	StockCommand struct{ Order string }
	StockEvent   struct {
		Order    string
		Reserved bool
	}
)

var (
	orderAggregate = eventim.Aggregate[string, OrderCommand, OrderEvent]{
		Name: "order", Commands: eventim.JSON[OrderCommand]("OrderCommand"), Events: eventim.JSON[OrderEvent]("OrderEvent"),
	}
	stockAggregate = eventim.Aggregate[int, StockCommand, StockEvent]{
		Name: "stock", Commands: eventim.JSON[StockCommand]("StockCommand"), Events: eventim.JSON[StockEvent]("StockEvent"),
	}
)

// What the reservation of an order can be told: by the order, by the stock, or by its
// own timer.
type Told struct{ What string } // placed, reserved, refused, late

// reservations reserves stock for each order that is placed, and confirms the order,
// or lets it expire when that takes longer than half a minute.
var reservations = eventim.Reactor[struct{}, Told]{
	Name:     "reservations",
	Messages: eventim.JSON[Told]("Told"),
	Sources: []eventim.Source[Told]{
		eventim.Begins(eventim.From(orderAggregate.EventTopic(), func(e eventim.Event[OrderEvent]) (string, Told, bool) {
			return e.Aggregate, Told{"placed"}, e.Payload.Did == "placed"
		})),
		eventim.From(stockAggregate.EventTopic(), func(e eventim.Event[StockEvent]) (string, Told, bool) {
			if e.Payload.Reserved {
				return e.Payload.Order, Told{"reserved"}, true
			}
			return e.Payload.Order, Told{"refused"}, true
		}),
	},
	Sends: []eventim.Target{orderAggregate, stockAggregate},
	React: func(s struct{}, m eventim.Message[Told]) (struct{}, []eventim.Output) {
		switch m.Payload.What {
		case "placed":
			return s, []eventim.Output{
				stockAggregate.Send("shelf-1", StockCommand{m.Instance}),
				eventim.At("patience", m.Time.Add(30*time.Second), Told{"late"}),
			}
		case "reserved":
			return s, []eventim.Output{orderAggregate.Send(m.Instance, OrderCommand{"confirm"}), eventim.End()}
		default:
			return s, []eventim.Output{orderAggregate.Send(m.Instance, OrderCommand{"expire"}), eventim.End()}
		}
	},
}

// A reactor is tried without Kafka, in a time of its own. NewReactorHandler runs it.
func ExampleReactor() {
	t := &exampleT{}
	eventimtest.React(t, reservations).
		Given(Told{"placed"}).
		After(29*time.Second).Fires().
		After(time.Second).Fires("patience").
		Then(orderAggregate.Send("instance", OrderCommand{"expire"}), eventim.End()).
		Ends()
	fmt.Println("an order that waits for 30 s expires")
	// Output: an order that waits for 30 s expires
}
