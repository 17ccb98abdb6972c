package invoices

import (
	"testing"

	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// TestFold: other states from the same events need another Revision.
func TestFold(t *testing.T) {
	t.Parallel()
	eventimtest.Fold(t, Aggregate, "testdata/fold.json",
		[]Event{
			created,
			DetailsChanged{Details{Customer: acme.Customer, IssueDate: acme.IssueDate, DueDate: mustDate("2027-01-21")}},
			LineItemAdded{Line: LineItem{"2", hosting, eur("5.00")}, Total: eur("30.00")},
			LinesReordered{[]string{"2", "1"}},
			LineItemChanged{Line: LineItem{"1", hosting, eur("5.00")}, Total: eur("10.00")},
			LineItemRemoved{LineID: "2", Total: eur("5.00")},
			InvoiceSent{Total: eur("5.00")},
			PaymentReceived{Payment: Payment{ID: "1", Amount: eur("2.00"), Date: ten.Date, Reference: "RF18"}, Paid: eur("2.00"), Balance: eur("3.00")},
			PaymentReceived{Payment: Payment{ID: "2", Amount: eur("3.00"), Date: rest.Date}, Paid: eur("5.00"), Balance: eur("0.00")},
			InvoicePaid{eur("5.00")},
		},
		[]Event{createdPriced, LineItemRemoved{LineID: "2", Total: eur("27.67"), Totals: onlyTaxed}, PricingChanged{Pricing: included, Total: eur("22.50"), Totals: includedTotals}, InvoiceSent{Total: eur("22.50")}},
		[]Event{createdEmpty, InvoiceDeleted{}},
		[]Event{created, sentBefore, voided},
		[]Event{created, sentBefore, byBankReceived, reversed, voided},
		[]Event{
			created, sentBefore, tenReceived, writtenOff,
			PaymentReceived{Payment: restReceived.Payment, Paid: eur("25.00"), Balance: eur("0.00"), WrittenOff: eur("0.00")},
		},
		[]Event{created, sent, numbered, voided},
	)
}
