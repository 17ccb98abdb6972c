package views_test

import (
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/series"
	"github.com/eventim-go/eventim/invoices/views"
)

const in2026 = "default.invoice.2026"

func assigned(version, number int64, document string) eventim.Event[series.Event] {
	return eventim.Event[series.Event]{Aggregate: in2026, Version: version, Time: epoch, Payload: series.NumberAssigned{
		Document: document, Number: number, Text: series.DefaultFormat.Write(2026, number), Format: series.DefaultFormat,
	}}
}

func numbered(number string) func(*eventim.Snapshot[invoices.Invoice]) {
	return func(s *eventim.Snapshot[invoices.Invoice]) {
		s.State.Status, s.State.Series, s.State.Number = invoices.StatusSent, in2026, number
	}
}

// TestSeriesAreProved: whatever is wrong with a series shows, and nothing else does.
func TestSeriesAreProved(t *testing.T) {
	t.Parallel()
	pool, numbers := table(t, views.NumberSeries(invoices.Aggregate))
	list := views.InvoiceList(invoices.Aggregate)
	if _, err := pool.Exec(t.Context(), list.DDL); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		numbers  []eventim.Event[series.Event]
		invoices []eventim.Snapshot[invoices.Invoice]
		whole    bool
		want     views.SeriesProof
	}{
		{
			name: "whole", whole: true,
			numbers:  []eventim.Event[series.Event]{assigned(1, 1, "a"), assigned(2, 2, "b"), assigned(2, 2, "b")},
			invoices: []eventim.Snapshot[invoices.Invoice]{snapshot("a", 1, numbered("2026-0001")), snapshot("b", 1, numbered(""))},
			want:     views.SeriesProof{Count: 2, Documents: 2, First: 1, Last: 2, LastText: "2026-0002", Waiting: 1},
		},
		{
			name: "nothing yet", whole: true,
			invoices: []eventim.Snapshot[invoices.Invoice]{snapshot("a", 1, numbered(""))},
			want:     views.SeriesProof{Waiting: 1},
		},
		{
			name:    "a gap",
			numbers: []eventim.Event[series.Event]{assigned(1, 1, "a"), assigned(2, 4, "b")},
			want:    views.SeriesProof{Count: 2, Documents: 2, First: 1, Last: 4, LastText: "2026-0004", Missing: []int64{2, 3}},
		},
		{
			name:    "a double",
			numbers: []eventim.Event[series.Event]{assigned(1, 1, "a"), assigned(2, 1, "b")},
			want:    views.SeriesProof{Count: 2, Documents: 2, First: 1, Last: 1, LastText: "2026-0001", Repeated: []int64{1}},
		},
		{
			name:    "two numbers of one document",
			numbers: []eventim.Event[series.Event]{assigned(1, 1, "a"), assigned(2, 2, "a")},
			want:    views.SeriesProof{Count: 2, Documents: 1, First: 1, Last: 2, LastText: "2026-0002"},
		},
		{
			name:     "a document that shows another",
			numbers:  []eventim.Event[series.Event]{assigned(1, 1, "a")},
			invoices: []eventim.Snapshot[invoices.Invoice]{snapshot("a", 1, numbered("2026-0007"))},
			want:     views.SeriesProof{Count: 1, Documents: 1, First: 1, Last: 1, LastText: "2026-0001", Different: 1},
		},
	} {
		if _, err := pool.Exec(t.Context(), `truncate number_series, invoice_list`); err != nil {
			t.Fatal(err)
		}
		numbers(c.numbers...)
		var statements pgx.Batch
		err := list.Queue(&statements, c.invoices)
		if err == nil {
			err = pool.SendBatch(t.Context(), &statements).Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := views.ListSeries(t.Context(), pool)
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: got %+v, error %v, want one series", c.name, got, err)
		}
		c.want.ID, c.want.Entity, c.want.Document, c.want.FiscalYear = in2026, "default", "invoice", 2026
		if g := got[0]; !sameProof(g, c.want) || g.Whole() != c.whole {
			t.Errorf("%s: got %+v, whole: %t, want %+v, %t", c.name, g, g.Whole(), c.want, c.whole)
		}
	}
}

// sameProof compares two proofs, for which a list that is empty is one that is missing.
func sameProof(a, b views.SeriesProof) bool {
	for _, list := range []*[]int64{&a.Missing, &a.Repeated, &b.Missing, &b.Repeated} {
		*list = append([]int64{}, *list...)
	}
	return reflect.DeepEqual(a, b)
}

// TestListShowsNumbers: an invoice is listed with its number, and found by it.
func TestListShowsNumbers(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	write(snapshot("a", 2, numbered("2026-0042")), snapshot("b", 1))
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Query: "0042"})
	if err != nil || len(page.Rows) != 1 || page.Rows[0].ID != "a" || page.Rows[0].Number != "2026-0042" {
		t.Errorf("found %+v, error %v, want the invoice of that number", page.Rows, err)
	}
	if row, err := views.GetInvoice(t.Context(), pool, "b"); err != nil || row.Number != "" {
		t.Errorf("got %+v, error %v, want no number", row, err)
	}
	var null bool
	if err := pool.QueryRow(t.Context(), `select series is null and number is null from invoice_list where id = 'b'`).Scan(&null); err != nil || !null {
		t.Errorf("without a number there is null: %t, error %v", null, err)
	}
}
