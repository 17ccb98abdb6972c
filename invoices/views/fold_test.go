package views_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

// background runs fn until the test ends.
func background(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The whole way: commands, the handler, the topics, the projector, the rows.
func TestViewsAreTheFoldOfTheEvents(t *testing.T) {
	t.Parallel()
	a, k, pool := invoices.Aggregate, eventimtest.Kafka(t), pgtest.New(t)
	a.Name, a.Partitions = eventimtest.Name(t, "invoice"), 2
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := a.CreateTopics(ctx, k, 1); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(ctx, pool); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	h, err := eventim.NewHandler(a, eventim.HandlerConfig{Kafka: k, Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	p, err := projector.New(pool, projector.Config{Kafka: k, Group: a.Name, Logger: quiet},
		views.InvoiceList(a), views.InvoiceHistory(a), views.CommandResults(a))
	if err != nil {
		t.Fatal(err)
	}
	waiter := projector.NewWaiter(pool)
	background(t, h.Run)
	background(t, p.Run)
	background(t, waiter.Run)
	sent := sendRandom(t, a, k)
	last := map[int32]eventim.Position{}
	for _, cmd := range sent {
		last[cmd.Position.Partition] = cmd.Position
	}
	for _, position := range last {
		for _, view := range []string{"invoice_list", "invoice_history", "command_result"} {
			if err := awaitMade(ctx, waiter, view, position); err != nil {
				t.Fatal(err)
			}
		}
	}
	// No more waiting: what was awaited is there.
	checkFold(t, a, k, pool)
	for _, cmd := range sent {
		r, err := views.GetCommandResult(ctx, pool, cmd.Aggregate, cmd.ID)
		if err != nil || r.Aggregate != cmd.Aggregate || r.Position != cmd.Position {
			t.Errorf("command %s has the result %+v, error %v", cmd.ID, r, err)
		}
	}
}

// awaitMade waits for a view that the projector may be about to make.
func awaitMade(ctx context.Context, w *projector.Waiter, view string, p eventim.Position) error {
	for {
		if err := w.Await(ctx, view, p, nil); !errors.Is(err, projector.ErrUnknownView) || ctx.Err() != nil {
			return err
		}
	}
}

// sendRandom sends commands of which many are accepted, and some are not. The
// last one of each partition is: a rejected one cannot be awaited in a view of
// snapshots.
func sendRandom(t *testing.T, a views.Aggregate, k eventim.Kafka) (sent []eventim.Command[invoices.Command]) {
	t.Helper()
	sender, err := eventim.NewSender(a, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	send := func(id string, c invoices.Command) {
		cmd, err := sender.Send(t.Context(), eventim.Command[invoices.Command]{Aggregate: id, Payload: c})
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, cmd)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	details := snapshot("", 1).State.Details
	line := invoices.LineDetails{Description: "Work", Quantity: must(money.ParseDecimal("2")), UnitPrice: must(money.ParseDecimal("12.345"))}
	create := invoices.CreateInvoice{Details: details, Currency: "EUR", Lines: []invoices.LineDetails{line}}
	possible := []invoices.Command{
		create, create, create,
		invoices.AddLineItem{LineDetails: line},
		invoices.ChangeDetails{Details: details},
		invoices.SendInvoice{},
		invoices.ReceivePayment{Amount: euros(500), Date: details.IssueDate},
		invoices.DeleteInvoice{},
		invoices.ReversePayment{PaymentID: "1", Date: details.IssueDate, Reason: "bounced"},
		invoices.ReceivePayment{Amount: euros(500), Date: details.IssueDate, Method: "card", TransactionID: "tx-1"},
		invoices.VoidInvoice{Reason: "issued twice"},
		invoices.WriteOffInvoice{Reason: "insolvent"},
		invoices.RemoveLineItem{LineID: "1"},
	}
	for range 300 {
		send(fmt.Sprint("inv-", random.IntN(40)), possible[random.IntN(len(possible))])
	}
	for i := range 20 { // both partitions get some
		send(fmt.Sprint("last-", i), create)
	}
	return sent
}

func checkFold(t *testing.T, a views.Aggregate, k eventim.Kafka, pool *pgxpool.Pool) {
	t.Helper()
	ends := must(eventim.Ends(t.Context(), k, a.EventTopic().Name))
	fold, versions := map[string]invoices.Invoice{}, map[string]int64{}
	err := eventim.Read(t.Context(), k, a.EventTopic().Name, nil, ends, func(r eventim.Record) error {
		e, err := a.EventTopic().Decode(r)
		fold[e.Aggregate] = a.Replay(fold[e.Aggregate], e.Payload)
		versions[e.Aggregate]++
		return err
	})
	if err != nil || len(fold) < 30 {
		t.Fatalf("read the events of %d invoices, error %v", len(fold), err)
	}
	var listed, happened int
	err = pool.QueryRow(t.Context(), `select (select count(*) from invoice_list), (select count(*) from invoice_history)`).Scan(&listed, &happened)
	if err != nil || listed != len(fold) {
		t.Errorf("%d invoices are listed, error %v; want %d", listed, err, len(fold))
	}
	for id, want := range fold {
		row, err := views.GetInvoice(t.Context(), pool, id)
		var got invoices.Invoice
		if err == nil {
			err = json.Unmarshal(row.Invoice, &got)
		}
		if err != nil || row.Version != versions[id] || !reflect.DeepEqual(got, want) ||
			row.Status != string(want.Status) || row.Balance != want.Balance.Minor() {
			t.Errorf("invoice %s is %+v at %d, error %v; want %+v at %d", id, got, row.Version, err, want, versions[id])
		}
		history, err := views.History(t.Context(), pool, id)
		if err != nil || int64(len(history)) != versions[id] {
			t.Errorf("invoice %s has %d events, error %v; want %d", id, len(history), err, versions[id])
		}
		happened -= len(history)
		if past, err := views.InvoiceOf(t.Context(), pool, a, id, versions[id]); err != nil || !reflect.DeepEqual(past.Invoice, want) {
			t.Errorf("invoice %s was %+v at its last version, error %v; want %+v", id, past.Invoice, err, want)
		}
	}
	if happened != 0 {
		t.Errorf("the history has %d events too many", happened)
	}
}
