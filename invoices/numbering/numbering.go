// Package numbering is the reactor that gets invoices their numbers: it hears that one
// was sent, asks the series that the invoice names, and tells the invoice what it was
// given.
package numbering

import (
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/series"
)

// Invoices is the type of the aggregate that is numbered.
type Invoices = eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event]

// Series is the type of the aggregate that numbers it.
type Series = eventim.Aggregate[series.Series, series.Command, series.Event]

// Reactor is the type of what stands between them.
type Reactor = eventim.Reactor[Document, Message]

// Partitions is how many the topics of series and reactor have, whatever those of the
// invoices have: each document is here but once.
const Partitions = 3

// SeriesOf is the aggregate of the series of an installation.
func SeriesOf(a Invoices) Series {
	s := series.Aggregate
	s.Name, s.Partitions = a.Name+"-series", Partitions
	return s
}

// Message is what the instance of a document is told. The set is closed.
type Message interface {
	react(id string, d Document, to targets) (Document, []eventim.Output)
}

// Sent says that a document was sent, and in which series its number is.
type Sent struct {
	Series string `json:"series"`
}

// Numbered says that a document has got its number.
type Numbered struct {
	Series string `json:"series"`
	Number string `json:"number"`
}

// Document is the state of the instance of a document. It never ends: it is what
// remembers, whatever is read again, that the document was asked for.
type Document struct {
	Series string `json:"series"`
	Number string `json:"number,omitzero"` // once it is known
}

type targets struct {
	invoices Invoices
	series   Series
	format   series.Format
}

// New returns the reactor of the invoices of a. New series are written in format.
//
// An invoice that was sent before there were series names none, and stays without a
// number: whoever has it has it without.
func New(a Invoices, format series.Format) Reactor {
	to := targets{a, SeriesOf(a), format}
	return Reactor{
		Name: a.Name + "-numbering", Partitions: Partitions,
		Messages: eventim.NewUnion(
			eventim.Of[Message]("Sent", Sent{}),
			eventim.Of[Message]("Numbered", Numbered{}),
		),
		State:   eventim.JSON[Document]("numbered-document"),
		Sources: []eventim.Source[Message]{eventim.Begins(eventim.From(a.EventTopic(), sent)), eventim.Begins(eventim.From(to.series.EventTopic(), numbered))},
		Sends:   []eventim.Target{a, to.series},
		React: func(d Document, m eventim.Message[Message]) (Document, []eventim.Output) {
			return m.Payload.react(m.Instance, d, to)
		},
	}
}

func sent(e eventim.Event[invoices.Event]) (string, Message, bool) {
	s, ok := e.Payload.(invoices.InvoiceSent)
	return e.Aggregate, Sent{s.Series}, ok && s.Series != ""
}

func numbered(e eventim.Event[series.Event]) (string, Message, bool) {
	n, ok := e.Payload.(series.NumberAssigned)
	return n.Document, Numbered{e.Aggregate, n.Text}, ok
}

func (m Sent) react(id string, d Document, to targets) (Document, []eventim.Output) {
	if d.Series != "" {
		return d, nil
	}
	ask := series.AssignNumber{Document: id, Format: to.format}
	return Document{Series: m.Series}, []eventim.Output{to.series.Send(m.Series, ask)}
}

func (m Numbered) react(id string, d Document, to targets) (Document, []eventim.Output) {
	if d.Number != "" {
		return d, nil
	}
	tell := invoices.RecordNumber{Series: m.Series, Number: m.Number}
	return Document(m), []eventim.Output{to.invoices.Send(id, tell)}
}
