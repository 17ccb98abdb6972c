package invoices

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim"
)

// versions draws the life of an invoice: all its states, the one that is none first.
func versions(t *rapid.T) []Invoice {
	current := eventim.Snapshot[Invoice]{Aggregate: "i"}
	states := []Invoice{{}}
	for range rapid.IntRange(1, 30).Draw(t, "commands") {
		cmd := eventim.Command[Command]{ID: "c", Aggregate: "i", Time: today, Payload: command(t, current.State)}
		if _, whole := cmd.Payload.(ReviseDraft); whole {
			cmd.Expected = &current.Version
		}
		result := Aggregate.Handle(current, cmd)
		if result.Outcome != eventim.Accepted {
			continue
		}
		for _, e := range result.Events {
			states = append(states, Aggregate.Evolve(states[len(states)-1], e.Payload))
		}
		current = *result.Snapshot
	}
	return states
}

// Whatever two versions of an invoice are, what one is not as the other is in their
// difference: of one version and the next, of a draft and its revision, of any two of
// a life, and of two invoices that have nothing to do with each other.
func TestADiffLacksNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		states := versions(t)
		for i := range states[1:] {
			checkDiff(t, states[i], states[i+1])
		}
		checkDiff(t, rapid.SampledFrom(states).Draw(t, "a"), rapid.SampledFrom(states).Draw(t, "b"))
		draft := drawDraft(t)
		lines := revised(t, draft, rapid.OneOf(validLine(), pricedLine()))
		events, err := ReviseDraft{Details: acme, Lines: lines, Pricing: new(pricing().Draw(t, "pricing"))}.decide(draft)
		if err == nil {
			checkDiff(t, draft, Aggregate.Replay(draft, events...))
		}
		checkDiff(t, states[len(states)-1], draft)
	})
}

// checkDiff applies the difference to the one, as JSON and by other code, which makes
// the other, and looks at it from both sides.
func checkDiff(t *rapid.T, a, b Invoice) {
	changes := Diff(a, b)
	if got := applied(t, a, changes); !reflect.DeepEqual(got, whole(b)) {
		t.Fatalf("%+v\nchanged by %s\n is %+v\nwant %+v", a, text(t, changes), got, b)
	}
	if got, want := sorted(Diff(b, a)), sorted(mirrored(changes)); !reflect.DeepEqual(got, want) {
		t.Fatalf("back it is\n%s\nwant\n%s", text(t, got), text(t, want))
	}
	if same := Diff(b, reread(t, b)); len(same) != 0 {
		t.Fatalf("%+v differs from what is read of it: %s", b, text(t, same))
	}
}

// What a person reads: the fields that an event has changed, and no other.
func TestADiffNamesWhatChanged(t *testing.T) {
	t.Parallel()
	line := func(id, quantity string) LineItem {
		return LineItem{id, LineDetails{Description: "Work", Quantity: mustDecimal(quantity), UnitPrice: mustDecimal("1")}, eur(quantity)}
	}
	draft := Aggregate.Replay(Invoice{}, InvoiceCreated{Details: acme, Currency: "EUR", Lines: []LineItem{line("1", "1"), line("2", "2"), line("3", "3")}, Total: eur("6")})
	for name, test := range map[string]struct {
		event Event
		want  []string
	}{
		"line changed":  {LineItemChanged{line("2", "5"), eur("9"), Totals{}}, []string{"changed /lines/2/quantity 2 5", "changed /lines/2/net 2.00 EUR 5.00 EUR", "changed /total 6.00 EUR 9.00 EUR", "changed /balance 6.00 EUR 9.00 EUR"}},
		"line removed":  {LineItemRemoved{"2", eur("4"), Totals{}}, []string{"removed /lines/2 at 1", "changed /total 6.00 EUR 4.00 EUR", "changed /balance 6.00 EUR 4.00 EUR"}},
		"line added":    {LineItemAdded{line("4", "1"), eur("7"), Totals{}}, []string{"added /lines/4 at 3", "changed /lastLine 3 4", "changed /total 6.00 EUR 7.00 EUR", "changed /balance 6.00 EUR 7.00 EUR"}},
		"reordered":     {LinesReordered{[]string{"3", "1", "2"}}, []string{"changed /lines [1 2 3] [3 1 2]"}},
		"sent":          {InvoiceSent{eur("6"), "s"}, []string{"changed /status draft sent", "added /series s"}},
		"details":       {DetailsChanged{Details{Customer{Name: "Other", Email: acme.Customer.Email, Address: acme.Customer.Address}, acme.IssueDate, acme.DueDate}}, []string{"changed /customer/name " + acme.Customer.Name + " Other"}},
		"pricing":       {PricingChanged{Pricing{PricesIncludeTax: true}, eur("6"), Totals{}}, []string{"added /pricing {true [] [] []}"}},
		"paid":          {PaymentReceived{Payment{ID: "a/b~", Amount: eur("1")}, eur("1"), eur("5"), Money{}}, []string{"changed /status draft partially_paid", "changed /paid 0.00 EUR 1.00 EUR", "changed /balance 6.00 EUR 5.00 EUR", "added /payments/a~1b~0 at 0"}},
		"nothing there": {InvoiceNumbered{}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			for _, c := range Diff(draft, Aggregate.Evolve(draft, test.event)) {
				got = append(got, told(c))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func told(c Change) string {
	words := []string{string(c.Kind), c.Path}
	if c.Index != nil {
		return strings.Join(append(words, "at "+strconv.Itoa(*c.Index)), " ")
	}
	for _, v := range []any{c.Before, c.After} {
		if v != nil {
			words = append(words, fmt.Sprint(v))
		}
	}
	return strings.Join(words, " ")
}

// A draft of as many lines as there can be is compared by the ids, wherever they are.
func TestADiffOfAThousandLines(t *testing.T) {
	t.Parallel()
	lines := make([]LineItem, maxLines)
	for i := range lines {
		lines[i] = LineItem{ID: strconv.Itoa(i + 1), LineDetails: LineDetails{Description: "Work"}}
	}
	a := Invoice{Status: StatusDraft, Lines: lines}
	b := Invoice{Status: StatusDraft, Lines: slices.Clone(lines[1:])}
	b.Lines[500].Description = "Other"
	if got := Diff(a, b); len(got) != 2 || got[0].Path != "/lines/1" || got[1].Path != "/lines/502/description" {
		t.Errorf("got %+v", got)
	}
}

// mirrored is what changes are from the other side.
func mirrored(changes []Change) []Change {
	other := map[ChangeKind]ChangeKind{FieldAdded: FieldRemoved, FieldRemoved: FieldAdded, FieldChanged: FieldChanged}
	back := make([]Change, len(changes))
	for i, c := range changes {
		back[i] = Change{Path: c.Path, Kind: other[c.Kind], Before: c.After, After: c.Before, Index: c.Index}
	}
	return back
}

func sorted(changes []Change) []Change {
	return slices.SortedFunc(slices.Values(changes), func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
}

func text(t *rapid.T, v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func reread(t *rapid.T, inv Invoice) Invoice {
	var back Invoice
	if err := json.Unmarshal([]byte(text(t, inv)), &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// whole is inv with lists of nothing where there are none.
func whole(inv Invoice) Invoice {
	if len(inv.Lines) == 0 {
		inv.Lines = nil
	}
	if len(inv.Payments) == 0 {
		inv.Payments = nil
	}
	for _, list := range []*[]Adjustment{&inv.Pricing.Discounts, &inv.Pricing.Charges} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(inv.Pricing.Exemptions) == 0 {
		inv.Pricing.Exemptions = nil
	}
	return inv
}

// applied is a, as JSON, after all of changes.
func applied(t *rapid.T, a Invoice, changes []Change) Invoice {
	object := map[string]any{}
	if a.Status != "" {
		object = tree(t, a).(map[string]any)
	}
	for _, list := range []string{"lines", "payments"} {
		if object[list] == nil {
			object[list] = []any{}
		}
	}
	for _, kind := range []ChangeKind{FieldRemoved, FieldAdded, FieldChanged} { // removed are named by where they were, added by where they are
		for _, c := range changes {
			if c.Kind == kind {
				apply(t, object, c)
			}
		}
	}
	var inv Invoice
	if len(object) > 2 {
		if err := json.Unmarshal([]byte(text(t, object)), &inv); err != nil {
			t.Fatal(err)
		}
	}
	return whole(inv)
}

func tree(t *rapid.T, v any) any {
	var back any
	if err := json.Unmarshal([]byte(text(t, v)), &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func apply(t *rapid.T, object map[string]any, c Change) {
	steps := strings.Split(c.Path, "/")[1:]
	if list, ok := object[steps[0]].([]any); ok && (steps[0] == "lines" || steps[0] == "payments") {
		object[steps[0]] = applyToList(t, list, steps[1:], c)
		return
	}
	set(t, object, steps, c)
}

func set(t *rapid.T, object map[string]any, steps []string, c Change) {
	for ; len(steps) > 1; steps = steps[1:] {
		object = object[steps[0]].(map[string]any)
	}
	if c.Kind == FieldRemoved {
		delete(object, steps[0])
		return
	}
	object[steps[0]] = tree(t, c.After)
}

func applyToList(t *rapid.T, list []any, steps []string, c Change) []any {
	at := func(id string) int {
		return slices.IndexFunc(list, func(e any) bool { return e.(map[string]any)["id"] == id })
	}
	switch {
	case len(steps) == 0: // their order
		ordered := []any{}
		for _, id := range c.After.([]string) {
			ordered = append(ordered, list[at(id)])
		}
		return ordered
	case len(steps) > 1:
		set(t, list[at(steps[0])].(map[string]any), steps[1:], c)
		return list
	case c.Kind == FieldAdded:
		return slices.Insert(list, min(*c.Index, len(list)), tree(t, c.After))
	default:
		i := at(steps[0])
		return slices.Delete(list, i, i+1)
	}
}
