package views_test

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

// longIDs do not compress, so that no index would take them, and begin alike.
func longIDs() []string {
	noise := make([]byte, 3000)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	begin := hex.EncodeToString(noise)
	return []string{begin + "a", begin + "b", begin[:2600] + "é", "\x00" + begin}
}

// nul is a text that JSON can have and jsonb cannot, among what looks like it.
const nul = "a\x00b\\u0000c\\\x00"

// A log may hold what is refused today. It must not stop a view.
func TestListTakesWhatALogMayHold(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	for _, id := range longIDs() {
		long := customer(nul + strings.Repeat("\u0001<\U0001F600", 10_000))
		write(snapshot(id, 1, long), snapshot(id, 2, long, status("st\x00range")))
	}
	for _, id := range longIDs() {
		row, err := views.GetInvoice(t.Context(), pool, id)
		if err != nil || row.Version != 2 || !strings.Contains(string(row.Invoice), `a\ufffdb\\\\u0000c\\\\\ufffd`) &&
			!strings.Contains(string(row.Invoice), `a`+"\uFFFD"+`b\\u0000c\\`+"\uFFFD") {
			t.Errorf("got version %d with %s, error %v; want the text with U+FFFD for U+0000", row.Version, row.Invoice, err)
		}
	}
	seen := 0
	for f := (views.ListFilter{Limit: 1, Order: "-customer"}); ; seen++ {
		page, err := views.ListInvoices(t.Context(), pool, f)
		if err != nil {
			t.Fatal(err)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
		if len(f.Cursor) > 4000 {
			t.Errorf("a cursor has %d bytes, more than the API takes", len(f.Cursor))
		}
	}
	if seen != len(longIDs())-1 {
		t.Errorf("got %d pages after the first, want %d", seen, len(longIDs())-1)
	}
}

func TestHistoryAndResultsTakeWhatALogMayHold(t *testing.T) {
	t.Parallel()
	historyPool, happened := table(t, views.InvoiceHistory(invoices.Aggregate))
	for _, id := range longIDs() {
		e := event(id, 1, invoices.PaymentReceived{Payment: invoices.Payment{Reference: nul}})
		e.Command, e.Actor = id, nul
		happened(e)
		if entries, err := views.History(t.Context(), historyPool, id); err != nil || len(entries) != 1 {
			t.Errorf("got %d events, error %v; want one", len(entries), err)
		}
	}
	resultPool, answer := table(t, views.CommandResults(invoices.Aggregate))
	for _, id := range longIDs() {
		answer(answered(id, func(r *eventim.Result[invoices.Invoice, invoices.Event]) {
			r.Aggregate, r.Actor, r.Snapshot.State.Customer.Name = id, nul, nul
			r.Rejection = &eventim.Rejection{Code: nul, Message: nul}
		}))
		if _, err := views.GetCommandResult(t.Context(), resultPool, id, id); err != nil {
			t.Error(err)
		}
	}
}

// A few thousand of the largest invoices exceed an int64.
func TestSumsDoNotOverflow(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceList(invoices.Aggregate))
	const largest = 1<<63 - 1
	for _, id := range []string{"a", "b", "c"} {
		s := snapshot(id, 1, status(invoices.StatusSent))
		s.State.Total, s.State.Balance = euros(largest), euros(largest)
		write(s)
	}
	page, err := views.ListInvoices(t.Context(), pool, views.ListFilter{})
	const sum = "27670116110564327421"
	want := []views.CurrencyTotal{{Currency: "EUR", Count: 3, Total: sum, Balance: sum, Outstanding: sum, Draft: "0"}}
	if err != nil || !slices.Equal(page.Totals, want) {
		t.Errorf("got %+v, error %v; want %+v", page.Totals, err, want)
	}
}
