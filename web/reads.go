package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/postgres"
	"github.com/eventim-go/eventim/invoices/views"
	"github.com/eventim-go/eventim/projector"
)

// queryTimeout bounds one read of Postgres.
const queryTimeout = 5 * time.Second

// Names of the views, for waiting.
const (
	viewList    = "invoice_list"
	viewHistory = "invoice_history"
)

func (s *Server) registerReads(api huma.API) {
	get := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{"reads"}, Responses: map[string]*huma.Response{}}
	}
	register(api, get("ListInvoices", "/api/invoices", "Find invoices"), awaitOutcomes, s.listInvoices)
	export := get("ExportInvoices", "/api/invoices.csv", "All invoices of a selection, as a file for spreadsheets")
	export.Description = "CSV (RFC 4180) in UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula has an apostrophe before it. " +
		"A file that ends early ends with a broken connection, never as a whole one."
	export.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"text/csv": {}}}
	register(api, export, awaitOutcomes, s.exportInvoices)
	invoice := get("GetInvoice", "/api/invoices/{id}", "One invoice, as it is or as it was")
	invoice.Description = "With version or at it is the invoice of then: the fold of its events up to that moment. " +
		"What is past does not change, and may be kept by its reader, as Cache-Control says; no cache that others share may keep it."
	register(api, invoice, pastOutcomes, s.getInvoice)
	describeUnchanged(invoice.Responses)
	diff := get("GetDiff", "/api/invoices/{id}/diff", "What makes one version of an invoice of another")
	register(api, diff, pastOutcomes, s.getDiff)
	describeUnchanged(diff.Responses)
	register(api, get("GetHistory", "/api/invoices/{id}/history", "What happened to an invoice"), findOutcomes, s.getHistory)
	register(api, get("GetHandling", "/api/handling", "Whether commands are being handled"), anyOutcome, s.getHandling)
	register(api, get("GetInvoiceCommand", "/api/invoices/{id}/commands/{key}", "What became of a command of an invoice"), lookUpOutcomes, s.getInvoiceCommand)
	register(api, get("ListNumberSeries", "/api/number-series", "The series of numbers, with the proof that none is missing"), readOutcomes, s.listSeries)
	command := get("GetCommand", "/api/commands/{id}", "What became of a command, by its id alone")
	command.Description = "A command id belongs to its invoice. While it was used for one only, this is its answer; " +
		"else the answer is 409 with the links of the answers, one for each invoice. More than 100 are not listed."
	register(api, command, slices.Concat(lookUpOutcomes, outcomes(codeCommandAmbiguous)), s.getCommand)
}

// register describes the problems of an operation, instead of those that huma
// thinks of.
func register[I, O any](api huma.API, op huma.Operation, problems []outcome, handle func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, handle)
	describeProblems(op.Responses, problems)
}

// Freshness lets a read wait for the reader's own writes.
type Freshness struct {
	Position string `query:"position" pattern:"^(0|[1-9][0-9]{0,8}):(0|[1-9][0-9]{0,17})$" patternDescription:"partition:offset, such as 3:1042" doc:"Wait until the view shows what this command, and all before it, changed. It is the effect of the answer to a command, and its position while the answer is pending." example:"3:1042"`
	Wait     string `query:"wait" default:"5s" pattern:"^[0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h)$" patternDescription:"a duration such as 5s" doc:"How long to wait for position, such as 5s; at most 60s."`
}

// await blocks until the view has what was asked for.
func (s *Server) await(ctx context.Context, view string, f Freshness) error {
	if f.Position == "" {
		return nil
	}
	position, err := eventim.ParsePosition(f.Position)
	if err != nil {
		return newProblem(codeRequestInvalid, "%s.", sentence(err))
	}
	if n := s.partitions(); n > 0 && int(position.Partition) >= n {
		return newProblem(codePositionUnknown, "The position %s is of partition %d, and the commands have the partitions 0 to %d.",
			position, position.Partition, n-1)
	}
	wait, err := time.ParseDuration(f.Wait)
	if err != nil || wait < 0 {
		return newProblem(codeRequestInvalid, "The wait %q is not a duration such as 5s.", f.Wait)
	}
	ctx, cancel := context.WithTimeout(ctx, min(wait, maxWait))
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)() //nolint:contextcheck // it is inherited
	err = s.awaitView(ctx, view, position)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, projector.ErrUnknownView):
		return viewMissing(view)
	case ctx.Err() == nil:
		return s.readProblem(err)
	default:
		return s.reached(context.WithoutCancel(ctx), view, position)
	}
}

// reached looks once more when the time is up, which may be none at all.
func (s *Server) reached(ctx context.Context, view string, position eventim.Position) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if l := s.live.Load(); l != nil {
		effect, forget := l.progress.await(position)
		defer forget()
		select {
		case position = <-effect:
		default:
		}
	}
	reached, err := s.waiter.Reached(ctx, view, position)
	switch {
	case errors.Is(err, projector.ErrUnknownView):
		return viewMissing(view)
	case err != nil:
		return s.readProblem(err)
	case !reached:
		return newProblem(codeViewBehind, "The view has not reached your command at %s yet. Try again, or leave out position to see what it has.", position)
	}
	return nil
}

// partitions is how many the commands have, 0 while nobody knows.
func (s *Server) partitions() int {
	if l := s.live.Load(); l != nil {
		return len(l.progress.partitions)
	}
	return 0
}

// awaitView waits for a view that the projector is about to make as it does for
// what is in it.
func (s *Server) awaitView(ctx context.Context, view string, position eventim.Position) error {
	for {
		err := s.awaitEffect(ctx, view, position)
		if !errors.Is(err, projector.ErrUnknownView) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// awaitEffect does without Kafka too; then it does not hear of commands that
// change nothing, and waits for the next one that does.
func (s *Server) awaitEffect(ctx context.Context, view string, position eventim.Position) error {
	l := s.live.Load()
	if l == nil {
		return s.waiter.Await(ctx, view, position, nil)
	}
	effect, forget := l.progress.await(position)
	defer forget()
	return s.waiter.Await(ctx, view, position, effect)
}

// readProblem tells people what a failed read means for them.
func (s *Server) readProblem(err error) *Problem {
	if errors.Is(err, views.ErrCursor) {
		return newProblem(codeRequestInvalid, "The cursor is not one that this list gave out.")
	}
	if errors.Is(err, projector.ErrUnknownPartition) {
		return newProblem(codePositionUnknown, "%s.", sentence(err))
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if ok && pg.Code == undefinedTable {
		return viewMissing("that this needs")
	}
	if blame, ok := postgres.BlameOf(err); ok && blame != postgres.Passes {
		s.log.Error("read failed", "error", err)
		return newProblem(codeInternal, "The view could not be read; the server's log says why.")
	}
	s.log.Warn("Postgres not available", "error", err)
	return newProblem(codeDatabaseDown, "The database does not answer. Commands are still accepted, and nothing is lost; "+
		"lists and invoices can be read again as soon as it is back.")
}

const undefinedTable = "42P01"

func viewMissing(view string) *Problem {
	return newProblem(codeViewMissing, "The projector has not made the view %s yet. Try again in a moment; if it stays so, start the projector.", view)
}
