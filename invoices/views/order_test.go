package views_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
)

// compared is what each order compares, written anew.
var compared = map[string]func(a, b views.Row) int{
	"updated": func(a, b views.Row) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	"number":  func(a, b views.Row) int { return cmp.Compare(a.Number, b.Number) },
	"customer": func(a, b views.Row) int {
		return cmp.Compare(strings.ToLower(a.CustomerName), strings.ToLower(b.CustomerName))
	},
	"status": func(a, b views.Row) int { return cmp.Compare(a.Status, b.Status) },
	"issued": func(a, b views.Row) int { return a.IssueDate.Compare(b.IssueDate) },
	"due":    func(a, b views.Row) int { return a.DueDate.Compare(b.DueDate) },
	"total": func(a, b views.Row) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Total, b.Total))
	},
	"balance": func(a, b views.Row) int {
		return cmp.Or(cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Balance, b.Balance))
	},
}

// Pages in each order, both ways, show each invoice once and in its place, and lead back
// as they led on.
func TestListIsSortedBothWays(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	for i := range 40 { // several are equal in each order
		s := snapshot(fmt.Sprintf("i-%02d", i*7%40), 1, status([]invoices.Status{"draft", "sent", "paid"}[i%3]), customer([]string{"ann", "Bob", "carl"}[i%3]))
		s.Time = epoch.Add(time.Duration(i/4) * time.Microsecond)
		s.State.IssueDate, s.State.DueDate = must(invoices.ParseDate(fmt.Sprintf("2026-01-%02d", 1+i%5))), must(invoices.ParseDate(fmt.Sprintf("2026-02-%02d", 1+i%7)))
		s.State.Currency = []money.Currency{"EUR", "JPY"}[i%2]
		s.State.Total, s.State.Balance = must(money.Of(int64(i%5*1000), s.State.Currency)), must(money.Of(int64(i%3*10_000), s.State.Currency))
		if i%3 == 1 {
			s.State.Number = fmt.Sprintf("2026-%04d", i)
		}
		write(s)
	}
	all, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Limit: 100})
	if err != nil || len(all.Rows) != 40 {
		t.Fatalf("got %d rows, error %v", len(all.Rows), err)
	}
	if len(views.Orders()) != 2*len(compared) {
		t.Errorf("the orders are %v, and the test knows %d", views.Orders(), len(compared))
	}
	for _, order := range views.Orders() {
		name, descending := strings.CutPrefix(string(order), "-")
		want := slices.SortedFunc(slices.Values(all.Rows), func(a, b views.Row) int {
			c := cmp.Or(compared[name](a, b), cmp.Compare(a.ID, b.ID))
			if descending {
				return -c
			}
			return c
		})
		there, back := turned(t, order, func(f views.ListFilter) (views.ListPage, error) { return views.ListInvoices(t.Context(), pool, f) })
		if !slices.Equal(there, ids(views.ListPage{Rows: want})) {
			t.Errorf("%s: got %v, want %v", order, there, ids(views.ListPage{Rows: want}))
		}
		if back = append(back, there[len(back):]...); !slices.Equal(back, there) {
			t.Errorf("%s: back are %v, there were %v", order, back, there)
		}
	}
}

// turned turns the pages to the last one, and back to the first.
func turned(t *testing.T, order views.Order, list func(views.ListFilter) (views.ListPage, error)) (there, back []string) {
	t.Helper()
	f := views.ListFilter{Order: order, Limit: 7}
	for previous := ""; ; {
		page, err := list(f)
		if err != nil {
			t.Fatalf("%s: %v", order, err)
		}
		there = append(there, ids(page)...)
		if page.Next == "" {
			previous = page.Previous
			for previous != "" {
				page, err := list(views.ListFilter{Order: order, Limit: 7, Cursor: previous})
				if err != nil || page.Next == "" {
					t.Fatalf("%s back: next %q, error %v", order, page.Next, err)
				}
				back, previous = append(ids(page), back...), page.Previous
			}
			return there, back
		}
		f.Cursor = page.Next
	}
}

func TestListIsOfARangeOfDates(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	for i := range 5 {
		s := snapshot(fmt.Sprint("d", i+1), int64(i+1))
		s.State.IssueDate, s.State.DueDate = must(invoices.ParseDate(fmt.Sprintf("2026-03-%02d", i+1))), must(invoices.ParseDate(fmt.Sprintf("2026-04-%02d", i+1)))
		write(s)
	}
	day := func(text string) time.Time { return must(time.Parse(time.DateOnly, text)) }
	for name, c := range map[string]struct {
		filter views.ListFilter
		want   []string
	}{
		"from, that day too": {views.ListFilter{IssuedFrom: day("2026-03-04")}, []string{"d5", "d4"}},
		"to, that day too":   {views.ListFilter{IssuedTo: day("2026-03-02")}, []string{"d2", "d1"}},
		"one day":            {views.ListFilter{IssuedFrom: day("2026-03-03"), IssuedTo: day("2026-03-03")}, []string{"d3"}},
		"no day":             {views.ListFilter{IssuedFrom: day("2026-03-03"), IssuedTo: day("2026-03-02")}, nil},
		"due":                {views.ListFilter{DueFrom: day("2026-04-02"), DueTo: day("2026-04-03")}, []string{"d3", "d2"}},
	} {
		page, err := views.ListInvoices(t.Context(), pool, c.filter)
		if err != nil || !slices.Equal(ids(page), c.want) || page.Count != int64(len(c.want)) {
			t.Errorf("%s: got %v of %d, error %v; want %v", name, ids(page), page.Count, err, c.want)
		}
	}
}

// A cursor is of one order; pages that were loaded before there were orders have theirs.
func TestCursorsOfAnotherListAreRefused(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	write(snapshot("a", 1), snapshot("b", 2), snapshot("c", 3))
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Limit: 1, Order: "total"})
	if err != nil || page.Next == "" {
		t.Fatalf("got %+v, error %v", page, err)
	}
	encoded := base64.RawURLEncoding.EncodeToString
	for _, c := range []string{
		page.Next, encoded([]byte(`{"o":"-updated","v":["x"],"i":"a"}`)), encoded([]byte(`{"o":"-updated","v":[],"i":"a"}`)),
		encoded([]byte(`{"o":"-updated","v":["1","2"],"i":"a"}`)), encoded([]byte(`{"o":"-updated","v":["9223372036854775807"],"i":"a"}`)),
		encoded([]byte(`{"o":"-updated","v":["1"]}`)), encoded([]byte("1:")), encoded([]byte("12")),
	} {
		if _, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Cursor: c}); !errors.Is(err, views.ErrCursor) {
			t.Errorf("%s: got %v, want ErrCursor", c, err)
		}
	}
	if _, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Order: "id; drop table invoice_list"}); err == nil {
		t.Error("an order that is none is taken")
	}
	before := encoded(fmt.Appendf(nil, "%d:%s", snapshot("c", 3).Time.UnixMicro(), "c"))
	page, err = views.ListInvoices(t.Context(), pool, views.ListFilter{Cursor: before})
	if err != nil || !slices.Equal(ids(page), []string{"b", "a"}) {
		t.Errorf("got %v, error %v; want what follows c", ids(page), err)
	}
}
