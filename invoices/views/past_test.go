package views_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/money"
	"github.com/eventim-go/eventim/invoices/views"
)

// lived is an invoice with so many versions, as the handler makes them: what
// happened, a minute apart, and its state after each.
func lived(t testing.TB, id string, seed uint64, versions int) ([]eventim.Event[invoices.Event], []invoices.Invoice) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
	details := snapshot("", 1).State.Details
	current := eventim.Snapshot[invoices.Invoice]{Aggregate: id}
	var events []eventim.Event[invoices.Event]
	states := []invoices.Invoice{{}}
	for n := 0; len(events) < versions; n++ {
		cmd := eventim.Command[invoices.Command]{
			ID: fmt.Sprint("c", n), Aggregate: id, Time: epoch.Add(time.Duration(len(events)) * time.Minute),
			Metadata: eventim.Metadata{Actor: fmt.Sprint("actor-", n)}, Payload: drawn(random, details, versions-len(events)),
		}
		result := invoices.Aggregate.Handle(current, cmd)
		if result.Outcome != eventim.Accepted {
			continue
		}
		for _, e := range result.Events {
			events = append(events, e)
			states = append(states, invoices.Aggregate.Replay(states[len(states)-1], e.Payload))
		}
		current = *result.Snapshot
	}
	return events, states
}

// drawn is a command that often suits the invoice, and does not end it while much is to come.
func drawn(random *rand.Rand, details invoices.Details, left int) invoices.Command {
	line := invoices.LineDetails{
		Description: fmt.Sprint("Work ", random.IntN(5)), Quantity: must(money.ParseDecimal(fmt.Sprint(1 + random.IntN(9)))),
		UnitPrice: must(money.ParseDecimal("12.345")),
	}
	details.Customer.Name = fmt.Sprint("Acme ", random.IntN(3))
	possible := []invoices.Command{
		invoices.CreateInvoice{Details: details, Currency: "EUR", Lines: []invoices.LineDetails{line, line}},
		invoices.AddLineItem{LineDetails: line},
		invoices.ChangeLineItem{LineID: fmt.Sprint(1 + random.IntN(9)), LineDetails: line},
		invoices.ChangeDetails{Details: details},
		invoices.RemoveLineItem{LineID: fmt.Sprint(1 + random.IntN(9))},
	}
	if left <= 5 {
		possible = append(possible, invoices.SendInvoice{},
			invoices.ReceivePayment{Amount: euros(100), Date: details.IssueDate},
			invoices.ReversePayment{PaymentID: "1", Amount: euros(1), Date: details.IssueDate, Reason: "bounced"})
	}
	return possible[random.IntN(len(possible))]
}

func TestAPastVersionIsThatVersion(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceHistory(invoices.Aggregate))
	for seed := range uint64(5) {
		id := fmt.Sprint("inv-", seed)
		events, states := lived(t, id, seed, 40)
		write(events...)
		for i, want := range states {
			m, err := views.InvoiceOf(t.Context(), pool, invoices.Aggregate, id, int64(i))
			if err != nil || !reflect.DeepEqual(m.Invoice, want) {
				t.Fatalf("version %d of %s is %+v, error %v; want %+v", i, id, m.Invoice, err, want)
			}
			if i == 0 {
				continue
			}
			if e := events[i-1]; m.Version != e.Version || !m.Time.Equal(e.Time) || m.Actor != e.Actor || m.CommandID != e.Command {
				t.Fatalf("version %d of %s was made by %+v, want %+v", i, id, m.HistoryEntry, e)
			}
		}
	}
}

func TestThePastAtATime(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceHistory(invoices.Aggregate))
	sent, paid, deleted := event("a", 1, invoices.InvoiceSent{}), event("a", 2, invoices.InvoicePaid{}), event("a", 3, invoices.InvoiceDeleted{})
	last := event("a", 4, invoices.InvoiceSent{})
	paid.Time, deleted.Time, last.Time = epoch.Add(time.Minute), epoch.Add(3*time.Minute), epoch.Add(2*time.Minute) // a clock went back
	write(sent, paid, deleted, last)
	for after, want := range map[time.Duration]int64{
		-time.Millisecond: 0, 0: 1, time.Minute - time.Millisecond: 1, time.Minute: 2, 2 * time.Minute: 2, 3 * time.Minute: 4, time.Hour: 4,
	} {
		m, err := views.InvoiceAt(t.Context(), pool, invoices.Aggregate, "a", epoch.Add(after))
		if m.Version != want || errors.Is(err, views.ErrNoVersion) != (want == 0) || want > 0 && err != nil {
			t.Errorf("after %v it is version %d, error %v; want %d", after, m.Version, err, want)
		}
	}
}

func TestAPastThatIsNotThere(t *testing.T) {
	t.Parallel()
	pool, write := table(t, views.InvoiceHistory(invoices.Aggregate))
	write(event("a", 1, invoices.InvoiceSent{}), event("hole", 1, invoices.InvoiceSent{}), event("hole", 3, invoices.InvoiceSent{}))
	of := func(id string, version int64) error {
		_, err := views.InvoiceOf(t.Context(), pool, invoices.Aggregate, id, version)
		return err
	}
	if err := of("a", 2); !errors.Is(err, views.ErrNoVersion) {
		t.Errorf("a version that is not there: %v", err)
	}
	if err := of("b", 0); !errors.Is(err, views.ErrNotFound) {
		t.Errorf("before an invoice that is not there: %v", err)
	}
	if err := of("b", 1); !errors.Is(err, views.ErrNotFound) {
		t.Errorf("an invoice that is not there: %v", err)
	}
	if _, err := views.InvoiceAt(t.Context(), pool, invoices.Aggregate, "b", epoch); !errors.Is(err, views.ErrNotFound) {
		t.Errorf("a time of an invoice that is not there: %v", err)
	}
	if err := of("hole", 3); !errors.Is(err, views.ErrUnreadable) {
		t.Errorf("a version behind a hole: %v", err)
	}
}

// What was written before a schema changed is read through the upcasters of today,
// and so is what the version of the view before holds, which knows no schemas.
func TestThePastIsUpcast(t *testing.T) {
	t.Parallel()
	today := invoices.Aggregate
	today.Events = eventim.NewUnion(
		eventim.Of[invoices.Event]("InvoiceCreated", invoices.InvoiceCreated{}),
		eventim.Of[invoices.Event]("InvoiceSent", invoices.InvoiceSent{}, func(data []byte) ([]byte, error) {
			return bytes.ReplaceAll(data, []byte(`"series"`), []byte(`"was"`)), nil
		}, func(data []byte) ([]byte, error) {
			return bytes.ReplaceAll(data, []byte(`"was"`), []byte(`"series"`)), nil
		}),
	)
	written, states := []eventim.Event[invoices.Event]{
		event("a", 1, invoices.InvoiceCreated{Currency: "EUR"}), event("a", 2, invoices.InvoiceSent{Series: "first"}),
	}, []invoices.Invoice{{}}
	for _, e := range written {
		states = append(states, invoices.Aggregate.Replay(states[len(states)-1], e.Payload))
	}
	check := func(db views.DB, a views.Aggregate) {
		t.Helper()
		for i, want := range states {
			if m, err := views.InvoiceOf(t.Context(), db, a, "a", int64(i)); err != nil || !reflect.DeepEqual(m.Invoice, want) {
				t.Errorf("version %d is %+v, error %v; want %+v", i, m.Invoice, err, want)
			}
		}
	}
	pool, write := table(t, views.InvoiceHistory(invoices.Aggregate))
	write(written...)
	check(pool, today)
	if _, err := pool.Exec(t.Context(), `alter table invoice_history drop column schema`); err != nil {
		t.Fatal(err)
	}
	check(pool, today)

	pool, write = table(t, views.InvoiceHistory(today))
	write(written...)
	check(pool, today)
	if _, err := views.InvoiceOf(t.Context(), pool, invoices.Aggregate, "a", 2); !errors.Is(err, views.ErrUnreadable) || !strings.Contains(err.Error(), "schema version 3") {
		t.Errorf("a program of before reads a schema that it does not know: %v", err)
	}
}

// BenchmarkPast reads the last of so many versions, and one of an invoice of as many lines as there can be.
func BenchmarkPast(b *testing.B) {
	pool, write := table(b, views.InvoiceHistory(invoices.Aggregate))
	for _, versions := range []int{1, 20, 200} {
		events, _ := lived(b, fmt.Sprint("inv-", versions), 1, versions)
		write(events...)
	}
	write(thousandLines()...)
	for _, read := range []struct {
		id      string
		version int64
	}{{"inv-1", 1}, {"inv-20", 20}, {"inv-200", 200}, {"inv-lines", 1}, {"inv-lines", 201}} {
		b.Run(fmt.Sprintf("%s/version=%d", read.id, read.version), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := views.InvoiceOf(b.Context(), pool, invoices.Aggregate, read.id, read.version); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// thousandLines is an invoice of a thousand lines, of which 200 were changed.
func thousandLines() []eventim.Event[invoices.Event] {
	created := invoices.InvoiceCreated{Details: snapshot("", 1).State.Details, Currency: "EUR", Total: euros(100_000)}
	line := invoices.LineDetails{Description: "Work that is described at some length", Quantity: must(money.ParseDecimal("1")), UnitPrice: must(money.ParseDecimal("1"))}
	for i := range 1000 {
		created.Lines = append(created.Lines, invoices.LineItem{ID: fmt.Sprint(i + 1), LineDetails: line, Net: euros(100)})
	}
	events := []eventim.Event[invoices.Event]{event("inv-lines", 1, created)}
	for i := range int64(200) {
		changed := created.Lines[i*5]
		changed.Description = "Other work"
		events = append(events, event("inv-lines", i+2, invoices.LineItemChanged{Line: changed, Total: euros(100_000)}))
	}
	return events
}
