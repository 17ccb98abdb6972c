package invoices

import "github.com/eventim-go/eventim/invoices/money"

// The values of package money, as an invoice speaks of them.
type (
	Money    = money.Amount
	Currency = money.Currency
	Decimal  = money.Decimal
)

// units is so many minor units of c, or no amount when c is not known.
func units(minor int64, c Currency) Money {
	m, _ := money.Of(minor, c)
	return m
}
