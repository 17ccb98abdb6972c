package money

import (
	"encoding/json"
	"math/big"
	"testing"
)

func FuzzAmount(f *testing.F) {
	f.Add([]byte(`{"amount":"1234.50","currency":"EUR"}`))
	f.Add([]byte(`{"amount":"-92233720368547758.08","currency":"EUR"}`))
	f.Add([]byte(`{"amount":"0.0001","currency":"CLF"}`))
	f.Add([]byte(`{"amount":12,"currency":"JPY"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ok := roundTrip[Amount](t, data)
		if !ok || m == (Amount{}) {
			return
		}
		var wire struct{ Amount string }
		if err := json.Unmarshal(data, &wire); err != nil {
			t.Fatalf("%s was read as %v, but its amount is no string: %v", data, m, err)
		}
		n, _ := m.Currency().Decimals()
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
		if rat(Decimal{wire.Amount}).Cmp(new(big.Rat).SetFrac(big.NewInt(m.Minor()), scale)) != 0 {
			t.Fatalf("%s was read as %d minor units", data, m.Minor())
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0", "12.50", "-0.5", "99999999999999999999999999999999999999", "1e5", "", "01", "NaN"} {
		f.Add(s, "3")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		d, err := ParseDecimal(s)
		if err != nil {
			return
		}
		if d.String() != s || d.Sign() != rat(d).Sign() {
			t.Fatalf("%q was read as %v with the sign %d", s, d, d.Sign())
		}
		roundTrip[Decimal](t, []byte(`"`+s+`"`))
		e, err := ParseDecimal(other)
		if err != nil {
			return
		}
		want := roundedProduct(d, e, "EUR")
		got, err := Multiply(d, e, "EUR")
		if (err == nil) != want.IsInt64() || err == nil && got.Minor() != want.Int64() {
			t.Fatalf("%v × %v = %v, %v, want %v cents", d, e, got, err, want)
		}
	})
}

// roundTrip decodes; what can be read must be written and read again as the
// same.
func roundTrip[T comparable](t *testing.T, data []byte) (v T, ok bool) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		return v, false
	}
	written, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%s was read as %v, but cannot be written: %v", data, v, err)
	}
	var back T
	if err := json.Unmarshal(written, &back); err != nil || back != v {
		t.Fatalf("%s was written as %s and read as %v, %v, want %v", data, written, back, err, v)
	}
	return v, true
}
