package operations

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventim-go/eventim/eventim"
)

// DeadLetterList is some of the dead letters.
type DeadLetterList struct {
	DeadLetters []DeadLetter `json:"deadLetters" nullable:"false" doc:"The newest first."`
	More        int          `json:"more" doc:"How many there are beyond those."`
	Foreign     int          `json:"foreign" doc:"Records of the topics that are neither dead letters nor say what became of one."`
}

// DeadLetter is a command that could not be handled.
type DeadLetter struct {
	ID          string    `json:"id" doc:"Topic, partition and offset of the command." example:"invoice-commands/3:42"`
	Time        time.Time `json:"time" doc:"When it failed."`
	State       string    `json:"state" enum:"open,retried,discarded" doc:"A dead letter is open until a retry is accepted, or somebody discards it."`
	CommandID   string    `json:"commandId,omitempty"`
	Type        string    `json:"type,omitempty" doc:"The command, as its sender calls it." example:"ReceivePayment"`
	Aggregate   string    `json:"aggregate,omitempty" doc:"The invoice, or the series."`
	Actor       string    `json:"actor,omitempty"`
	Correlation string    `json:"correlation,omitempty"`
	Causation   string    `json:"causation,omitempty"`
	Code        string    `json:"code" example:"undecodable"`
	Reason      string    `json:"reason"`
	Truncated   bool      `json:"truncated" doc:"Not all of it did fit; the topic of the commands has the rest, for as long as it is kept."`
	Attempts    []Attempt `json:"attempts" nullable:"false" doc:"Retries that were answered with no, in order."`
	Ending      *Ending   `json:"ending,omitempty" doc:"What has become of it."`

	Headers []Header        `json:"headers,omitempty" doc:"Those of the command, as it was sent; not in a list."`
	Payload json.RawMessage `json:"payload,omitempty" doc:"The value of the command, if it is JSON; not in a list."`
	Text    string          `json:"text,omitempty" doc:"The value, if it is other text."`
	Bytes   []byte          `json:"bytes,omitempty" doc:"The value, if it is no text, in base64."`
}

// Attempt is a retry that was answered with no.
type Attempt struct {
	Number    int       `json:"number"`
	Time      time.Time `json:"time"`
	By        string    `json:"by,omitempty"`
	CommandID string    `json:"commandId"`
	Outcome   string    `json:"outcome" enum:"rejected,failed"`
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
}

// Ending is how a dead letter has ended.
type Ending struct {
	Time      time.Time `json:"time"`
	By        string    `json:"by,omitempty"`
	Reason    string    `json:"reason,omitempty" doc:"Of whoever discarded it."`
	CommandID string    `json:"commandId,omitempty" doc:"The retry that was accepted."`
	Version   int64     `json:"version,omitempty" doc:"Of the aggregate after it."`
}

// Header is a header of a record. What is no text is shown with replacement characters.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Retry is what a retry has come to.
type Retry struct {
	ID        string `json:"id" doc:"Of the dead letter."`
	CommandID string `json:"commandId" doc:"Under which its command was sent again."`
	Outcome   string `json:"outcome" enum:"accepted,rejected,failed"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	Version   int64  `json:"version" doc:"Of the aggregate after it."`
	Replayed  bool   `json:"replayed" doc:"It was answered before: somebody else has retried it."`
	Ended     bool   `json:"ended" doc:"The dead letter has ended; it stays open when its command is not accepted."`
}

// ParkedList is all that is parked.
type ParkedList struct {
	Parked []Parked `json:"parked" nullable:"false"`
}

// Parked is an instance of a reactor that could not react, and has heard nothing since.
type Parked struct {
	Reactor  string    `json:"reactor" example:"invoice-numbering"`
	Instance string    `json:"instance" doc:"Of the numbering, the invoice."`
	Since    time.Time `json:"since"`
	Reason   string    `json:"reason" doc:"Why it could not react to the first of the messages."`
	Messages []string  `json:"messages" nullable:"false" doc:"What waits, in order."`
}

// Release is what an order to go on has come to.
type Release struct {
	Instance string  `json:"instance"`
	How      string  `json:"how" enum:"retry,discard-first,discard-all"`
	Ended    int     `json:"ended" doc:"How many messages wait no more: the instance has heard them, or they were discarded."`
	Parked   *Parked `json:"parked,omitempty" doc:"It is parked again; otherwise it goes on."`
}

// fill takes the newest of those that are wanted.
func (l *DeadLetterList) fill(found []*eventim.DeadLetter, all bool, limit int) {
	found = slices.DeleteFunc(found, func(d *eventim.DeadLetter) bool { return !all && d.Ending != nil })
	slices.SortFunc(found, func(a, b *eventim.DeadLetter) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID)) })
	if limit > 0 && len(found) > limit {
		l.More = len(found) - limit
		found = found[:limit]
	}
	for _, d := range found {
		l.DeadLetters = append(l.DeadLetters, brief(d))
	}
}

// brief is a dead letter without its command.
func brief(d *eventim.DeadLetter) DeadLetter {
	b := DeadLetter{
		ID: d.ID, Time: d.Time, State: "open", CommandID: text([]byte(d.Command)), Type: text([]byte(d.Type)), Aggregate: text([]byte(d.Aggregate)),
		Actor: text([]byte(d.Actor)), Correlation: text([]byte(d.Correlation)), Causation: text([]byte(d.Causation)),
		Code: d.Code, Reason: d.Reason, Truncated: d.Truncated, Attempts: []Attempt{},
	}
	for _, a := range d.Attempts {
		b.Attempts = append(b.Attempts, Attempt{a.Number, a.Time, a.By, a.Command, string(a.Outcome), a.Code, a.Reason})
	}
	if e := d.Ending; e != nil {
		b.State, b.Ending = string(e.State), &Ending{e.Time, e.By, e.Reason, e.Command, e.Version}
	}
	return b
}

// whole is a dead letter with its command.
func whole(d *eventim.DeadLetter) DeadLetter {
	w := brief(d)
	for _, h := range d.Record.Headers {
		w.Headers = append(w.Headers, Header{text(h.Key), text(h.Value)})
	}
	switch value := d.Record.Value; {
	case len(value) == 0:
	case json.Valid(value) && utf8.Valid(value):
		w.Payload = value
	case utf8.Valid(value):
		w.Text = string(value)
	default:
		w.Bytes = value
	}
	return w
}

// text is what may be shown of bytes of which nobody knows what they are. An id of a
// megabyte is cut.
func text(b []byte) string {
	const most = 1 << 10
	s := string(b[:min(len(b), most)])
	if len(b) > most {
		s += "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
