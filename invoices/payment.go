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

// ReceivePayment records money received for an issued invoice: at most its
// balance, or what was written off of it.
type ReceivePayment struct {
	Amount    Money  `json:"amount"`
	Date      Date   `json:"date"`
	Reference string `json:"reference" required:"false" maxLength:"140"`
}

// PaymentReceived recorded Payment, which made the sum of the payments Paid
// and left Balance to be paid. On an invoice that was written off it left
// WrittenOff of the loss.
type PaymentReceived struct {
	Payment    Payment `json:"payment"`
	Paid       Money   `json:"paid"`
	Balance    Money   `json:"balance"`
	WrittenOff Money   `json:"writtenOff,omitzero"`
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
	left, err2 := inv.payable().Sub(c.Amount)
	if err1 != nil || err2 != nil || left.minor < 0 {
		return nil, eventim.Reject(CodeOverpayment, "a payment of %v is more than the %v that can still be paid", c.Amount, inv.payable())
	}
	payment := Payment{ID: strconv.Itoa(len(inv.Payments) + 1), Amount: c.Amount, Date: c.Date, Reference: c.Reference}
	received := PaymentReceived{Payment: payment, Paid: paid, Balance: left}
	if inv.Status == StatusWrittenOff {
		received.Balance, received.WrittenOff = inv.Balance, left
	}
	if left.minor == 0 {
		return []Event{received, InvoicePaid{inv.Total}}, nil
	}
	return []Event{received}, nil
}

// payable is how much can still be paid.
func (inv Invoice) payable() Money {
	if inv.Status == StatusWrittenOff {
		return inv.WrittenOff
	}
	return inv.Balance
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
	case StatusVoid:
		return eventim.Reject(CodeInvoiceNotPayable, "the invoice is void, and nobody owes it")
	default:
		return nil
	}
}

func (e PaymentReceived) evolve(inv Invoice) Invoice {
	if inv.Status != StatusWrittenOff {
		inv.Status = StatusPartiallyPaid
	}
	inv.Paid, inv.Balance, inv.WrittenOff = e.Paid, e.Balance, e.WrittenOff
	// Clipped, the append cannot write into an array that an older version shares.
	inv.Payments = append(slices.Clip(inv.Payments), e.Payment)
	return inv
}

func (InvoicePaid) evolve(inv Invoice) Invoice {
	inv.Status = StatusPaid
	inv.WrittenOff, inv.Reason = Money{}, "" // all of it was recovered
	return inv
}
