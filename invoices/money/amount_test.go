package money

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCurrencies(t *testing.T) {
	t.Parallel()
	perDecimals := map[int]int{}
	for _, c := range Currencies() {
		n, _ := c.Decimals()
		perDecimals[n]++
		if len(c) != 3 || strings.Trim(string(c), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("currency %q is not a code of three letters", c)
		}
	}
	for n, want := range map[int]int{0: 17, 2: 139, 3: 7, 4: 2} {
		if perDecimals[n] != want {
			t.Errorf("%d currencies have %d decimals, want %d", perDecimals[n], n, want)
		}
	}
	for c, want := range map[Currency]int{"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4, "XCG": 2, "ISK": 0} {
		if got, known := c.Decimals(); got != want || !known {
			t.Errorf("decimals of %s = %d, %t, want %d, true", c, got, known, want)
		}
	}
	for _, c := range []Currency{"", "XAU", "XXX", "XTS", "XDR", "BGN", "ANG", "ZWL", "HRK", "eur", "EURO"} {
		if _, known := c.Decimals(); known {
			t.Errorf("%q is known, want it unknown", c)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   string
		currency Currency
		minor    int64
		written  string
	}{
		{"1234.50", "EUR", 123450, "1234.50"},
		{"10", "EUR", 1000, "10.00"},
		{"10.5", "EUR", 1050, "10.50"},
		{"0", "EUR", 0, "0.00"},
		{"-0.05", "EUR", -5, "-0.05"},
		{"1234", "JPY", 1234, "1234"},
		{"0", "JPY", 0, "0"},
		{"1.234", "KWD", 1234, "1.234"},
		{"0.0001", "CLF", 1, "0.0001"},
		{"92233720368547758.07", "EUR", math.MaxInt64, "92233720368547758.07"},
		{"-92233720368547758.08", "EUR", math.MinInt64, "-92233720368547758.08"},
	} {
		m, err := Parse(c.amount, c.currency)
		if err != nil || m.Minor() != c.minor || m.Currency() != c.currency || m.Number() != c.written {
			t.Errorf("Parse(%q, %s) = %v, %v, want %s", c.amount, c.currency, m, err, c.written)
		}
		if n, err := Of(c.minor, c.currency); err != nil || n != m {
			t.Errorf("Of(%d, %s) = %v, %v, want %v", c.minor, c.currency, n, err, m)
		}
	}
}

func TestAmountRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`12.50`:                                              "amount as a string",
		`"12.50"`:                                            "amount as a string",
		`{"amount":12.50,"currency":"EUR"}`:                  "amount as a string",
		`{"amount":"12.50","currency":978}`:                  "amount as a string",
		`{"amount":"12.50"}`:                                 "currency",
		`{"currency":"EUR"}`:                                 "not a decimal number",
		`{}`:                                                 "currency",
		`{"amount":"1","currency":"XAU"}`:                    "ISO 4217",
		`{"amount":"1e3","currency":"EUR"}`:                  "not a decimal number",
		`{"amount":"+1","currency":"EUR"}`:                   "not a decimal number",
		`{"amount":"1,5","currency":"EUR"}`:                  "not a decimal number",
		`{"amount":" 1","currency":"EUR"}`:                   "not a decimal number",
		`{"amount":"01","currency":"EUR"}`:                   "not a decimal number",
		`{"amount":"1.","currency":"EUR"}`:                   "not a decimal number",
		`{"amount":".5","currency":"EUR"}`:                   "not a decimal number",
		`{"amount":"-","currency":"EUR"}`:                    "not a decimal number",
		`{"amount":"NaN","currency":"EUR"}`:                  "not a decimal number",
		`{"amount":"١","currency":"EUR"}`:                    "not a decimal number",
		`{"amount":"1.234","currency":"EUR"}`:                "more decimals than EUR",
		`{"amount":"1.0","currency":"JPY"}`:                  "more decimals than JPY",
		`{"amount":"92233720368547758.08","currency":"EUR"}`: "too large",
	} {
		var m Amount
		if err := json.Unmarshal([]byte(data), &m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("reading %s: %v, %v, want an error with %q", data, m, err, want)
		}
	}
}

func TestAmountOverflow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 0, -1, 1}))
		a, b := edge.Draw(t, "a"), edge.Draw(t, "b")
		m, n := Amount{a, "EUR"}, Amount{b, "EUR"}
		sum := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		if got, err := m.Add(n); (err == nil) != sum.IsInt64() || err == nil && got.Minor() != sum.Int64() {
			t.Fatalf("%v + %v = %v, %v, want %v", m, n, got, err, sum)
		}
		difference := new(big.Int).Sub(big.NewInt(a), big.NewInt(b))
		got, err := m.Sub(n)
		if err == nil && big.NewInt(got.Minor()).Cmp(difference) != 0 {
			t.Fatalf("%v - %v = %v, want %v", m, n, got, difference)
		}
		if err != nil && difference.IsInt64() && b != math.MinInt64 {
			t.Fatalf("%v - %v: %v, want %v", m, n, err, difference)
		}
		if _, err := m.Add(Amount{b, "USD"}); err == nil {
			t.Fatal("EUR and USD can be added")
		}
	})
}

func TestAmountRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := Amount{rapid.Int64().Draw(t, "minor"), rapid.SampledFrom(Currencies()).Draw(t, "currency")}
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back Amount
		if err := json.Unmarshal(data, &back); err != nil || back != m {
			t.Fatalf("%s is read as %v, %v, want %v", data, back, err, m)
		}
	})
}

func TestRoundingExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b     string
		currency Currency
		want     string
	}{
		{"1", "0.005", "EUR", "0.01"}, // half to even would be 0.00
		{"1", "0.015", "EUR", "0.02"},
		{"1", "0.025", "EUR", "0.03"}, // half to even would be 0.02
		{"-1", "0.025", "EUR", "-0.03"},
		{"1", "0.0249999999999999999999", "EUR", "0.02"},
		{"3", "33.335", "EUR", "100.01"},
		{"1", "1.005", "EUR", "1.01"}, // as a float64 it is less than a half
		{"1", "0.5", "JPY", "1"},
		{"1", "0.0005", "KWD", "0.001"},
		{"1", "0.00005", "CLF", "0.0001"},
		{"0.004", "1", "EUR", "0.00"},
	} {
		got, err := Multiply(decimal(c.a), decimal(c.b), c.currency)
		if err != nil || got.Number() != c.want {
			t.Errorf("%s × %s %s = %v, %v, want %s", c.a, c.b, c.currency, got, err, c.want)
		}
	}
}

// TestRounding compares with exact fractions.
func TestRounding(t *testing.T) {
	t.Parallel()
	decimal := rapid.OneOf(
		decimalsUpTo(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?`),
		decimalsUpTo(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{0,3}5)?`), // halves
		decimalsUpTo(`-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,19})?`),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimal.Draw(t, "a"), decimal.Draw(t, "b")
		c := rapid.SampledFrom([]Currency{"JPY", "EUR", "KWD", "CLF"}).Draw(t, "currency")
		want := roundedProduct(a, b, c)
		got, err := Multiply(a, b, c)
		if (err == nil) != want.IsInt64() || err == nil && got.Minor() != want.Int64() {
			t.Fatalf("%v × %v %s = %v, %v, want %v minor units", a, b, c, got, err, want)
		}
	})
}

// roundedProduct is floor(|a × b| × 10^decimals + 1/2), with the sign.
func roundedProduct(a, b Decimal, c Currency) *big.Int {
	n, _ := c.Decimals()
	product := new(big.Rat).Mul(rat(a), rat(b))
	sign := product.Sign()
	product.Abs(product)
	product.Mul(product, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)))
	product.Add(product, big.NewRat(1, 2))
	floor := new(big.Int).Quo(product.Num(), product.Denom())
	return floor.Mul(floor, big.NewInt(int64(sign)))
}

func rat(d Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		panic("not a number: " + d.String())
	}
	return r
}

func decimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func decimalsUpTo(digits string) *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal { return decimal(rapid.StringMatching(digits).Draw(t, "decimal")) })
}
