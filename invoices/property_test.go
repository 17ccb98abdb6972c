package invoices

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
)

func dates() *rapid.Generator[Date] {
	return rapid.Custom(func(t *rapid.T) Date {
		return rapid.SampledFrom([]Date{{}, mustDate("2026-11-20"), mustDate("2026-11-21"), mustDate("2026-12-31")}).Draw(t, "date")
	})
}

func decimalsUpTo(digits string) *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal {
		return mustDecimal(rapid.StringMatching(digits).Draw(t, "decimal"))
	})
}

func someDetails() *rapid.Generator[Details] {
	return rapid.Custom(func(t *rapid.T) Details {
		name := rapid.SampledFrom([]string{"Acme", "Müller & Söhne <AG>", "", "\u2028", "\x00"}).Draw(t, "name")
		return Details{Customer{Name: name}, dates().Draw(t, "issue"), dates().Draw(t, "due")}
	})
}

func lineDetails() *rapid.Generator[LineDetails] {
	return rapid.Custom(func(t *rapid.T) LineDetails {
		return LineDetails{
			Description: rapid.SampledFrom([]string{"Consulting", "Hosting", ""}).Draw(t, "description"),
			Quantity:    decimalsUpTo(`-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?`).Draw(t, "quantity"),
			UnitPrice:   decimalsUpTo(`(0|[1-9][0-9]{0,11})(\.[0-9]{1,7})?`).Draw(t, "price"),
		}
	})
}

// validLine is one that is accepted, so that sequences get beyond drafts.
func validLine() *rapid.Generator[LineDetails] {
	return rapid.Custom(func(t *rapid.T) LineDetails {
		return LineDetails{
			Description: "Work", Quantity: decimalsUpTo(`[1-9](\.[0-9]{1,6})?`).Draw(t, "quantity"),
			UnitPrice: decimalsUpTo(`[1-9](\.[0-9]{1,6})?`).Draw(t, "price"),
		}
	})
}

// command draws one that often, but not always, suits the invoice.
func command(t *rapid.T, inv Invoice) Command {
	lineID := strconv.Itoa(rapid.IntRange(0, inv.LastLine+1).Draw(t, "line"))
	line := rapid.OneOf(validLine(), lineDetails(), pricedLine())
	switch rapid.IntRange(0, 16).Draw(t, "command") {
	case 0, 1:
		c := rapid.SampledFrom([]Currency{"EUR", "EUR", "JPY", "KWD", "CLF", "XAU"}).Draw(t, "currency")
		return CreateInvoice{Details: acme, Currency: c, Lines: rapid.SliceOfN(line, 0, 5).Draw(t, "lines"), Pricing: rapid.OneOf(rapid.Just(Pricing{}), pricing()).Draw(t, "pricing")}
	case 2:
		return ChangeDetails{someDetails().Draw(t, "details")}
	case 3, 4:
		return AddLineItem{line.Draw(t, "added")}
	case 5:
		return ChangeLineItem{lineID, line.Draw(t, "changed")}
	case 6:
		return RemoveLineItem{lineID}
	case 7, 8:
		return SendInvoice{}
	case 9, 10:
		minor := rapid.OneOf(rapid.Int64Range(1, max(1, inv.payable().Minor())), rapid.Just(inv.payable().Minor()), rapid.Int64()).Draw(t, "minor")
		c := rapid.SampledFrom([]Currency{inv.Currency, inv.Currency, inv.Currency, "USD"}).Draw(t, "currency")
		return ReceivePayment{units(minor, c), mustDate("2026-12-01"), "ref", "card", rapid.SampledFrom([]string{"", "", "tx-1", "tx-2"}).Draw(t, "transaction")}
	case 11, 12:
		return ReviseDraft{Details: rapid.OneOf(rapid.Just(acme), someDetails()).Draw(t, "revised"), Lines: revised(t, inv, line), Pricing: rapid.OneOf(rapid.Just[*Pricing](nil), rapid.Ptr(pricing(), false)).Draw(t, "pricing")}
	case 16:
		amount := rapid.SampledFrom([]Money{{}, {}, units(1, inv.Currency), inv.Paid, units(1, "USD")}).Draw(t, "reversed")
		return ReversePayment{strconv.Itoa(rapid.IntRange(0, len(inv.Payments)+1).Draw(t, "payment")), amount, mustDate("2026-12-01"), "bounced"}
	case 13:
		return WriteOffInvoice{rapid.SampledFrom([]string{"insolvent", ""}).Draw(t, "reason")}
	default:
		if rapid.IntRange(0, 3).Draw(t, "end") > 0 { // seldom, since they end the sequence
			return SendInvoice{}
		}
		return rapid.SampledFrom([]Command{DeleteInvoice{}, VoidInvoice{"a mistake"}}).Draw(t, "ending")
	}
}

// revised draws the lines of a revision: lines that are there in another order,
// some of them changed, and new ones.
func revised(t *rapid.T, inv Invoice, line *rapid.Generator[LineDetails]) []RevisedLine {
	lines := []RevisedLine{}
	for _, l := range inv.Lines {
		switch rapid.IntRange(0, 3).Draw(t, "line of the draft") {
		case 0:
		case 1:
			lines = append(lines, RevisedLine{l.ID, line.Draw(t, "changed")})
		default:
			lines = append(lines, RevisedLine{l.ID, l.LineDetails})
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "new lines") {
		lines = append(lines, RevisedLine{"", line.Draw(t, "new")})
	}
	if len(lines) == 0 {
		return lines
	}
	return rapid.Permutation(lines).Draw(t, "order")
}

// TestRevisedDraftSaysWhatItCarries: whatever the draft was, an accepted
// revision makes it say what it carries, in its order, and by events that the
// small commands could have caused.
func TestRevisedDraftSaysWhatItCarries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawDraft(t)
		c := ReviseDraft{Details: acme, Lines: revised(t, before, rapid.OneOf(validLine(), pricedLine(), largeLine())), Pricing: new(pricing().Draw(t, "pricing"))}
		events, err := c.decide(before)
		if err != nil {
			if r, ok := errors.AsType[*eventim.Rejection](err); !ok || r.Code != CodeTotalTooLarge {
				t.Fatal(err)
			}
			return
		}
		after := before
		for _, e := range events {
			after = Aggregate.Evolve(after, e)
			if sum, totals, err := after.Pricing.compute(after.Lines, after.Currency); err != nil || sum != after.Total || !reflect.DeepEqual(totals, after.Totals) {
				t.Fatalf("after %T the total is %v and the sum of the lines %v, %v", e, after.Total, sum, err)
			}
			if after.Totals.None() && after.Total.Minor() > maxAmount {
				t.Fatalf("after %T the total is %v, more than an invoice can hold", e, after.Total)
			}
		}
		if len(after.Lines) != len(c.Lines) || after.Details != c.Details || !after.Pricing.equal(*c.Pricing) {
			t.Fatalf("got %+v, want what %+v says", after, c)
		}
		for i, l := range c.Lines {
			if got := after.Lines[i]; got.LineDetails != l.LineDetails || l.ID != "" && got.ID != l.ID {
				t.Fatalf("line %d is %+v, want %+v", i, got, l)
			}
		}
		if again, err := (ReviseDraft{Details: c.Details, Lines: keep(after.Lines)}).decide(after); err != nil || len(again) > 0 {
			t.Fatalf("the same draft once more causes %v, %v, want nothing", again, err)
		}
	})
}

func drawDraft(t *rapid.T) Invoice {
	lines := rapid.SliceOfN(rapid.OneOf(validLine(), pricedLine(), largeLine()), 0, 6).Draw(t, "draft")
	events, err := CreateInvoice{Details: acme, Currency: "EUR", Lines: lines, Pricing: pricing().Draw(t, "pricing before")}.decide(Invoice{})
	if err != nil {
		t.Skip("too large a draft")
	}
	return Aggregate.Replay(Invoice{}, events...)
}

// largeLine is a third to all of the total that an invoice can hold.
func largeLine() *rapid.Generator[LineDetails] {
	return rapid.Custom(func(t *rapid.T) LineDetails {
		return LineDetails{Description: "Palace", Quantity: mustDecimal("10"), UnitPrice: mustDecimal(rapid.SampledFrom([]string{
			"999999999999.999", "999999999999.998", "333333333333.333", "0.001",
		}).Draw(t, "large"))}
	})
}

func keep(lines []LineItem) []RevisedLine {
	kept := make([]RevisedLine, len(lines))
	for i, l := range lines {
		kept[i] = RevisedLine{l.ID, l.LineDetails}
	}
	return kept
}

// TestInvariants runs random commands and checks what must hold after each,
// and that no version of the invoice changes once it has been made.
func TestInvariants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		current := eventim.Snapshot[Invoice]{Aggregate: "i"}
		states, wires := []Invoice{{}}, []string{wire(t, Invoice{})}
		var history []Event
		for range rapid.IntRange(1, 40).Draw(t, "commands") {
			cmd := eventim.Command[Command]{ID: "c", Aggregate: "i", Time: today, Payload: command(t, current.State)}
			result := Aggregate.Handle(current, cmd)
			if again := Aggregate.Handle(current, cmd); !reflect.DeepEqual(result, again) {
				t.Fatalf("%T is decided as %+v and as %+v", cmd.Payload, result, again)
			}
			if result.Outcome != eventim.Accepted {
				continue
			}
			state := current.State
			for _, e := range result.Events {
				if want := int64(len(history) + 1); e.Version != want {
					t.Fatalf("event %d has the version %d", want, e.Version)
				}
				history = append(history, e.Payload)
				state = Aggregate.Evolve(state, e.Payload)
				states, wires = append(states, state), append(wires, wire(t, state))
			}
			if !reflect.DeepEqual(state, result.Snapshot.State) {
				t.Fatalf("events fold to %+v, the snapshot is %+v", state, result.Snapshot.State)
			}
			current = *result.Snapshot
			checkInvariants(t, state)
		}
		if folded := Aggregate.Replay(Invoice{}, history...); !reflect.DeepEqual(folded, current.State) {
			t.Fatalf("history folds to %+v, want %+v", folded, current.State)
		}
		checkUnchanged(t, states, wires)
	})
}

// checkUnchanged evolves every version once more, in another direction than
// history did, and then compares all of them with what they were.
func checkUnchanged(t *rapid.T, states []Invoice, wires []string) {
	for _, state := range states {
		for _, e := range []Event{
			LineItemAdded{Line: LineItem{ID: "other"}, Total: Money{}},
			LineItemChanged{Line: LineItem{ID: "1"}, Total: Money{}},
			LineItemRemoved{LineID: "1", Total: Money{}},
			PaymentReceived{},
			PaymentReversed{PaymentID: "1", Amount: eur("1.00")},
			InvoiceVoided{"other", Money{}},
			InvoiceWrittenOff{"other", Money{}},
		} {
			Aggregate.Evolve(state, e)
		}
	}
	for i, state := range states {
		if got := wire(t, state); got != wires[i] {
			t.Fatalf("version %d was modified\n now %s\n was %s", i, got, wires[i])
		}
	}
}

// TestBranches grows both lists far enough for spare capacity, and evolves each
// version in two directions.
func TestBranches(t *testing.T) {
	t.Parallel()
	inv := Aggregate.Replay(Invoice{}, createdEmpty)
	for i := range 20 {
		id := strconv.Itoa(i)
		for _, event := range []func(id string) Event{
			func(id string) Event { return LineItemAdded{Line: LineItem{ID: id}, Total: eur("0")} },
			func(id string) Event { return PaymentReceived{Payment: Payment{ID: id}} },
		} {
			next := Aggregate.Evolve(inv, event(id))
			Aggregate.Evolve(inv, event("other"))
			inv = next
		}
		if line, payment := inv.Lines[i].ID, inv.Payments[i].ID; line != id || payment != id {
			t.Fatalf("line %s and payment %s are %s and %s after evolving the version before them again", id, id, line, payment)
		}
	}
}

func wire(t *rapid.T, inv Invoice) string {
	p, err := Aggregate.State.Encode(inv)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Aggregate.State.Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, inv) {
		t.Fatalf("%s is read as %+v, want %+v", p.Data, back, inv)
	}
	return string(p.Data)
}

// failer is what of testing.TB both tests and properties have.
type failer interface {
	Fatalf(format string, args ...any)
}

func checkInvariants(t failer, inv Invoice) {
	if inv.Status == "" {
		if !reflect.DeepEqual(inv, Invoice{}) {
			t.Fatalf("an invoice without a status: %+v", inv)
		}
		return
	}
	var lines, paid int64
	ids, transactions := map[string]bool{}, map[string]bool{}
	for _, l := range inv.Lines {
		lines += l.Net.Minor()
		ids[l.ID] = true
		if n, err := strconv.Atoi(l.ID); err != nil || n < 1 || n > inv.LastLine || l.Net.Currency() != inv.Currency {
			t.Fatalf("line %+v of an invoice in %s whose last line was %d", l, inv.Currency, inv.LastLine)
		}
	}
	total := lines
	if !inv.Totals.None() {
		total = inv.Totals.Payable().Minor()
		checkTotals(t, inv)
	}
	for _, p := range inv.Payments {
		paid += p.Amount.Minor() - p.Reversed.Minor()
		if p.Reversed.Minor() < 0 || p.Reversed.Minor() > p.Amount.Minor() {
			t.Fatalf("%v of %v were reversed", p.Reversed, p.Amount)
		}
		if p.TransactionID != "" && transactions[p.TransactionID] {
			t.Fatalf("the transaction %s took effect twice: %+v", p.TransactionID, inv.Payments)
		}
		transactions[p.TransactionID] = true
	}
	for _, sum := range []struct {
		name      string
		got, want Money
	}{
		{"total", inv.Total, units(total, inv.Currency)},
		{"paid", inv.Paid, units(paid, inv.Currency)},
		{"balance", inv.Balance, units(balanceOf(inv, total-paid), inv.Currency)},
	} {
		if sum.got != sum.want {
			t.Fatalf("%s = %v, want %v of %+v", sum.name, sum.got, sum.want, inv)
		}
	}
	if written := inv.WrittenOff.Minor(); inv.Status != StatusWrittenOff && inv.WrittenOff != (Money{}) || written < 0 || written > total-paid {
		t.Fatalf("%v are written off: %+v", inv.WrittenOff, inv)
	}
	if given := inv.Reason != ""; given != (inv.Status == StatusVoid || inv.Status == StatusWrittenOff) {
		t.Fatalf("the reason does not fit the status: %+v", inv)
	}
	if len(ids) != len(inv.Lines) || len(inv.Lines) > maxLines || total < 0 || total > maxAmount || total < paid {
		t.Fatalf("lines or sums out of bounds: %+v", inv)
	}
	if !statusFits(inv) {
		t.Fatalf("the status %q does not fit %d lines, %d payments, total %v, balance %v",
			inv.Status, len(inv.Lines), len(inv.Payments), inv.Total, inv.Balance)
	}
}

// balanceOf is what is owed of what is not paid.
func balanceOf(inv Invoice, unpaid int64) int64 {
	if inv.Status == StatusVoid {
		return 0
	}
	return unpaid - inv.WrittenOff.Minor()
}

func statusFits(inv Invoice) bool {
	payable := len(inv.Lines) > 0 && inv.Total.Minor() > 0
	switch inv.Status {
	case StatusDraft, StatusDeleted:
		return len(inv.Payments) == 0
	case StatusSent, StatusVoid:
		return payable && inv.Paid.Minor() == 0
	case StatusWrittenOff:
		return payable && inv.Balance.Minor() == 0 && inv.WrittenOff.Minor() > 0
	case StatusPartiallyPaid:
		return payable && inv.Paid.Minor() > 0 && inv.Balance.Minor() > 0
	case StatusPaid:
		return payable && inv.Paid.Minor() > 0 && inv.Balance.Minor() == 0
	}
	return false
}

// TestSequencesReachEveryStatus guards the properties against a generator that
// never leaves the drafts.
func TestSequencesReachEveryStatus(t *testing.T) {
	t.Parallel()
	reached := map[Status]bool{}
	rapid.Check(t, func(t *rapid.T) {
		var inv Invoice
		for range 40 {
			events, _ := command(t, inv).decide(inv)
			inv = Aggregate.Replay(inv, events...)
			reached[inv.Status] = true
		}
	})
	for status := range histories {
		if !reached[status] {
			t.Errorf("no random sequence reached the status %q", status)
		}
	}
}

func TestLargestInvoiceFitsIntoARecord(t *testing.T) {
	t.Parallel()
	fill := strings.Repeat
	for r, want := range map[string]int{"x": 512 << 10, "漢": 1 << 20} {
		inv := Invoice{
			Details:  Details{Customer{fill(r, maxName), fill(r, maxEmail), fill(r, maxAddress)}, maxDate, maxDate},
			Currency: "EUR", Status: StatusPartiallyPaid,
		}
		line := LineItem{"1000", LineDetails{Description: fill(r, maxDescription), Quantity: mustDecimal("9999.99"), UnitPrice: mustDecimal("9999999.99")}, eur("9999999.99")}
		for range maxLines {
			inv.Lines = append(inv.Lines, line)
		}
		for range maxPayments {
			inv.Payments = append(inv.Payments, Payment{
				ID: "500", Amount: eur("9999999.99"), Date: maxDate, Reference: fill(r, maxReference),
				Method: "bank_transfer", TransactionID: fill("x", maxTransactionID), Reversed: eur("9999999.99"),
			})
		}
		p, err := Aggregate.State.Encode(inv)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Data) > want {
			t.Errorf("the largest invoice in %q has %d bytes, want at most %d", r, len(p.Data), want)
		}
	}
}
