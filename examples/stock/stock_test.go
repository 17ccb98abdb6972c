package main

import (
	"testing"

	"github.com/eventim-go/eventim/eventim/eventimtest"
)

type scenario = eventimtest.Scenario[Item, Command, Event]

func TestItems(t *testing.T) {
	t.Parallel()
	ten := []Event{Received{10}}
	reserved := []Event{Received{10}, Reserved{"o1", 3}}
	for _, s := range []scenario{
		{Name: "receive", When: Receive{10}, Then: ten},
		{Name: "receive nothing", When: Receive{0}, Rejected: "bad_quantity"},
		{Name: "reserve", Given: ten, When: Reserve{"o1", 10}, Then: []Event{Reserved{"o1", 10}}},
		{Name: "reserve what is not there", When: Reserve{"o1", 1}, Rejected: "bad_quantity"},
		{Name: "reserve what others have", Given: reserved, When: Reserve{"o2", 8}, Rejected: "bad_quantity"},
		{Name: "reserve more", Given: reserved, When: Reserve{"o1", 7}, Then: []Event{Reserved{"o1", 7}}},
		{Name: "ship", Given: reserved, When: Ship{"o1"}, Then: []Event{Shipped{"o1"}}},
		{Name: "ship what is not reserved", Given: reserved, When: Ship{"o2"}, Rejected: "not_reserved"},
		{Name: "ship twice", Given: append(reserved, Shipped{"o1"}), When: Ship{"o1"}, Rejected: "not_reserved"},
		{Name: "release", Given: reserved, When: Release{"o1"}, Then: []Event{Released{"o1"}}},
		{Name: "release what is shipped", Given: append(reserved, Shipped{"o1"}), When: Release{"o1"}, Rejected: "not_reserved"},
	} {
		s.Run(t, Items)
	}
}

// Whoever changes evolve, and forgets to raise Revision, is told.
func TestFold(t *testing.T) {
	t.Parallel()
	eventimtest.Fold(t, Items, "testdata/fold.json",
		[]Event{Received{10}, Reserved{"o1", 3}, Reserved{"o1", 1}, Reserved{"o2", 2}, Shipped{"o1"}, Released{"o2"}})
}
