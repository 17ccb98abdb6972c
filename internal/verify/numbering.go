package verify

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/eventim-go/eventim/internal/checker"
)

// numberedDocument is the state of the instance of a document in the numbering, from
// the documentation of its wire form.
type numberedDocument struct {
	Series string `json:"series"`
	Number string `json:"number,omitempty"`
}

type assignNumber struct {
	Document string `json:"document"`
	Format   string `json:"format"`
}

// defaultFormat is how numbers are written when nobody says otherwise.
const defaultFormat = "{YYYY}-{0000}"

// Numbering is what the numbering of an installation does, for the judge: an invoice
// that is sent asks the series that it names for a number, once, and is told the one
// that the series gives it.
func Numbering(aggregate, format string) checker.Reactor {
	series := seriesOf(aggregate)
	format = cmp.Or(format, defaultFormat)
	return checker.Reactor{
		Name: aggregate + "-numbering", Sends: []string{aggregate, series},
		Sources: []checker.ReactorSource{
			{Events: aggregate + "-events", Begins: true, Tells: invoiceTells},
			{Events: series + "-events", Begins: true, Tells: seriesTells},
		},
		React: func(state any, m checker.Message) (any, []checker.Want, error) {
			before, _ := state.(numberedDocument)
			var told numberedDocument
			if err := json.Unmarshal(m.Data, &told); err != nil {
				return nil, nil, err
			}
			switch {
			case m.Type == "Sent" && before.Series == "":
				ask := checker.Say("AssignNumber", assignNumber{m.Instance, format})
				return told, []checker.Want{{Send: &checker.Send{Commands: series + "-commands", To: told.Series, Said: ask}}}, nil
			case m.Type == "Numbered" && before.Number == "":
				tell := checker.Say("RecordNumber", told)
				return told, []checker.Want{{Send: &checker.Send{Commands: aggregate + "-commands", To: m.Instance, Said: tell}}}, nil
			case m.Type != "Sent" && m.Type != "Numbered":
				return nil, nil, fmt.Errorf("%s is not told to documents", m.Type)
			}
			return before, nil, nil
		},
	}
}

func invoiceTells(invoice string, e checker.Event) (instance string, m checker.Said, ok bool) {
	var c change
	if e.Type != "InvoiceSent" || json.Unmarshal(e.Data, &c) != nil || c.Series == "" {
		return "", m, false
	}
	return invoice, checker.Say("Sent", map[string]string{"series": c.Series}), true
}

func seriesTells(series string, e checker.Event) (instance string, m checker.Said, ok bool) {
	var n numberAssigned
	if e.Type != "NumberAssigned" || json.Unmarshal(e.Data, &n) != nil {
		return "", m, false
	}
	return n.Document, checker.Say("Numbered", numberedDocument{series, n.Text}), true
}
