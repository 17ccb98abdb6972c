package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/invoices/views"
)

const (
	// exportTimeout is how long a file may take altogether, and exportPause how long its
	// reader may take for a part of it.
	exportTimeout = 10 * time.Minute
	exportPause   = 30 * time.Second
	// exportPart is how many lines are sent at a time.
	exportPart = 500
)

// maxExports is how many files are written at a time: each holds a connection to Postgres
// until its reader has all of it, and most of them are for others.
func maxExports(pool *pgxpool.Pool) int32 {
	if pool == nil {
		return 0 // a server that only describes itself
	}
	return max(1, pool.Config().MaxConns/4)
}

type exportInput struct {
	Selection
	Freshness
}

// byteOrderMark makes spreadsheets read the file as UTF-8.
const byteOrderMark = "\uFEFF"

var exportHead = []string{
	"number", "id", "status", "overdue", "customer", "issue_date", "due_date", "currency", "total", "paid", "balance", "version", "updated_at",
}

// exportInvoices writes the list as CSV (RFC 4180), all of it, while it is read: memory
// does not grow with its length. What fails after the first line breaks the connection,
// so that half a file does not look like a whole one.
func (s *Server) exportInvoices(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	filter, err := in.filter(s.today())
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, viewList, in.Freshness); err != nil {
		return nil, err
	}
	select {
	case s.exports <- struct{}{}:
	default:
		return nil, tooMany()
	}
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	release := func() {
		cancel()
		<-s.exports
	}
	next, stop := iter.Pull2(views.AllInvoices(ctx, s.pool, filter))
	row, err, more := next()
	if err != nil { // while it can still be said
		stop()
		release()
		return nil, s.readProblem(err)
	}
	rows := func(yield func(views.Row, error) bool) {
		for ; more && yield(row, err); row, err, more = next() {
		}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer release()
		defer stop()
		defer context.AfterFunc(s.drained, cancel)() //nolint:contextcheck // it is inherited
		_, w := humago.Unwrap(hc)
		if err := s.export(w, rows); err != nil {
			s.log.Warn("an export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

func (s *Server) export(w http.ResponseWriter, rows iter.Seq2[views.Row, error]) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="invoices-`+s.today().Format(time.DateOnly)+`.csv"`)
	if _, err := w.Write([]byte(byteOrderMark)); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(exportHead); err != nil {
		return err
	}
	lines := 0
	for row, err := range rows {
		if err != nil {
			return fmt.Errorf("read the invoices: %w", err)
		}
		line, err := s.exportLine(row)
		if err != nil {
			return err
		}
		if err := out.Write(line); err != nil {
			return err
		}
		if lines++; lines%exportPart == 0 {
			if err := sendPart(w, out); err != nil {
				return err
			}
		}
	}
	return sendPart(w, out)
}

// sendPart sends what was written. The deadline is that of this part.
func sendPart(w http.ResponseWriter, out *csv.Writer) error {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportPause)); err != nil {
		return fmt.Errorf("set the deadline of an export: %w", err)
	}
	out.Flush()
	return out.Error()
}

func (s *Server) exportLine(row views.Row) ([]string, error) {
	amounts, err := moneys(row.Currency, row.Total, row.Paid, row.Balance)
	if err != nil {
		return nil, fmt.Errorf("invoice %s: %w", row.ID, err)
	}
	return []string{
		harmless(row.Number), harmless(row.ID), harmless(row.Status), strconv.FormatBool(s.overdue(row)), harmless(row.CustomerName),
		row.IssueDate.Format(time.DateOnly), row.DueDate.Format(time.DateOnly), row.Currency,
		amounts[0].Number(), amounts[1].Number(), amounts[2].Number(), strconv.FormatInt(row.Version, 10), row.UpdatedAt.UTC().Format(time.RFC3339Nano),
	}, nil
}

// harmless is a text that no spreadsheet takes for a formula: one that begins as such
// gets an apostrophe before it (OWASP, CSV injection).
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
