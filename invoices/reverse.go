package invoices

import (
	"slices"

	"github.com/eventim-go/eventim/eventim"
)

// ReversePayment takes back a payment, or Amount of it: it was refunded, it
// bounced, or it was recorded by mistake. Without an Amount it takes back all
// that is left of it.
//
// What was taken back is owed again: of an invoice that was written off it makes
// the loss larger, and any other has it in its balance. An invoice on which
// nothing is paid any more can be voided.
type ReversePayment struct {
	PaymentID string `json:"paymentId"`
	Amount    Money  `json:"amount,omitzero"`
	Date      Date   `json:"date"`
	Reason    string `json:"reason" minLength:"1" maxLength:"500"`
}

// PaymentReversed took back Amount of a payment, which made the sum of the
// payments Paid and left Balance to be paid; on an invoice that was written off
// it made the loss WrittenOff.
type PaymentReversed struct {
	PaymentID  string `json:"paymentId"`
	Amount     Money  `json:"amount"`
	Date       Date   `json:"date"`
	Reason     string `json:"reason"`
	Paid       Money  `json:"paid"`
	Balance    Money  `json:"balance"`
	WrittenOff Money  `json:"writtenOff,omitzero"`
}

func (c ReversePayment) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustExist(); err != nil {
		return nil, err
	}
	amount, err := c.amount(inv)
	if err != nil {
		return nil, err
	}
	if err := checkDate("date of the reversal", c.Date); err != nil {
		return nil, err
	}
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	// Neither can fail: the payment is a part of Paid, and of Total.
	paid, _ := inv.Paid.Sub(amount)
	owed, _ := inv.payable().Add(amount)
	e := PaymentReversed{PaymentID: c.PaymentID, Amount: amount, Date: c.Date, Reason: c.Reason, Paid: paid, Balance: owed}
	if inv.Status == StatusWrittenOff {
		e.Balance, e.WrittenOff = inv.Balance, owed
	}
	return []Event{e}, nil
}

// amount is what is to be taken back, after it was held against what is left of
// the payment.
func (c ReversePayment) amount(inv Invoice) (Money, error) {
	i := paymentIndex(inv.Payments, c.PaymentID)
	if i < 0 {
		return Money{}, eventim.Reject(CodePaymentNotFound, "the invoice has no payment %.20q", c.PaymentID)
	}
	left := inv.Payments[i].left()
	switch {
	case left.Minor() == 0:
		return Money{}, eventim.Reject(CodePaymentReversed, "payment %s has been reversed already", c.PaymentID)
	case c.Amount == Money{}:
		return left, nil
	case c.Amount.Currency() != inv.Currency:
		return Money{}, eventim.Reject(CodeCurrencyMismatch, "the invoice is in %s: %s cannot be taken back", inv.Currency, c.Amount.Currency())
	case c.Amount.Minor() <= 0:
		return Money{}, eventim.Reject(CodeAmountNotPositive, "the amount of a reversal must be positive")
	case c.Amount.Minor() > left.Minor():
		return Money{}, eventim.Reject(CodeReversalTooLarge, "of payment %s there are %v left: %v cannot be taken back", c.PaymentID, left, c.Amount)
	}
	return c.Amount, nil
}

func paymentIndex(payments []Payment, id string) int {
	return slices.IndexFunc(payments, func(p Payment) bool { return p.ID == id })
}

// left is what of a payment has not been reversed.
func (p Payment) left() Money { return units(p.Amount.Minor()-p.Reversed.Minor(), p.Amount.Currency()) }

func (e PaymentReversed) evolve(inv Invoice) Invoice {
	inv.Paid, inv.Balance, inv.WrittenOff = e.Paid, e.Balance, e.WrittenOff
	if i := paymentIndex(inv.Payments, e.PaymentID); i >= 0 {
		p := inv.Payments[i]
		p.Reversed = units(p.Reversed.Minor()+e.Amount.Minor(), e.Amount.Currency())
		inv.Payments = slices.Clone(inv.Payments)
		inv.Payments[i] = p
	}
	switch {
	case inv.Status == StatusWrittenOff:
	case inv.Paid.Minor() == 0:
		inv.Status = StatusSent
	default:
		inv.Status = StatusPartiallyPaid
	}
	return inv
}
