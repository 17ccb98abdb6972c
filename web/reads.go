package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

// queryTimeout bounds one read of Postgres.
const queryTimeout = 5 * time.Second

// Names of the views, for waiting.
const (
	viewList    = "invoice_list"
	viewHistory = "invoice_history"
)

func (s *Server) registerReads(api huma.API) {
	get := func(id, path, summary string, errs ...int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{"reads"},
			Errors: append(errs, 400, 500, 503),
		}
	}
	huma.Register(api, get("ListInvoices", "/api/invoices", "Find invoices"), s.listInvoices)
	huma.Register(api, get("GetInvoice", "/api/invoices/{id}", "One invoice", 404), s.getInvoice)
	huma.Register(api, get("GetHistory", "/api/invoices/{id}/history", "What happened to an invoice", 404), s.getHistory)
	huma.Register(api, get("GetCommand", "/api/commands/{id}", "What became of a command", 404), s.getCommand)
}

// freshness lets a read wait for the reader's own writes.
type freshness struct {
	Position string `query:"position" doc:"Wait until the view has this command, whose position its answer told." example:"3:1042"`
	Wait     string `query:"wait" default:"5s" doc:"How long to wait for position, such as 5s; at most 60s."`
}

// await blocks until the view has what was asked for.
func (s *Server) await(ctx context.Context, view string, f freshness) error {
	if f.Position == "" {
		return nil
	}
	position, err := eventim.ParsePosition(f.Position)
	if err != nil {
		return newProblem(codeRequestInvalid, "%s.", sentence(err))
	}
	wait, err := time.ParseDuration(f.Wait)
	if err != nil || wait < 0 {
		return newProblem(codeRequestInvalid, "The wait %q is not a duration such as 5s.", f.Wait)
	}
	ctx, cancel := context.WithTimeout(ctx, min(wait, maxWait))
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)()
	if err := s.waiter.Await(ctx, view, position); err != nil {
		if ctx.Err() != nil {
			return newProblem(codeViewBehind, "The view has not reached your command at %s yet. Try again, or leave out position to see what it has.", position)
		}
		return s.readProblem(err)
	}
	return nil
}

type listInput struct {
	Status  []string `query:"status" enum:"draft,sent,partially_paid,paid" doc:"Only invoices in one of these, separated by commas."`
	Query   string   `query:"q" maxLength:"200" doc:"Text to look for in the customer's name and the invoice id."`
	Overdue bool     `query:"overdue" doc:"Only invoices that should have been paid by now."`
	Cursor  string   `query:"cursor" maxLength:"1000" doc:"Next of the page before."`
	Limit   int      `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Invoices on a page."`
	freshness
}

type listOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         InvoicePage
}

// InvoicePage is a part of the list, and the totals of all of it.
type InvoicePage struct {
	Invoices []InvoiceRow `json:"invoices" nullable:"false"`
	Next     string       `json:"next" doc:"Cursor of the next page; empty on the last one."`
	Count    int64        `json:"count" doc:"Invoices on all pages."`
	Totals   []TotalsRow  `json:"totals" nullable:"false" doc:"Sums over all pages."`
}

// InvoiceRow is a line of the list.
type InvoiceRow struct {
	ID           string         `json:"id"`
	Version      int64          `json:"version"`
	CustomerName string         `json:"customerName"`
	Status       string         `json:"status" enum:"draft,sent,partially_paid,paid,deleted"`
	Currency     string         `json:"currency"`
	Total        invoices.Money `json:"total"`
	Paid         invoices.Money `json:"paid"`
	Balance      invoices.Money `json:"balance"`
	IssueDate    string         `json:"issueDate" format:"date"`
	DueDate      string         `json:"dueDate" format:"date"`
	UpdatedAt    time.Time      `json:"updatedAt"`
	Overdue      bool           `json:"overdue" doc:"It should have been paid by now."`
}

// TotalsRow sums up the invoices in one currency.
type TotalsRow struct {
	Currency string         `json:"currency"`
	Count    int64          `json:"count"`
	Total    invoices.Money `json:"total"`
	Balance  invoices.Money `json:"balance"`
}

func (s *Server) listInvoices(ctx context.Context, in *listInput) (*listOutput, error) {
	if err := s.await(ctx, viewList, in.freshness); err != nil {
		return nil, err
	}
	filter := views.ListFilter{Status: in.Status, Query: in.Query, Cursor: in.Cursor, Limit: in.Limit}
	if in.Overdue {
		filter.OverdueOn = s.today()
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	page, err := views.ListInvoices(ctx, s.pool, filter)
	if err != nil {
		return nil, s.readProblem(err)
	}
	out := &listOutput{CacheControl: noStore, Body: InvoicePage{
		Invoices: make([]InvoiceRow, 0, len(page.Rows)), Next: page.Next, Count: page.Count, Totals: make([]TotalsRow, 0, len(page.Totals)),
	}}
	for _, row := range page.Rows {
		r, err := s.row(row)
		if err != nil {
			return nil, s.readProblem(err)
		}
		out.Body.Invoices = append(out.Body.Invoices, r)
	}
	for _, t := range page.Totals {
		r, err := totalsRow(t)
		if err != nil {
			return nil, s.readProblem(err)
		}
		out.Body.Totals = append(out.Body.Totals, r)
	}
	return out, nil
}

func (s *Server) row(row views.Row) (InvoiceRow, error) {
	money, err := moneys(row.Currency, row.Total, row.Paid, row.Balance)
	if err != nil {
		return InvoiceRow{}, fmt.Errorf("invoice %s: %w", row.ID, err)
	}
	return InvoiceRow{
		ID: row.ID, Version: row.Version, CustomerName: row.CustomerName, Status: row.Status, Currency: row.Currency,
		Total: money[0], Paid: money[1], Balance: money[2],
		IssueDate: row.IssueDate.Format(time.DateOnly), DueDate: row.DueDate.Format(time.DateOnly),
		UpdatedAt: row.UpdatedAt.UTC(), Overdue: s.overdue(row),
	}, nil
}

func totalsRow(t views.CurrencyTotal) (TotalsRow, error) {
	money, err := moneys(t.Currency, t.Total, t.Balance)
	if err != nil {
		return TotalsRow{}, err
	}
	return TotalsRow{Currency: t.Currency, Count: t.Count, Total: money[0], Balance: money[1]}, nil
}

func moneys(currency string, minor ...int64) ([]invoices.Money, error) {
	money := make([]invoices.Money, len(minor))
	for i, m := range minor {
		var err error
		if money[i], err = invoices.NewMoney(m, invoices.Currency(currency)); err != nil {
			return nil, err
		}
	}
	return money, nil
}

// overdue is the rule of the list's filter, for one row.
func (s *Server) overdue(row views.Row) bool {
	switch invoices.Status(row.Status) {
	case invoices.StatusSent, invoices.StatusPartiallyPaid:
		return row.DueDate.Before(s.today())
	default:
		return false
	}
}

// today is the date in UTC.
func (s *Server) today() time.Time { return s.now().UTC().Truncate(24 * time.Hour) }

type invoiceInput struct {
	ID string `path:"id"`
	freshness
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
	if err := s.await(ctx, viewList, in.freshness); err != nil {
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
	if err := s.await(ctx, viewHistory, in.freshness); err != nil {
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
	ID string `path:"id"`
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

// readProblem tells people what a failed read means for them.
func (s *Server) readProblem(err error) *Problem {
	if errors.Is(err, views.ErrCursor) {
		return newProblem(codeRequestInvalid, "The cursor is not one that this list gave out.")
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !passing(pg.Code) {
		s.log.Error("read failed", "error", err)
		return newProblem(codeInternal, "The view could not be read; the server's log says why.")
	}
	s.log.Warn("Postgres not available", "error", err)
	return newProblem(codeDatabaseDown, "The database does not answer. Commands are still accepted, and nothing is lost; "+
		"lists and invoices can be read again as soon as it is back.")
}

// passing tells states of a server that goes or comes from our mistakes.
func passing(sqlState string) bool {
	switch sqlState[:2] {
	case "08", "53", "57": // connection, resources, operator intervention
		return true
	default:
		return false
	}
}
