package main

import "github.com/eventim-go/eventim/eventim"

// Item is the state of an article in the warehouse: how many pieces no order has.
type Item struct{ Free int }

// StockCommand is what is asked of an item, and StockEvent what has happened to it. That
// it refuses an order is an event, and no rejection: a process waits for it.
type (
	StockCommand interface{ stockCommand() }
	Receive      struct{ Quantity int }
	Reserve      Portion
	Release      Portion

	StockEvent interface{ stockEvent() }
	Received   struct{ Quantity int }
	Reserved   Portion
	Refused    Portion
	Released   Portion

	Portion struct {
		Order    string
		Quantity int
	}
)

func (Receive) stockCommand() {}
func (Reserve) stockCommand() {}
func (Release) stockCommand() {}
func (Received) stockEvent()  {}
func (Reserved) stockEvent()  {}
func (Refused) stockEvent()   {}
func (Released) stockEvent()  {}

// Stock declares the second aggregate.
var Stock = eventim.Aggregate[Item, StockCommand, StockEvent]{
	Name: "item",
	Commands: eventim.NewUnion(
		eventim.Of[StockCommand]("Receive", Receive{}), eventim.Of[StockCommand]("Reserve", Reserve{}), eventim.Of[StockCommand]("Release", Release{}),
	),
	Events: eventim.NewUnion(
		eventim.Of[StockEvent]("Received", Received{}), eventim.Of[StockEvent]("Reserved", Reserved{}),
		eventim.Of[StockEvent]("Refused", Refused{}), eventim.Of[StockEvent]("Released", Released{}),
	),
	Decider: eventim.Decider[Item, StockCommand, StockEvent]{Decide: decideStock, Evolve: evolveStock},
}

func decideStock(i Item, cmd eventim.Command[StockCommand]) ([]StockEvent, error) {
	switch c := cmd.Payload.(type) {
	case Receive:
		return []StockEvent{Received(c)}, nil
	case Reserve:
		if c.Quantity > i.Free {
			return []StockEvent{Refused(c)}, nil
		}
		return []StockEvent{Reserved(c)}, nil
	case Release:
		return []StockEvent{Released(c)}, nil
	}
	panic("the union has no other command")
}

func evolveStock(i Item, event StockEvent) Item {
	switch e := event.(type) {
	case Received:
		i.Free += e.Quantity
	case Reserved:
		i.Free -= e.Quantity
	case Released:
		i.Free += e.Quantity
	}
	return i
}
