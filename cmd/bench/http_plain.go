package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/views"
)

// plainCmd is what one would write without Kafka: an HTTP server that decides
// each command in a Postgres transaction of its own, with the same domain, the
// same tables and the same rows. A command id takes effect once, too.
type plainCmd struct {
	Postgres string `required:"" help:"Address of the database."`
	Listen   string `required:"" help:"Address of the server."`
}

// Run implements the command.
func (c plainCmd) Run(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(c.Postgres)
	if err != nil {
		return err
	}
	config.MaxConns = 20 // as the product has
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	p := plain{
		pool: pool, list: views.InvoiceList(invoices.Aggregate), history: views.InvoiceHistory(invoices.Aggregate),
		results: views.CommandResults(invoices.Aggregate),
	}
	for _, ddl := range []string{p.list.DDL, p.history.DDL, p.results.DDL} {
		if _, err := pool.Exec(ctx, ddl); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: c.Listen, Handler: p.routes(), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type plain struct {
	pool    *pgxpool.Pool
	list    snapshotView
	history eventView
	results resultView
}

func (p plain) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/invoices/{id}/commands/{name}", answered(func(r *http.Request) (any, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return p.command(r.Context(), r.PathValue("id"), r.Header.Get("Idempotency-Key"), r.PathValue("name"), body)
	}))
	mux.HandleFunc("GET /api/invoices/{id}", answered(func(r *http.Request) (any, error) {
		return views.GetInvoice(r.Context(), p.pool, r.PathValue("id"))
	}))
	return mux
}

func answered(fn func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := fn(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client has gone
	}
}

// command decides one, in a transaction.
func (p plain) command(ctx context.Context, invoice, id, name string, body []byte) (answer plainAnswer, err error) {
	payload, err := invoices.Aggregate.Commands.Decode(eventim.Payload{Type: name, SchemaVersion: 1, Data: body})
	if err != nil {
		return answer, err
	}
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		current, known, err := locked(ctx, tx, invoice, id)
		if err != nil || known {
			return errors.Join(err, repeated(known))
		}
		r := invoices.Aggregate.Handle(current, eventim.Command[invoices.Command]{
			ID: id, Aggregate: invoice, Time: time.Now().UTC(), Payload: payload,
		})
		answer = plainAnswer{Outcome: string(r.Outcome), Version: r.Version}
		if r.Snapshot != nil {
			answer.Invoice = r.Snapshot.State
		}
		return p.write(ctx, tx, r)
	})
	return answer, err
}

type plainAnswer struct {
	Outcome string           `json:"outcome"`
	Version int64            `json:"version"`
	Invoice invoices.Invoice `json:"invoice"`
}

func repeated(known bool) error {
	if known {
		return errors.New("the load has no repeats")
	}
	return nil
}

// locked reads and locks an invoice, and looks whether the command is known.
func locked(ctx context.Context, tx pgx.Tx, invoice, id string) (s eventim.Snapshot[invoices.Invoice], known bool, err error) {
	var document []byte
	var b pgx.Batch
	b.Queue(`select exists (select from command_result where invoice_id = $1 and command_id = $2)`, invoice, id).
		QueryRow(func(row pgx.Row) error { return row.Scan(&known) })
	b.Queue(`select version, revision, updated_at, invoice from invoice_list where id = $1 for update`, invoice).
		QueryRow(func(row pgx.Row) error {
			err := row.Scan(&s.Version, &s.Revision, &s.Time, &document)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return s, false, err
	}
	s.Aggregate = invoice
	if document != nil {
		err = json.Unmarshal(document, &s.State)
	}
	return s, known, err
}

func (p plain) write(ctx context.Context, tx pgx.Tx, r resultOf) error {
	var b pgx.Batch
	err := p.results.Queue(&b, []resultOf{r})
	if err == nil && len(r.Events) > 0 {
		err = errors.Join(p.history.Queue(&b, r.Events), p.list.Queue(&b, []snapshotOf{*r.Snapshot}))
	}
	if err != nil {
		return err
	}
	return tx.SendBatch(ctx, &b).Close()
}
