package totals

import (
	"iter"
	"slices"

	"github.com/eventim-go/eventim/invoices/money"
)

// Document is what totals are made from. Amounts and prices are with tax where
// PricesIncludeTax, and without it else. Percentages of Discounts and Charges
// are of the sum of the lines. Charges come first; a discount takes at most
// what is there, so that nothing becomes negative.
type Document struct {
	Currency         money.Currency
	PricesIncludeTax bool
	Lines            iter.Seq2[Tax, money.Amount] // what each comes to, never negative; taxes are reduced
	Discounts        []Adjustment
	Charges          []Adjustment
}

// Totals computes the totals. It fails when an amount does not fit.
func (d Document) Totals() (Totals, error) {
	s := &summing{currency: d.Currency}
	groups := s.groups(d.Lines)
	lines := s.sum(groups, func(g *group) money.Amount { return g.lines })
	for _, charge := range d.Charges {
		s.charge(groups, s.of(charge, lines))
	}
	for _, discount := range d.Discounts {
		s.discount(groups, s.of(discount, lines))
	}
	t := s.totals(groups, d.PricesIncludeTax)
	if s.err != nil {
		return Totals{}, s.err
	}
	return t, nil
}

// group is all of one category and rate, in the prices of the document.
type group struct {
	tax                             Tax
	lines, charges, discounts, left money.Amount // left: of the lines with the charges, without the discounts
}

// summing adds up until something does not fit.
type summing struct {
	currency money.Currency
	err      error
}

func (s *summing) zero() money.Amount { return money.Zero(s.currency) }

func (s *summing) keep(m money.Amount, err error) money.Amount {
	if err != nil && s.err == nil {
		s.err = err
	}
	if s.err != nil {
		return s.zero()
	}
	return m
}

func (s *summing) add(a, b money.Amount) money.Amount { return s.keep(a.Add(b)) }

func (s *summing) sub(a, b money.Amount) money.Amount { return s.keep(a.Sub(b)) }

func (s *summing) of(a Adjustment, base money.Amount) money.Amount { return s.keep(a.of(base)) }

func (s *summing) sum(groups []*group, of func(*group) money.Amount) money.Amount {
	sum := s.zero()
	for _, g := range groups {
		sum = s.add(sum, of(g))
	}
	return sum
}

// groups adds up the lines. A document without lines has one group, so that
// its charges are on something.
func (s *summing) groups(lines iter.Seq2[Tax, money.Amount]) []*group {
	var groups []*group
	for tax, amount := range lines {
		i := slices.IndexFunc(groups, func(g *group) bool { return g.tax == tax })
		if i < 0 {
			i, groups = len(groups), append(groups, s.group(tax))
		}
		groups[i].lines = s.add(groups[i].lines, amount)
	}
	if len(groups) == 0 {
		groups = append(groups, s.group(Tax{}))
	}
	slices.SortFunc(groups, func(g, h *group) int { return g.tax.compare(h.tax) })
	for _, g := range groups {
		g.left = g.lines
	}
	return groups
}

func (s *summing) group(tax Tax) *group {
	return &group{tax: tax, lines: s.zero(), charges: s.zero(), discounts: s.zero()}
}

// charge allocates an amount by what the lines are.
func (s *summing) charge(groups []*group, amount money.Amount) {
	for i, part := range s.allocate(amount, groups, func(g *group) money.Amount { return g.lines }) {
		groups[i].charges, groups[i].left = s.add(groups[i].charges, part), s.add(groups[i].left, part)
	}
}

// discount allocates an amount by what is left, and no more than that.
func (s *summing) discount(groups []*group, amount money.Amount) {
	left := func(g *group) money.Amount { return g.left }
	if most := s.sum(groups, left); amount.Minor() > most.Minor() {
		amount = most
	}
	for i, part := range s.allocate(amount, groups, left) {
		groups[i].discounts, groups[i].left = s.add(groups[i].discounts, part), s.sub(groups[i].left, part)
	}
}

func (s *summing) allocate(amount money.Amount, groups []*group, by func(*group) money.Amount) []money.Amount {
	weights := make([]int64, len(groups))
	for i, g := range groups {
		weights[i] = by(g).Minor()
	}
	parts, err := amount.Allocate(weights)
	if s.keep(amount, err); s.err != nil {
		return nil
	}
	return parts
}

func (s *summing) totals(groups []*group, included bool) Totals {
	t := Totals{Lines: s.zero(), Discount: s.zero(), Charge: s.zero(), Tax: s.zero(), Rounding: s.zero()}
	for _, g := range groups {
		without := func(m money.Amount) money.Amount {
			if included {
				return m.WithoutPercent(g.tax.Rate)
			}
			return m
		}
		taxable, less, more := without(g.left), without(g.discounts), without(g.charges)
		amount := s.keep(taxable.Percent(g.tax.Rate)) // once for all lines: BR-CO-17
		t.Lines = s.add(t.Lines, s.sub(s.add(taxable, less), more))
		t.Discount, t.Charge, t.Tax = s.add(t.Discount, less), s.add(t.Charge, more), s.add(t.Tax, amount)
		if g.tax != (Tax{}) {
			t.Taxes = append(t.Taxes, Subtotal{g.tax, taxable, amount})
		}
	}
	t.Net = s.add(s.sub(t.Lines, t.Discount), t.Charge)
	t.Gross = s.add(t.Net, t.Tax)
	if included {
		t.Rounding = s.sub(s.sum(groups, func(g *group) money.Amount { return g.left }), t.Gross)
	}
	return t
}
