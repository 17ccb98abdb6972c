package money_test

import (
	"encoding/json"
	"testing"

	"github.com/eventim-go/eventim/invoices/money"
)

func TestSumsAreWrittenAsAmounts(t *testing.T) {
	t.Parallel()
	for minor, want := range map[string]string{
		"0": "0.00", "5": "0.05", "-5": "-0.05", "-120": "-1.20", "99999999999999999999999": "999999999999999999999.99",
	} {
		sum, err := money.NewSum(minor, "EUR")
		data, _ := json.Marshal(sum)
		if err != nil || string(data) != `{"amount":"`+want+`","currency":"EUR"}` {
			t.Errorf("%s: got %s, error %v; want %s", minor, data, err, want)
		}
	}
	if sum, err := money.NewSum("12", "JPY"); err != nil || sum.Number() != "12" {
		t.Errorf("got %s, error %v; want 12 yen", sum.Number(), err)
	}
	for _, minor := range []string{"", "1.5", "x", "1e3", `"`} {
		if _, err := money.NewSum(minor, "EUR"); err == nil {
			t.Errorf("%q was taken for a sum", minor)
		}
	}
	if _, err := money.NewSum("1", "XYZ"); err == nil {
		t.Error("an unknown currency was taken")
	}
}
