package invoices

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/eventim-go/eventim/eventim"
)

// tidy is how an invoice keeps a text, however it was typed: normalized (NFC),
// so that é is é, and without what cannot be seen, inside or at its ends. A
// text of which nothing can be seen is empty. What joins letters and emoji
// (U+200C, U+200D) and what keeps a number in place beside Hebrew or Arabic
// (U+200E, U+200F, U+061C) stays where it has something to do: inside.
func tidy(s string) string {
	if !utf8.ValidString(s) {
		return s // checkText refuses it
	}
	s = strings.Map(func(r rune) rune {
		if isIgnored(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimFunc(norm.NFC.String(s), isBlank)
}

// isIgnored tells whether r shows nothing and does nothing in an invoice: zero
// width spaces and joiners, soft hyphens, byte order marks.
func isIgnored(r rune) bool {
	switch r {
	case '\u00ad', '\u034f', '\u180e', '\u200b', '\u2060', '\u2061', '\u2062', '\u2063', '\u2064', '\ufeff':
		return true
	}
	return false
}

// isBlank tells whether a text that begins or ends with r looks the same
// without it.
func isBlank(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0': // fillers: letters and symbols without a shape
		return true
	}
	return unicode.IsSpace(r) || isJoiner(r)
}

func isJoiner(r rune) bool { return r >= '\u200c' && r <= '\u200f' || r == '\u061c' }

// checkText refuses what a text cannot mean: control characters besides those
// that lay out lines (Postgres stores no NUL), and characters that only hide
// text or turn its direction around, with which a name can show as another.
func checkText(what, s string, limit int) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return eventim.Reject(CodeTextTooLong, "the %s has %d characters: at most %d are allowed", what, n, limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isForbidden) {
		return eventim.Reject(CodeTextInvalid, "the %s contains a control character, or one that hides or turns text around: remove it", what)
	}
	return nil
}

func isForbidden(r rune) bool {
	switch {
	case r == '\n', r == '\r', r == '\t', isJoiner(r):
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

func (d Details) tidied() Details {
	d.Customer = Customer{tidy(d.Customer.Name), tidy(d.Customer.Email), tidy(d.Customer.Address)}
	return d
}

func (l LineDetails) tidied() LineDetails {
	l.Description = tidy(l.Description)
	l.Discount, l.Charge = tidyAdjustment(l.Discount), tidyAdjustment(l.Charge)
	l.Tax = l.Tax.Reduced()
	return l
}

func tidyAdjustment(a Adjustment) Adjustment {
	a.Reason = tidy(a.Reason)
	return a
}

// tidied has no empty lists: to say that there are none is to say nothing.
func (p Pricing) tidied() Pricing {
	p.Discounts, p.Charges = some(each(p.Discounts, tidyAdjustment)), some(each(p.Charges, tidyAdjustment))
	p.Exemptions = some(each(p.Exemptions, func(e Exemption) Exemption { return Exemption{e.Category, tidy(e.Reason)} }))
	return p
}

// tidied returns the command with all its texts as an invoice keeps them.
func tidied(c Command) Command {
	switch c := c.(type) {
	case CreateInvoice:
		c.Details = c.tidied()
		c.Lines, c.Pricing = each(c.Lines, LineDetails.tidied), c.Pricing.tidied()
		return c
	case ChangeDetails:
		return ChangeDetails{c.tidied()}
	case ReviseDraft:
		c.Details = c.tidied()
		if c.Pricing != nil {
			c.Pricing = new(c.Pricing.tidied())
		}
		c.Lines = each(c.Lines, func(l RevisedLine) RevisedLine { return RevisedLine{l.ID, l.tidied()} })
		return c
	case AddLineItem:
		return AddLineItem{c.tidied()}
	case ChangeLineItem:
		c.LineDetails = c.tidied()
		return c
	case ReceivePayment:
		c.Reference, c.TransactionID = tidy(c.Reference), tidy(c.TransactionID)
		return c
	case ReversePayment:
		c.Reason = tidy(c.Reason)
		return c
	case VoidInvoice:
		return VoidInvoice{tidy(c.Reason)}
	case WriteOffInvoice:
		return WriteOffInvoice{tidy(c.Reason)}
	}
	return c
}

func some[T any](values []T) []T {
	if len(values) == 0 {
		return nil
	}
	return values
}

// each returns a new slice: that of the command is not ours.
func each[T any](values []T, fn func(T) T) []T {
	if values == nil {
		return nil
	}
	mapped := make([]T, len(values))
	for i, v := range values {
		mapped[i] = fn(v)
	}
	return mapped
}
