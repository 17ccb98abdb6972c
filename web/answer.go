package web

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// Aggregate is the type of invoices.Aggregate.
type Aggregate = eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event]

// answer is a result as both HTTP and the websocket tell it. Events and state
// are in the newest schema, whatever the record was written in.
type answer struct {
	command   string
	invoice   string
	origin    string
	outcome   eventim.Outcome
	version   int64
	rejection eventim.Rejection // zero when accepted
	events    []eventJSON
	state     json.RawMessage // nil unless accepted
	replayed  bool
	position  eventim.Position // of the command
	effect    string           // position of the command that caused the events, "" for none
}

// eventJSON is an event of an accepted command.
type eventJSON struct {
	Type    string    `json:"type" doc:"What happened." example:"PaymentReceived"`
	Version int64     `json:"version" doc:"Version of the invoice after the event."`
	Data    eventData `json:"data" doc:"The event; its fields depend on the type."`
}

func decodeAnswer(a Aggregate, rec eventim.Record) (answer, error) {
	res, err := a.ResultTopic().Decode(rec)
	if err != nil {
		return answer{}, err
	}
	ans := answer{
		command: res.Command, invoice: res.Aggregate, origin: res.Origin, outcome: res.Outcome, version: res.Version,
		replayed: res.Replayed, position: res.CommandPosition, events: []eventJSON{},
	}
	if res.Rejection != nil {
		ans.rejection = *res.Rejection
	}
	if effect, ok := res.Effect(); ok {
		ans.effect = effect.String()
	}
	for _, e := range res.Events {
		p, err := a.Events.Encode(e.Payload)
		if err != nil {
			return answer{}, err
		}
		ans.events = append(ans.events, eventJSON{p.Type, e.Version, eventData{p.Data}})
	}
	if res.Snapshot != nil {
		ans.state, err = encodeState(a, res.Snapshot.State)
	}
	return ans, err
}

func encodeState(a Aggregate, state invoices.Invoice) (json.RawMessage, error) {
	codec := a.State
	if codec == nil {
		codec = eventim.JSON[invoices.Invoice](a.Name)
	}
	p, err := codec.Encode(state)
	return p.Data, err
}

// problem tells a rejected or failed command over HTTP.
func (a answer) problem() *Problem {
	p := newProblem(a.rejection.Code, "%s", a.rejection.Message).about(a.command)
	if a.rejection.Code == eventim.CodeVersionConflict {
		p.CurrentVersion = new(a.version)
	}
	return p
}

// Frames of the server on the websocket.
type (
	welcomeFrame struct {
		Type    string `json:"type"` // welcome
		Token   string `json:"token"`
		Resumed bool   `json:"resumed"`
	}
	heartbeatFrame struct {
		Type  string `json:"type"` // heartbeat
		Token string `json:"token"`
	}
	ackFrame struct {
		Type     string `json:"type"` // ack
		ID       string `json:"id"`
		Position string `json:"position"`
	}
	refusedFrame struct {
		Type    string   `json:"type"` // refused
		ID      string   `json:"id"`
		Problem *Problem `json:"problem"`
	}
	resultFrame struct {
		Type           string          `json:"type"` // result
		ID             string          `json:"id"`
		Invoice        string          `json:"invoice"`
		Outcome        eventim.Outcome `json:"outcome"`
		Version        int64           `json:"version"`
		Code           string          `json:"code,omitempty"`
		Message        string          `json:"message,omitempty"`
		CurrentVersion *int64          `json:"currentVersion,omitempty"`
		Events         []eventJSON     `json:"events"`
		State          json.RawMessage `json:"state,omitempty"`
		Replayed       bool            `json:"replayed"`
		Position       string          `json:"position"`
		Effect         string          `json:"effect,omitempty"`
		Token          string          `json:"token"`
	}
	changedFrame struct {
		Type      string          `json:"type"` // changed
		Invoice   string          `json:"invoice"`
		Version   int64           `json:"version"`
		UpdatedAt time.Time       `json:"updatedAt"`
		State     json.RawMessage `json:"state"`
		Position  string          `json:"position"`
	}
)

func (a answer) frame(t token) *frame {
	f := resultFrame{
		Type: "result", ID: a.command, Invoice: a.invoice, Outcome: a.outcome, Version: a.version,
		Code: a.rejection.Code, Message: a.rejection.Message, Events: a.events, State: a.state,
		Replayed: a.replayed, Position: a.position.String(), Effect: a.effect, Token: t.String(),
	}
	if a.rejection.Code == eventim.CodeVersionConflict {
		f.CurrentVersion = new(a.version)
	}
	return newFrame(f)
}

func decodeChanged(a Aggregate, rec eventim.Record) (*frame, error) {
	s, err := a.SnapshotTopic().Decode(rec)
	if err != nil {
		return nil, err
	}
	state, err := encodeState(a, s.State)
	if err != nil {
		return nil, fmt.Errorf("encode the state of %s: %w", s.Aggregate, err)
	}
	f := newFrame(changedFrame{
		Type: "changed", Invoice: s.Aggregate, Version: s.Version, UpdatedAt: s.Time,
		State: state, Position: s.CommandPosition.String(),
	})
	f.changed = s.Aggregate
	return f, nil
}
