package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

// What is past does not change. It is kept by the browser of a person alone, for as
// long as they come with the same cookie or token, and for a day: the next version of
// this program may tell more of it.
const (
	keptForADay = "private, max-age=86400, immutable"
	askedAgain  = "private, no-cache"
)

// perPerson are the headers that say who asks.
func perPerson() []string { return []string{"Cookie", "Authorization"} }

// Unchanged lets a read be answered by the tag that its reader has.
type Unchanged struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of what you have of this version: if it is still that, the answer is 304."`
}

// has tells whether the reader has what tag names (RFC 9110, 13.1.2).
func (u Unchanged) has(tag string) bool {
	for have := range strings.SplitSeq(u.IfNoneMatch, ",") {
		if have = strings.TrimSpace(have); have == "*" || strings.TrimPrefix(have, "W/") == tag {
			return true
		}
	}
	return false
}

// status is that of an answer with a tag.
func (u Unchanged) status(tag string) int {
	if u.has(tag) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// describeUnchanged adds the answer without a body, which huma does not know of.
func describeUnchanged(responses map[string]*huma.Response) {
	responses["304"] = &huma.Response{Description: "It is what If-None-Match names"}
}

// pastTag names what versions of an invoice look like, as this program folds them. It
// is no If-Match: nothing is written into the past.
func (s *Server) pastTag(versions ...int64) string {
	text := fmt.Sprint(versions)
	return fmt.Sprintf(`"past-%s-%d"`, strings.ReplaceAll(strings.Trim(text, "[]"), " ", "-"), s.aggregate.Revision)
}

// InvoiceEvent is what has made an invoice what it was.
type InvoiceEvent struct {
	Type      string    `json:"type" example:"PaymentReceived"`
	Time      time.Time `json:"time"`
	Actor     string    `json:"actor"`
	CommandID string    `json:"commandId"`
}

// getPast answers from the history what getInvoice answers from the list.
func (s *Server) getPast(ctx context.Context, in *invoiceInput) (*invoiceOutput, error) {
	at, err := in.moment()
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, viewHistory, in.Freshness); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	m, cache := views.Moment{}, keptForADay
	if in.Version > 0 {
		m, err = views.InvoiceOf(ctx, s.pool, s.aggregate, in.ID, in.Version)
		at = m.Time
	} else {
		m, err = views.InvoiceAt(ctx, s.pool, s.aggregate, in.ID, at)
		cache = askedAgain // more may have happened by then, of which the view does not know
	}
	if err != nil {
		return nil, s.pastProblem(in.ID, err)
	}
	state, err := encodeState(s.aggregate, m.Invoice)
	if err != nil {
		return nil, err
	}
	tag := s.pastTag(m.Version)
	return &invoiceOutput{Status: in.status(tag), CacheControl: cache, Vary: perPerson(), ETag: tag, Body: InvoiceView{
		ID: in.ID, Version: m.Version, UpdatedAt: m.Time.UTC(), Invoice: invoiceJSON{state},
		Overdue: overdue(m.Invoice.Status, m.Invoice.DueDate.Time(), dayOf(at)),
		Event:   &InvoiceEvent{Type: m.Type, Time: m.Time.UTC(), Actor: m.Actor, CommandID: m.CommandID},
	}}, nil
}

// moment is the time that is asked for, the zero time when it is a version.
func (in *invoiceInput) moment() (time.Time, error) {
	switch {
	case in.Version > 0 && in.At != "":
		return time.Time{}, newProblem(codeRequestInvalid, "Ask for a version or for a time, not for both.")
	case in.Version > 0:
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, in.At)
	if err != nil {
		return time.Time{}, newProblem(codeRequestInvalid, "The time %.40q is not one such as 2026-11-21T09:30:00Z; a + in it is written %%2B.", in.At)
	}
	return at, nil
}

func (s *Server) pastProblem(id string, err error) error {
	switch {
	case errors.Is(err, views.ErrNotFound):
		return invoiceNotFound(id)
	case errors.Is(err, views.ErrNoVersion):
		return newProblem(codeVersionNotFound, "The invoice %s had no such version, or the view does not have it yet.", id)
	case errors.Is(err, views.ErrUnreadable):
		s.log.Error("read failed", "error", err)
		return newProblem(codeInternal, "The history of the invoice could not be read; the server's log says why.")
	default:
		return s.readProblem(err)
	}
}

type diffInput struct {
	OfInvoice

	From int64 `query:"from" required:"true" minimum:"0" maximum:"999999999" doc:"The version before; 0 is before there was an invoice." example:"1"`
	To   int64 `query:"to" required:"true" minimum:"0" maximum:"999999999" doc:"The version after; it may be the smaller one." example:"2"`
	Freshness
	Unchanged
}

type diffOutput struct {
	Status       int
	CacheControl string   `header:"Cache-Control" hidden:"true"`
	Vary         []string `header:"Vary" hidden:"true"`
	ETag         string   `header:"ETag" doc:"Names both versions; send it as If-None-Match."`
	Body         Difference
}

// Difference is what makes one version of an invoice of another.
type Difference struct {
	From    int64             `json:"from"`
	To      int64             `json:"to"`
	Changes []invoices.Change `json:"changes" nullable:"false" doc:"All of them, in the order of the fields of the invoice."`
}

func (s *Server) getDiff(ctx context.Context, in *diffInput) (*diffOutput, error) {
	if err := s.await(ctx, viewHistory, in.Freshness); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	from, err := views.InvoiceOf(ctx, s.pool, s.aggregate, in.ID, in.From)
	if err != nil {
		return nil, s.pastProblem(in.ID, err)
	}
	to, err := views.InvoiceOf(ctx, s.pool, s.aggregate, in.ID, in.To)
	if err != nil {
		return nil, s.pastProblem(in.ID, err)
	}
	tag := s.pastTag(in.From, in.To)
	return &diffOutput{Status: in.status(tag), CacheControl: keptForADay, Vary: perPerson(), ETag: tag, Body: Difference{
		From: in.From, To: in.To, Changes: invoices.Diff(from.Invoice, to.Invoice),
	}}, nil
}
