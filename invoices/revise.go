package invoices

import (
	"slices"
	"strconv"

	"github.com/eventim-go/eventim/eventim"
)

// ReviseDraft makes a draft say what it carries: one command for one save, of
// which all takes effect or nothing. It causes the events of what changed, and
// none when nothing did.
//
// It carries the whole draft, and would undo what somebody else has changed
// meanwhile; so it must name the version that it was made from.
//
// Who knows nothing of tax sends no Pricing: then that of the draft stays, and
// so do the discount, the charge and the tax of a line of which it says none.
type ReviseDraft struct {
	Details
	Lines   []RevisedLine `json:"lines" nullable:"false" maxItems:"1000"`
	Pricing *Pricing      `json:"pricing,omitzero" doc:"Without it, tax, discounts and charges stay as they are."`
}

// RevisedLine is a line of a draft as it should be: the one with that ID, or a
// new one when there is none. Lines of the draft that are not carried are
// removed.
type RevisedLine struct {
	ID string `json:"id" required:"false"`
	LineDetails
}

// LinesReordered put the lines into the order of LineIDs, which names each of
// them once.
type LinesReordered struct {
	LineIDs []string `json:"lineIds"`
}

func (c ReviseDraft) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Lines == nil { // a sender who forgot them does not mean to remove them all
		return nil, eventim.Reject(CodeLinesMissing, "the revised draft carries no list of line items: send an empty one to remove all")
	}
	lines, err := c.items(inv)
	if err != nil {
		return nil, err
	}
	pricing, err := c.pricing(inv)
	if err != nil {
		return nil, err
	}
	if _, _, err := pricing.decideTotal(lines, inv.Currency); err != nil {
		return nil, err
	}
	r := revision{inv: inv}
	if c.Details != inv.Details {
		r.add(DetailsChanged{c.Details})
	}
	if !pricing.equal(inv.Pricing) {
		total, totals := pricing.total(inv.Lines, inv.Currency)
		r.add(PricingChanged{Pricing: pricing, Total: total, Totals: totals})
	}
	r.revise(lines)
	if err := r.inv.mustFit(); err != nil {
		return nil, err
	}
	return r.events, nil
}

func (c ReviseDraft) pricing(inv Invoice) (Pricing, error) {
	if c.Pricing == nil {
		return inv.Pricing, nil
	}
	return *c.Pricing, c.Pricing.check(inv.Currency)
}

// items makes the lines as they should be. New ones get the ids that follow.
func (c ReviseDraft) items(inv Invoice) ([]LineItem, error) {
	if len(c.Lines) > maxLines {
		return nil, tooManyLines()
	}
	seen := map[string]bool{}
	last := inv.LastLine
	lines := make([]LineItem, len(c.Lines))
	for i, l := range c.Lines {
		id := l.ID
		if id == "" {
			last++
			id = strconv.Itoa(last)
		} else if before, err := inv.mustHaveLine(id); err != nil {
			return nil, inLine(i, err)
		} else if c.Pricing == nil {
			l.LineDetails = l.pricedAs(before.LineDetails)
		}
		if seen[id] {
			return nil, eventim.Reject(CodeLineRepeated, "line item %d: the line item %.20q is there already", i+1, id)
		}
		seen[id] = true
		var err error
		if lines[i], err = l.item(id, inv.Currency); err != nil {
			return nil, inLine(i, err)
		}
	}
	return lines, nil
}

// pricedAs leaves a line what it was priced as, where it says nothing of that.
func (l LineDetails) pricedAs(before LineDetails) LineDetails {
	if l.Discount == (Adjustment{}) && l.Charge == (Adjustment{}) && l.Tax == (Tax{}) {
		l.Discount, l.Charge, l.Tax = before.Discount, before.Charge, before.Tax
	}
	return l
}

// revision gathers the events of a revised draft, each on what those before it
// changed.
type revision struct {
	inv    Invoice
	events []Event
}

func (r *revision) add(e Event) {
	r.inv = e.evolve(r.inv)
	r.events = append(r.events, e)
}

// revise adds what turns the lines into those that are wanted: first what makes
// their sum smaller, so that it never is larger than an invoice can hold, and
// removals before all, so that there are never too many lines.
func (r *revision) revise(lines []LineItem) {
	for _, l := range r.inv.Lines {
		if lineIndex(lines, l.ID) < 0 {
			total, totals := r.total(without(r.inv.Lines, l.ID))
			r.add(LineItemRemoved{LineID: l.ID, Total: total, Totals: totals})
		}
	}
	r.change(lines, func(before, after LineItem) bool { return after.Net.Minor() <= before.Net.Minor() })
	r.change(lines, func(before, after LineItem) bool { return after.Net.Minor() > before.Net.Minor() })
	for _, l := range lines {
		if lineIndex(r.inv.Lines, l.ID) < 0 {
			total, totals := r.total(appended(r.inv.Lines, l))
			r.add(LineItemAdded{Line: l, Total: total, Totals: totals})
		}
	}
	if ids := idsOf(lines); !slices.Equal(ids, idsOf(r.inv.Lines)) {
		r.add(LinesReordered{ids})
	}
}

// change adds the changes of lines that are to be made now.
func (r *revision) change(lines []LineItem, now func(before, after LineItem) bool) {
	for _, after := range lines {
		i := lineIndex(r.inv.Lines, after.ID)
		if i >= 0 && r.inv.Lines[i] != after && now(r.inv.Lines[i], after) {
			total, totals := r.total(replaced(r.inv.Lines, after))
			r.add(LineItemChanged{Line: after, Total: total, Totals: totals})
		}
	}
}

func (r *revision) total(lines []LineItem) (Money, Totals) {
	return r.inv.Pricing.total(lines, r.inv.Currency)
}

func idsOf(lines []LineItem) []string {
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.ID
	}
	return ids
}

func (e LinesReordered) evolve(inv Invoice) Invoice {
	lines := make([]LineItem, 0, len(inv.Lines))
	for _, id := range e.LineIDs {
		if i := lineIndex(inv.Lines, id); i >= 0 {
			lines = append(lines, inv.Lines[i])
		}
	}
	inv.Lines = lines
	return inv
}
