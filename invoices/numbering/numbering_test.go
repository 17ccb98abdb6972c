package numbering

import (
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/series"
)

const in2026 = "default.invoice.2026"

var (
	reactor = New(invoices.Aggregate, series.DefaultFormat)
	ask     = SeriesOf(invoices.Aggregate).Send(in2026, series.AssignNumber{Document: "instance", Format: series.DefaultFormat})
	tell    = invoices.Aggregate.Send("instance", invoices.RecordNumber{Series: in2026, Number: "2026-0001"})
)

// TestNumbering: an invoice that was sent asks once for its number, and learns it once.
func TestNumbering(t *testing.T) {
	t.Parallel()
	sent, numbered := Sent{in2026}, Numbered{in2026, "2026-0001"}
	eventimtest.React(t, reactor).When(sent).Then(ask)
	eventimtest.React(t, reactor).Given(sent).When(sent).Then()
	eventimtest.React(t, reactor).Given(sent).When(numbered).Then(tell)
	eventimtest.React(t, reactor).Given(sent, numbered).When(numbered).Then()
	eventimtest.React(t, reactor).Given(sent, numbered).When(sent).Then()
	// A reactor that reads all of the past may hear of the number first.
	eventimtest.React(t, reactor).When(numbered).Then(tell)
	eventimtest.React(t, reactor).Given(numbered).When(sent).Then()
}

// TestSources: what is numbered is an invoice that says in which series, so one that
// was sent before there were any stays without a number.
func TestSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event invoices.Event
		told  bool
	}{
		{invoices.InvoiceSent{Series: in2026}, true},
		{invoices.InvoiceSent{}, false},
		{invoices.InvoiceDeleted{}, false},
	} {
		id, m, told := sent(eventim.Event[invoices.Event]{Aggregate: "i", Payload: c.event})
		if told != c.told || told && (id != "i" || m != Message(Sent{in2026})) {
			t.Errorf("of %+v %s is told %+v: %t", c.event, id, m, told)
		}
	}
	id, m, told := numbered(eventim.Event[series.Event]{Aggregate: in2026, Payload: series.NumberAssigned{Document: "i", Number: 1, Text: "2026-0001"}})
	if !told || id != "i" || m != Message(Numbered{in2026, "2026-0001"}) {
		t.Errorf("of a number %s is told %+v: %t", id, m, told)
	}
}

// TestNames: an installation of another name has topics and groups of its own.
func TestNames(t *testing.T) {
	t.Parallel()
	a := invoices.Aggregate
	a.Name, a.Partitions = "test", 12
	r, s := New(a, series.DefaultFormat), SeriesOf(a)
	if r.Topics().Inbox != "test-numbering-inbox" || s.Topics().Events != "test-series-events" || r.Partitions != Partitions || s.Partitions != Partitions {
		t.Errorf("got %s, %s, %d and %d partitions", r.Topics().Inbox, s.Topics().Events, r.Partitions, s.Partitions)
	}
}
