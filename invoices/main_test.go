package invoices

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/invoices/money"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustDecimal(s string) Decimal { return must(money.ParseDecimal(s)) }
func mustDate(s string) Date       { return must(ParseDate(s)) }
func eur(amount string) Money      { return must(money.Parse(amount, "EUR")) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
