package series

import (
	"slices"

	"github.com/eventim-go/eventim/eventim"
)

// Command is what can be asked of a series. The set is closed.
type Command interface {
	decide(s Series, id string) ([]Event, error)
}

// Event is what can have happened to a series. The set is closed.
type Event interface {
	evolve(s Series) Series
}

// Aggregate is the series. Its wire names are its interface: never change one that
// has been written. Installations give it a name of their own.
var Aggregate = eventim.Aggregate[Series, Command, Event]{
	Name: "invoice-series",
	Decider: eventim.Decider[Series, Command, Event]{
		Decide: func(s Series, cmd eventim.Command[Command]) ([]Event, error) {
			return cmd.Payload.decide(s, cmd.Aggregate)
		},
		Evolve: func(s Series, e Event) Series { return e.evolve(s) },
	},
	Commands: eventim.NewUnion(eventim.Of[Command]("AssignNumber", AssignNumber{})),
	Events:   eventim.NewUnion(eventim.Of[Event]("NumberAssigned", NumberAssigned{})),
	State:    eventim.JSON[Series]("series"),
}

// Series is the state of a series: the fold of its events. Treat it as immutable.
type Series struct {
	Format Format     `json:"format"` // of all its numbers: that of the first one
	Last   int64      `json:"last"`   // the number that was given last
	Recent []Assigned `json:"recent"` // the last ones, the newest at the end
}

// Assigned is a number that a document has.
type Assigned struct {
	Document string `json:"document"`
	Number   int64  `json:"number"`
}

// remembered is how many documents a series knows: enough for whatever is asked
// twice within minutes. That no document is asked for again later is what its
// instance in the reactor is kept for, since a state that knew them all would be
// written anew with each number.
const remembered = 200

// Codes of the rejections of a series.
const (
	CodeSeriesUnknown   = "series_unknown"
	CodeDocumentMissing = "document_missing"
	CodeFormatInvalid   = "format_invalid"
)

// AssignNumber asks for the number of a document. One that has it already is not
// given another.
type AssignNumber struct {
	Document string `json:"document"` // its id
	Format   Format `json:"format"`   // of a series that has no number yet; others keep theirs
}

// NumberAssigned gave a document its number, which is Text in words.
type NumberAssigned struct {
	Document string `json:"document"`
	Number   int64  `json:"number"`
	Text     string `json:"text"`
	Format   Format `json:"format"`
}

func (c AssignNumber) decide(s Series, id string) ([]Event, error) {
	key, err := ParseKey(id)
	if err != nil {
		return nil, eventim.Reject(CodeSeriesUnknown, "%v", err)
	}
	if c.Document == "" {
		return nil, eventim.Reject(CodeDocumentMissing, "the document is missing: a number is given to one")
	}
	if slices.ContainsFunc(s.Recent, func(a Assigned) bool { return a.Document == c.Document }) {
		return nil, nil
	}
	format := s.Format
	if s.Last == 0 {
		format = c.Format
	}
	if err := format.Check(); err != nil {
		return nil, eventim.Reject(CodeFormatInvalid, "%v", err)
	}
	next := s.Last + 1
	return []Event{NumberAssigned{Document: c.Document, Number: next, Text: format.Write(key.FiscalYear, next), Format: format}}, nil
}

func (e NumberAssigned) evolve(s Series) Series {
	s.Format, s.Last = e.Format, e.Number
	kept := s.Recent[max(0, len(s.Recent)+1-remembered):]
	s.Recent = append(slices.Clone(kept), Assigned{e.Document, e.Number})
	return s
}
