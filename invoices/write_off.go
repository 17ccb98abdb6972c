package invoices

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
)

// WriteOffInvoice gives up what is left to be paid of an issued invoice.
//
// What it means for the books: the balance becomes a loss, WrittenOff, and is
// no longer outstanding; what was paid before stays paid. Money that comes
// nevertheless is a recovery. It is a payment like any other and makes the loss
// smaller by its amount, of which it is at most all; when nothing of the loss is
// left, the invoice is paid. So of an invoice that is not void, always
//
//	Total = Paid + WrittenOff + Balance
type WriteOffInvoice struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// InvoiceWrittenOff turned what was left to be paid, Amount, into a loss.
type InvoiceWrittenOff struct {
	Reason string `json:"reason"`
	Amount Money  `json:"amount"`
}

func (c WriteOffInvoice) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustHaveOutstanding(); err != nil {
		return nil, err
	}
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{InvoiceWrittenOff{c.Reason, inv.Balance}}, nil
}

func (inv Invoice) mustHaveOutstanding() error {
	if err := inv.mustExist(); err != nil {
		return err
	}
	switch inv.Status {
	case StatusSent, StatusPartiallyPaid:
		return nil
	case StatusDraft:
		return eventim.Reject(CodeNothingToWriteOff, "the invoice is a draft, which nobody owes: delete it instead")
	case StatusVoid:
		return eventim.Reject(CodeNothingToWriteOff, "the invoice is void, and nobody owes it")
	case StatusWrittenOff:
		return eventim.Reject(CodeNothingToWriteOff, "the invoice has been written off already")
	default:
		return eventim.Reject(CodeNothingToWriteOff, "the invoice has been paid in full")
	}
}

func (e InvoiceWrittenOff) evolve(inv Invoice) Invoice {
	inv.Status, inv.Reason, inv.WrittenOff = StatusWrittenOff, e.Reason, e.Amount
	inv.Balance = money.Zero(inv.Currency)
	return inv
}
