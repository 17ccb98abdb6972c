package invoices

import (
	"fmt"

	"github.com/eventim-go/eventim/eventim"
)

// Invoice is the state of an invoice: the fold of its events. The zero Invoice
// does not exist yet. Treat it as immutable: its slices may be shared between
// versions.
type Invoice struct {
	Details
	Currency Currency   `json:"currency"`
	Status   Status     `json:"status"`
	Lines    []LineItem `json:"lines"`
	LastLine int        `json:"lastLine"` // number of the last line id that was given, which is never given again
	Total    Money      `json:"total"`    // what it comes to: the sum of the nets of the lines, or what Totals say
	Paid     Money      `json:"paid"`     // the sum of the payments, without what was reversed
	Balance  Money      `json:"balance"`  // what is still owed, never negative: Total - Paid - WrittenOff, nothing when void
	Payments []Payment  `json:"payments"`

	WrittenOff Money  `json:"writtenOff,omitzero"` // what was given up, while the status is written_off
	Reason     string `json:"reason,omitzero"`     // why it is void or written off

	Pricing Pricing `json:"pricing,omitzero"`
	Totals  Totals  `json:"totals,omitzero"` // where there is tax, or a discount or charge of the document

	Series string `json:"series,omitzero"` // that its number is of: none of what was sent before there were numbers
	Number string `json:"number,omitzero"` // as the series has given it, a moment after it was sent
}

// Status is where an invoice stands in its life.
type Status string

// The statuses. An invoice without one does not exist.
const (
	StatusDraft         Status = "draft"
	StatusSent          Status = "sent"
	StatusPartiallyPaid Status = "partially_paid"
	StatusPaid          Status = "paid"
	StatusDeleted       Status = "deleted"
	StatusVoid          Status = "void"
	StatusWrittenOff    Status = "written_off"
)

// UnmarshalText refuses a status that this program does not know, so that a
// snapshot of a newer program is never misread.
func (s *Status) UnmarshalText(text []byte) error {
	switch status := Status(text); status {
	case "", StatusDraft, StatusSent, StatusPartiallyPaid, StatusPaid, StatusDeleted, StatusVoid, StatusWrittenOff:
		*s = status
		return nil
	}
	return fmt.Errorf("status %.40q is unknown to this program", text)
}

func (inv Invoice) mustExist() error {
	switch inv.Status {
	case "":
		return eventim.Reject(CodeInvoiceNotFound, "there is no such invoice: create it first")
	case StatusDeleted:
		return eventim.Reject(CodeInvoiceDeleted, "the invoice has been deleted")
	default:
		return nil
	}
}

func (inv Invoice) mustBeDraft() error {
	if err := inv.mustExist(); err != nil {
		return err
	}
	if inv.Status != StatusDraft {
		return eventim.Reject(CodeInvoiceNotDraft, "the invoice has been issued: only a draft can be changed, sent or deleted")
	}
	return nil
}
