package invoices

import (
	"slices"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/totals"
)

// Pricing is what an invoice says of all its lines together. The zero Pricing
// says nothing: prices are without tax, and there is no discount or charge.
type Pricing struct {
	PricesIncludeTax bool         `json:"pricesIncludeTax,omitzero"`
	Discounts        []Adjustment `json:"discounts,omitzero" maxItems:"10" doc:"Percentages are of the sum of the lines. A discount takes at most what the lines and the charges come to."`
	Charges          []Adjustment `json:"charges,omitzero" maxItems:"10"`
	Exemptions       []Exemption  `json:"exemptions,omitzero" maxItems:"4"`
}

// Exemption says why there is no tax on the lines of a category.
type Exemption struct {
	Category Category `json:"category" enum:"E,AE,G,O"`
	Reason   string   `json:"reason" minLength:"1" maxLength:"200"`
}

// PricingChanged replaced the pricing, which made the total Total.
type PricingChanged struct {
	Pricing Pricing `json:"pricing"`
	Total   Money   `json:"total"`
	Totals  Totals  `json:"totals,omitzero"`
}

func (e PricingChanged) evolve(inv Invoice) Invoice {
	inv.Pricing = e.Pricing
	return inv.withTotal(e.Total, e.Totals)
}

func (p Pricing) equal(q Pricing) bool {
	return p.PricesIncludeTax == q.PricesIncludeTax && slices.Equal(p.Discounts, q.Discounts) &&
		slices.Equal(p.Charges, q.Charges) && slices.Equal(p.Exemptions, q.Exemptions)
}

func (p Pricing) check(c Currency) error {
	if len(p.Discounts) > maxAdjustments || len(p.Charges) > maxAdjustments {
		return eventim.Reject(CodeTooManyAdjustments, "an invoice has at most %d discounts and %d charges", maxAdjustments, maxAdjustments)
	}
	for _, a := range p.Discounts {
		if err := mustAdjust(CodeDiscountInvalid, "discount of the invoice", a, c); err != nil {
			return err
		}
	}
	for _, a := range p.Charges {
		if err := mustAdjust(CodeChargeInvalid, "charge of the invoice", a, c); err != nil {
			return err
		}
	}
	return checkExemptions(p.Exemptions)
}

// total is what lines come to under p, and how, where there is more to say than
// their sum. Of lines whose sum an invoice can hold, or two such invoices, it
// always fits: a charge is at most as much again, or what a price can be.
func (p Pricing) total(lines []LineItem, c Currency) (Money, Totals) {
	total, totals, _ := p.compute(lines, c)
	return total, totals
}

func (p Pricing) compute(lines []LineItem, c Currency) (Money, Totals, error) {
	if len(p.Discounts) == 0 && len(p.Charges) == 0 && !slices.ContainsFunc(lines, LineItem.isTaxed) {
		sum, err := sumOf(lines, c)
		return sum, Totals{}, err
	}
	t, err := totals.Document{
		Currency: c, PricesIncludeTax: p.PricesIncludeTax, Discounts: p.Discounts, Charges: p.Charges,
		Lines: func(yield func(Tax, Money) bool) {
			for _, l := range lines {
				if !yield(l.Tax, l.Net) {
					return
				}
			}
		},
	}.Totals()
	return t.Payable(), t, err
}

// decideTotal is total, unless an invoice cannot hold it.
func (p Pricing) decideTotal(lines []LineItem, c Currency) (Money, Totals, error) {
	sum, err := sumOf(lines, c)
	if err == nil && sum.Minor() <= maxAmount {
		var t Totals
		if sum, t, err = p.compute(lines, c); err == nil && sum.Minor() <= maxAmount && t.Gross.Minor() <= maxAmount {
			return sum, t, checkTaxes(t)
		}
	}
	return Money{}, Totals{}, eventim.Reject(CodeTotalTooLarge, "the total would be more than an invoice can hold: at most %v", units(maxAmount, c))
}

// sumOf sums the nets exactly: EN 16931, BR-CO-10.
func sumOf(lines []LineItem, c Currency) (Money, error) {
	sum := money.Zero(c)
	for _, l := range lines {
		var err error
		if sum, err = sum.Add(l.Net); err != nil {
			return Money{}, err
		}
	}
	return sum, nil
}

// withTotal sets the total of a draft, on which nothing has been paid.
func (inv Invoice) withTotal(total Money, t Totals) Invoice {
	inv.Total, inv.Balance, inv.Totals = total, total, t
	return inv
}
