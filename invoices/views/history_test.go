package views_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

func TestHistoryIgnoresWhatComesAgain(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceHistory(invoices.Aggregate))
	write(event("a", 2, invoices.InvoicePaid{}), event("a", 1, invoices.InvoiceSent{}), event("b", 1, invoices.InvoiceSent{}))
	write(event("a", 2, invoices.InvoiceDeleted{}), event("a", 3, invoices.InvoiceDeleted{}))
	entries, err := views.History(t.Context(), pool, "a")
	if err != nil || len(entries) != 3 {
		t.Fatalf("got %d entries, error %v; want 3", len(entries), err)
	}
	for i, want := range []string{"InvoiceSent", "InvoicePaid", "InvoiceDeleted"} {
		if e := entries[i]; e.Type != want || e.Version != int64(i+1) || e.Actor != "ann" || !e.Time.Equal(epoch) || !json.Valid(e.Data) {
			t.Errorf("entry %d is %+v, want %s by ann", i, e, want)
		}
	}
	if none, err := views.History(t.Context(), pool, "nobody"); err != nil || len(none) != 0 {
		t.Errorf("got %v, error %v; want nothing", none, err)
	}
}

func answered(command string, change ...func(*eventim.Result[invoices.Invoice, invoices.Event])) eventim.Result[invoices.Invoice, invoices.Event] {
	s := snapshot("a", 2)
	r := eventim.Result[invoices.Invoice, invoices.Event]{
		Command: command, Aggregate: "a", Outcome: eventim.Accepted, Version: 2, Time: epoch,
		Events: []eventim.Event[invoices.Event]{event("a", 2, invoices.InvoiceSent{})}, Snapshot: &s,
		CommandPosition: eventim.Position{Partition: 1, Offset: 42},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func TestTheFirstAnswerOfACommandWins(t *testing.T) {
	t.Parallel()
	type R = eventim.Result[invoices.Invoice, invoices.Event]
	rejected := func(code string) func(*R) {
		return func(r *R) {
			r.Outcome, r.Rejection, r.Events, r.Snapshot = eventim.Rejected, eventim.Reject(code, "no\x00"), nil, nil
		}
	}
	pool, write := table(t, views.CommandResults(invoices.Aggregate))
	write(answered("x", rejected(eventim.CodeCommandIDReused)), answered("x"), answered("x", rejected("other")), answered("", rejected("other")))
	write(answered("x", rejected("later")), answered("y", rejected("overpayment")))
	x, err := views.GetCommandResult(t.Context(), pool, "a", "x")
	if err != nil || x.Outcome != "accepted" || x.Version != 2 || x.Aggregate != "a" || x.Position != (eventim.Position{Partition: 1, Offset: 42}) {
		t.Errorf("x is %+v, error %v; want the first answer", x, err)
	}
	var value struct {
		Events   []struct{ Type string }
		Snapshot struct{ Data invoices.Invoice }
	}
	if err := json.Unmarshal(x.Value, &value); err != nil || len(value.Events) != 1 || value.Events[0].Type != "InvoiceSent" || value.Snapshot.Data.Total != euros(200) {
		t.Errorf("the value is %s, error %v; want the event and the invoice", x.Value, err)
	}
	y, err := views.GetCommandResult(t.Context(), pool, "a", "y")
	if err != nil || y.Outcome != "rejected" || y.Code != "overpayment" || string(y.Value) != "{}" {
		t.Errorf("y is %+v, error %v; want the rejection", y, err)
	}
	if _, err := views.GetCommandResult(t.Context(), pool, "a", "z"); !errors.Is(err, views.ErrNotFound) {
		t.Errorf("z: %v, want ErrNotFound", err)
	}
}

// What a replay tells was caused by the first command of its id, be it the first
// answer that the view gets.
func TestTheEffectOfAReplayIsThatOfTheFirst(t *testing.T) {
	t.Parallel()
	type R = eventim.Result[invoices.Invoice, invoices.Event]
	first := eventim.Position{Partition: 1, Offset: 42}
	caused := func(r *R) { r.Events[0].CommandPosition = first }
	replayed := func(r *R) { r.Replayed, r.CommandPosition.Offset = true, 50 }
	pool, write := table(t, views.CommandResults(invoices.Aggregate))
	write(answered("first", caused), answered("first", caused, replayed), answered("missed", caused, replayed))
	for id, position := range map[string]int64{"first": 42, "missed": 50} {
		r, err := views.GetCommandResult(t.Context(), pool, "a", id)
		if err != nil || r.Position != (eventim.Position{Partition: 1, Offset: position}) || r.Effect != first {
			t.Errorf("%s: got %+v, error %v; want the effect %v of a command at %d", id, r, err, first, position)
		}
	}
}

func TestACommandIDBelongsToItsInvoice(t *testing.T) {
	t.Parallel()
	type R = eventim.Result[invoices.Invoice, invoices.Event]
	of := func(invoice string) func(*R) { return func(r *R) { r.Aggregate = invoice } }
	misplaced := func(r *R) {
		r.Outcome, r.Rejection, r.Events, r.Snapshot = eventim.Failed, eventim.Reject(eventim.CodeWrongPartition, "no"), nil, nil
	}
	pool, write := table(t, views.CommandResults(invoices.Aggregate))
	write(answered("x", misplaced), answered("x"), answered("x", of("b")), answered("x", of("b"), misplaced), answered("y", misplaced))
	for _, invoice := range []string{"a", "b"} {
		r, err := views.GetCommandResult(t.Context(), pool, invoice, "x")
		if err != nil || r.Aggregate != invoice || r.Outcome != "accepted" {
			t.Errorf("got %+v, error %v; want the answer for %s", r, err, invoice)
		}
	}
	all, err := views.GetCommandResults(t.Context(), pool, "x")
	if err != nil || len(all) != 2 || all[0].Aggregate != "a" || all[1].Aggregate != "b" {
		t.Errorf("got %+v, error %v; want those of a and b", all, err)
	}
	if none, err := views.GetCommandResults(t.Context(), pool, "y"); err != nil || len(none) != 0 {
		t.Errorf("got %+v, error %v; want none", none, err)
	}
}

func TestOldAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.CommandResults(invoices.Aggregate))
	after := func(d time.Duration) func(*eventim.Result[invoices.Invoice, invoices.Event]) {
		return func(r *eventim.Result[invoices.Invoice, invoices.Event]) { r.Time = r.Time.Add(d) }
	}
	day := 24 * time.Hour
	write(answered("old"), answered("recent", after(2*day)))
	write(answered("new", after(31*day)))
	for id, want := range map[string]bool{"old": false, "recent": true, "new": true} {
		if _, err := views.GetCommandResult(t.Context(), pool, "a", id); (err == nil) != want {
			t.Errorf("%s: %v, want it kept: %t", id, err, want)
		}
	}
}
