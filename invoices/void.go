package invoices

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
)

// VoidInvoice withdraws an invoice that should not have been issued, as long as
// nothing has been paid on it. It stays in the books, with its id and its
// amounts, and nobody owes it any more.
type VoidInvoice struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// InvoiceVoided withdrew an invoice over Total.
type InvoiceVoided struct {
	Reason string `json:"reason"`
	Total  Money  `json:"total"`
}

func (c VoidInvoice) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeVoidable(); err != nil {
		return nil, err
	}
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	return []Event{InvoiceVoided{c.Reason, inv.Total}}, nil
}

func (inv Invoice) mustBeVoidable() error {
	if err := inv.mustExist(); err != nil {
		return err
	}
	switch inv.Status {
	case StatusSent:
		return nil
	case StatusDraft:
		return eventim.Reject(CodeInvoiceNotVoidable, "the invoice is a draft: delete it instead")
	case StatusVoid:
		return eventim.Reject(CodeInvoiceNotVoidable, "the invoice is void already")
	case StatusWrittenOff:
		return eventim.Reject(CodeInvoiceNotVoidable, "the invoice has been written off: it was owed, which a void one never was")
	default:
		return eventim.Reject(CodeInvoiceNotVoidable, "%v has been paid: only an invoice on which nothing is paid can be voided", inv.Paid)
	}
}

func (e InvoiceVoided) evolve(inv Invoice) Invoice {
	inv.Status, inv.Reason = StatusVoid, e.Reason
	inv.Balance = money.Zero(inv.Currency)
	return inv
}

func checkReason(reason string) error {
	if reason == "" {
		return eventim.Reject(CodeReasonMissing, "the reason is missing: whoever looks at the invoice later will ask for it")
	}
	return checkText("reason", reason, maxReason)
}
