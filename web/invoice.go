package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices/views"
)

type invoiceInput struct {
	ID string `path:"id" minLength:"1" doc:"The invoice. An id of dots is written with a ~ before it: ~.. is the invoice \"..\"."`
	Freshness
}

// Resolve reads the id as it is written in a path; huma calls it.
func (in *invoiceInput) Resolve(huma.Context) []error {
	in.ID = idOf(in.ID)
	return nil
}

type invoiceOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	ETag         string `header:"ETag" doc:"The version; send it as If-Match with a command."`
	Body         InvoiceView
}

// InvoiceView is one invoice as the list view has it.
type InvoiceView struct {
	ID        string      `json:"id"`
	Version   int64       `json:"version"`
	UpdatedAt time.Time   `json:"updatedAt"`
	Overdue   bool        `json:"overdue"`
	Invoice   invoiceJSON `json:"invoice"`
}

func (s *Server) getInvoice(ctx context.Context, in *invoiceInput) (*invoiceOutput, error) {
	if err := s.await(ctx, viewList, in.Freshness); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	row, err := views.GetInvoice(ctx, s.pool, in.ID)
	if errors.Is(err, views.ErrNotFound) {
		return nil, invoiceNotFound(in.ID)
	}
	if err != nil {
		return nil, s.readProblem(err)
	}
	return &invoiceOutput{CacheControl: noStore, ETag: etag(row.Version), Body: InvoiceView{
		ID: row.ID, Version: row.Version, UpdatedAt: row.UpdatedAt.UTC(), Overdue: s.overdue(row), Invoice: invoiceJSON{row.Invoice},
	}}, nil
}

func invoiceNotFound(id string) *Problem {
	p := newProblem(codeInvoiceNotFound, "There is no invoice %s, or the view does not have it yet.", id)
	p.Status, p.Title = http.StatusNotFound, "There is no such invoice"
	return p
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
	Version   int64     `json:"version" doc:"Version of the invoice after the event."`
	Type      string    `json:"type"`
	Time      time.Time `json:"time"`
	Actor     string    `json:"actor"`
	CommandID string    `json:"commandId"`
	Data      eventData `json:"data"`
}

func (s *Server) getHistory(ctx context.Context, in *invoiceInput) (*historyOutput, error) {
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
	out := &historyOutput{CacheControl: noStore, Body: History{make([]HistoryEvent, len(entries))}}
	for i, e := range entries {
		out.Body.Events[i] = HistoryEvent{
			Version: e.Version, Type: e.Type, Time: e.Time.UTC(), Actor: e.Actor, CommandID: e.CommandID, Data: eventData{e.Data},
		}
	}
	return out, nil
}
