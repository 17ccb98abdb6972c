package invoices

import (
	"slices"
	"strconv"

	"github.com/eventim-go/eventim/eventim"
)

// Payment is money that was received for an invoice. Its id is unique within
// the invoice.
type Payment struct {
	ID        string `json:"id"`
	Amount    Money  `json:"amount"`
	Date      Date   `json:"date"`
	Reference string `json:"reference"`
}

// ReceivePayment records money received for a sent invoice, at most its
// balance.
type ReceivePayment struct {
	Amount    Money  `json:"amount"`
	Date      Date   `json:"date"`
	Reference string `json:"reference" required:"false" maxLength:"140"`
}

// PaymentReceived recorded Payment, which made the sum of the payments Paid
// and left Balance to be paid.
type PaymentReceived struct {
	Payment Payment `json:"payment"`
	Paid    Money   `json:"paid"`
	Balance Money   `json:"balance"`
}

// InvoicePaid follows the payment that left nothing to be paid. Total is what
// has been paid.
type InvoicePaid struct {
	Total Money `json:"total"`
}

func (c ReceivePayment) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBePayable(); err != nil {
		return nil, err
	}
	if err := c.check(inv); err != nil {
		return nil, err
	}
	paid, err1 := inv.Paid.Add(c.Amount)
	balance, err2 := inv.Balance.Sub(c.Amount)
	if err1 != nil || err2 != nil || balance.minor < 0 {
		return nil, eventim.Reject(CodeOverpayment, "a payment of %v is more than the balance of %v", c.Amount, inv.Balance)
	}
	payment := Payment{strconv.Itoa(len(inv.Payments) + 1), c.Amount, c.Date, c.Reference}
	events := []Event{PaymentReceived{payment, paid, balance}}
	if balance.minor == 0 {
		events = append(events, InvoicePaid{inv.Total})
	}
	return events, nil
}

func (c ReceivePayment) check(inv Invoice) error {
	if c.Amount.minor <= 0 {
		return eventim.Reject(CodeAmountNotPositive, "the amount of a payment must be positive")
	}
	if c.Amount.currency != inv.Currency {
		return eventim.Reject(CodeCurrencyMismatch, "the invoice is in %s: a payment in %s cannot be recorded", inv.Currency, c.Amount.currency)
	}
	if err := checkDate("date of the payment", c.Date); err != nil {
		return err
	}
	if err := checkText("reference", c.Reference, maxReference); err != nil {
		return err
	}
	if len(inv.Payments) >= maxPayments {
		return eventim.Reject(CodeTooManyPayments, "an invoice has at most %d payments", maxPayments)
	}
	return nil
}

func (inv Invoice) mustBePayable() error {
	if err := inv.mustExist(); err != nil {
		return err
	}
	switch inv.Status {
	case StatusDraft:
		return eventim.Reject(CodeInvoiceNotPayable, "the invoice is a draft: send it before recording a payment")
	case StatusPaid:
		return eventim.Reject(CodeInvoiceNotPayable, "the invoice has been paid in full")
	default:
		return nil
	}
}

func (e PaymentReceived) evolve(inv Invoice) Invoice {
	inv.Status = StatusPartiallyPaid
	inv.Paid, inv.Balance = e.Paid, e.Balance
	// Clipped, the append cannot write into an array that an older version shares.
	inv.Payments = append(slices.Clip(inv.Payments), e.Payment)
	return inv
}

func (InvoicePaid) evolve(inv Invoice) Invoice {
	inv.Status = StatusPaid
	return inv
}
