package totals

import (
	"cmp"
	"slices"

	"github.com/eventim-go/eventim/invoices/money"
)

// Category says why the tax of a line is what it is: a code of UNCL 5305, as
// EN 16931 uses it.
type Category string

// The categories.
const (
	Standard      Category = "S"
	ZeroRated     Category = "Z"
	Exempt        Category = "E"
	ReverseCharge Category = "AE"
	Export        Category = "G" // free export item
	OutOfScope    Category = "O" // not subject to tax
)

// Categories lists the categories, in the order in which a breakdown has them.
func Categories() []Category {
	return []Category{Standard, ZeroRated, Exempt, ReverseCharge, Export, OutOfScope}
}

// NeedsReason tells whether an invoice has to say why there is no tax (BR-E-10,
// BR-AE-10, BR-G-10, BR-O-10).
func (c Category) NeedsReason() bool {
	return c == Exempt || c == ReverseCharge || c == Export || c == OutOfScope
}

// Tax is the tax of a line. The zero Tax is of a line that says nothing of it.
// Values are comparable with == when their rates are reduced.
type Tax struct {
	Category Category      `json:"category" enum:"S,Z,E,AE,G,O" doc:"S: at Rate. Z: zero rated. E: exempt. AE: reverse charge. G: export. O: not subject to tax."`
	Rate     money.Decimal `json:"rate,omitzero" doc:"In percent, more than 0 and at most 100. Only and always of category S."`
}

// Reduced is the tax as it is compared and kept: without zeros at the end of
// the rate, and without a rate of 0, which all categories but one have.
func (t Tax) Reduced() Tax {
	t.Rate = t.Rate.Reduced()
	if t.Category != Standard && t.Rate.String() == "0" {
		t.Rate = money.Decimal{}
	}
	return t
}

// compare orders by category, and higher rates first. Lines without a category
// come last.
func (t Tax) compare(u Tax) int {
	return cmp.Or(cmp.Compare(t.place(), u.place()), cmp.Compare(t.Category, u.Category), u.Rate.Compare(t.Rate))
}

func (t Tax) place() int {
	if i := slices.Index(Categories(), t.Category); i >= 0 {
		return i
	}
	return len(Categories())
}
