package eventim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// noise is text that does not compress.
func noise(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a' + byte(rand.IntN(26)) //nolint:gosec // not a secret
	}
	return string(text)
}

func (s *system) wantTooLarge(id string) {
	s.t.Helper()
	res := s.await(id, 1)
	if res.Outcome != eventim.Failed || res.Rejection.Code != eventim.CodeTooLarge || res.Version != 1 {
		s.t.Errorf("got %+v, want it failed with %s at version 1", res, eventim.CodeTooLarge)
	}
}

// A small command whose result does not fit into a record: JSON writes < as
// six bytes.
func TestResultTooLarge(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	s.produce(s.raw(), &kgo.Record{
		Topic: s.agg.Topics().Commands, Key: []byte("a"), Value: []byte(`{"N":1,"Note":"` + strings.Repeat("<", 400<<10) + `"}`),
		Headers: head("ce_id", "large", "ce_type", "Add", "ce_schemaversion", "1"),
	})
	s.wantTooLarge("large")
	if res := s.do("a", 100); res.Version != 2 {
		t.Errorf("afterwards: %+v, want version 2", res)
	}
	h.stop()
	s.check(s.dir)
}

// The handler knows the limit of the topics from its start.
func TestResultTooLargeForTopic(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	s.alter(s.agg.Topics().Events, "max.message.bytes", "9000")
	h := s.handle()
	s.do("a", 100)
	s.wantTooLarge(s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(5000)}}).ID)
	h.stop()
	s.check(s.dir)
}

// Somebody lowers the limit of the results under a running handler: only the
// commands that no longer fit fail, whatever else is in their batch.
func TestLimitLoweredWhileRunning(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	s.alter(s.agg.Topics().Results, "max.message.bytes", "9000")
	s.wantTooLarge(s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(20_000)}}).ID)
	h.stop()

	var small []string
	for i := range 30 {
		small = append(small, s.add(fmt.Sprint("k", i%3), 100).ID)
		if i == 15 {
			small = append(small, s.send(eventim.Command[Add]{Aggregate: "b", Payload: Add{N: 100, Note: noise(3000)}}).ID)
		}
	}
	s.alter(s.agg.Topics().Results, "max.message.bytes", "2097152")
	h = s.handle()
	s.running(h)
	s.alter(s.agg.Topics().Results, "max.message.bytes", "5000")
	large := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(8000)}})
	for i := range 30 {
		small = append(small, s.add(fmt.Sprint("k", i%3), 100).ID)
	}
	for _, id := range small {
		s.await(id, 1)
	}
	s.wantTooLarge(large.ID)
	h.stop()
	report := s.check(s.dir)
	if report.Failed < 2 || report.Failed > 3 { // the middle one is handled before or after the limit is lowered
		t.Errorf("%s, want 2 or 3 failed", report)
	}
}

// A transaction takes so long that its coordinator aborts it. The same batch
// would take as long again: it is halved, until it is through in time.
func TestATransactionOutOfTimeIsHalved(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	var sent []eventim.Command[Add]
	for range 4 {
		sent = append(sent, s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 100, Note: noise(20_000)}}))
	}
	admin := kadm.NewClient(s.raw())
	ended := func() bool { // the transaction of the handler that was open
		open, err := admin.ListTransactions(t.Context(), nil, []string{"Ongoing"})
		return err == nil && !slices.ContainsFunc(open.Sorted(), func(l kadm.ListedTransaction) bool {
			return strings.HasPrefix(l.TxnID, s.agg.Group()+"/")
		})
	}
	var written, held int // by the one lane, which asks for one thing at a time
	slow := &wire{request: func(key int16, frame []byte) fate {
		switch key {
		case keyProduce:
			written += len(frame)
		case keyEndTxn:
			if written > 200_000 { // more than half of them
				held++
				for t.Context().Err() == nil && !comesTrue(ended) {
				}
			}
			written = 0
		}
		return pass
	}}
	h := s.handle(via(slow))
	for _, cmd := range sent {
		if res := s.await(cmd.ID, 1); res.Outcome != eventim.Accepted {
			t.Errorf("got %+v, want it accepted", res)
		}
	}
	h.stop()
	if report := s.check(s.dir); held == 0 || report.Transactions-report.AbortedTransactions < 2 {
		t.Errorf("%s, and %d held: want several transactions, after one that was too large", report, held)
	}
}

// States that are folded again are published in transactions that are bounded
// by bytes, too.
func TestRefoldedStatesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	note := noise(900 << 10)
	for i := range 12 {
		s.await(s.send(eventim.Command[Add]{Aggregate: fmt.Sprint("k", i), Payload: Add{N: 100, Note: note}}).ID, 1)
	}
	h.stop()
	var written, most int64 // by the one lane, which asks for one thing at a time
	watched := &wire{request: func(key int16, frame []byte) fate {
		switch key {
		case keyProduce:
			written += int64(len(frame))
			most = max(most, written)
		case keyEndTxn:
			written = 0
		}
		return pass
	}}
	s.agg = twice(s.agg)
	h = s.handle(via(watched))
	s.running(h)
	h.stop()
	if most < 1<<20 || most > 10<<20 {
		t.Errorf("a transaction of %d bytes, want 12 states of 900 KiB in several", most)
	}
}
