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
			LineItemAdded{LineItem{"2", hosting, eur("5.00")}, eur("30.00")},
			LinesReordered{[]string{"2", "1"}},
			LineItemChanged{LineItem{"1", hosting, eur("5.00")}, eur("10.00")},
			LineItemRemoved{"2", eur("5.00")},
			InvoiceSent{eur("5.00")},
			PaymentReceived{Payment: Payment{ID: "1", Amount: eur("2.00"), Date: ten.Date, Reference: "RF18"}, Paid: eur("2.00"), Balance: eur("3.00")},
			PaymentReceived{Payment: Payment{ID: "2", Amount: eur("3.00"), Date: rest.Date}, Paid: eur("5.00"), Balance: eur("0.00")},
			InvoicePaid{eur("5.00")},
		},
		[]Event{createdEmpty, InvoiceDeleted{}},
		[]Event{created, sent, voided},
		[]Event{created, sent, byBankReceived, reversed, voided},
		[]Event{
			created, sent, tenReceived, writtenOff,
			PaymentReceived{Payment: restReceived.Payment, Paid: eur("25.00"), Balance: eur("0.00"), WrittenOff: eur("0.00")},
		},
	)
}
