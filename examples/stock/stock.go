package main

import (
	"maps"

	"github.com/eventim-go/eventim/eventim"
)

// Item is the state of an aggregate: an article in the warehouse.
type Item struct {
	OnHand   int
	Reserved map[string]int // by order
}

// Free is how many pieces no order has.
func (i Item) Free() int {
	free := i.OnHand
	for _, n := range i.Reserved {
		free -= n
	}
	return free
}

// Command is what somebody asks of an item.
type (
	Command interface{ command() }
	Receive struct{ Quantity int }
	Reserve struct {
		Order    string
		Quantity int
	}
	Release struct{ Order string }
	Ship    struct{ Order string }
)

func (Receive) command() {}
func (Reserve) command() {}
func (Release) command() {}
func (Ship) command()    {}

// Event is what has happened to an item.
type (
	Event    interface{ event() }
	Received struct{ Quantity int }
	Reserved struct {
		Order    string
		Quantity int
	}
	Released struct{ Order string }
	Shipped  struct{ Order string }
)

func (Received) event() {}
func (Reserved) event() {}
func (Released) event() {}
func (Shipped) event()  {}

// Items declares the domain: its two functions, and its names in Kafka.
var Items = eventim.Aggregate[Item, Command, Event]{
	Name:    "item",
	Decider: eventim.Decider[Item, Command, Event]{Decide: decide, Evolve: evolve},
	Commands: eventim.NewUnion(
		eventim.Of[Command]("Receive", Receive{}), eventim.Of[Command]("Reserve", Reserve{}),
		eventim.Of[Command]("Release", Release{}), eventim.Of[Command]("Ship", Ship{}),
	),
	Events: eventim.NewUnion(
		eventim.Of[Event]("Received", Received{}), eventim.Of[Event]("Reserved", Reserved{}),
		eventim.Of[Event]("Released", Released{}), eventim.Of[Event]("Shipped", Shipped{}),
	),
}

// decide answers a command with the events that it causes, or with a rejection.
func decide(item Item, cmd eventim.Command[Command]) ([]Event, error) {
	switch c := cmd.Payload.(type) {
	case Receive:
		if c.Quantity < 1 {
			return nil, eventim.Reject("bad_quantity", "a quantity is at least 1")
		}
		return []Event{Received(c)}, nil
	case Reserve:
		if c.Quantity < 1 || c.Quantity > item.Free() {
			return nil, eventim.Reject("bad_quantity", "of %d, an order gets at least 1", item.Free())
		}
		return []Event{Reserved(c)}, nil
	case Release:
		return item.ifReserved(c.Order, Released(c))
	case Ship:
		return item.ifReserved(c.Order, Shipped(c))
	}
	panic("the union has no other command")
}

func (i Item) ifReserved(order string, event Event) ([]Event, error) {
	if i.Reserved[order] == 0 {
		return nil, eventim.Reject("not_reserved", "the order has none of them")
	}
	return []Event{event}, nil
}

// evolve folds an event into the state, of which it changes a copy.
func evolve(item Item, event Event) Item {
	orders := map[string]int{}
	maps.Copy(orders, item.Reserved)
	switch e := event.(type) {
	case Received:
		item.OnHand += e.Quantity
	case Reserved:
		orders[e.Order] += e.Quantity
	case Released:
		delete(orders, e.Order)
	case Shipped:
		item.OnHand -= orders[e.Order]
		delete(orders, e.Order)
	}
	item.Reserved = orders
	return item
}
