package invoices

import (
	"fmt"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// BenchmarkHandle shows what it costs that Decide and Evolve get copies of the
// state: a decision with them, without, and with copies by the codec.
func BenchmarkHandle(b *testing.B) {
	cmd := eventim.Command[Command]{ID: "c", Aggregate: "i", Time: today, Payload: AddLineItem{hosting}}
	for _, lines := range []int{1, 10, 100, 200} {
		inv := draftOf(b, lines)
		if res := Aggregate.Handle(eventim.Snapshot[Invoice]{Version: 2, State: inv}, cmd); res.Outcome != eventim.Accepted {
			b.Fatalf("%d lines: %v, want the decision that is measured to be accepted", lines, res.Rejection)
		}
		b.Run(fmt.Sprintf("lines=%d/copies", lines), func(b *testing.B) {
			for b.Loop() {
				Aggregate.Handle(eventim.Snapshot[Invoice]{Version: 2, State: inv}, cmd)
			}
		})
		b.Run(fmt.Sprintf("lines=%d/shared", lines), func(b *testing.B) {
			for b.Loop() {
				events, _ := Aggregate.Decide(inv, cmd)
				Aggregate.Replay(inv, events...)
			}
		})
		b.Run(fmt.Sprintf("lines=%d/decoded", lines), func(b *testing.B) {
			for b.Loop() {
				p, _ := Aggregate.State.Encode(inv)
				_, _ = Aggregate.State.Decode(p)
			}
		})
		b.Run(fmt.Sprintf("lines=%d/encoded", lines), func(b *testing.B) {
			for b.Loop() {
				_, _ = Aggregate.State.Encode(inv)
			}
		})
	}
}

func draftOf(b *testing.B, lines int) Invoice {
	b.Helper()
	list := make([]LineDetails, lines)
	for i := range list {
		list[i] = hosting
	}
	created := Aggregate.Handle(eventim.Snapshot[Invoice]{}, eventim.Command[Command]{Time: today, Payload: CreateInvoice{Details: acme, Currency: "EUR", Lines: list}})
	if created.Snapshot == nil {
		b.Fatal(created.Rejection)
	}
	return created.Snapshot.State
}
