package invoices

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
)

// CreateInvoice asks for a new draft.
type CreateInvoice struct {
	Details
	Currency Currency      `json:"currency"`
	Lines    []LineDetails `json:"lines" required:"false" maxItems:"1000" doc:"null is none."`
	Pricing  Pricing       `json:"pricing,omitzero"`
}

// InvoiceCreated began an invoice as a draft.
type InvoiceCreated struct {
	Details
	Currency Currency   `json:"currency"`
	Lines    []LineItem `json:"lines"`
	Total    Money      `json:"total"`
	Pricing  Pricing    `json:"pricing,omitzero"`
	Totals   Totals     `json:"totals,omitzero"`
}

func (c CreateInvoice) decide(inv Invoice) ([]Event, error) {
	switch inv.Status {
	case "":
	case StatusDeleted:
		return nil, eventim.Reject(CodeInvoiceDeleted, "the invoice has been deleted: create another one under a new id")
	default:
		return nil, eventim.Reject(CodeInvoiceExists, "the invoice exists already")
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if _, known := c.Currency.Decimals(); !known {
		return nil, eventim.Reject(CodeCurrencyUnknown, "%.10q is not an active currency code of ISO 4217, such as EUR", string(c.Currency))
	}
	lines, err := items(c.Lines, c.Currency)
	if err != nil {
		return nil, err
	}
	if err := c.Pricing.check(c.Currency); err != nil {
		return nil, err
	}
	total, totals, err := c.Pricing.decideTotal(lines, c.Currency)
	if err != nil {
		return nil, err
	}
	return inv.fitting(InvoiceCreated{Details: c.Details, Currency: c.Currency, Lines: lines, Total: total, Pricing: c.Pricing, Totals: totals})
}

func (e InvoiceCreated) evolve(Invoice) Invoice {
	return Invoice{
		Details: e.Details, Currency: e.Currency, Status: StatusDraft,
		Lines: append([]LineItem{}, e.Lines...), LastLine: len(e.Lines),
		Total: e.Total, Paid: money.Zero(e.Total.Currency()), Balance: e.Total,
		Payments: []Payment{}, Pricing: e.Pricing, Totals: e.Totals,
	}
}

// ChangeDetails replaces the details of a draft.
type ChangeDetails struct{ Details }

// DetailsChanged replaced the details.
type DetailsChanged struct{ Details }

func (c ChangeDetails) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Details == inv.Details {
		return nil, nil
	}
	return []Event{DetailsChanged(c)}, nil
}

func (e DetailsChanged) evolve(inv Invoice) Invoice {
	inv.Details = e.Details
	return inv
}

// SendInvoice makes a draft payable, and fixes it.
type SendInvoice struct{}

// InvoiceSent fixed the invoice; Total is what the customer owes. It is to have a
// number of Series.
type InvoiceSent struct {
	Total  Money  `json:"total"`
	Series string `json:"series,omitzero"`
}

func (SendInvoice) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	if len(inv.Lines) == 0 {
		return nil, eventim.Reject(CodeInvoiceEmpty, "the invoice has no line items: add one before sending it")
	}
	if inv.Total.Minor() <= 0 {
		return nil, eventim.Reject(CodeAmountNotPositive, "the total is %v: only an invoice over a positive amount can be sent", inv.Total)
	}
	if err := inv.mustBeTaxed(); err != nil {
		return nil, err
	}
	return []Event{InvoiceSent{inv.Total, inv.seriesOf()}}, nil
}

func (e InvoiceSent) evolve(inv Invoice) Invoice {
	inv.Status, inv.Series = StatusSent, e.Series
	return inv
}

// DeleteInvoice deletes a draft. Its id cannot be used again.
type DeleteInvoice struct{}

// InvoiceDeleted ended a draft.
type InvoiceDeleted struct{}

func (DeleteInvoice) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	return []Event{InvoiceDeleted{}}, nil
}

func (InvoiceDeleted) evolve(inv Invoice) Invoice {
	inv.Status = StatusDeleted
	return inv
}
