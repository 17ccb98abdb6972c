package money

import (
	"fmt"
	"strings"
)

// Sum is an exact sum of amounts of one currency. It may be larger than any
// Amount: no number of invoices is too many to be summed up. Its JSON form is
// that of Amount.
type Sum struct {
	minor    string // digits, with a sign if negative
	currency Currency
}

// NewSum returns so many minor units of c, written as digits. It fails when c
// is not known, or minor is not a whole number.
func NewSum(minor string, c Currency) (Sum, error) {
	if _, known := c.Decimals(); !known {
		return Sum{}, unknownCurrency(c)
	}
	if !isDecimal(minor) || strings.Contains(minor, ".") {
		return Sum{}, fmt.Errorf("sum %.40q is not a whole number of minor units", minor)
	}
	return Sum{minor, c}, nil
}

// Number is the sum as a decimal number, as that of an Amount.
func (s Sum) Number() string { return numberOf(s.minor, s.currency) }

// MarshalJSON writes the JSON form.
func (s Sum) MarshalJSON() ([]byte, error) { return amountJSON(s.Number(), s.currency), nil }

// numberOf places the point in minor units that are written as digits.
func numberOf(minor string, c Currency) string {
	decimals, _ := c.Decimals()
	digits, negative := strings.CutPrefix(minor, "-")
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if decimals > 0 {
		point := len(digits) - decimals
		digits = digits[:point] + "." + digits[point:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

func amountJSON(amount string, c Currency) []byte {
	return []byte(`{"amount":"` + amount + `","currency":"` + string(c) + `"}`) // neither needs an escape
}
