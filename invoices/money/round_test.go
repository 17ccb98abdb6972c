package money

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// halfAway rounds a fraction to a whole number, half away from zero.
func halfAway(r *big.Rat) *big.Int {
	sum := new(big.Rat).Add(new(big.Rat).Abs(r), big.NewRat(1, 2))
	floor := new(big.Int).Quo(sum.Num(), sum.Denom())
	return floor.Mul(floor, big.NewInt(int64(r.Sign())))
}

func TestPercentExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ amount, percent, of, without string }{
		{"100.00", "19", "19.00", "84.03"},
		{"0.50", "5", "0.03", "0.48"},    // 0.025: half away from zero
		{"-0.50", "5", "-0.03", "-0.48"}, // and below it
		{"10.00", "0", "0.00", "10.00"},
		{"1.19", "19.00", "0.23", "1.00"},
		{"9.99", "7.7", "0.77", "9.28"},
		{"0.00", "19", "0.00", "0.00"},
	} {
		m, err := Parse(c.amount, "EUR")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Percent(decimal(c.percent)); err != nil || got.Number() != c.of {
			t.Errorf("%s %% of %v is %v, %v, want %s", c.percent, m, got, err, c.of)
		}
		if got := m.WithoutPercent(decimal(c.percent)); got.Number() != c.without {
			t.Errorf("%v without %s %% is %v, want %s", m, c.percent, got, c.without)
		}
	}
}

func TestPercentDoesNotWrap(t *testing.T) {
	t.Parallel()
	largest := Amount{math.MaxInt64, "EUR"}
	if got, err := largest.Percent(decimal("100.0000000000000001")); !errors.Is(err, ErrOverflow) {
		t.Errorf("more than all of the largest amount is %v, %v", got, err)
	}
	if got, err := largest.Percent(decimal("99999999999999999999999999999999999999")); !errors.Is(err, ErrOverflow) {
		t.Errorf("far more than that is %v, %v", got, err)
	}
}

// TestPercent compares with exact fractions.
func TestPercent(t *testing.T) {
	t.Parallel()
	percents := decimalsUpTo(`(0|[1-9][0-9]{0,3})(\.[0-9]{1,6})?`)
	rapid.Check(t, func(t *rapid.T) {
		m := Amount{rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000)).Draw(t, "minor"), "EUR"}
		percent := percents.Draw(t, "percent")
		share := new(big.Rat).Quo(rat(percent), big.NewRat(100, 1))
		all := new(big.Rat).SetInt64(m.minor)
		want := halfAway(new(big.Rat).Mul(all, share))
		if got, err := m.Percent(percent); (err == nil) != want.IsInt64() || err == nil && got.Minor() != want.Int64() {
			t.Fatalf("%v %% of %d is %v, %v, want %v", percent, m.minor, got, err, want)
		}
		want = halfAway(all.Quo(all, share.Add(share, big.NewRat(1, 1))))
		if got := m.WithoutPercent(percent); got.Minor() != want.Int64() {
			t.Fatalf("%d without %v %% is %v, want %v", m.minor, percent, got, want)
		}
	})
}
