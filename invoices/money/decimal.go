package money

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// maxDigits is how many digits a Decimal holds: those of a SQL decimal(38).
const maxDigits = 38

// Decimal is an exact decimal number, such as a quantity or a unit price. It
// keeps how it was written, trailing zeros included, and == compares that:
// "1.5" and "1.50" differ. The zero Decimal is a missing number, not 0.
//
// The JSON form is a string, such as "12.50", or "" when missing.
type Decimal struct{ text string }

// ParseDecimal reads a number such as "2", "-0.5" or "12.345": no exponent, no
// plus sign, no leading zeros, at most 38 digits.
func ParseDecimal(s string) (Decimal, error) {
	if !isDecimal(s) {
		return Decimal{}, fmt.Errorf("%.40q is not a decimal number, such as 12.50", s)
	}
	d := Decimal{s}
	if whole, fraction := d.Digits(); whole+fraction > maxDigits {
		return Decimal{}, fmt.Errorf("%.40s… has more than %d digits", s, maxDigits)
	}
	return d, nil
}

// isDecimal reports whether s is a number of JSON without an exponent.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	leadingZero := len(whole) > 1 && whole[0] == '0'
	return isDigits(whole) && !leadingZero && (!point || isDigits(fraction))
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Digits counts the digits before and after the point.
func (d Decimal) Digits() (whole, fraction int) {
	w, f, _ := strings.Cut(strings.TrimPrefix(d.text, "-"), ".")
	return len(w), len(f)
}

// String is the number as it was written, "" when it is missing.
func (d Decimal) String() string { return d.text }

// Sign is -1, 0 or 1. A missing number has the sign 0.
func (d Decimal) Sign() int {
	switch {
	case !strings.ContainsAny(d.text, "123456789"):
		return 0
	case d.text[0] == '-':
		return -1
	default:
		return 1
	}
}

// apd returns d for computing; a missing number computes as 0.
func (d Decimal) apd() *apd.Decimal {
	x, _, err := apd.NewFromString(cmp.Or(d.text, "0"))
	if err != nil {
		panic(fmt.Sprintf("money: decimal %q was not parsed: %v", d.text, err)) // ParseDecimal is the only way to get one
	}
	return x
}

// MarshalText writes the number as it was written.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText reads what ParseDecimal reads, or nothing.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d = Decimal{}
	if len(text) > 0 {
		*d, err = ParseDecimal(string(text))
	}
	return err
}

// Compare is -1, 0 or 1 as d is less than, equal to or more than e, however they
// are written. A missing number compares as 0.
func (d Decimal) Compare(e Decimal) int { return d.apd().Cmp(e.apd()) }

// Reduced is the same number without zeros at the end of its fraction: of 19.50
// it is 19.5, and of 19.00 it is 19.
func (d Decimal) Reduced() Decimal {
	if !strings.Contains(d.text, ".") {
		return d
	}
	return Decimal{strings.TrimSuffix(strings.TrimRight(d.text, "0"), ".")}
}
