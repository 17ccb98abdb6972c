package invoices

import (
	"encoding/json"
	"sort"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/totals"
)

var (
	vat19    = Tax{Category: totals.Standard, Rate: mustDecimal("19")}
	tenOff   = Adjustment{Percent: mustDecimal("10"), Reason: "loyalty"}
	freight  = Adjustment{Amount: mustDecimal("3.00"), Reason: "freight"}
	taxed    = LineDetails{Description: "Consulting", Quantity: mustDecimal("2"), UnitPrice: mustDecimal("12.50"), Discount: Adjustment{Percent: mustDecimal("10")}, Tax: vat19}
	taxFree  = LineDetails{Description: "Course", Quantity: mustDecimal("0.5"), UnitPrice: mustDecimal("9.99"), Tax: Tax{Category: totals.Exempt}}
	priced   = Pricing{Discounts: []Adjustment{tenOff}, Charges: []Adjustment{freight}, Exemptions: []Exemption{{totals.Exempt, "Article 132"}}}
	included = Pricing{PricesIncludeTax: true}

	// 22.50 + 5.00 lines; 3.00 charged as 2.45 + 0.55, 2.75 off as 2.25 + 0.50.
	pricedTotals = Totals{
		Lines: eur("27.50"), Discount: eur("2.75"), Charge: eur("3.00"), Net: eur("27.75"), Tax: eur("4.31"), Gross: eur("32.06"), Rounding: eur("0.00"),
		Taxes: []totals.Subtotal{
			{Tax: vat19, Taxable: eur("22.70"), Amount: eur("4.31")},
			{Tax: Tax{Category: totals.Exempt}, Taxable: eur("5.05"), Amount: eur("0.00")},
		},
	}
	createdPriced = InvoiceCreated{
		Details: acme, Currency: "EUR", Lines: []LineItem{{"1", taxed, eur("22.50")}, {"2", taxFree, eur("5.00")}},
		Total: eur("32.06"), Pricing: priced, Totals: pricedTotals,
	}
	// onlyTaxed is createdPriced without its second line: 22.50 + 3.00 - 2.25.
	onlyTaxed = Totals{
		Lines: eur("22.50"), Discount: eur("2.25"), Charge: eur("3.00"), Net: eur("23.25"), Tax: eur("4.42"), Gross: eur("27.67"), Rounding: eur("0.00"),
		Taxes: []totals.Subtotal{{Tax: vat19, Taxable: eur("23.25"), Amount: eur("4.42")}},
	}
	// includedTotals are those of one line of 22.50 with the tax in it: 22.50 / 1.19 = 18.91, of which 19 % are 3.59.
	includedTotals = Totals{
		Lines: eur("18.91"), Discount: eur("0.00"), Charge: eur("0.00"), Net: eur("18.91"), Tax: eur("3.59"), Gross: eur("22.50"), Rounding: eur("0.00"),
		Taxes: []totals.Subtotal{{Tax: vat19, Taxable: eur("18.91"), Amount: eur("3.59")}},
	}
	pricingChanged = PricingChanged{Pricing: included, Total: eur("25.00")}
)

func creation(c CreateInvoice) CreateInvoice {
	c.Details, c.Currency = acme, "EUR"
	return c
}

func revise(pricing *Pricing, lines ...RevisedLine) ReviseDraft {
	return ReviseDraft{Details: acme, Lines: lines, Pricing: pricing}
}

func TestPriced(t *testing.T) {
	t.Parallel()
	one, two := new(int64(1)), []LineDetails{taxed, taxFree}
	given := []Event{createdPriced}
	padded := taxed
	padded.Tax.Rate, padded.Discount.Reason = mustDecimal("19.00"), " \u200b"
	for _, s := range []scenario{
		{Name: "create", When: creation(CreateInvoice{Lines: two, Pricing: priced}), Then: []Event{createdPriced}},
		{
			Name: "a rate is kept reduced", When: creation(CreateInvoice{Lines: []LineDetails{padded}, Pricing: Pricing{PricesIncludeTax: true, Discounts: []Adjustment{}}}),
			Then: []Event{InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{{"1", taxed, eur("22.50")}}, Total: eur("22.50"), Pricing: included, Totals: includedTotals}},
		},
		{Name: "remove", Given: given, When: RemoveLineItem{"2"}, Then: []Event{LineItemRemoved{LineID: "2", Total: eur("27.67"), Totals: onlyTaxed}}},
		{Name: "the same", Given: given, Expected: one, When: revise(&priced, RevisedLine{"1", taxed}, RevisedLine{"2", taxFree})},
		{
			Name: "who knows nothing of tax leaves it", Given: given, Expected: one,
			When: revise(nil, RevisedLine{"1", LineDetails{Description: "Consulting", Quantity: taxed.Quantity, UnitPrice: taxed.UnitPrice}}),
			Then: []Event{LineItemRemoved{LineID: "2", Total: eur("27.67"), Totals: onlyTaxed}},
		},
		{
			Name: "prices include tax", Given: []Event{created}, Expected: one, When: revise(&included, RevisedLine{"1", taxed}),
			Then: []Event{pricingChanged, LineItemChanged{Line: LineItem{"1", taxed, eur("22.50")}, Total: eur("22.50"), Totals: includedTotals}},
		},
		{
			Name: "no pricing any more", Given: []Event{createdPriced, LineItemRemoved{LineID: "2", Total: eur("27.67"), Totals: onlyTaxed}}, Expected: new(int64(2)),
			When: revise(&Pricing{}, RevisedLine{"1", consulting}),
			Then: []Event{
				PricingChanged{Total: eur("26.78"), Totals: Totals{
					Lines: eur("22.50"), Discount: eur("0.00"), Charge: eur("0.00"), Net: eur("22.50"), Tax: eur("4.28"), Gross: eur("26.78"), Rounding: eur("0.00"),
					Taxes: []totals.Subtotal{{Tax: vat19, Taxable: eur("22.50"), Amount: eur("4.28")}},
				}},
				LineItemChanged{Line: consultingItem, Total: eur("25.00")},
			},
		},
		{Name: "send", Given: given, When: SendInvoice{}, Then: []Event{InvoiceSent{eur("32.06"), "default.invoice.2026"}}},
		{
			Name: "a charge beside the discount", When: creation(CreateInvoice{Lines: []LineDetails{{
				Description: "Work", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("2.00"), Discount: Adjustment{Amount: mustDecimal("3")}, Charge: Adjustment{Amount: mustDecimal("1.00")},
			}}}),
			Then: []Event{InvoiceCreated{Details: acme, Currency: "EUR", Total: eur("0.00"), Lines: []LineItem{{"1", LineDetails{
				Description: "Work", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("2.00"), Discount: Adjustment{Amount: mustDecimal("3")}, Charge: Adjustment{Amount: mustDecimal("1.00")},
			}, eur("0.00")}}}},
		},
	} {
		run(t, s)
	}
}

func notPriced() []scenario {
	line := func(change func(*LineDetails)) Command {
		l := taxed
		change(&l)
		return creation(CreateInvoice{Lines: []LineDetails{l}})
	}
	with := func(p Pricing) Command { return creation(CreateInvoice{Lines: []LineDetails{taxed}, Pricing: p}) }
	mixed := func(lines ...LineDetails) []Event {
		return must(creation(CreateInvoice{Lines: lines}).decide(Invoice{}))
	}
	rates := make([]LineDetails, maxTaxes+1)
	for i := range rates {
		rates[i] = taxed
		rates[i].Tax.Rate = mustDecimal("19." + string(rune('0'+i%10)) + string(rune('1'+i/10)))
	}
	largest := LineDetails{Description: "Palace", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("999999999999"), Tax: vat19}
	scenarios := []scenario{
		{Name: "unknown category", When: line(func(l *LineDetails) { l.Tax.Category = "X" }), Rejected: CodeTaxCategoryUnknown},
		{Name: "no category", When: line(func(l *LineDetails) { l.Tax.Category = "" }), Rejected: CodeTaxCategoryUnknown},
		{Name: "no rate", When: line(func(l *LineDetails) { l.Tax.Rate = Decimal{} }), Rejected: CodeTaxRateInvalid},
		{Name: "rate of zero", When: line(func(l *LineDetails) { l.Tax.Rate = mustDecimal("0.0") }), Rejected: CodeTaxRateInvalid},
		{Name: "rate beyond 100", When: line(func(l *LineDetails) { l.Tax.Rate = mustDecimal("100.01") }), Rejected: CodeTaxRateInvalid},
		{Name: "rate of none", When: line(func(l *LineDetails) { l.Tax.Category = totals.ZeroRated }), Rejected: CodeTaxRateInvalid},
		{Name: "negative discount", When: line(func(l *LineDetails) { l.Discount.Percent = mustDecimal("-1") }), Rejected: CodeDiscountInvalid},
		{Name: "discount of both kinds", When: line(func(l *LineDetails) { l.Discount.Amount = mustDecimal("1") }), Rejected: CodeDiscountInvalid},
		{Name: "discount of tenths of a cent", When: line(func(l *LineDetails) { l.Discount = Adjustment{Amount: mustDecimal("0.001")} }), Rejected: CodeDiscountInvalid},
		{Name: "discount of more", When: line(func(l *LineDetails) { l.Discount = Adjustment{Amount: mustDecimal("25.01")} }), Rejected: CodeDiscountTooLarge},
		{Name: "long reason", When: line(func(l *LineDetails) { l.Discount.Reason = strings.Repeat("x", 101) }), Rejected: CodeTextTooLong},
		{Name: "charge of a reason", When: line(func(l *LineDetails) { l.Charge.Reason = "freight" }), Rejected: CodeChargeInvalid},
		{Name: "charge beyond all", When: line(func(l *LineDetails) {
			l.UnitPrice, l.Charge = mustDecimal("999999999999"), Adjustment{Percent: mustDecimal("100")}
			l.Quantity, l.Discount = mustDecimal("9"), Adjustment{}
		}), Rejected: CodeAmountTooLarge},
		{Name: "discount of nothing", When: with(Pricing{Discounts: []Adjustment{{}}}), Rejected: CodeDiscountInvalid},
		{Name: "charge beyond 100 percent", When: with(Pricing{Charges: []Adjustment{{Percent: mustDecimal("101")}}}), Rejected: CodeChargeInvalid},
		{Name: "11 discounts", When: with(Pricing{Discounts: make([]Adjustment, 11)}), Rejected: CodeTooManyAdjustments},
		{Name: "exemption of what is taxed", When: with(Pricing{Exemptions: []Exemption{{totals.Standard, "x"}}}), Rejected: CodeExemptionInvalid},
		{Name: "two exemptions", When: with(Pricing{Exemptions: []Exemption{{totals.Exempt, "x"}, {totals.Exempt, "y"}}}), Rejected: CodeExemptionInvalid},
		{Name: "exemption without a reason", When: with(Pricing{Exemptions: []Exemption{{totals.Exempt, " "}}}), Rejected: CodeExemptionMissing},
		{Name: "11 rates", When: creation(CreateInvoice{Lines: rates}), Rejected: CodeTooManyTaxes},
		{Name: "gross beyond all", When: creation(CreateInvoice{Lines: []LineDetails{largest, largest, largest, largest, largest, largest, largest, largest, largest}}), Rejected: CodeTotalTooLarge},
		{Name: "send with a line without tax", Given: mixed(taxed, hosting), When: SendInvoice{}, Rejected: CodeTaxMissing},
		{Name: "send without the tax that prices include", Given: []Event{created, pricingChanged}, When: SendInvoice{}, Rejected: CodeTaxMissing},
		{Name: "send without the reason", Given: mixed(taxed, taxFree), When: SendInvoice{}, Rejected: CodeExemptionMissing},
		{
			Name: "send with what is not subject to tax", Rejected: CodeTaxCategoriesMixed, When: SendInvoice{},
			Given: mixed(taxed, LineDetails{Description: "Fee", Quantity: mustDecimal("1"), UnitPrice: mustDecimal("1"), Tax: Tax{Category: totals.OutOfScope}}),
		},
	}
	return append(scenarios, tooLarge()...)
}

// tooLarge are drafts that say too much, by each command that can make them so.
func tooLarge() []scenario {
	long := LineDetails{
		Description: strings.Repeat("漢", maxDescription), Quantity: mustDecimal("99.99"), UnitPrice: mustDecimal("9999999.99"), Tax: vat19,
		Discount: Adjustment{Percent: mustDecimal("1"), Reason: strings.Repeat("漢", maxAdjustmentReason)},
	}
	longer := long // in JSON
	longer.Description = strings.Repeat("<", maxDescription)
	longer.Discount.Reason = strings.Repeat("<", maxAdjustmentReason)
	many := make([]LineDetails, maxLines)
	for i := range many {
		many[i] = long
	}
	n := sort.Search(maxLines, func(n int) bool {
		_, err := creation(CreateInvoice{Lines: many[:n+1]}).decide(Invoice{})
		return err != nil
	})
	full := must(creation(CreateInvoice{Lines: many[:n]}).decide(Invoice{}))
	short := creation(CreateInvoice{Lines: append([]LineDetails{consulting}, many[:n-1]...)})
	almost := must(short.decide(Invoice{}))
	return []scenario{
		{Name: "all of it", When: creation(CreateInvoice{Lines: many}), Rejected: CodeInvoiceTooLarge},
		{Name: "one more line", Given: full, When: AddLineItem{long}, Rejected: CodeInvoiceTooLarge},
		{Name: "a longer line", Given: full, When: ChangeLineItem{"1", longer}, Rejected: CodeInvoiceTooLarge},
		{
			Name: "a revision", Given: almost, Expected: new(int64(1)), Rejected: CodeInvoiceTooLarge,
			When: revise(&Pricing{}, append(keep(Aggregate.Replay(Invoice{}, almost...).Lines), RevisedLine{"", long}, RevisedLine{"", long})...),
		},
	}
}

// TestLargestPricedInvoiceFitsIntoARecord: whatever a draft says of its price,
// all payments and its end still fit.
func TestLargestPricedInvoiceFitsIntoARecord(t *testing.T) {
	t.Parallel()
	for _, s := range tooLarge() {
		inv := Aggregate.Replay(Invoice{}, s.Given...)
		inv.Customer = Customer{strings.Repeat("漢", maxName), strings.Repeat("漢", maxEmail), strings.Repeat("漢", maxAddress)}
		for range maxPayments {
			inv.Payments = append(inv.Payments, Payment{
				ID: "500", Amount: eur("9999999.99"), Date: maxDate, Reference: strings.Repeat("漢", maxReference),
				Method: "bank_transfer", TransactionID: strings.Repeat("x", maxTransactionID), Reversed: eur("9999999.99"),
			})
		}
		inv.Series, inv.Number = strings.Repeat("x", maxNumber), strings.Repeat("漢", maxNumber)
		inv.Status, inv.Reason, inv.WrittenOff = StatusWrittenOff, strings.Repeat("漢", maxReason), eur("9999999999999.99")
		if data := must(Aggregate.State.Encode(inv)).Data; len(data) > 1<<20 {
			t.Errorf("%s: the invoice has %d bytes, want at most %d", s.Name, len(data), 1<<20)
		}
	}
}

// TestSmallDraftsAlwaysFit: those that are not measured are not too large.
func TestSmallDraftsAlwaysFit(t *testing.T) {
	t.Parallel()
	text := func(n int) string { return strings.Repeat("<", n) } // six bytes in JSON
	adjusted := Adjustment{Amount: mustDecimal("999999999999.99"), Reason: text(maxAdjustmentReason)}
	inv := Invoice{Details: Details{Customer{text(maxName), text(maxEmail), text(maxAddress)}, maxDate, maxDate}, Currency: "EUR", Status: StatusDraft}
	for range smallDraft {
		inv.Lines = append(inv.Lines, LineItem{"1000000", LineDetails{
			Description: text(maxDescription), Quantity: mustDecimal("999999999999.999999"), UnitPrice: mustDecimal("999999999999.999999"),
			Discount: adjusted, Charge: adjusted, Tax: Tax{Category: totals.Standard, Rate: mustDecimal("99.999999")},
		}, eur("9999999999999.99")})
	}
	for range maxAdjustments {
		inv.Pricing.Discounts, inv.Pricing.Charges = append(inv.Pricing.Discounts, adjusted), append(inv.Pricing.Charges, adjusted)
	}
	for range 4 {
		inv.Pricing.Exemptions = append(inv.Pricing.Exemptions, Exemption{totals.ReverseCharge, text(maxExemptionReason)})
	}
	m := eur("9999999999999.99")
	inv.Totals = Totals{Lines: m, Discount: m, Charge: m, Net: m, Tax: m, Gross: m, Rounding: m}
	for range maxTaxes {
		inv.Totals.Taxes = append(inv.Totals.Taxes, totals.Subtotal{Tax: inv.Lines[0].Tax, Taxable: m, Amount: m})
	}
	if data := must(json.Marshal(inv)); len(data) > maxPricedDraft {
		t.Errorf("a draft of %d lines has %d bytes, want at most %d", smallDraft, len(data), maxPricedDraft)
	}
}

// TestDiscountTakesWhatIsThere: between the events of a revision, and in a draft
// that grows, a discount may be more than the lines.
func TestDiscountTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	p := Pricing{Discounts: []Adjustment{{Amount: mustDecimal("30.00")}}}
	events := must(creation(CreateInvoice{Lines: []LineDetails{taxed}, Pricing: p}).decide(Invoice{}))
	inv := Aggregate.Replay(Invoice{}, events...)
	if inv.Total != money.Zero("EUR") || inv.Totals.Discount != eur("22.50") {
		t.Errorf("got the total %v with a discount of %v, want nothing and 22.50", inv.Total, inv.Totals.Discount)
	}
	if _, err := (SendInvoice{}).decide(inv); err == nil || err.(*eventim.Rejection).Code != CodeAmountNotPositive { //nolint:errorlint // a rejection
		t.Errorf("it is sent: %v", err)
	}
}
