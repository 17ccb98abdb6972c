package totals

import (
	"errors"

	"github.com/eventim-go/eventim/invoices/money"
)

// Adjustment is a discount or a charge: a percentage of what it is on, or an
// amount. Values are comparable with ==. The zero Adjustment is none.
type Adjustment struct {
	Percent money.Decimal `json:"percent,omitzero" doc:"More than 0 and at most 100. Either this or an amount."`
	Amount  money.Decimal `json:"amount,omitzero" doc:"More than 0, in the currency of the invoice."`
	Reason  string        `json:"reason,omitzero" maxLength:"100"`
}

// of is the adjustment on an amount, rounded half away from zero.
func (a Adjustment) of(base money.Amount) (money.Amount, error) {
	switch {
	case a.Percent != money.Decimal{}:
		return base.Percent(a.Percent)
	case a.Amount != money.Decimal{}:
		return money.Parse(a.Amount.String(), base.Currency())
	default:
		return money.Zero(base.Currency()), nil
	}
}

// ErrDiscount says that a discount is more than what it is on.
var ErrDiscount = errors.New("the discount is more than what it is on")

// OfLine is what a line comes to: quantity times price, rounded half away from
// zero, with its charge and without its discount, of which percentages are on
// that product. It is never negative: a larger discount is ErrDiscount.
func OfLine(quantity, price money.Decimal, discount, charge Adjustment, c money.Currency) (money.Amount, error) {
	base, err := money.Multiply(quantity, price, c)
	if err != nil || discount == (Adjustment{}) && charge == (Adjustment{}) {
		return base, err
	}
	less, err1 := discount.of(base)
	more, err2 := charge.of(base)
	if err := errors.Join(err1, err2); err != nil {
		return money.Amount{}, err
	}
	sum, err := base.Add(more)
	if err != nil {
		return money.Amount{}, err
	}
	if less.Minor() > sum.Minor() {
		return money.Amount{}, ErrDiscount
	}
	return sum.Sub(less)
}
