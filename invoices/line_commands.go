package invoices

import "strconv"

// AddLineItem adds a line to the end of a draft.
type AddLineItem struct{ LineDetails }

// LineItemAdded added Line, which made the total Total.
type LineItemAdded struct {
	Line  LineItem `json:"line"`
	Total Money    `json:"total"`
	// Totals are those that Total is of, where it is more than the sum of the lines.
	Totals Totals `json:"totals,omitzero"`
}

func (c AddLineItem) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	if len(inv.Lines) >= maxLines {
		return nil, tooManyLines()
	}
	line, err := c.item(strconv.Itoa(inv.LastLine+1), inv.Currency)
	if err != nil {
		return nil, err
	}
	total, totals, err := inv.Pricing.decideTotal(appended(inv.Lines, line), inv.Currency)
	if err != nil {
		return nil, err
	}
	return inv.fitting(LineItemAdded{Line: line, Total: total, Totals: totals})
}

func (e LineItemAdded) evolve(inv Invoice) Invoice {
	inv.Lines = appended(inv.Lines, e.Line)
	inv.LastLine++
	return inv.withTotal(e.Total, e.Totals)
}

// ChangeLineItem replaces what a line of a draft says.
type ChangeLineItem struct {
	LineID string `json:"lineId"`
	LineDetails
}

// LineItemChanged replaced the line with the id of Line, which made the total
// Total.
type LineItemChanged struct {
	Line  LineItem `json:"line"`
	Total Money    `json:"total"`
	// Totals are those that Total is of, where it is more than the sum of the lines.
	Totals Totals `json:"totals,omitzero"`
}

func (c ChangeLineItem) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	before, err := inv.mustHaveLine(c.LineID)
	if err != nil {
		return nil, err
	}
	line, err := c.item(c.LineID, inv.Currency)
	if err != nil {
		return nil, err
	}
	if line == before {
		return nil, nil
	}
	total, totals, err := inv.Pricing.decideTotal(replaced(inv.Lines, line), inv.Currency)
	if err != nil {
		return nil, err
	}
	return inv.fitting(LineItemChanged{Line: line, Total: total, Totals: totals})
}

func (e LineItemChanged) evolve(inv Invoice) Invoice {
	inv.Lines = replaced(inv.Lines, e.Line)
	return inv.withTotal(e.Total, e.Totals)
}

// RemoveLineItem removes a line of a draft.
type RemoveLineItem struct {
	LineID string `json:"lineId"`
}

// LineItemRemoved removed the line with that id, which made the total Total.
type LineItemRemoved struct {
	LineID string `json:"lineId"`
	Total  Money  `json:"total"`
	Totals Totals `json:"totals,omitzero"`
}

func (c RemoveLineItem) decide(inv Invoice) ([]Event, error) {
	if err := inv.mustBeDraft(); err != nil {
		return nil, err
	}
	if _, err := inv.mustHaveLine(c.LineID); err != nil {
		return nil, err
	}
	total, totals, err := inv.Pricing.decideTotal(without(inv.Lines, c.LineID), inv.Currency)
	if err != nil {
		return nil, err
	}
	return []Event{LineItemRemoved{LineID: c.LineID, Total: total, Totals: totals}}, nil
}

func (e LineItemRemoved) evolve(inv Invoice) Invoice {
	inv.Lines = without(inv.Lines, e.LineID)
	return inv.withTotal(e.Total, e.Totals)
}
