package invoices

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// lifecycleDoc is made from what the tests saw: it cannot say what is not so.
const lifecycleDoc = "../docs/invoice-lifecycle.md"

// situation is a column of the matrix: where an invoice can stand, and how it
// got there.
type situation struct {
	name    string
	given   []Event
	meaning string
}

var situations = []situation{
	{"new", histories[""], "There is no invoice under this id yet."},
	{"draft", histories[StatusDraft], "It can be changed and deleted, and nobody owes it."},
	{"sent", histories[StatusSent], "It is issued: amounts, parties and lines are frozen, and the balance is owed."},
	{"sent, numbered", []Event{created, sent, numbered}, "It has learned its number, a moment after it was sent. It is sent all the same: the number is a fact beside the state, and a void one keeps it."},
	{"sent, refunded", []Event{created, sent, byBankReceived, reversed}, "What had been paid was taken back. It is sent again."},
	{"partially_paid", []Event{created, sent, byBankReceived}, "A part of it has been paid."},
	{"paid", []Event{created, sent, byBankReceived, restReceived, paid}, "All of it has been paid."},
	{"void", histories[StatusVoid], "It was withdrawn before anything was paid. It keeps its id and its amounts, and nobody owes it."},
	{"written_off", []Event{created, sent, byBankReceived, writtenOff}, "What was left of it was given up as a loss. A payment that comes nevertheless makes the loss smaller; when nothing of it is left, the invoice is paid."},
	{"deleted", histories[StatusDeleted], "It was a draft. Its id is never used again."},
}

// asked is a row of the matrix.
type asked struct {
	name    string
	command Command
}

// inTheMatrix are commands that would be accepted somewhere.
var inTheMatrix = []asked{
	{"CreateInvoice", CreateInvoice{Details: acme, Currency: "EUR", Lines: []LineDetails{consulting}}},
	{"ChangeDetails", ChangeDetails{named("Other")}},
	{"AddLineItem", AddLineItem{hosting}},
	{"ChangeLineItem", ChangeLineItem{"1", hosting}},
	{"RemoveLineItem", RemoveLineItem{"1"}},
	{"ReviseDraft", ReviseDraft{Details: named("Other"), Lines: []RevisedLine{{"", hosting}, {"1", consulting}}}},
	{"ReviseDraft, with tax", revise(&included, RevisedLine{"1", taxed})},
	{"SendInvoice", SendInvoice{}},
	{"ReceivePayment, a part", ReceivePayment{Amount: eur("5.00"), Date: rest.Date}},
	{"ReceivePayment, the rest", nil},
	{"ReceivePayment, too much", ReceivePayment{Amount: eur("25.01"), Date: rest.Date}},
	{"ReceivePayment, of the same transaction", byBank},
	{"ReversePayment, a part", reverse(eur("4.00"))},
	{"ReversePayment, all of it", bounced},
	{"DeleteInvoice", DeleteInvoice{}},
	{"VoidInvoice", VoidInvoice{"issued twice"}},
	{"WriteOffInvoice", WriteOffInvoice{"insolvent"}},
	{"RecordNumber", record},
	{"RecordNumber, another", RecordNumber{"default.invoice.2026", "2026-0002"}},
}

// on is the command for an invoice: what is left of it depends on it.
func (a asked) on(inv Invoice) Command {
	if a.command != nil {
		return a.command
	}
	left := inv.payable()
	if left.Minor() == 0 {
		left = eur("1.00")
	}
	return ReceivePayment{Amount: left, Date: rest.Date}
}

// TestLifecycle gives every command in every situation, and compares what
// happens with the document.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var b strings.Builder
	b.WriteString(lifecycleIntroduction)
	for _, s := range situations {
		fmt.Fprintf(&b, "| %s | %s |\n", s.name, s.meaning)
	}
	b.WriteString(lifecycleMatrix)
	row(&b, "", func(s situation) string { return s.name })
	row(&b, "---", func(situation) string { return "---" })
	for _, a := range inTheMatrix {
		row(&b, a.name, func(s situation) string { return a.given(s, seen) })
	}
	compareDoc(t, b.String())
	for _, name := range append(names(t, Aggregate.Commands), names(t, Aggregate.Events)...) {
		if !seen[name] {
			t.Errorf("%s does not occur in the matrix", name)
		}
	}
}

// given is what a command does in a situation, as a cell of the matrix.
func (a asked) given(s situation, seen map[string]bool) string {
	current := eventim.Snapshot[Invoice]{Aggregate: "i", Version: int64(len(s.given)), State: Aggregate.Replay(Invoice{}, s.given...)}
	command := a.on(current.State)
	seen[must(Aggregate.Commands.Encode(command)).Type] = true
	result := Aggregate.Handle(current, eventim.Command[Command]{
		ID: "c", Aggregate: "i", Time: today, Expected: &current.Version, Payload: command,
	})
	if result.Outcome != eventim.Accepted {
		return "`" + result.Rejection.Code + "`"
	}
	if len(result.Events) == 0 {
		return "nothing happens"
	}
	var types []string
	for _, e := range result.Events {
		name := must(Aggregate.Events.Encode(e.Payload)).Type
		types, seen[name] = append(types, name), true
	}
	return strings.Join(types, ", ") + " → **" + string(result.Snapshot.State.Status) + "**"
}

func row(b *strings.Builder, first string, cell func(situation) string) {
	fmt.Fprintf(b, "| %s |", first)
	for _, s := range situations {
		fmt.Fprintf(b, " %s |", cell(s))
	}
	b.WriteByte('\n')
}

func compareDoc(t *testing.T, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(lifecycleDoc, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(lifecycleDoc)
	if err != nil {
		t.Fatalf("%v: run go test ./invoices -run TestLifecycle -update and review the file", err)
	}
	if string(got) == want {
		return
	}
	is, should := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i := range min(len(is), len(should)) {
		if is[i] != should[i] {
			t.Errorf("%s:%d says\n%s\nbut it is\n%s\nIf that is meant, run go test ./invoices -run TestLifecycle -update.", lifecycleDoc, i+1, is[i], should[i])
			return
		}
	}
	t.Errorf("%s has %d lines, want %d", lifecycleDoc, len(is), len(should))
}

const lifecycleIntroduction = `# The life of an invoice

Made by [a test](../invoices/lifecycle_test.go), which gives every command in every
state and fails when this page says something else. After a change:
` + "`go test ./invoices -run TestLifecycle -update`" + `, and read the difference.

Overdue is not a state: it is the due date and the balance, seen today. Nothing
stores it, so that no view depends on when it was built.

| state | |
| --- | --- |
`

const lifecycleMatrix = `
## Every command in every state

A cell has the events, and the state after them; or the code of the rejection,
after which nothing has changed.

`
