package verify

import (
	"math/big"
	"slices"
	"strings"
)

// The totals of an invoice, from the documentation of its wire form. Like the
// fold, they share nothing with the packages of the domain: they are computed
// in fractions, and rounded where EN 16931 rounds.

type tax struct {
	Category string `json:"category"`
	Rate     string `json:"rate,omitempty"`
}

type adjustment struct {
	Percent string `json:"percent,omitempty"`
	Amount  string `json:"amount,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

type exemption struct {
	Category string `json:"category"`
	Reason   string `json:"reason"`
}

type pricing struct {
	PricesIncludeTax bool         `json:"pricesIncludeTax,omitempty"`
	Discounts        []adjustment `json:"discounts,omitempty"`
	Charges          []adjustment `json:"charges,omitempty"`
	Exemptions       []exemption  `json:"exemptions,omitempty"`
}

// some is nil for a pricing that says nothing, as an invoice has it.
func (p *pricing) some() *pricing {
	if p == nil || !p.PricesIncludeTax && len(p.Discounts)+len(p.Charges)+len(p.Exemptions) == 0 {
		return nil
	}
	return p
}

type subtotal struct {
	tax
	Taxable money `json:"taxable"`
	Amount  money `json:"amount"`
}

type totals struct {
	Lines    money      `json:"lines"`
	Discount money      `json:"discount"`
	Charge   money      `json:"charge"`
	Net      money      `json:"net"`
	Tax      money      `json:"tax"`
	Gross    money      `json:"gross"`
	Rounding money      `json:"rounding"`
	Taxes    []subtotal `json:"taxes,omitempty"`
}

// group is what a document has of one tax, in minor units and in its prices.
type group struct {
	tax                             tax
	lines, charged, less, remaining *big.Int
}

// document is what totals are computed from.
type document struct {
	currency string
	pricing  pricing
	lines    []line
}

func (v *invoice) document() document {
	d := document{currency: v.Currency, lines: v.Lines}
	if v.Pricing != nil {
		d.pricing = *v.Pricing
	}
	return d
}

// hasTotals tells whether there is more to say than the sum of the lines.
func (d document) hasTotals() bool {
	return len(d.pricing.Discounts)+len(d.pricing.Charges) > 0 || slices.ContainsFunc(d.lines, func(l line) bool { return l.Tax != nil })
}

// total computes the totals, and what is to be paid.
func (d document) total() (totals, *big.Int) {
	groups := d.groups()
	sum, remaining := new(big.Int), func(g *group) *big.Int { return g.remaining }
	for _, g := range groups {
		sum.Add(sum, g.lines)
	}
	for _, c := range d.pricing.Charges {
		for i, part := range shares(c.on(sum, d.currency), groups, func(g *group) *big.Int { return g.lines }) {
			groups[i].charged.Add(groups[i].charged, part)
			groups[i].remaining.Add(groups[i].remaining, part)
		}
	}
	for _, c := range d.pricing.Discounts {
		off, most := c.on(sum, d.currency), new(big.Int)
		for _, g := range groups {
			most.Add(most, g.remaining)
		}
		if off.Cmp(most) > 0 {
			off = most
		}
		for i, part := range shares(off, groups, remaining) {
			groups[i].less.Add(groups[i].less, part)
			groups[i].remaining.Sub(groups[i].remaining, part)
		}
	}
	return d.add(groups)
}

func (d document) groups() []*group {
	var groups []*group
	for _, l := range d.lines {
		of := tax{}
		if l.Tax != nil {
			of = *l.Tax
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.tax == of })
		if at < 0 {
			at, groups = len(groups), append(groups, &group{of, new(big.Int), new(big.Int), new(big.Int), new(big.Int)})
		}
		groups[at].lines.Add(groups[at].lines, minorOf(l.Net.Amount, d.currency))
	}
	if len(groups) == 0 {
		groups = append(groups, &group{tax{}, new(big.Int), new(big.Int), new(big.Int), new(big.Int)})
	}
	slices.SortFunc(groups, func(a, b *group) int {
		if a.tax.Category == b.tax.Category {
			return fraction(b.tax.Rate).Cmp(fraction(a.tax.Rate))
		}
		return placeOf(a.tax.Category) - placeOf(b.tax.Category)
	})
	for _, g := range groups {
		g.remaining.Set(g.lines)
	}
	return groups
}

// placeOf is the order of the categories; lines without one come last.
func placeOf(category string) int {
	return (slices.Index([]string{"S", "Z", "E", "AE", "G", "O"}, category) + 7) % 7
}

// shares divides by weights; what rounding down leaves goes to the largest
// fractions, of which the first comes first.
func shares(amount *big.Int, groups []*group, weight func(*group) *big.Int) []*big.Int {
	whole, equal := new(big.Int), big.NewInt(1)
	for _, g := range groups {
		whole.Add(whole, weight(g))
	}
	if whole.Sign() == 0 {
		whole, weight = big.NewInt(int64(len(groups))), func(*group) *big.Int { return equal }
	}
	parts, fractions, left := make([]*big.Int, len(groups)), make([]*big.Int, len(groups)), new(big.Int).Set(amount)
	for i, g := range groups {
		parts[i], fractions[i] = new(big.Int).QuoRem(new(big.Int).Mul(amount, weight(g)), whole, new(big.Int))
		left.Sub(left, parts[i])
	}
	for ; left.Sign() > 0; left.Sub(left, equal) {
		most := 0
		for i := range fractions {
			if fractions[i].Cmp(fractions[most]) > 0 {
				most = i
			}
		}
		parts[most].Add(parts[most], equal)
		fractions[most] = big.NewInt(-1)
	}
	return parts
}

func (d document) add(groups []*group) (totals, *big.Int) {
	lines, less, more, due, all, remaining := new(big.Int), new(big.Int), new(big.Int), new(big.Int), new(big.Int), new(big.Int)
	var t totals
	for _, g := range groups {
		factor := new(big.Rat).Add(big.NewRat(1, 1), hundredth(g.tax.Rate))
		without := func(n *big.Int) *big.Int {
			if !d.pricing.PricesIncludeTax {
				return n
			}
			return rounded(new(big.Rat).Quo(new(big.Rat).SetInt(n), factor))
		}
		taxable, off, on := without(g.remaining), without(g.less), without(g.charged)
		amount := rounded(new(big.Rat).Mul(new(big.Rat).SetInt(taxable), hundredth(g.tax.Rate)))
		lines.Add(lines, taxable).Add(lines, off).Sub(lines, on)
		less.Add(less, off)
		more.Add(more, on)
		due.Add(due, amount)
		all.Add(all, taxable).Add(all, amount)
		remaining.Add(remaining, g.remaining)
		if g.tax != (tax{}) {
			t.Taxes = append(t.Taxes, subtotal{g.tax, d.money(taxable), d.money(amount)})
		}
	}
	rounding := new(big.Int)
	if d.pricing.PricesIncludeTax {
		rounding.Sub(remaining, all)
	}
	t.Lines, t.Discount, t.Charge, t.Tax = d.money(lines), d.money(less), d.money(more), d.money(due)
	t.Net, t.Gross, t.Rounding = d.money(new(big.Int).Sub(all, due)), d.money(all), d.money(rounding)
	return t, new(big.Int).Add(all, rounding)
}

func (d document) money(minor *big.Int) money {
	return money{amountOf(new(big.Rat).SetFrac(minor, unitOf(d.currency)), d.currency), d.currency}
}

// on is the adjustment on a base, in minor units.
func (a adjustment) on(base *big.Int, currency string) *big.Int {
	if a.Amount != "" {
		return minorOf(a.Amount, currency)
	}
	return rounded(new(big.Rat).Mul(new(big.Rat).SetInt(base), hundredth(a.Percent)))
}

// unitOf is how many minor units a unit of the currency has.
func unitOf(currency string) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimalsOf(currency))), nil)
}

func minorOf(amount, currency string) *big.Int {
	return rounded(new(big.Rat).Mul(fraction(amount), new(big.Rat).SetInt(unitOf(currency))))
}

// rounded is half away from zero, which is how FloatString rounds.
func rounded(r *big.Rat) *big.Int {
	n, _ := new(big.Int).SetString(strings.TrimSuffix(r.FloatString(0), "."), 10)
	return n
}

// fraction is 0 where there is none.
func fraction(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}

func hundredth(percent string) *big.Rat {
	return new(big.Rat).Quo(fraction(percent), big.NewRat(100, 1))
}
