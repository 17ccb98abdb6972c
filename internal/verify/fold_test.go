package verify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/internal/checker"
)

const created = `{"customer":{"name":"Acme"},"issueDate":"2026-11-21","dueDate":"2026-12-21","currency":"EUR",
	"lines":[{"id":"1","description":"Work","quantity":"0.5","unitPrice":"9.99","net":{"amount":"5.00","currency":"EUR"}}],
	"total":{"amount":"5.00","currency":"EUR"}}`

func lost(amount string) string {
	return `{"reason":"insolvent","amount":{"amount":"` + amount + `","currency":"EUR"}}`
}

func received(amount, transaction string) string {
	return strings.NewReplacer("AMOUNT", amount, "TX", transaction).Replace(
		`{"payment":{"id":"1","amount":{"amount":"AMOUNT","currency":"EUR"},"transactionId":"TX"}}`)
}

func takenBack(amount, paid, left string) string {
	return strings.NewReplacer("AMOUNT", amount, "PAID", paid, "LEFT", left).Replace(`{"paymentId":"1","amount":{"amount":"AMOUNT","currency":"EUR"},
		"reason":"refunded","paid":{"amount":"PAID","currency":"EUR"},"balance":{"amount":"LEFT","currency":"EUR"}}`)
}

func recovered(amount, paid, left string) string {
	return strings.NewReplacer("AMOUNT", amount, "PAID", paid, "LEFT", left).Replace(`{"payment":{"id":"1","amount":{"amount":"AMOUNT","currency":"EUR"}},
		"paid":{"amount":"PAID","currency":"EUR"},"balance":{"amount":"0.00","currency":"EUR"},"writtenOff":{"amount":"LEFT","currency":"EUR"}}`)
}

func TestFold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []string // type, data, type, data …
		status string
		err    string // part of it; "" when the events are right
	}{
		"created": {[]string{"InvoiceCreated", created}, "draft", ""},
		"paid": {[]string{
			"InvoiceCreated", created, "InvoiceSent", `{"total":{"amount":"5.00","currency":"EUR"}}`,
			"PaymentReceived", `{"payment":{"id":"1","amount":{"amount":"5.00","currency":"EUR"}},"paid":{"amount":"5.00","currency":"EUR"},"balance":{"amount":"0.00","currency":"EUR"}}`,
			"InvoicePaid", `{"total":{"amount":"5.00","currency":"EUR"}}`,
		}, "paid", ""},
		"void": {[]string{
			"InvoiceCreated", created, "InvoiceSent", `{}`, "InvoiceVoided", `{"reason":"twice","total":{"amount":"5.00","currency":"EUR"}}`,
		}, "void", ""},
		"written off": {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "InvoiceWrittenOff", lost("5.00")}, "written_off", ""},
		"recovered": {[]string{
			"InvoiceCreated", created, "InvoiceSent", `{}`, "InvoiceWrittenOff", lost("5.00"),
			"PaymentReceived", recovered("2.00", "2.00", "3.00"), "PaymentReceived", recovered("3.00", "5.00", "0.00"), "InvoicePaid", `{}`,
		}, "paid", ""},
		"reversed": {[]string{
			"InvoiceCreated", created, "InvoiceSent", `{}`, "PaymentReceived", received("5.00", "tx-1"), "PaymentReversed", takenBack("2.00", "3.00", "2.00"),
			"PaymentReversed", takenBack("3.00", "0.00", "5.00"),
		}, "sent", ""},
		"reversed in part":   {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "PaymentReceived", received("5.00", ""), "PaymentReversed", takenBack("2.00", "3.00", "2.00")}, "partially_paid", ""},
		"wrong reversal":     {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "PaymentReceived", received("5.00", ""), "PaymentReversed", takenBack("2.00", "3.01", "1.99")}, "", "the paid is"},
		"reversed of none":   {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "PaymentReversed", takenBack("2.00", "3.00", "2.00")}, "", "a reversal"},
		"transaction, twice": {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "PaymentReceived", received("5.00", "tx-1"), "PaymentReceived", received("5.00", "tx-1")}, "", "twice"},
		"another loss":       {[]string{"InvoiceCreated", created, "InvoiceSent", `{}`, "InvoiceWrittenOff", lost("4.99")}, "", "the loss is"},
		"wrong recovery": {[]string{
			"InvoiceCreated", created, "InvoiceSent", `{}`, "InvoiceWrittenOff", lost("5.00"), "PaymentReceived", recovered("2.00", "2.00", "2.99"),
		}, "", "the loss is"},
		"rounded down":   {[]string{"InvoiceCreated", strings.ReplaceAll(created, "5.00", "4.99")}, "", "is 5.00"},
		"wrong total":    {[]string{"InvoiceCreated", created, "InvoiceSent", `{"total":{"amount":"5.01","currency":"EUR"}}`}, "", "the total is"},
		"created twice":  {[]string{"InvoiceCreated", created, "InvoiceCreated", created}, "", "exists: true"},
		"never created":  {[]string{"InvoiceSent", `{}`}, "", "exists: false"},
		"unknown":        {[]string{"InvoiceCreated", created, "InvoiceLost", `{}`}, "", "not an event"},
		"no such line":   {[]string{"InvoiceCreated", created, "LineItemRemoved", `{"lineId":"7"}`}, "", "not there"},
		"reordered":      {[]string{"InvoiceCreated", created, "LinesReordered", `{"lineIds":["1"]}`}, "draft", ""},
		"order is long":  {[]string{"InvoiceCreated", created, "LinesReordered", `{"lineIds":["1","1"]}`}, "", "not there, or twice"},
		"order is short": {[]string{"InvoiceCreated", created, "LinesReordered", `{"lineIds":[]}`}, "", "leaves out 1"},
		"line id again":  {[]string{"InvoiceCreated", created, "LineItemAdded", `{"line":{"id":"1"}}`}, "", "has the id 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var state any
			var err error
			for i := 0; i < len(c.events) && err == nil; i += 2 {
				state, err = Fold(state, checker.Event{Type: c.events[i], SchemaVersion: 1, Data: []byte(c.events[i+1])})
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("Fold() = %v, want an error with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := state.(invoice).Status; got != c.status {
				data, _ := json.Marshal(state)
				t.Errorf("the status is %q, want %q: %s", got, c.status, data)
			}
		})
	}
}
