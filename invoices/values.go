package invoices

import (
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/totals"
)

// Money is an amount of an invoice.
type Money = money.Amount

// Currency is that of an invoice.
type Currency = money.Currency

// Decimal is a quantity, a price or a rate.
type Decimal = money.Decimal

// Tax is that of a line.
type Tax = totals.Tax

// Category is why a tax is what it is.
type Category = totals.Category

// Adjustment is a discount or a charge, of a line or of the invoice.
type Adjustment = totals.Adjustment

// Totals are what an invoice comes to, with its tax.
type Totals = totals.Totals

// units is so many minor units of c, or no amount when c is not known.
func units(minor int64, c Currency) Money {
	m, _ := money.Of(minor, c)
	return m
}
