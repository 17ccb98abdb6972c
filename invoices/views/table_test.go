package views_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/projector"
)

// table creates the table of a view and returns how to write to it.
func table[T any](t testing.TB, p projector.Projection[T]) (*pgxpool.Pool, func(batch ...T)) {
	t.Helper()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), p.DDL); err != nil {
		t.Fatal(err)
	}
	return pool, func(batch ...T) {
		t.Helper()
		var statements pgx.Batch
		err := p.Queue(&statements, batch)
		if err == nil {
			err = pool.SendBatch(t.Context(), &statements).Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

var epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func euros(minor int64) money.Amount { return must(money.Of(minor, "EUR")) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// snapshot is the version-th state of an invoice, whose total shows it.
func snapshot(id string, version int64, change ...func(*eventim.Snapshot[invoices.Invoice])) eventim.Snapshot[invoices.Invoice] {
	s := eventim.Snapshot[invoices.Invoice]{
		Aggregate: id, Version: version, Revision: 1, Time: epoch.Add(time.Duration(version) * time.Minute),
		State: invoices.Invoice{
			Details: invoices.Details{
				Customer:  invoices.Customer{Name: "Acme GmbH"},
				IssueDate: must(invoices.ParseDate("2026-11-01")), DueDate: must(invoices.ParseDate("2026-12-01")),
			},
			Currency: "EUR", Status: invoices.StatusDraft,
			Total: euros(100 * version), Paid: euros(0), Balance: euros(100 * version),
		},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func status(s invoices.Status) func(*eventim.Snapshot[invoices.Invoice]) {
	return func(snap *eventim.Snapshot[invoices.Invoice]) { snap.State.Status = s }
}

func customer(name string) func(*eventim.Snapshot[invoices.Invoice]) {
	return func(snap *eventim.Snapshot[invoices.Invoice]) { snap.State.Customer.Name = name }
}

func event(id string, version int64, payload invoices.Event) eventim.Event[invoices.Event] {
	return eventim.Event[invoices.Event]{
		Aggregate: id, Version: version, Time: epoch, Command: fmt.Sprint("c", version),
		Metadata: eventim.Metadata{Actor: "ann"}, Payload: payload,
	}
}
