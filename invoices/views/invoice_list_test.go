package views_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
)

func TestListNeverMovesARowBack(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	expect := func(when string, version, total int64) {
		t.Helper()
		row, err := views.GetInvoice(t.Context(), pool, "a")
		if err != nil || row.Version != version || row.Total != total {
			t.Errorf("%s the row is at version %d with %d, error %v; want version %d with %d", when, row.Version, row.Total, err, version, total)
		}
	}
	write(snapshot("a", 1), snapshot("b", 1), snapshot("a", 3), snapshot("a", 2))
	expect("after a batch with three snapshots", 3, 300)
	write(snapshot("a", 1), snapshot("a", 2))
	expect("after a replay", 3, 300)
	refolded := snapshot("a", 3)
	refolded.Revision, refolded.State.Total = 2, euros(7)
	write(refolded, snapshot("a", 3))
	expect("after newer code has folded it again", 3, 7)
	write(snapshot("a", 3))
	expect("after a replay of what older code folded", 3, 7)
}

func TestListStoresWhateverComes(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	write(snapshot("a\x00\xff", 1, customer("'); drop table invoice_list; --")))
	if _, err := views.GetInvoice(t.Context(), pool, "a\x00\xff"); err != nil {
		t.Error(err)
	}
	if _, err := views.GetInvoice(t.Context(), pool, "b\x00"); !errors.Is(err, views.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func ids(p views.ListPage) (ids []string) {
	for _, r := range p.Rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	yen := snapshot("yen", 5, status(invoices.StatusSent))
	yen.State.Currency, yen.State.Total, yen.State.Balance = "JPY", must(money.Of(9, "JPY")), must(money.Of(4, "JPY"))
	write(
		snapshot("draft", 1), snapshot("sent", 2, status(invoices.StatusSent), customer("100% Müller_Söhne")),
		snapshot("part", 3, status(invoices.StatusPartiallyPaid)), snapshot("paid", 4, status(invoices.StatusPaid)),
		yen, snapshot("gone", 6, status(invoices.StatusDeleted)),
	)
	tests := map[string]struct {
		filter views.ListFilter
		want   []string
	}{
		"all but deleted":     {views.ListFilter{}, []string{"yen", "paid", "part", "sent", "draft"}},
		"status":              {views.ListFilter{Status: []string{"draft", "paid"}}, []string{"paid", "draft"}},
		"deleted":             {views.ListFilter{Status: []string{"deleted"}}, nil},
		"customer":            {views.ListFilter{Query: "mÜLLER_s"}, []string{"sent"}},
		"another form of ü":   {views.ListFilter{Query: "mu\u0308ller_s"}, []string{"sent"}},
		"percent is a letter": {views.ListFilter{Query: "%"}, []string{"sent"}},
		"id":                  {views.ListFilter{Query: "PAR"}, []string{"part"}},
		"no such":             {views.ListFilter{Query: `\`}, nil},
		"due today":           {views.ListFilter{OverdueOn: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}, nil},
		"overdue":             {views.ListFilter{OverdueOn: time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)}, []string{"yen", "part", "sent"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { // not parallel: they share the pool of the parent
			page, err := views.ListInvoices(t.Context(), pool, test.filter)
			if err != nil || !slices.Equal(ids(page), test.want) || page.Count != int64(len(test.want)) {
				t.Errorf("got %v, count %d, error %v; want %v", ids(page), page.Count, err, test.want)
			}
		})
	}
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Status: []string{"sent", "partially_paid"}, Limit: 1})
	want := []views.CurrencyTotal{
		{Currency: "EUR", Count: 2, Total: "500", Balance: "500", Outstanding: "500", Draft: "0"},
		{Currency: "JPY", Count: 1, Total: "9", Balance: "4", Outstanding: "4", Draft: "0"},
	}
	if err != nil || !slices.Equal(page.Totals, want) || page.Count != 3 || len(page.Rows) != 1 {
		t.Errorf("got %+v, error %v; want one row and the totals %+v of all", page, err, want)
	}
}

// What is void or written off is listed, owed by nobody, and never overdue.
func TestWhatIsGivenUpIsNotOutstanding(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	lost := snapshot("lost", 3, status(invoices.StatusWrittenOff))
	lost.State.Paid, lost.State.Balance, lost.State.WrittenOff = euros(100), euros(0), euros(200)
	void := snapshot("void", 4, status(invoices.StatusVoid))
	void.State.Balance = euros(0)
	write(snapshot("sent", 2, status(invoices.StatusSent)), lost, void)
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{})
	want := []views.CurrencyTotal{{Currency: "EUR", Count: 2, Total: "500", Balance: "200", Outstanding: "200", Draft: "0", Void: 1}}
	if err != nil || !slices.Equal(page.Totals, want) || page.Count != 3 {
		t.Errorf("got %+v of %d, error %v; want %+v of 3", page.Totals, page.Count, err, want)
	}
	page, err = views.ListInvoices(t.Context(), pool, views.ListFilter{OverdueOn: epoch.AddDate(1, 0, 0)})
	if err != nil || !slices.Equal(ids(page), []string{"sent"}) {
		t.Errorf("overdue are %v, error %v; want what is sent alone", ids(page), err)
	}
	var writtenOff int64
	if err := pool.QueryRow(t.Context(), `select sum(written_off) from invoice_list`).Scan(&writtenOff); err != nil || writtenOff != 200 {
		t.Errorf("%d are written off, error %v; want 200", writtenOff, err)
	}
}

// A draft is owed by nobody yet.
func TestDraftsAreNotOutstanding(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	write(snapshot("draft", 1), snapshot("another", 4), snapshot("sent", 2, status(invoices.StatusSent)))
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{})
	want := []views.CurrencyTotal{{Currency: "EUR", Count: 3, Total: "700", Balance: "700", Outstanding: "200", Draft: "500"}}
	if err != nil || !slices.Equal(page.Totals, want) {
		t.Errorf("got %+v, error %v; want %+v", page.Totals, err, want)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	var want []string
	for i := range 23 {
		s := snapshot(fmt.Sprintf("i-%02d", i), 1)
		s.Time = epoch.Add(time.Duration(i/4) * time.Microsecond) // several at the same time
		write(s)
		want = append(want, s.Aggregate)
	}
	slices.Reverse(want)
	var got []string
	for f := (views.ListFilter{Limit: 5}); ; {
		page, err := views.ListInvoices(t.Context(), pool, f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(page)...)
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range []string{"x", "!", "MTIz", strings.Repeat("A", 99)} {
		if _, err := views.ListInvoices(t.Context(), pool, views.ListFilter{Cursor: bad}); !errors.Is(err, views.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", bad, err)
		}
	}
}

// The plans use the indexes that were made for them.
func TestListUsesItsIndexes(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	var batch []eventim.Snapshot[invoices.Invoice]
	for i := range int64(5000) {
		batch = append(batch, snapshot(fmt.Sprint("i-", i), i+1, status(invoices.StatusPaid)))
	}
	write(batch...)
	if _, err := pool.Exec(t.Context(), `analyze invoice_list`); err != nil {
		t.Fatal(err)
	}
	var plan string
	rows, err := pool.Query(t.Context(), `
		explain select id from invoice_list where status <> 'deleted' and (updated_at, id) < (now(), 'x')
		order by updated_at desc, id desc limit 51`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan += line + "\n"
	}
	if rows.Err() != nil || !strings.Contains(plan, "Index Scan") && !strings.Contains(plan, "Index Only Scan") || strings.Contains(plan, "Sort") {
		t.Errorf("got the plan\n%swant an index scan without a sort", plan)
	}
}
