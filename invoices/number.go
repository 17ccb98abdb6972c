package invoices

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/series"
)

// RecordNumber tells an invoice the number that its series has given it. Package
// numbering sends it, and nobody else may: see Asked.
type RecordNumber struct {
	Series string `json:"series"`
	Number string `json:"number"`
}

// InvoiceNumbered is when the invoice learned its number. It is a fact beside the
// state, and stays when the invoice is voided.
type InvoiceNumbered struct {
	Series string `json:"series"`
	Number string `json:"number"`
}

// Asked tells whether people and programs may ask for the command of that wire name.
// The others are said by processes of this program.
func Asked(command string) bool { return command != "RecordNumber" }

// seriesOf is the series of an invoice: its fiscal year is the calendar year of its date.
func (inv Invoice) seriesOf() string {
	return series.Of(series.Invoice, inv.IssueDate.Time().Year()).String()
}

func (c RecordNumber) decide(inv Invoice) ([]Event, error) {
	switch {
	case inv.Series == "" || inv.Series != c.Series || c.Number == "":
		return nil, eventim.Reject(CodeNumberNotDue, "the invoice has no number to get in the series %.40q", c.Series)
	case inv.Number == c.Number:
		return nil, nil
	case inv.Number != "":
		return nil, eventim.Reject(CodeNumberAssigned, "the invoice has the number %s, and keeps it", inv.Number)
	}
	if err := checkText("number", c.Number, maxNumber); err != nil {
		return nil, err
	}
	return []Event{InvoiceNumbered(c)}, nil
}

func (e InvoiceNumbered) evolve(inv Invoice) Invoice {
	inv.Number = e.Number
	return inv
}
