package main

import "github.com/eventim-go/eventim/eventim"

// Order is the state of an order: how far it has come.
type Order struct{ Placed, Closed bool }

// OrderCommand is what is asked of an order, to place it by a customer, the rest by the
// process; OrderEvent is what has happened to it.
type (
	OrderCommand interface{ orderCommand() }
	Place        Wish
	Confirm      struct{ Payment string }
	Expire       struct{ Reason string }

	OrderEvent interface{ orderEvent() }
	Placed     Wish
	Confirmed  struct{ Payment string }
	Expired    struct{ Reason string }

	Wish struct {
		Item            string
		Quantity, Price int
	}
)

func (Place) orderCommand()   {}
func (Confirm) orderCommand() {}
func (Expire) orderCommand()  {}
func (Placed) orderEvent()    {}
func (Confirmed) orderEvent() {}
func (Expired) orderEvent()   {}

// Orders declares the first aggregate.
var Orders = eventim.Aggregate[Order, OrderCommand, OrderEvent]{
	Name: "order",
	Commands: eventim.NewUnion(
		eventim.Of[OrderCommand]("Place", Place{}), eventim.Of[OrderCommand]("Confirm", Confirm{}), eventim.Of[OrderCommand]("Expire", Expire{}),
	),
	Events: eventim.NewUnion(
		eventim.Of[OrderEvent]("Placed", Placed{}), eventim.Of[OrderEvent]("Confirmed", Confirmed{}), eventim.Of[OrderEvent]("Expired", Expired{}),
	),
	Decider: eventim.Decider[Order, OrderCommand, OrderEvent]{Decide: decideOrder, Evolve: evolveOrder},
}

// decideOrder has the last word: an order that is confirmed does not expire, whatever
// the process believes.
func decideOrder(o Order, cmd eventim.Command[OrderCommand]) ([]OrderEvent, error) {
	if _, placing := cmd.Payload.(Place); placing == o.Placed || o.Closed {
		return nil, eventim.Reject("wrong_status", "the order is closed, or placed already, or not placed")
	}
	switch c := cmd.Payload.(type) {
	case Place:
		return []OrderEvent{Placed(c)}, nil
	case Confirm:
		return []OrderEvent{Confirmed(c)}, nil
	case Expire:
		return []OrderEvent{Expired(c)}, nil
	}
	panic("the union has no other command")
}

func evolveOrder(_ Order, event OrderEvent) Order {
	_, open := event.(Placed)
	return Order{Placed: true, Closed: !open}
}
