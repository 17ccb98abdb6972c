package main

import (
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Reservation is what the process knows of an order.
type Reservation struct {
	Wish
	Expired bool
}

// Told is what the process hears: from orders, from the stock, from the provider of
// payments, and from its own timers.
type (
	Told         interface{ told() }
	IsPlaced     Wish
	IsReserved   struct{}
	IsRefused    struct{}
	IsCharged    struct{ Payment string }
	IsNotCharged struct{ Reason string }
	IsLate       struct{}
)

func (IsPlaced) told()     {}
func (IsReserved) told()   {}
func (IsRefused) told()    {}
func (IsCharged) told()    {}
func (IsNotCharged) told() {}
func (IsLate) told()       {}

// Charge is what the provider is asked.
type Charge struct {
	Order string
	Price int
}

// Charging is the effect. Its name is kept with what waits.
var Charging = eventim.Effect[Charge]{Name: "charge"}

// Reservations is the process: for each order that is placed, it reserves stock, charges
// the customer, and confirms the order, or lets it expire.
func Reservations(charging eventim.Performer[Charge, Told]) eventim.Reactor[Reservation, Told] {
	return eventim.Reactor[Reservation, Told]{
		Name: "reservations",
		Messages: eventim.NewUnion(
			eventim.Of[Told]("IsPlaced", IsPlaced{}), eventim.Of[Told]("IsReserved", IsReserved{}), eventim.Of[Told]("IsRefused", IsRefused{}),
			eventim.Of[Told]("IsCharged", IsCharged{}), eventim.Of[Told]("IsNotCharged", IsNotCharged{}), eventim.Of[Told]("IsLate", IsLate{}),
		),
		Sources: []eventim.Source[Told]{
			eventim.Begins(eventim.From(Orders.EventTopic(), func(e eventim.Event[OrderEvent]) (order string, told Told, ok bool) {
				placed, ok := e.Payload.(Placed)
				return e.Aggregate, IsPlaced(placed), ok
			})),
			eventim.From(Stock.EventTopic(), ofStock),
		},
		Sends:    []eventim.Target{Orders, Stock},
		Performs: []eventim.Performs[Told]{charging},
		React:    react,
	}
}

func ofStock(e eventim.Event[StockEvent]) (order string, told Told, ok bool) {
	switch e := e.Payload.(type) {
	case Reserved:
		return e.Order, IsReserved{}, true
	case Refused:
		return e.Order, IsRefused{}, true
	}
	return "", nil, false
}

// react is the whole process. It looks at no clock: the timer is a message, too.
func react(r Reservation, m eventim.Message[Told]) (Reservation, []eventim.Output) {
	order := m.Instance
	expire := func(reason string) eventim.Output { return Orders.Send(order, Expire{reason}) }
	release := func() eventim.Output { return Stock.Send(r.Item, Release{order, r.Quantity}) }
	switch told := m.Payload.(type) {
	case IsPlaced:
		return Reservation{Wish: Wish(told)}, []eventim.Output{
			Stock.Send(told.Item, Reserve{order, told.Quantity}),
			eventim.At("late", m.Time.Add(30*time.Second), IsLate{}),
		}
	case IsReserved:
		if r.Expired { // too late: nobody waits for it
			return r, []eventim.Output{release(), eventim.End()}
		}
		return r, []eventim.Output{eventim.Cancel("late"), eventim.Call(Charging, Charge{order, r.Price})}
	case IsRefused:
		return r, []eventim.Output{expire("out of stock"), eventim.End()}
	case IsCharged:
		return r, []eventim.Output{Orders.Send(order, Confirm(told)), eventim.End()}
	case IsNotCharged:
		return r, []eventim.Output{release(), expire(told.Reason), eventim.End()}
	case IsLate:
		if r.Expired {
			return r, []eventim.Output{eventim.End()}
		}
		r.Expired = true // and it listens for a day: what is reserved then has to go back
		return r, []eventim.Output{expire("the stock does not answer"), eventim.At("late", m.Time.Add(24*time.Hour), IsLate{})}
	}
	panic("the union has no other message")
}
