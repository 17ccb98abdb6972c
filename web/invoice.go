package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices/views"
)

type invoiceInput struct {
	ID string `path:"id" minLength:"1" doc:"The invoice. An id of dots is written with a ~ before it: ~.. is the invoice \"..\"."`
	Freshness
}

// Resolve reads the id as it is written in a path; huma calls it. Clients take
// "." and ".." for folders, "%2e%2e" too (RFC 3986, 5.2.4), and an invoice may
// have such an id since before they were refused.
func (in *invoiceInput) Resolve(huma.Context) []error {
	if dots := strings.TrimLeft(in.ID, "~"); dots == "." || dots == ".." {
		in.ID = strings.TrimPrefix(in.ID, "~")
	}
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

type commandInput struct {
	ID string `path:"id" minLength:"1"`
}

type commandOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         CommandAnswer
}

func (s *Server) getCommand(ctx context.Context, in *commandInput) (*commandOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := views.GetCommandResult(ctx, s.pool, in.ID)
	if errors.Is(err, views.ErrNotFound) {
		return nil, newProblem(codeCommandNotFound,
			"No result of command %s is known. If it was accepted, ask again in a moment.", in.ID).about(in.ID)
	}
	if err != nil {
		return nil, s.readProblem(err)
	}
	body, err := commandAnswer(r)
	if err != nil {
		return nil, s.readProblem(err)
	}
	return &commandOutput{noStore, body}, nil
}

func commandAnswer(r views.CommandResult) (CommandAnswer, error) {
	a := CommandAnswer{
		CommandID: r.CommandID, InvoiceID: r.Aggregate, Outcome: r.Outcome, Version: r.Version, Code: r.Code, Message: r.Message,
		Position: r.Position.String(),
	}
	var value struct {
		Events   []eventJSON
		Snapshot struct{ Data json.RawMessage }
	}
	if err := json.Unmarshal(r.Value, &value); err != nil {
		return a, fmt.Errorf("result of command %s: %w", r.CommandID, err)
	}
	a.Events, a.Invoice = value.Events, invoiceJSON{value.Snapshot.Data}
	return a, nil
}
