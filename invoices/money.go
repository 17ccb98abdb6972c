package invoices

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// Money is an exact amount: whole minor units of a currency. Values are
// comparable with ==. The zero Money is no amount at all; it is null in JSON.
//
// The JSON form is {"amount":"1234.50","currency":"EUR"}. The amount is a
// string, since readers of JSON numbers round.
type Money struct {
	minor    int64
	currency Currency
}

// NewMoney returns so many minor units of c, such as cents. It fails when c is
// not known.
func NewMoney(minor int64, c Currency) (Money, error) {
	if _, known := c.Decimals(); !known {
		return Money{}, unknownCurrency(c)
	}
	return Money{minor, c}, nil
}

// ParseMoney reads an amount such as "1234.50" of c. It fails when the amount
// has more decimals than c, or does not fit.
func ParseMoney(amount string, c Currency) (Money, error) {
	decimals, known := c.Decimals()
	if !known {
		return Money{}, unknownCurrency(c)
	}
	if !isDecimal(amount) {
		return Money{}, fmt.Errorf("amount %.40q is not a decimal number, such as 1234.50", amount)
	}
	whole, fraction, _ := strings.Cut(amount, ".")
	if len(fraction) > decimals {
		return Money{}, fmt.Errorf("amount %.40q has more decimals than %s, which has %d", amount, c, decimals)
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("amount %.40q %s is too large", amount, c)
	}
	return Money{minor, c}, nil
}

// Minor is the amount in minor units of the currency.
func (m Money) Minor() int64 { return m.minor }

// Currency is the currency of the amount.
func (m Money) Currency() Currency { return m.currency }

// Amount is the decimal amount, such as "1234.50", with as many decimals as
// the currency has.
func (m Money) Amount() string { return amountOf(strconv.FormatInt(m.minor, 10), m.currency) }

// String is the amount and the currency, such as "1234.50 EUR".
func (m Money) String() string {
	if m == (Money{}) {
		return "no amount"
	}
	return m.Amount() + " " + string(m.currency)
}

var errOverflow = errors.New("the amount is too large")

// Add returns m + n. It fails when the currencies differ or the sum does not
// fit.
func (m Money) Add(n Money) (Money, error) {
	if m.currency != n.currency {
		return Money{}, fmt.Errorf("add %v to %v: the currencies differ", n, m)
	}
	sum := m.minor + n.minor
	if (sum < m.minor) != (n.minor < 0) {
		return Money{}, errOverflow
	}
	return Money{sum, m.currency}, nil
}

// Sub returns m - n. It fails when the currencies differ or the difference
// does not fit.
func (m Money) Sub(n Money) (Money, error) {
	if n.minor == math.MinInt64 { // has no negative
		return Money{}, errOverflow
	}
	return m.Add(Money{-n.minor, n.currency})
}

// moneyContext holds the exact product of any two decimals, with the zeros
// that the most precise currency appends.
var moneyContext = apd.Context{
	Precision: 2*maxDigits + 4, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent,
	Traps: apd.DefaultTraps, Rounding: apd.RoundHalfUp,
}

// multiply returns a × b, rounded to the minor unit of c, half away from zero.
// That is the rounding of line nets by EN 16931: its schematron rounds the
// absolute value half up. It fails when c is not known or the product does not
// fit.
func multiply(a, b Decimal, c Currency) (Money, error) {
	decimals, known := c.Decimals()
	if !known {
		return Money{}, unknownCurrency(c)
	}
	var product apd.Decimal
	if _, err := moneyContext.Mul(&product, a.apd(), b.apd()); err != nil {
		return Money{}, fmt.Errorf("multiply %v by %v: %w", a, b, err)
	}
	if _, err := moneyContext.Quantize(&product, &product, -int32(decimals)); err != nil {
		return Money{}, fmt.Errorf("round %v times %v: %w", a, b, err)
	}
	product.Exponent = 0 // from units to minor units
	minor, err := product.Int64()
	if err != nil {
		return Money{}, errOverflow
	}
	return Money{minor, c}, nil
}

// MarshalJSON writes the JSON form.
func (m Money) MarshalJSON() ([]byte, error) {
	if m == (Money{}) {
		return []byte("null"), nil
	}
	return amountJSON(m.Amount(), m.currency), nil
}

// UnmarshalJSON reads the JSON form. A JSON number is refused.
func (m *Money) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*m = Money{}
		return nil
	}
	var wire struct {
		Amount   string   `json:"amount"`
		Currency Currency `json:"currency"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return fmt.Errorf(`money must be written as {"amount":"1234.50","currency":"EUR"}, with the amount as a string: %w`, err)
	}
	money, err := ParseMoney(wire.Amount, wire.Currency)
	if err != nil {
		return err
	}
	*m = money
	return nil
}
