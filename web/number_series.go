package web

import (
	"context"

	"github.com/eventim-go/eventim/invoices/views"
)

type seriesOutput struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         NumberSeriesList
}

// NumberSeriesList is all series of numbers.
type NumberSeriesList struct {
	Series []NumberSeries `json:"series" nullable:"false" doc:"The newest fiscal year first."`
}

// NumberSeries is a series of numbers, and what shows whether it is whole.
type NumberSeries struct {
	ID         string  `json:"id" example:"default.invoice.2026"`
	Entity     string  `json:"entity" doc:"The legal entity." example:"default"`
	Document   string  `json:"document" doc:"The kind of document." example:"invoice"`
	FiscalYear int32   `json:"fiscalYear" doc:"Of an invoice, the calendar year of its date."`
	Whole      bool    `json:"whole" doc:"The numbers are 1 to last, each once, each of another document, which shows no other."`
	Count      int64   `json:"count" doc:"Numbers that were given."`
	Documents  int64   `json:"documents" doc:"Documents that have one."`
	First      int64   `json:"first" doc:"The first number."`
	Last       int64   `json:"last" doc:"The last number."`
	LastText   string  `json:"lastText" doc:"The last number as its document shows it." example:"2026-0042"`
	Missing    []int64 `json:"missing" nullable:"false" doc:"Numbers from 1 to last that nobody has; the first 20."`
	Repeated   []int64 `json:"repeated" nullable:"false" doc:"Numbers that were given more than once; the first 20."`
	Waiting    int64   `json:"waiting" doc:"Invoices that were sent, and do not show their number yet."`
	Different  int64   `json:"different" doc:"Invoices that show another number than the series gave them."`
}

func (s *Server) listSeries(ctx context.Context, _ *struct{}) (*seriesOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	all, err := views.ListSeries(ctx, s.pool)
	if err != nil {
		return nil, s.readProblem(err)
	}
	out := &seriesOutput{CacheControl: noStore, Body: NumberSeriesList{make([]NumberSeries, 0, len(all))}}
	for _, p := range all {
		out.Body.Series = append(out.Body.Series, NumberSeries{
			ID: p.ID, Entity: p.Entity, Document: p.Document, FiscalYear: p.FiscalYear, Whole: p.Whole(),
			Count: p.Count, Documents: p.Documents, First: p.First, Last: p.Last, LastText: p.LastText,
			Missing: p.Missing, Repeated: p.Repeated, Waiting: p.Waiting, Different: p.Different,
		})
	}
	return out, nil
}
