package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/internal/fleet"
	"github.com/eventim-go/eventim/internal/verify"
)

// What is written where only handlers write is never passed over by those to
// whom it is the truth: the partition stops, says why, and the others go on. What
// a running handler knows to be none it deletes; else a person has to mend it,
// so that it is a test, and not one of the faults.
// To web nodes results and snapshots are news, and they go on.
func TestGarbageWhereOnlyHandlersWrite(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	i, err := embedded(ctx, pgtest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := i.start(ctx, size{handlers: 1, projectors: 1, webs: 1}); err != nil {
		t.Fatal(err)
	}
	handler, projector, web := i.handlers[0], i.projectors[0], i.webs[0]
	i.awaitStates(t, handler, "handler")
	probes := newProbes(i, 12).invoices
	for _, invoice := range probes { // a partition without a position stops at any event
		i.answers(t, invoice)
	}

	i.spoil(t, "results", 0)
	i.spoil(t, "snapshots", 1)
	i.awaitDeletion(t, "snapshots", 1) // a handler that runs knows that there is no such aggregate
	// Where there are events and no snapshot, the states are made of the events.
	if answer := i.post(t, probes[2], "CreateInvoice", newInvoice); !strings.HasPrefix(answer, "200 ") {
		t.Fatal(answer)
	}
	i.spoil(t, "events", 2)
	i.awaitStates(t, projector, "projector", 0, 1, 2)

	w := i.load(ctx, 2, 5, 1)
	if err := w.wait(); err != nil {
		t.Fatal(err)
	}
	w.settle(ctx, time.Minute)
	if err := i.ready(ctx, web); err != nil {
		t.Errorf("the web node: %v", err)
	}
	i.allDelivered(t)

	if err := handler.Terminate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := i.deleteStores(0); err != nil { // or it would begin behind what is there
		t.Fatal(err)
	}
	if err := i.startProcess(ctx, handler); err != nil {
		t.Fatal(err)
	}
	i.awaitStates(t, handler, "handler", 0) // events are read when the code has changed only
	i.answers(t, probes[5])
}

const newInvoice = `{"customer":{"name":"Acme"},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21"}`

// spoil writes something that nobody can read.
func (i *installation) spoil(t *testing.T, topic string, partition int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(i.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := &kgo.Record{Topic: aggregate + "-" + topic, Partition: partition, Key: []byte("garbage"), Value: []byte("\x00\xffnot JSON{")}
	if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// awaitDeletion waits until what spoil has written is deleted.
func (i *installation) awaitDeletion(t *testing.T, topic string, partition int32) {
	t.Helper()
	start := map[int32]kgo.Offset{partition: kgo.NewOffset().AtStart()}
	client, err := kgo.NewClient(kgo.SeedBrokers(i.brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{aggregate + "-" + topic: start}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for deleted := false; !deleted; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("nobody has deleted the garbage in %s/%d", topic, partition)
		}
		fetches.EachRecord(func(r *kgo.Record) { deleted = deleted || string(r.Key) == "garbage" && r.Value == nil })
	}
}

// awaitStates waits until these partitions of a part are stopped, and say why,
// and all others are running.
func (i *installation) awaitStates(t *testing.T, p *fleet.Process, part string, stopped ...int32) {
	t.Helper()
	var last string
	err := await(t.Context(), time.Minute, fmt.Sprintf("%s has stopped %v and nothing else", p.Name, stopped), func() bool {
		h, err := healthOf(t.Context(), p)
		if err != nil {
			return false
		}
		last = string(h.Parts[part])
		return statesAre(h.Parts[part], stopped)
	})
	if err != nil {
		t.Fatalf("%v: %s", err, last)
	}
}

func statesAre(data json.RawMessage, stopped []int32) bool {
	var h app.Health
	if json.Unmarshal(data, &h) != nil || len(h.Partitions) < 12 {
		return false
	}
	var found []int32
	for _, p := range h.Partitions {
		switch {
		case p.State == "stopped" && p.Error != "":
			found = append(found, p.Partition)
		case p.State != "running" && p.State != "following":
			return false
		}
	}
	slices.Sort(found)
	return slices.Equal(slices.Compact(found), stopped)
}

// allDelivered sees that each client was told all its results, and nothing
// else.
func (i *installation) allDelivered(t *testing.T) {
	t.Helper()
	source := i.source()
	source.Pool = nil // the views have stopped
	report, err := verify.Verify(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if report.Deliveries == 0 {
		t.Error("no result was delivered")
	}
	for _, v := range report.Violations() {
		if v.Rule == verify.Delivered || v.Rule == verify.AckIsTrue {
			t.Error(v)
		}
	}
}

// answers sends a command, again until it is rejected.
func (i *installation) answers(t *testing.T, invoice string) {
	t.Helper()
	last := "nothing"
	err := await(t.Context(), 2*time.Minute, "a partition that goes on answers", func() bool {
		last = i.ask(t, invoice)
		return strings.HasPrefix(last, "422 ")
	})
	if err != nil {
		t.Fatalf("%v: %s", err, last)
	}
}

// ask returns how a command is answered that is to be rejected.
func (i *installation) ask(t *testing.T, invoice string) string {
	t.Helper()
	return i.post(t, invoice, "SendInvoice", "{}")
}

// post returns how a command is answered.
func (i *installation) post(t *testing.T, invoice, command, body string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url := "http://" + i.webs[0].Address() + "/api/invoices/" + invoice + "/commands/" + command
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=30")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	_ = response.Body.Close()
	return response.Status
}
