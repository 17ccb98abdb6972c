package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is an exact amount of money: whole minor units of a currency. Values are
// comparable with ==. The zero Amount is no amount at all; it is null in JSON.
//
// The JSON form is {"amount":"1234.50","currency":"EUR"}. The amount is a
// string, since readers of JSON numbers round.
type Amount struct {
	minor    int64
	currency Currency
}

// Of returns so many minor units of c, such as cents. It fails when c is
// not known.
func Of(minor int64, c Currency) (Amount, error) {
	if _, known := c.Decimals(); !known {
		return Amount{}, unknownCurrency(c)
	}
	return Amount{minor, c}, nil
}

// Parse reads an amount such as "1234.50" of c. It fails when the amount
// has more decimals than c, or does not fit.
func Parse(amount string, c Currency) (Amount, error) {
	decimals, known := c.Decimals()
	if !known {
		return Amount{}, unknownCurrency(c)
	}
	if !isDecimal(amount) {
		return Amount{}, fmt.Errorf("amount %.40q is not a decimal number, such as 1234.50", amount)
	}
	whole, fraction, _ := strings.Cut(amount, ".")
	if len(fraction) > decimals {
		return Amount{}, fmt.Errorf("amount %.40q has more decimals than %s, which has %d", amount, c, decimals)
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %.40q %s is too large", amount, c)
	}
	return Amount{minor, c}, nil
}

// Zero is nothing of c.
func Zero(c Currency) Amount { return Amount{currency: c} }

// Minor is the amount in minor units of the currency.
func (m Amount) Minor() int64 { return m.minor }

// Currency is the currency of the amount.
func (m Amount) Currency() Currency { return m.currency }

// Number is the amount as a decimal number, such as "1234.50", with as many
// decimals as the currency has.
func (m Amount) Number() string { return numberOf(strconv.FormatInt(m.minor, 10), m.currency) }

// String is the amount and the currency, such as "1234.50 EUR".
func (m Amount) String() string {
	if m == (Amount{}) {
		return "no amount"
	}
	return m.Number() + " " + string(m.currency)
}

// ErrOverflow says that a result has more minor units than 64 bits hold.
var ErrOverflow = errors.New("the amount is too large")

// Add returns m + n. It fails when the currencies differ or the sum does not
// fit.
func (m Amount) Add(n Amount) (Amount, error) {
	if m.currency != n.currency {
		return Amount{}, fmt.Errorf("add %v to %v: the currencies differ", n, m)
	}
	sum := m.minor + n.minor
	if (sum < m.minor) != (n.minor < 0) {
		return Amount{}, ErrOverflow
	}
	return Amount{sum, m.currency}, nil
}

// Sub returns m - n. It fails when the currencies differ or the difference
// does not fit.
func (m Amount) Sub(n Amount) (Amount, error) {
	if n.minor == math.MinInt64 { // has no negative
		return Amount{}, ErrOverflow
	}
	return m.Add(Amount{-n.minor, n.currency})
}

// MarshalJSON writes the JSON form.
func (m Amount) MarshalJSON() ([]byte, error) {
	if m == (Amount{}) {
		return []byte("null"), nil
	}
	return amountJSON(m.Number(), m.currency), nil
}

// UnmarshalJSON reads the JSON form. A JSON number is refused.
func (m *Amount) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*m = Amount{}
		return nil
	}
	var wire struct {
		Amount   string   `json:"amount"`
		Currency Currency `json:"currency"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return fmt.Errorf(`money must be written as {"amount":"1234.50","currency":"EUR"}, with the amount as a string: %w`, err)
	}
	amount, err := Parse(wire.Amount, wire.Currency)
	if err != nil {
		return err
	}
	*m = amount
	return nil
}
