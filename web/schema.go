package web

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
)

func schemaOf[T any](r huma.Registry) *huma.Schema { return r.Schema(reflect.TypeFor[T](), true, "") }

// Values of the domain that write their own JSON, as the description of the API
// has them. What it says is what is taken: a test sends what follows from it.
type (
	moneyJSON struct {
		Amount   string       `json:"amount" format:"amount" pattern:"^-?(0|[1-9][0-9]{0,14})([.][0-9]{1,4})?$" doc:"A decimal number with at most as many decimals as the currency has." example:"1234.50"`
		Currency currencyJSON `json:"currency"`
	}
	sumJSON struct {
		Amount   string       `json:"amount" format:"amount" pattern:"^-?(0|[1-9][0-9]*)([.][0-9]{1,4})?$" doc:"A decimal number with as many decimals as the currency has, and any number of digits before them." example:"1234.50"`
		Currency currencyJSON `json:"currency"`
	}
	currencyJSON string
	decimalJSON  string
	dateJSON     string
	sortJSON     string
)

// Schema describes a currency.
func (currencyJSON) Schema(huma.Registry) *huma.Schema {
	s := text("An active code of ISO 4217.", "EUR", "")
	for _, currency := range money.Currencies() {
		s.Enum = append(s.Enum, string(currency))
	}
	return s
}

// Schema describes a quantity or a price.
func (decimalJSON) Schema(huma.Registry) *huma.Schema {
	return text("A decimal number.", "12.50", "^-?(0|[1-9][0-9]{0,11})([.][0-9]{1,6})?$")
}

// Schema describes a date.
func (dateJSON) Schema(huma.Registry) *huma.Schema {
	s := text("A day of the calendar.", "2026-11-21", "")
	s.Format = "date"
	return s
}

// Schema describes what a list is sorted by.
func (sortJSON) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, order := range views.Orders() {
		s.Enum = append(s.Enum, string(order))
	}
	return s
}

func text(description, example, pattern string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: description, Examples: []any{example}, Pattern: pattern}
}

func aliasDomain(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[money.Amount](), reflect.TypeFor[moneyJSON]())
	r.RegisterTypeAlias(reflect.TypeFor[money.Sum](), reflect.TypeFor[sumJSON]())
	r.RegisterTypeAlias(reflect.TypeFor[money.Currency](), reflect.TypeFor[currencyJSON]())
	r.RegisterTypeAlias(reflect.TypeFor[money.Decimal](), reflect.TypeFor[decimalJSON]())
	r.RegisterTypeAlias(reflect.TypeFor[invoices.Date](), reflect.TypeFor[dateJSON]())
}
