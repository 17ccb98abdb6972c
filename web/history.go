package web

import (
	"context"
	"time"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

type historyInput struct {
	OfInvoice
	Freshness
}

type historyOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         History
}

// History is what happened to an invoice, the oldest first.
type History struct {
	Events []HistoryEvent `json:"events" nullable:"false"`
}

// HistoryEvent is one thing that happened.
type HistoryEvent struct {
	Version     int64             `json:"version" doc:"Version of the invoice after the event."`
	Type        string            `json:"type"`
	Time        time.Time         `json:"time"`
	Actor       string            `json:"actor"`
	CommandID   string            `json:"commandId"`
	Data        eventData         `json:"data"`
	Changes     []invoices.Change `json:"changes" doc:"What the event has changed, in the order of the fields of the invoice; the first 50. It is null where this server cannot read the event, or one before it."`
	MoreChanges int               `json:"moreChanges,omitempty" doc:"How many changes there are beside them; the difference of the versions has all."`
}

// maxChanges is how many changes of an event the history tells: more than a person
// makes at a time, and fewer than a thousand lines have.
const maxChanges = 50

func (s *Server) getHistory(ctx context.Context, in *historyInput) (*historyOutput, error) {
	if err := s.await(ctx, viewHistory, in.Freshness); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	entries, err := views.History(ctx, s.pool, in.ID)
	if err != nil {
		return nil, s.readProblem(err)
	}
	if len(entries) == 0 {
		return nil, invoiceNotFound(in.ID)
	}
	return &historyOutput{CacheControl: noStore, Body: History{s.retold(in.ID, entries)}}, nil
}

// retold says of each event what it has changed.
func (s *Server) retold(id string, entries []views.HistoryEntry) []HistoryEvent {
	events := make([]HistoryEvent, len(entries))
	for i, e := range entries {
		events[i] = HistoryEvent{
			Version: e.Version, Type: e.Type, Time: e.Time.UTC(), Actor: e.Actor, CommandID: e.CommandID, Data: eventData{e.Data},
		}
	}
	err := views.Retell(s.aggregate, entries, func(before invoices.Invoice, m views.Moment) {
		e, changes := &events[m.Version-1], invoices.Diff(before, m.Invoice)
		e.Changes = changes[:min(len(changes), maxChanges)]
		e.MoreChanges = len(changes) - len(e.Changes)
	})
	if err != nil {
		s.log.Warn("history not understood", "invoice", id, "error", err)
	}
	return events
}
