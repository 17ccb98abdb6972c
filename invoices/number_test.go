package invoices

import (
	"strings"
	"testing"
)

// TestNumbered: an invoice learns its number once, in whatever status it is by then.
func TestNumbered(t *testing.T) {
	t.Parallel()
	for _, s := range []scenario{
		{Name: "sent", Given: []Event{created, sent}, When: record, Then: []Event{numbered}},
		{Name: "told again", Given: []Event{created, sent, numbered}, When: record},
		{Name: "paid meanwhile", Given: histories[StatusPaid], When: record, Then: []Event{numbered}},
		{Name: "void meanwhile", Given: histories[StatusVoid], When: record, Then: []Event{numbered}},
		{
			Name: "the fiscal year is that of the invoice's date", When: SendInvoice{},
			Given: []Event{created, DetailsChanged{Details{acme.Customer, mustDate("2025-12-31"), acme.DueDate}}},
			Then:  []Event{InvoiceSent{eur("25.00"), "default.invoice.2025"}},
		},
	} {
		run(t, s)
	}
}

func notNumbered() []scenario {
	return []scenario{
		{Name: "a number of a draft", Given: histories[StatusDraft], When: record, Rejected: CodeNumberNotDue},
		{Name: "a number of nothing", When: record, Rejected: CodeNumberNotDue},
		{Name: "a number of what was sent before there were numbers", Given: []Event{created, sentBefore}, When: record, Rejected: CodeNumberNotDue},
		{Name: "a number of another series", Given: histories[StatusSent], When: RecordNumber{"default.invoice.2025", "2025-0001"}, Rejected: CodeNumberNotDue},
		{Name: "no number at all", Given: histories[StatusSent], When: RecordNumber{Series: record.Series}, Rejected: CodeNumberNotDue},
		{Name: "another number", Given: []Event{created, sent, numbered}, When: RecordNumber{record.Series, "2026-0002"}, Rejected: CodeNumberAssigned},
		{Name: "a number that turns around", Given: histories[StatusSent], When: RecordNumber{record.Series, "\u202e1"}, Rejected: CodeTextInvalid},
		{Name: "a long number", Given: histories[StatusSent], When: RecordNumber{record.Series, strings.Repeat("1", maxNumber+1)}, Rejected: CodeTextTooLong},
	}
}

// TestAVoidInvoiceKeepsItsNumber: the number was given, and is not free again.
func TestAVoidInvoiceKeepsItsNumber(t *testing.T) {
	t.Parallel()
	if inv := Aggregate.Replay(Invoice{}, created, sent, numbered, voided); inv.Number != record.Number || inv.Status != StatusVoid {
		t.Errorf("the invoice is %s with the number %q, want void with %q", inv.Status, inv.Number, record.Number)
	}
}

// TestNobodyAsksForANumber: it comes from its series alone.
func TestNobodyAsksForANumber(t *testing.T) {
	t.Parallel()
	for _, name := range names(t, Aggregate.Commands) {
		if got, want := Asked(name), name != "RecordNumber"; got != want {
			t.Errorf("%s can be asked for: %t, want %t", name, got, want)
		}
	}
}
