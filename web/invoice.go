package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices/views"
)

// OfInvoice says of which invoice a request is; huma reads no embedded type that is not exported.
type OfInvoice struct {
	ID string `path:"id" minLength:"1" doc:"The invoice. An id of dots is written with a ~ before it: ~.. is the invoice \"..\"."`
}

// Resolve reads the id as it is written in a path; huma calls it.
func (of *OfInvoice) Resolve(huma.Context) []error {
	of.ID = idOf(of.ID)
	return nil
}

type invoiceInput struct {
	OfInvoice

	Version int64  `query:"version" minimum:"1" maximum:"999999999" doc:"The invoice as it was at this version."`
	At      string `query:"at" format:"date-time" doc:"The invoice as it was at this time (RFC 3339). Not together with version."`
	Freshness
	Unchanged
}

type invoiceOutput struct {
	Status       int
	CacheControl string   `header:"Cache-Control" hidden:"true"`
	Vary         []string `header:"Vary" hidden:"true"`
	ETag         string   `header:"ETag" doc:"The version; send it as If-Match with a command. That of the past is for If-None-Match alone."`
	Body         InvoiceView
}

// InvoiceView is one invoice, as it is or as it was.
type InvoiceView struct {
	ID        string        `json:"id"`
	Version   int64         `json:"version"`
	UpdatedAt time.Time     `json:"updatedAt"`
	Overdue   bool          `json:"overdue" doc:"It should have been paid by now, or by the time at, or by that of the version."`
	Invoice   invoiceJSON   `json:"invoice"`
	Event     *InvoiceEvent `json:"event,omitempty" doc:"What made it what it was; of the past alone."`
}

func (s *Server) getInvoice(ctx context.Context, in *invoiceInput) (*invoiceOutput, error) {
	if in.Version > 0 || in.At != "" {
		return s.getPast(ctx, in)
	}
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
	return &invoiceOutput{Status: http.StatusOK, CacheControl: noStore, ETag: etag(row.Version), Body: InvoiceView{
		ID: row.ID, Version: row.Version, UpdatedAt: row.UpdatedAt.UTC(), Overdue: s.overdue(row), Invoice: invoiceJSON{row.Invoice},
	}}, nil
}

func invoiceNotFound(id string) *Problem {
	p := newProblem(codeInvoiceNotFound, "There is no invoice %s, or the view does not have it yet.", id)
	p.Status, p.Title = http.StatusNotFound, "There is no such invoice"
	return p
}
