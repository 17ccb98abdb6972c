package web

import (
	"context"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
)

// Selection says which invoices are asked for, and in which order.
type Selection struct {
	Status     []string `query:"status" nullable:"false" enum:"draft,sent,partially_paid,paid,void,written_off" doc:"Only invoices in one of these, separated by commas."`
	Query      string   `query:"q" maxLength:"200" pattern:"^[^\\x00]*$" patternDescription:"text" doc:"Text to look for in the customer's name, the number and the invoice id."`
	Overdue    bool     `query:"overdue" doc:"Only invoices that should have been paid by now."`
	IssuedFrom string   `query:"issuedFrom" format:"date" doc:"Only invoices of this date or a later one."`
	IssuedTo   string   `query:"issuedTo" format:"date" doc:"Only invoices of this date or an earlier one."`
	DueFrom    string   `query:"dueFrom" format:"date" doc:"Only invoices that are to be paid on this day or later."`
	DueTo      string   `query:"dueTo" format:"date" doc:"Only invoices that are to be paid by this day."`
	Sort       sortJSON `query:"sort" default:"-updated" doc:"What comes first; a - turns it round. Amounts are sorted within their currency."`
}

// filter is the selection for the view. The error is a *Problem.
func (in *Selection) filter(today time.Time) (views.ListFilter, error) {
	f := views.ListFilter{Status: in.Status, Query: in.Query, Order: views.Order(in.Sort)}
	if in.Overdue {
		f.OverdueOn = today
	}
	for _, d := range []struct {
		name, text string
		into       *time.Time
	}{
		{"issuedFrom", in.IssuedFrom, &f.IssuedFrom}, {"issuedTo", in.IssuedTo, &f.IssuedTo}, {"dueFrom", in.DueFrom, &f.DueFrom}, {"dueTo", in.DueTo, &f.DueTo},
	} {
		if d.text == "" {
			continue
		}
		day, err := invoices.ParseDate(d.text)
		if err != nil {
			return f, newProblem(codeRequestInvalid, "%s: %s.", d.name, err)
		}
		*d.into = day.Time()
	}
	return f, nil
}

type listInput struct {
	Selection

	Cursor string `query:"cursor" maxLength:"4000" format:"cursor" doc:"Next or previous of a page in the same order; clients do not look inside."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Invoices on a page."`
	Freshness
}

type listOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         InvoicePage
}

// InvoicePage is a part of the list, and the totals of all of it.
type InvoicePage struct {
	Invoices []InvoiceRow `json:"invoices" nullable:"false"`
	Next     string       `json:"next" doc:"Cursor of the next page; empty on the last one."`
	Previous string       `json:"previous" doc:"Cursor of the page before; empty on the first one."`
	Count    int64        `json:"count" doc:"Invoices on all pages."`
	Totals   []TotalsRow  `json:"totals" nullable:"false" doc:"Sums over all pages."`
}

// InvoiceRow is a line of the list.
type InvoiceRow struct {
	ID           string       `json:"id"`
	Version      int64        `json:"version"`
	Number       string       `json:"number,omitzero" doc:"In its series; missing while it has none."`
	CustomerName string       `json:"customerName"`
	Status       string       `json:"status" enum:"draft,sent,partially_paid,paid,void,written_off,deleted"`
	Currency     string       `json:"currency"`
	Total        money.Amount `json:"total"`
	Paid         money.Amount `json:"paid"`
	Balance      money.Amount `json:"balance"`
	IssueDate    string       `json:"issueDate" format:"date"`
	DueDate      string       `json:"dueDate" format:"date"`
	UpdatedAt    time.Time    `json:"updatedAt"`
	Overdue      bool         `json:"overdue" doc:"It should have been paid by now."`
}

// TotalsRow sums up the invoices in one currency.
type TotalsRow struct {
	Currency    string    `json:"currency"`
	Count       int64     `json:"count" doc:"Without what is void, as the total."`
	Total       money.Sum `json:"total" doc:"Without what is void."`
	Balance     money.Sum `json:"balance" doc:"What is not paid, drafts included."`
	Outstanding money.Sum `json:"outstanding" doc:"What is owed: the balance without drafts."`
	Draft       money.Sum `json:"draft" doc:"The total of the drafts, which nobody owes yet."`
}

func (s *Server) listInvoices(ctx context.Context, in *listInput) (*listOutput, error) {
	filter, err := in.filter(s.today())
	if err != nil {
		return nil, err
	}
	if err := views.CheckCursor(in.Cursor, filter.Order); err != nil {
		return nil, s.readProblem(err) // before anything is waited for
	}
	filter.Cursor, filter.Limit = in.Cursor, in.Limit
	if err := s.await(ctx, viewList, in.Freshness); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	page, err := views.ListInvoices(ctx, s.pool, filter)
	if err != nil {
		return nil, s.readProblem(err)
	}
	out := &listOutput{CacheControl: noStore, Body: InvoicePage{
		Invoices: make([]InvoiceRow, 0, len(page.Rows)), Next: page.Next, Previous: page.Previous, Count: page.Count, Totals: make([]TotalsRow, 0, len(page.Totals)),
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
		ID: row.ID, Version: row.Version, Number: row.Number, CustomerName: row.CustomerName, Status: row.Status, Currency: row.Currency,
		Total: money[0], Paid: money[1], Balance: money[2],
		IssueDate: row.IssueDate.Format(time.DateOnly), DueDate: row.DueDate.Format(time.DateOnly),
		UpdatedAt: row.UpdatedAt.UTC(), Overdue: s.overdue(row),
	}, nil
}

func totalsRow(t views.CurrencyTotal) (TotalsRow, error) {
	var sums [4]money.Sum
	for i, minor := range []string{t.Total, t.Balance, t.Outstanding, t.Draft} {
		var err error
		if sums[i], err = money.NewSum(minor, money.Currency(t.Currency)); err != nil {
			return TotalsRow{}, err
		}
	}
	return TotalsRow{
		Currency: t.Currency, Count: t.Count, Total: sums[0], Balance: sums[1], Outstanding: sums[2], Draft: sums[3],
	}, nil
}

func moneys(currency string, minor ...int64) ([]money.Amount, error) {
	amounts := make([]money.Amount, len(minor))
	for i, m := range minor {
		var err error
		if amounts[i], err = money.Of(m, money.Currency(currency)); err != nil {
			return nil, err
		}
	}
	return amounts, nil
}

// overdue is the rule of the list's filter, for one row.
func (s *Server) overdue(row views.Row) bool {
	return overdue(invoices.Status(row.Status), row.DueDate, s.today())
}

// overdue tells whether an invoice should have been paid before a day.
func overdue(status invoices.Status, due, day time.Time) bool {
	switch status {
	case invoices.StatusSent, invoices.StatusPartiallyPaid:
		return due.Before(day)
	default:
		return false
	}
}

// today is the date in UTC.
func (s *Server) today() time.Time { return dayOf(s.now()) }

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
