package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// workload makes commands, the same ones for each contender: the first for an
// invoice creates it with two lines, each further one changes a line, so that
// every command is accepted and states do not grow.
type workload struct {
	topic  string
	run    string  // first half of the command ids
	counts []int32 // commands so far, by the number of the aggregate
	random *rand.Rand
}

func newWorkload(topic string, aggregates int) *workload {
	return &workload{
		topic: topic, run: fmt.Sprintf("%08x-0000-7000-8000-", rand.Uint32()), //nolint:gosec // no secret
		counts: make([]int32, aggregates), random: rand.New(rand.NewPCG(1, 2)), //nolint:gosec // the same for all
	}
}

func aggregateID(n int) string { return fmt.Sprintf("invoice-%07d", n) }

// commandID is as long as a UUID and ends in the sequence number.
func (w *workload) commandID(seq int) string { return fmt.Sprintf("%s%012x", w.run, seq) }

// sequence is the inverse of commandID; ok is false for the id of another run.
func (w *workload) sequence(id []byte) (seq int, ok bool) {
	tail, ok := strings.CutPrefix(string(id), w.run)
	n, err := strconv.ParseUint(tail, 16, 63)
	return int(n), ok && err == nil //nolint:gosec // 63 bits
}

// any makes a command for an aggregate at random.
func (w *workload) any(seq int, at time.Time) *kgo.Record {
	return w.command(seq, w.random.IntN(len(w.counts)), at)
}

// command makes the next command for an aggregate.
func (w *workload) command(seq, aggregate int, at time.Time) *kgo.Record {
	n := w.counts[aggregate]
	w.counts[aggregate]++
	typ, payload := commandPayload(n)
	return &kgo.Record{
		Topic: w.topic, Key: []byte(aggregateID(aggregate)), Value: payload, Timestamp: at,
		Headers: w.headers(w.commandID(seq), typ, aggregateID(aggregate), at),
	}
}

// headers are those of eventim's senders.
func (w *workload) headers(id, typ, aggregate string, at time.Time) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: []byte(id)},
		{Key: "ce_type", Value: []byte(typ)},
		{Key: "ce_source", Value: []byte("/bench/commands")},
		{Key: "ce_subject", Value: []byte(aggregate)},
		{Key: "ce_time", Value: at.UTC().AppendFormat(nil, time.RFC3339Nano)},
		{Key: "content-type", Value: []byte("application/json")},
		{Key: "ce_schemaversion", Value: []byte("1")},
		{Key: "ce_originid", Value: []byte("page-1")},
		{Key: "ce_correlationid", Value: []byte(id)},
	}
}

const createPayload = `{"customer":{"name":"Ada Lovelace","email":"ada@example.com","address":"12 St James's Square, London"},` +
	`"issueDate":"2026-11-21","dueDate":"2026-12-21","currency":"EUR","lines":[` +
	`{"description":"Analysis","quantity":"3","unitPrice":"120.00"},{"description":"Notes","quantity":"7","unitPrice":"19.90"}]}`

// commandPayload is the n-th command for any aggregate, counting from 0.
func commandPayload(n int32) (typ string, payload []byte) {
	if n == 0 {
		return "CreateInvoice", []byte(createPayload)
	}
	return "ChangeLineItem", fmt.Appendf(nil, `{"lineId":"1","description":"Analysis","quantity":"%d","unitPrice":"120.00"}`, 3+n)
}

// expected is the state after the first n commands, by the domain itself.
func expected(n int32) (invoices.Invoice, error) {
	var current eventim.Snapshot[invoices.Invoice]
	for i := range n {
		typ, payload := commandPayload(i)
		c, err := invoices.Aggregate.Commands.Decode(eventim.Payload{Type: typ, SchemaVersion: 1, Data: payload})
		if err != nil {
			return current.State, err
		}
		res := invoices.Aggregate.Handle(current, eventim.Command[invoices.Command]{ID: "c", Aggregate: "a", Time: time.Now(), Payload: c})
		if res.Outcome != eventim.Accepted || len(res.Events) != 1 {
			return current.State, fmt.Errorf("command %d of the load is %s with %d events", i, res.Outcome, len(res.Events))
		}
		current = *res.Snapshot
	}
	return current.State, nil
}

// check compares the snapshot in a result with what the domain says that n
// commands lead to. A fast wrong run counts for nothing.
func check(result []byte, n int32) error {
	var got struct {
		Version  int32
		Snapshot struct{ Data any }
	}
	if err := json.Unmarshal(result, &got); err != nil {
		return err
	}
	if got.Version != n {
		return fmt.Errorf("version %d after %d commands", got.Version, n)
	}
	state, err := expected(n)
	if err != nil {
		return err
	}
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	var want any
	if err := json.Unmarshal(data, &want); err != nil {
		return err
	}
	if !reflect.DeepEqual(got.Snapshot.Data, want) {
		return errors.New("the state is not the fold of the events: " + string(result))
	}
	return nil
}
