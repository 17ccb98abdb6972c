package totals

import (
	"errors"
	"iter"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/invoices/money"
)

func decimal(s string) money.Decimal {
	d, err := money.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func amount(minor int64) money.Amount {
	m, err := money.Of(minor, "EUR")
	if err != nil {
		panic(err)
	}
	return m
}

// line is one of a document.
type line struct {
	tax Tax
	net money.Amount
}

func all(lines []line) iter.Seq2[Tax, money.Amount] {
	return func(yield func(Tax, money.Amount) bool) {
		for _, l := range lines {
			if !yield(l.tax, l.net) {
				return
			}
		}
	}
}

var taxes = []Tax{
	{Standard, decimal("19")},
	{Standard, decimal("7")},
	{Standard, decimal("5.5")},
	{Standard, decimal("33.333")},
	{Category: ZeroRated},
	{Category: Exempt},
	{Category: ReverseCharge},
	{Category: Export},
	{Category: OutOfScope},
	{},
}

func linesUpTo(most int64) *rapid.Generator[[]line] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) line {
		return line{rapid.SampledFrom(taxes).Draw(t, "tax"), amount(rapid.Int64Range(0, most).Draw(t, "net"))}
	}), 0, 8)
}

func adjustments() *rapid.Generator[[]Adjustment] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Adjustment {
		if rapid.Bool().Draw(t, "percent") {
			return Adjustment{Percent: decimal(rapid.StringMatching(`[1-9][0-9]?(\.[0-9]{1,3})?`).Draw(t, "percentage"))}
		}
		return Adjustment{Amount: decimal(rapid.StringMatching(`[1-9][0-9]{0,4}(\.[0-9]{2})?`).Draw(t, "amount"))}
	}), 0, 3)
}

func documents(most int64) *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		return Document{
			Currency: "EUR", PricesIncludeTax: rapid.Bool().Draw(t, "included"), Lines: all(linesUpTo(most).Draw(t, "lines")),
			Discounts: adjustments().Draw(t, "discounts"), Charges: adjustments().Draw(t, "charges"),
		}
	})
}

// sum is exact, whatever fits.
func sum(amounts ...money.Amount) *big.Int {
	total := new(big.Int)
	for _, a := range amounts {
		total.Add(total, big.NewInt(a.Minor()))
	}
	return total
}

// halfAway rounds to a whole number, half away from zero.
func halfAway(r *big.Rat) *big.Int {
	twice := new(big.Rat).Add(new(big.Rat).Abs(r), big.NewRat(1, 2))
	whole := new(big.Int).Quo(twice.Num(), twice.Denom())
	return whole.Mul(whole, big.NewInt(int64(r.Sign())))
}

func percent(base *big.Int, percent money.Decimal) *big.Int {
	rate, _ := new(big.Rat).SetString(percent.String())
	if rate == nil {
		return new(big.Int)
	}
	rate.Mul(rate, big.NewRat(1, 100))
	return halfAway(rate.Mul(rate, new(big.Rat).SetInt(base)))
}

// checkRules holds totals against EN 16931, in numbers without a bound.
func checkRules(t *rapid.T, d Document, s Totals) {
	nets, amounts := new(big.Int), []money.Amount{}
	for _, net := range d.Lines {
		nets.Add(nets, sum(net))
	}
	seen := map[Tax]bool{}
	for _, tax := range s.Taxes {
		amounts = append(amounts, tax.Amount)
		if seen[tax.Tax] || tax.Taxable.Minor() < 0 {
			t.Fatalf("%+v is there twice, or negative: %+v", tax, s)
		}
		seen[tax.Tax] = true
		if want := percent(sum(tax.Taxable), tax.Rate); sum(tax.Amount).Cmp(want) != 0 {
			t.Fatalf("BR-CO-17: the tax is %v, want %v: %+v", tax.Amount, want, s)
		}
	}
	charges, discounts := asked(d, nets)
	payable := new(big.Int).Sub(new(big.Int).Add(nets, charges), discounts)
	rules := map[string][2]*big.Int{
		"BR-CO-13": {sum(s.Net, s.Discount), sum(s.Lines, s.Charge)},
		"BR-CO-14": {sum(s.Tax), sum(amounts...)},
		"BR-CO-15": {sum(s.Gross), sum(s.Net, s.Tax)},
		"BR-CO-16": {sum(s.Payable()), sum(s.Gross, s.Rounding)},
	}
	if d.PricesIncludeTax {
		rules["what the prices say"] = [2]*big.Int{sum(s.Payable()), payable}
	} else {
		rules["BR-CO-10"] = [2]*big.Int{sum(s.Lines), nets}
		rules["what is charged"] = [2]*big.Int{sum(s.Charge), charges}
		rules["what is taken off"] = [2]*big.Int{sum(s.Discount), discounts}
		rules["what is taxable"] = [2]*big.Int{sum(s.Net), payable}
		rules["no rounding"] = [2]*big.Int{sum(s.Rounding), new(big.Int)}
	}
	for rule, v := range rules {
		if v[0].Cmp(v[1]) != 0 {
			t.Fatalf("%s: %v is not %v: %+v", rule, v[0], v[1], s)
		}
	}
	if r := s.Rounding.Minor(); r > int64(len(s.Taxes)) || -r > int64(len(s.Taxes)) {
		t.Fatalf("%d are rounded in %d taxes", r, len(s.Taxes))
	}
}

// asked is what charges and discounts come to, the latter at most what there is.
func asked(d Document, nets *big.Int) (charges, discounts *big.Int) {
	total := func(list []Adjustment) *big.Int {
		sum := new(big.Int)
		for _, a := range list {
			if (a.Amount != money.Decimal{}) {
				sum.Add(sum, percent(big.NewInt(10000), a.Amount)) // in hundredths
			}
			sum.Add(sum, percent(nets, a.Percent))
		}
		return sum
	}
	charges, discounts = total(d.Charges), total(d.Discounts)
	if most := new(big.Int).Add(nets, charges); discounts.Cmp(most) > 0 {
		discounts = most
	}
	return charges, discounts
}

func TestRulesHoldExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := documents(rapid.SampledFrom([]int64{3, 1000, 1 << 40}).Draw(t, "most")).Draw(t, "document")
		s, err := d.Totals()
		if err != nil {
			t.Fatal(err)
		}
		checkRules(t, d, s)
	})
}

// TestNothingWraps: of the largest amounts there are, the totals are exact, or
// an error.
func TestNothingWraps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := documents(math.MaxInt64).Draw(t, "document")
		s, err := d.Totals()
		if err != nil {
			if !errors.Is(err, money.ErrOverflow) {
				t.Fatal(err)
			}
			return
		}
		checkRules(t, d, s)
	})
	_, err := Document{Currency: "EUR", Lines: all([]line{{taxes[0], amount(math.MaxInt64 - 1)}})}.Totals()
	if !errors.Is(err, money.ErrOverflow) {
		t.Errorf("the gross of the largest net is no error, but %v", err)
	}
}

// TestOrderOfLinesDoesNotMatter: who moves a line does not change what is owed.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := linesUpTo(100).Draw(t, "lines")
		d := documents(0).Draw(t, "document")
		d.Lines = all(lines)
		want, err1 := d.Totals()
		d.Lines = all(rapid.Permutation(lines).Draw(t, "moved"))
		if got, err2 := d.Totals(); err1 != nil || err2 != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v, %v", got, err2, want, err1)
		}
	})
}

// TestAllocationIsFair: what a group gets of an adjustment is its share, up to
// the minor unit.
func TestAllocationIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := []line{{taxes[0], amount(rapid.Int64Range(1, 10_000).Draw(t, "a"))}, {taxes[1], amount(rapid.Int64Range(1, 10_000).Draw(t, "b"))}}
		off := rapid.Int64Range(1, sum(lines[0].net, lines[1].net).Int64()).Draw(t, "off")
		s, err := Document{Currency: "EUR", Lines: all(lines), Discounts: []Adjustment{{Amount: decimal(amount(off).Number())}}}.Totals()
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range lines {
			share := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(off), sum(l.net)), sum(lines[0].net, lines[1].net))
			got := new(big.Rat).SetInt(new(big.Int).Sub(sum(l.net), sum(s.Taxes[i].Taxable)))
			if got.Sub(got, share).Abs(got).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("of %d off, %v takes %v, want %v", off, l, got, share)
			}
		}
	})
}

func TestTaxIsRoundedOncePerRate(t *testing.T) {
	t.Parallel()
	// 19 % of 0.03 is 0.0057: rounded for each line, it would be 0.03 of three.
	s, err := Document{Currency: "EUR", Lines: all(slices.Repeat([]line{{taxes[0], amount(3)}}, 3))}.Totals()
	if err != nil || s.Tax != amount(2) || len(s.Taxes) != 1 {
		t.Errorf("got the tax %v of %+v, %v, want 0.02 once", s.Tax, s.Taxes, err)
	}
}

func TestOfLine(t *testing.T) {
	t.Parallel()
	by := func(percent string) Adjustment { return Adjustment{Percent: decimal(percent)} }
	for _, c := range []struct {
		quantity, price  string
		discount, charge Adjustment
		want             string
	}{
		{"0.5", "9.99", Adjustment{}, Adjustment{}, "5.00"},
		{"1", "0.05", by("10"), Adjustment{}, "0.04"}, // 0.005 off: half away from zero
		{"3", "1.00", by("10"), by("5"), "2.85"},      // both on 3.00
		{"1", "1.00", Adjustment{Amount: decimal("1.5")}, Adjustment{Amount: decimal("0.50")}, "0.00"},
	} {
		got, err := OfLine(decimal(c.quantity), decimal(c.price), c.discount, c.charge, "EUR")
		if err != nil || got.Number() != c.want {
			t.Errorf("%s × %s less %v and with %v is %v, %v, want %s", c.quantity, c.price, c.discount, c.charge, got, err, c.want)
		}
	}
	for _, off := range []Adjustment{{Amount: decimal("1.01")}, {Percent: decimal("101")}} {
		if _, err := OfLine(decimal("1"), decimal("1"), off, Adjustment{}, "EUR"); !errors.Is(err, ErrDiscount) {
			t.Errorf("%v of 1.00 is %v, want ErrDiscount", off, err)
		}
	}
	if _, err := OfLine(decimal("1"), decimal("92233720368547758.07"), Adjustment{}, by("1"), "EUR"); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("beyond 64 bits is %v, want ErrOverflow", err)
	}
}

func TestReduced(t *testing.T) {
	t.Parallel()
	for in, want := range map[Tax]Tax{
		{Standard, decimal("19.00")}:  {Standard, decimal("19")},
		{Standard, decimal("5.50")}:   {Standard, decimal("5.5")},
		{Standard, decimal("0.0")}:    {Standard, decimal("0")},
		{Standard, decimal("100")}:    {Standard, decimal("100")},
		{ZeroRated, decimal("0.00")}:  {Category: ZeroRated},
		{ZeroRated, decimal("1")}:     {ZeroRated, decimal("1")},
		{Exempt, money.Decimal{}}:     {Category: Exempt},
		{Category(""), decimal("10")}: {"", decimal("10")},
	} {
		if got := in.Reduced(); got != want {
			t.Errorf("%v is reduced to %v, want %v", in, got, want)
		}
	}
}
