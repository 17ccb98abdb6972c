package invoices

import (
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/invoices/money"
)

// adjustment is one that is accepted on an amount of 1.00 and more.
func adjustment() *rapid.Generator[Adjustment] {
	return rapid.Custom(func(t *rapid.T) Adjustment {
		reason := rapid.SampledFrom([]string{"", "loyalty"}).Draw(t, "reason")
		if rapid.Bool().Draw(t, "percent") {
			return Adjustment{Percent: decimalsUpTo(`[1-9][0-9]?(\.[0-9]{1,3})?`).Draw(t, "percentage"), Reason: reason}
		}
		return Adjustment{Amount: decimalsUpTo(`[1-9]`).Draw(t, "amount"), Reason: reason}
	})
}

func pricing() *rapid.Generator[Pricing] {
	return rapid.Custom(func(t *rapid.T) Pricing {
		return Pricing{
			PricesIncludeTax: rapid.Bool().Draw(t, "included"),
			Discounts:        some(rapid.SliceOfN(adjustment(), 0, 2).Draw(t, "discounts")),
			Charges:          some(rapid.SliceOfN(adjustment(), 0, 2).Draw(t, "charges")),
			Exemptions:       rapid.SampledFrom([][]Exemption{nil, {{"AE", "Reverse charge"}, {"E", "Article 132"}}}).Draw(t, "exemptions"),
		}
	})
}

var someTaxes = []Tax{{}, {Category: "S", Rate: mustDecimal("19")}, {Category: "S", Rate: mustDecimal("5.5")}, {Category: "Z"}, {Category: "AE"}, {Category: "O"}}

// pricedLine is a line with all that it can say of its price.
func pricedLine() *rapid.Generator[LineDetails] {
	return rapid.Custom(func(t *rapid.T) LineDetails {
		l := validLine().Draw(t, "line")
		l.Tax = rapid.SampledFrom(someTaxes).Draw(t, "tax")
		if rapid.Bool().Draw(t, "charged") {
			l.Charge = adjustment().Draw(t, "charge")
		}
		if rapid.Bool().Draw(t, "discounted") {
			l.Discount = Adjustment{Percent: decimalsUpTo(`[1-9][0-9]?`).Draw(t, "discount")}
		}
		return l
	})
}

// checkTotals holds the totals of an invoice against the rules of EN 16931.
func checkTotals(t failer, inv Invoice) {
	s := inv.Totals
	sum := func(amounts ...Money) Money {
		total := money.Zero(inv.Currency)
		for _, a := range amounts {
			total = must(total.Add(a))
		}
		return total
	}
	nets, taxes := []Money{}, []Money{}
	for _, l := range inv.Lines {
		nets = append(nets, l.Net)
	}
	for _, tax := range s.Taxes {
		taxes = append(taxes, tax.Amount)
		if want := must(tax.Taxable.Percent(tax.Rate)); want != tax.Amount {
			t.Fatalf("BR-CO-17: the tax is %v, want %v of %+v", tax.Amount, want, tax)
		}
	}
	for _, rule := range []struct {
		name      string
		got, want Money
	}{
		{"BR-CO-13", sum(s.Net, s.Discount), sum(s.Lines, s.Charge)},
		{"BR-CO-14", s.Tax, sum(taxes...)},
		{"BR-CO-15", s.Gross, sum(s.Net, s.Tax)},
		{"BR-CO-16", inv.Total, sum(s.Gross, s.Rounding)},
	} {
		if rule.got != rule.want {
			t.Fatalf("%s: %v is not %v: %+v", rule.name, rule.got, rule.want, inv)
		}
	}
	if !inv.Pricing.PricesIncludeTax && (s.Lines != sum(nets...) || s.Rounding.Minor() != 0) {
		t.Fatalf("BR-CO-10: %v is not the sum of the lines: %+v", s.Lines, inv)
	}
}
