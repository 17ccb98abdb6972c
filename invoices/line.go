package invoices

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/totals"
)

// LineDetails are what a line item is asked to say.
type LineDetails struct {
	Description string     `json:"description" minLength:"1" maxLength:"200"`
	Quantity    Decimal    `json:"quantity"`          // positive
	UnitPrice   Decimal    `json:"unitPrice"`         // in the currency of the invoice, not negative
	Discount    Adjustment `json:"discount,omitzero"` // on quantity times unit price, no more than that and the charge
	Charge      Adjustment `json:"charge,omitzero"`   // on quantity times unit price
	Tax         Tax        `json:"tax,omitzero"`
}

// LineItem is a line of an invoice. Its id is unique within the invoice and
// never given again, even after the line has been removed.
type LineItem struct {
	ID string `json:"id"`
	LineDetails
	// Net is quantity times unit price, rounded to the minor unit, with its charge
	// and without its discount. Tax is in it where the prices of the invoice
	// include tax.
	Net Money `json:"net"`
}

func (l LineDetails) check(c Currency) error {
	if strings.TrimSpace(l.Description) == "" {
		return eventim.Reject(CodeLineDescriptionMissing, "the line item has no description")
	}
	if err := checkText("line item description", l.Description, maxDescription); err != nil {
		return err
	}
	if err := checkDecimal(CodeQuantityInvalid, "quantity", l.Quantity); err != nil {
		return err
	}
	if l.Quantity.Sign() == 0 {
		return eventim.Reject(CodeQuantityInvalid, "the quantity is zero")
	}
	if err := checkDecimal(CodePriceInvalid, "unit price", l.UnitPrice); err != nil {
		return err
	}
	if err := checkAdjustment(CodeDiscountInvalid, "discount", l.Discount, c); err != nil {
		return err
	}
	if err := checkAdjustment(CodeChargeInvalid, "charge", l.Charge, c); err != nil {
		return err
	}
	return checkTax(l.Tax)
}

// checkDecimal refuses negative factors. EN 16931 knows no negative price
// (BR-27); a negative quantity it allows, but refusing that too keeps every
// total, and so every balance, from becoming negative.
func checkDecimal(code, what string, d Decimal) error {
	if d == (Decimal{}) {
		return eventim.Reject(code, "the %s is missing", what)
	}
	if d.Sign() < 0 {
		return eventim.Reject(code, "the %s %v is negative", what, d)
	}
	if whole, fraction := d.Digits(); whole > maxWholeDigits || fraction > maxFractionDigits {
		return eventim.Reject(code, "the %s %v has more than %d digits before or %d after the point",
			what, d, maxWholeDigits, maxFractionDigits)
	}
	return nil
}

func (l LineDetails) item(id string, c Currency) (LineItem, error) {
	if err := l.check(c); err != nil {
		return LineItem{}, err
	}
	net, err := totals.OfLine(l.Quantity, l.UnitPrice, l.Discount, l.Charge, c)
	if errors.Is(err, totals.ErrDiscount) {
		return LineItem{}, eventim.Reject(CodeDiscountTooLarge, "the discount is more than the %v times %v %s that it is on", l.Quantity, l.UnitPrice, c)
	}
	if err != nil || net.Minor() > maxAmount {
		return LineItem{}, eventim.Reject(CodeAmountTooLarge, "%v times %v %s is more than a line item can hold: at most %v",
			l.Quantity, l.UnitPrice, c, units(maxAmount, c))
	}
	return LineItem{id, l, net}, nil
}

// items makes the lines of a new invoice, with the ids 1, 2, 3 ….
func items(details []LineDetails, c Currency) ([]LineItem, error) {
	if len(details) > maxLines {
		return nil, tooManyLines()
	}
	lines := make([]LineItem, len(details))
	for i, l := range details {
		item, err := l.item(strconv.Itoa(i+1), c)
		if err != nil {
			return nil, inLine(i, err)
		}
		lines[i] = item
	}
	return lines, nil
}

// inLine says of which line of a command a rejection speaks.
func inLine(i int, err error) error {
	if r, rejected := errors.AsType[*eventim.Rejection](err); rejected {
		return eventim.Reject(r.Code, "line item %d: %s", i+1, r.Message)
	}
	return err
}

func tooManyLines() error {
	return eventim.Reject(CodeTooManyLines, "an invoice has at most %d line items", maxLines)
}

func (inv Invoice) mustHaveLine(id string) (LineItem, error) {
	i := lineIndex(inv.Lines, id)
	if i < 0 {
		return LineItem{}, eventim.Reject(CodeLineNotFound, "the invoice has no line item %.20q", id)
	}
	return inv.Lines[i], nil
}

func lineIndex(lines []LineItem, id string) int {
	return slices.IndexFunc(lines, func(l LineItem) bool { return l.ID == id })
}

// The three changes of lines return a new slice: an older version of the
// invoice may share the array of the one that they are given.

func appended(lines []LineItem, line LineItem) []LineItem {
	return append(slices.Clip(lines), line)
}

func replaced(lines []LineItem, line LineItem) []LineItem {
	lines = slices.Clone(lines)
	if i := lineIndex(lines, line.ID); i >= 0 {
		lines[i] = line
	}
	return lines
}

func without(lines []LineItem, id string) []LineItem {
	return slices.DeleteFunc(slices.Clone(lines), func(l LineItem) bool { return l.ID == id })
}
