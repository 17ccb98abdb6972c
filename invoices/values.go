package invoices

import "github.com/eventim-go/eventim/invoices/money"

// Money is an amount of an invoice.
type Money = money.Amount

// Currency is that of an invoice.
type Currency = money.Currency

// Decimal is a quantity, a price or a rate.
type Decimal = money.Decimal

// units is so many minor units of c, or no amount when c is not known.
func units(minor int64, c Currency) Money {
	m, _ := money.Of(minor, c)
	return m
}
