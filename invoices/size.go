package invoices

import (
	"encoding/json"
	"fmt"

	"github.com/eventim-go/eventim/eventim"
)

// smallDraft is a number of lines with which no draft is too large: in JSON, a
// line is at most 2,400 bytes of text and 400 of all else.
const smallDraft = 250

// mustFit refuses a draft that says more than a record can hold, once it has
// been paid. What an invoice can say without tax, discounts and charges is
// bounded by the lengths of its texts.
func (inv Invoice) mustFit() error {
	if inv.Totals.None() && inv.Pricing.equal(Pricing{}) && !inv.isAdjusted() || len(inv.Lines) <= smallDraft {
		return nil
	}
	data, err := json.Marshal(inv)
	if err != nil {
		return fmt.Errorf("measure the invoice: %w", err)
	}
	if len(data) > maxPricedDraft {
		return eventim.Reject(CodeInvoiceTooLarge, "the invoice has too much text: its lines are %d bytes too long", len(data)-maxPricedDraft)
	}
	return nil
}

func (inv Invoice) isAdjusted() bool {
	for _, l := range inv.Lines {
		if l.Discount != (Adjustment{}) || l.Charge != (Adjustment{}) {
			return true
		}
	}
	return false
}

// fitting is e, unless it makes the invoice too large.
func (inv Invoice) fitting(e Event) ([]Event, error) {
	if err := e.evolve(inv).mustFit(); err != nil {
		return nil, err
	}
	return []Event{e}, nil
}
