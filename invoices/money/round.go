package money

import (
	"fmt"
	"math/big"

	"github.com/cockroachdb/apd/v3"
)

// exact holds the product of any two decimals, with the zeros that the most
// precise currency appends.
var exact = apd.Context{
	Precision: 2*maxDigits + 6, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent,
	Traps: apd.DefaultTraps, Rounding: apd.RoundHalfUp, // of the magnitude: half away from zero
}

// Multiply returns a × b, such as a quantity and a unit price, rounded to the
// minor unit of c, half away from zero: the schematron of EN 16931 rounds the
// absolute value half up. It fails when c is not known or the product does not
// fit.
func Multiply(a, b Decimal, c Currency) (Amount, error) {
	decimals, known := c.Decimals()
	if !known {
		return Amount{}, unknownCurrency(c)
	}
	var product apd.Decimal
	if _, err := exact.Mul(&product, a.apd(), b.apd()); err != nil {
		return Amount{}, fmt.Errorf("multiply %v by %v: %w", a, b, err)
	}
	minor, err := round(&product, -int32(decimals))
	return Amount{minor, c}, err
}

// Percent returns percent hundredths of m, such as the tax at a rate, rounded
// half away from zero. It fails when that does not fit.
func (m Amount) Percent(percent Decimal) (Amount, error) {
	var product apd.Decimal
	if _, err := exact.Mul(&product, apd.New(m.minor, 0), percent.apd()); err != nil {
		return Amount{}, fmt.Errorf("%v percent of %v: %w", percent, m, err)
	}
	product.Exponent -= 2
	minor, err := round(&product, 0)
	return Amount{minor, m.currency}, err
}

// round makes d a whole number of the unit 10^exponent.
func round(d *apd.Decimal, exponent int32) (int64, error) {
	if _, err := exact.Quantize(d, d, exponent); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrOverflow, err)
	}
	d.Exponent = 0
	n, err := d.Int64()
	if err != nil {
		return 0, ErrOverflow
	}
	return n, nil
}

// WithoutPercent returns the amount to which percent hundredths of it were
// added to get m, such as the price before tax, rounded half away from zero.
// percent must not be negative.
func (m Amount) WithoutPercent(percent Decimal) Amount {
	rate := percent.apd()
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-rate.Exponent)), nil)
	hundred := unit.Mul(unit, big.NewInt(100))
	whole := new(big.Int).Add(hundred, rate.Coeff.MathBigInt())
	// Half away from zero: (2n + d) / 2d, of the magnitude, cut off.
	n := new(big.Int).Mul(big.NewInt(m.minor), hundred)
	sign := int64(n.Sign())
	n.Abs(n).Lsh(n, 1).Add(n, whole)
	n.Quo(n, whole.Lsh(whole, 1))
	return Amount{sign * n.Int64(), m.currency} // no larger than m
}
