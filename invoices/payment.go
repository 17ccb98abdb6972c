package invoices

import (
	"slices"
	"strconv"
	"strings"

	"github.com/eventim-go/eventim/eventim"
)

// Payment is money that was received for an invoice. Its id is unique within
// the invoice.
type Payment struct {
	ID            string `json:"id"`
	Amount        Money  `json:"amount"`
	Date          Date   `json:"date"`
	Reference     string `json:"reference"`
	Method        string `json:"method,omitzero"`        // one of PaymentMethods, when that is known
	TransactionID string `json:"transactionId,omitzero"` // by which a bank or a provider knows it
	Reversed      Money  `json:"reversed,omitzero"`      // how much of Amount has been taken back
}

// ReceivePayment records money received for an issued invoice: at most its
// balance, or what was written off of it.
//
// A TransactionID takes effect once on an invoice, under whatever command ids it
// comes, so that an import may be run again: the same transaction over the same
// amount is accepted and causes no event, also when it has been reversed since.
// Over another amount it is rejected.
type ReceivePayment struct {
	Amount        Money  `json:"amount"`
	Date          Date   `json:"date"`
	Reference     string `json:"reference" required:"false" maxLength:"140"`
	Method        string `json:"method,omitzero" enum:"bank_transfer,direct_debit,card,cash,cheque,other"`
	TransactionID string `json:"transactionId,omitzero" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"visible ASCII"`
}

// PaymentMethods are the ways in which money comes.
func PaymentMethods() []string {
	return []string{"bank_transfer", "direct_debit", "card", "cash", "cheque", "other"}
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
	if err := inv.mustExist(); err != nil {
		return nil, err
	}
	if known, err := c.isKnown(inv); known || err != nil {
		return nil, err
	}
	if err := inv.mustBePayable(); err != nil {
		return nil, err
	}
	if err := c.check(inv); err != nil {
		return nil, err
	}
	paid, err1 := inv.Paid.Add(c.Amount)
	left, err2 := inv.payable().Sub(c.Amount)
	if err1 != nil || err2 != nil || left.Minor() < 0 {
		return nil, inv.overpaid(c.Amount)
	}
	payment := Payment{
		ID: strconv.Itoa(len(inv.Payments) + 1), Amount: c.Amount, Date: c.Date,
		Reference: c.Reference, Method: c.Method, TransactionID: c.TransactionID,
	}
	received := PaymentReceived{Payment: payment, Paid: paid, Balance: left}
	if inv.Status == StatusWrittenOff {
		received.Balance, received.WrittenOff = inv.Balance, left
	}
	if left.Minor() == 0 {
		return []Event{received, InvoicePaid{inv.Total}}, nil
	}
	return []Event{received}, nil
}

func (inv Invoice) overpaid(amount Money) error {
	if inv.Status == StatusWrittenOff {
		return eventim.Reject(CodeOverpayment, "a payment of %v is more than the %v that were written off", amount, inv.WrittenOff)
	}
	return eventim.Reject(CodeOverpayment, "a payment of %v is more than the balance of %v", amount, inv.Balance)
}

// payable is how much can still be paid.
func (inv Invoice) payable() Money {
	if inv.Status == StatusWrittenOff {
		return inv.WrittenOff
	}
	return inv.Balance
}

// isKnown tells whether the invoice has the transaction already.
func (c ReceivePayment) isKnown(inv Invoice) (bool, error) {
	i := slices.IndexFunc(inv.Payments, func(p Payment) bool { return p.TransactionID == c.TransactionID })
	if c.TransactionID == "" || i < 0 {
		return false, nil
	}
	if was := inv.Payments[i].Amount; was != c.Amount {
		return false, eventim.Reject(CodeTransactionUsed, "the transaction %.64q is payment %s over %v, not over %v", c.TransactionID, inv.Payments[i].ID, was, c.Amount)
	}
	return true, nil
}

func (c ReceivePayment) check(inv Invoice) error {
	if c.Amount.Minor() <= 0 {
		return eventim.Reject(CodeAmountNotPositive, "the amount of a payment must be positive")
	}
	if c.Amount.Currency() != inv.Currency {
		return eventim.Reject(CodeCurrencyMismatch, "the invoice is in %s: a payment in %s cannot be recorded", inv.Currency, c.Amount.Currency())
	}
	if err := checkDate("date of the payment", c.Date); err != nil {
		return err
	}
	if err := checkText("reference", c.Reference, maxReference); err != nil {
		return err
	}
	if c.Method != "" && !slices.Contains(PaymentMethods(), c.Method) {
		return eventim.Reject(CodePaymentMethodUnknown, "%.20q is not a way to pay that is known here", c.Method)
	}
	if err := checkTransactionID(c.TransactionID); err != nil {
		return err
	}
	if len(inv.Payments) >= maxPayments {
		return eventim.Reject(CodeTooManyPayments, "an invoice has at most %d payments", maxPayments)
	}
	return nil
}

// checkTransactionID takes what banks and providers write: visible ASCII.
func checkTransactionID(id string) error {
	if len(id) > maxTransactionID {
		return eventim.Reject(CodeTextTooLong, "the transaction id has %d characters: at most %d are allowed", len(id), maxTransactionID)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
		return eventim.Reject(CodeTextInvalid, "the transaction id has a character that is not visible ASCII")
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
