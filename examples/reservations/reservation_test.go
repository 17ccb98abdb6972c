package main

import (
	"errors"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

var (
	wish   = Wish{"apple", 3, 100}
	placed = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // when a trial begins
)

func trial(t *testing.T) *eventimtest.Reaction[Reservation, Told] {
	t.Helper()
	return eventimtest.React(t, Reservations((&Provider{}).Charging()))
}

func TestReservations(t *testing.T) {
	t.Parallel()
	reserve := Stock.Send("apple", Reserve{"instance", 3})
	release := Stock.Send("apple", Release{"instance", 3})
	charge := eventim.Call(Charging, Charge{"instance", 100})
	expire := func(reason string) eventim.Output { return Orders.Send("instance", Expire{reason}) }

	trial(t).When(IsPlaced(wish)).Then(reserve, eventim.At("late", placed.Add(30*time.Second), IsLate{})).
		When(IsReserved{}).Then(eventim.Cancel("late"), charge).
		After(time.Hour).Fires().
		Answered("charge", IsCharged{"p1"}).Then(Orders.Send("instance", Confirm{"p1"}), eventim.End()).Ends()

	trial(t).Given(IsPlaced(wish)).When(IsRefused{}).Then(expire("out of stock"), eventim.End()).Ends()

	trial(t).Given(IsPlaced(wish), IsReserved{}).
		Answered("charge", IsNotCharged{"declined"}).Then(release, expire("declined"), eventim.End()).Ends()

	// What the stock reserves too late goes back.
	trial(t).Given(IsPlaced(wish)).
		After(30*time.Second).Fires("late").
		Then(expire("the stock does not answer"), eventim.At("late", placed.Add(24*time.Hour+30*time.Second), IsLate{})).
		When(IsReserved{}).Then(release, eventim.End()).Ends()

	trial(t).Given(IsPlaced(wish)).After(25*time.Hour).Fires("late", "late").Ends()
}

// The provider charges once for each key, whatever it answers.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := &Provider{payments: map[string]string{}}
	performer := p.Charging()
	ask := eventim.Request[Charge]{Key: "k", Payload: Charge{"o1", 100}}
	if _, err := performer.Do(t.Context(), ask); err == nil {
		t.Error("the first answer is not lost")
	}
	if told, done, err := performer.Probe(t.Context(), ask); told != (IsCharged{"payment-of-o1"}) || !done || err != nil {
		t.Error(told, done, err)
	}
	if _, done, err := performer.Probe(t.Context(), eventim.Request[Charge]{Key: "other"}); done || err != nil {
		t.Error(done, err)
	}
	if told, err := performer.Do(t.Context(), ask); told != (IsCharged{"payment-of-o1"}) || err != nil {
		t.Error(told, err)
	}
	ask.Payload.Price = 1001
	_, err := performer.Do(t.Context(), ask)
	if told := performer.Failed(ask, errors.Unwrap(err)); told != (IsNotCharged{"the payment is declined"}) {
		t.Error(told)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	for _, s := range []eventimtest.Scenario[Order, OrderCommand, OrderEvent]{
		{Name: "place", When: Place(wish), Then: []OrderEvent{Placed(wish)}},
		{Name: "place twice", Given: []OrderEvent{Placed(wish)}, When: Place(wish), Rejected: "wrong_status"},
		{Name: "confirm", Given: []OrderEvent{Placed(wish)}, When: Confirm{"p"}, Then: []OrderEvent{Confirmed{"p"}}},
		{Name: "expire", Given: []OrderEvent{Placed(wish)}, When: Expire{"r"}, Then: []OrderEvent{Expired{"r"}}},
		{Name: "confirm nothing", When: Confirm{"p"}, Rejected: "wrong_status"},
		{Name: "expire what is confirmed", Given: []OrderEvent{Placed(wish), Confirmed{"p"}}, When: Expire{"r"}, Rejected: "wrong_status"},
	} {
		s.Run(t, Orders)
	}
}

func TestStock(t *testing.T) {
	t.Parallel()
	three, all := Portion{"o1", 3}, Portion{"o2", 8}
	for _, s := range []eventimtest.Scenario[Item, StockCommand, StockEvent]{
		{Name: "receive", When: Receive{10}, Then: []StockEvent{Received{10}}},
		{Name: "reserve", Given: []StockEvent{Received{10}}, When: Reserve(three), Then: []StockEvent{Reserved(three)}},
		{Name: "refuse", Given: []StockEvent{Received{10}, Reserved(three)}, When: Reserve(all), Then: []StockEvent{Refused(all)}},
		{Name: "reserve what came back", Given: []StockEvent{Received{10}, Reserved(three), Released(three)}, When: Reserve(all), Then: []StockEvent{Reserved(all)}},
		{Name: "release", Given: []StockEvent{Reserved(three)}, When: Release(three), Then: []StockEvent{Released(three)}},
	} {
		s.Run(t, Stock)
	}
}
