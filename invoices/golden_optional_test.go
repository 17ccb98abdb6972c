package invoices

import (
	"path/filepath"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// TestGoldenOptional pins the members that not every record has: the golden
// files of before have none of them.
func TestGoldenOptional(t *testing.T) {
	t.Parallel()
	recovered := PaymentReceived{Payment: restReceived.Payment, Paid: eur("25.00"), Balance: eur("0.00"), WrittenOff: eur("0.00")}
	lossGrown := reversed
	lossGrown.Balance, lossGrown.WrittenOff = eur("0.00"), eur("25.00")
	goldenOptional(t, "payment-by-bank-command", Aggregate.Commands, Command(byBank))
	goldenOptional(t, "reversal-of-all-command", Aggregate.Commands, Command(bounced))
	goldenOptional(t, "payment-by-bank", Aggregate.Events, Event(byBankReceived))
	goldenOptional(t, "payment-of-a-loss", Aggregate.Events, Event(recovered))
	goldenOptional(t, "reversal-that-grows-a-loss", Aggregate.Events, Event(lossGrown))
	goldenOptional(t, "priced-creation-command", Aggregate.Commands, Command(creation(CreateInvoice{Lines: []LineDetails{taxed, taxFree}, Pricing: priced})))
	goldenOptional(t, "priced-revision-command", Aggregate.Commands, Command(revise(&included, RevisedLine{"1", taxed})))
	goldenOptional(t, "unpriced-revision-command", Aggregate.Commands, Command(revise(&Pricing{}, RevisedLine{"1", consulting})))
	goldenOptional(t, "priced-creation", Aggregate.Events, Event(createdPriced))
	goldenOptional(t, "priced-line", Aggregate.Events, Event(LineItemChanged{Line: LineItem{"1", taxed, eur("22.50")}, Total: eur("22.50"), Totals: includedTotals}))
	goldenOptional(t, "priced-state", Aggregate.State, Aggregate.Replay(Invoice{}, createdPriced, InvoiceSent{Total: eur("32.06")}))
	goldenOptional(t, "void-state", Aggregate.State, Aggregate.Replay(Invoice{}, created, sentBefore, voided))
	goldenOptional(t, "written-off-state", Aggregate.State, Aggregate.Replay(Invoice{}, created, sentBefore, byBankReceived, fourReversed, InvoiceWrittenOff{"insolvent", eur("19.00")}))
	goldenOptional(t, "sent-with-a-number-to-come", Aggregate.Events, Event(sent))
	goldenOptional(t, "numbered-state", Aggregate.State, Aggregate.Replay(Invoice{}, created, sent, numbered))
}

func goldenOptional[T any](t *testing.T, name string, codec eventim.Codec[T], v T) {
	t.Helper()
	p, err := codec.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, filepath.Join("testdata", "optional", name+".json"), codec, v, p)
}
