package invoices

import (
	"slices"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/totals"
)

func (l LineItem) isTaxed() bool { return l.Tax != Tax{} }

// checkTax takes a line without tax: a draft may be without it for a while.
func checkTax(t Tax) error {
	switch {
	case t == (Tax{}):
		return nil
	case !slices.Contains(totals.Categories(), t.Category):
		return eventim.Reject(CodeTaxCategoryUnknown, "the tax category %.20q is not one of %v", string(t.Category), totals.Categories())
	case t.Category == totals.Standard:
		return checkPercent(CodeTaxRateInvalid, "tax rate", t.Rate)
	case t.Rate != Decimal{}:
		return eventim.Reject(CodeTaxRateInvalid, "the tax category %s has no rate", t.Category)
	}
	return nil
}

var hundred = must100()

func must100() Decimal {
	d, err := money.ParseDecimal("100")
	if err != nil {
		panic(err)
	}
	return d
}

func checkPercent(code, what string, percent Decimal) error {
	if err := checkDecimal(code, what, percent); err != nil {
		return err
	}
	if percent.Sign() == 0 || percent.Compare(hundred) > 0 {
		return eventim.Reject(code, "the %s %v %% is not more than 0 and at most 100", what, percent)
	}
	return nil
}

// checkAdjustment takes one that is none.
func checkAdjustment(code, what string, a Adjustment, c Currency) error {
	if a == (Adjustment{}) {
		return nil
	}
	return mustAdjust(code, what, a, c)
}

func mustAdjust(code, what string, a Adjustment, c Currency) error {
	if err := checkText("reason of the "+what, a.Reason, maxAdjustmentReason); err != nil {
		return err
	}
	byPercent, byAmount := a.Percent != Decimal{}, a.Amount != Decimal{}
	if byPercent == byAmount {
		return eventim.Reject(code, "the %s must be either a percentage or an amount", what)
	}
	if byPercent {
		return checkPercent(code, what, a.Percent)
	}
	if err := checkDecimal(code, what, a.Amount); err != nil {
		return err
	}
	amount, err := money.Parse(a.Amount.String(), c)
	if err != nil || amount.Minor() == 0 {
		return eventim.Reject(code, "the %s %v is not a positive amount of %s", what, a.Amount, c)
	}
	return nil
}

// checkExemptions takes a reason for each category without tax that needs one,
// also when no line is of it: a draft may have had such a line, and have it again.
func checkExemptions(exemptions []Exemption) error {
	seen := map[Category]bool{}
	for _, e := range exemptions {
		if !e.Category.NeedsReason() || seen[e.Category] {
			return eventim.Reject(CodeExemptionInvalid, "the tax category %.20q has no exemption, or has it already", string(e.Category))
		}
		seen[e.Category] = true
		if e.Reason == "" {
			return eventim.Reject(CodeExemptionMissing, "the exemption of the tax category %s has no reason", e.Category)
		}
		if err := checkText("exemption reason", e.Reason, maxExemptionReason); err != nil {
			return err
		}
	}
	return nil
}

func checkTaxes(t Totals) error {
	if len(t.Taxes) > maxTaxes {
		return eventim.Reject(CodeTooManyTaxes, "an invoice has at most %d tax categories and rates", maxTaxes)
	}
	return nil
}

// mustBeTaxed holds what an invoice says of tax against what EN 16931 asks of
// one that is issued. One that says nothing of it may be issued as ever.
func (inv Invoice) mustBeTaxed() error {
	if !inv.Pricing.PricesIncludeTax && !slices.ContainsFunc(inv.Lines, LineItem.isTaxed) {
		return nil
	}
	for i, l := range inv.Lines {
		if !l.isTaxed() {
			return eventim.Reject(CodeTaxMissing, "line item %d: it says nothing of tax, while others do or the prices include it", i+1)
		}
	}
	for _, s := range inv.Totals.Taxes {
		if s.Category == totals.OutOfScope && len(inv.Totals.Taxes) > 1 { // BR-O-11
			return eventim.Reject(CodeTaxCategoriesMixed, "an invoice with lines that are not subject to tax cannot have others")
		}
		if s.Category.NeedsReason() && !slices.ContainsFunc(inv.Pricing.Exemptions, func(e Exemption) bool { return e.Category == s.Category }) {
			return eventim.Reject(CodeExemptionMissing, "the invoice does not say why there is no tax on lines of the category %s", s.Category)
		}
	}
	return nil
}
