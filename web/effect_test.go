package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// A read that waits for a command which changed nothing does not wait in vain:
// it returns as soon as the view has what the commands before it changed. Were
// it to wait until the end, it would be told 503.
func TestReadAfterACommandThatChangedNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n, other := s.serve(), s.serve()
	n.get("/api/invoices/inv-1"+after(n.send("inv-1", "SendInvoice", ""))).want(t, 404, "code", "invoice_not_found")

	created := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	created.want(t, 200)
	nothing := map[string]string{
		"repeated": n.send("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1"),
		"rejected": n.send("inv-1", "CreateInvoice", create),
		"failed":   s.sendGarbage(created.json("position").(string)),
	}
	for what, position := range nothing {
		for _, view := range []string{"/api/invoices/inv-1", "/api/invoices", "/api/invoices/inv-1/history"} {
			if got := n.get(view + after(position)); got.status != 200 {
				t.Errorf("%s, %s: %s", what, view, got.text)
			}
		}
		if got := other.get("/api/invoices/inv-1" + after(position)); got.json("version") != 1.0 {
			t.Errorf("%s, on another server: %s", what, got.text)
		}
	}
	accepted := n.post("inv-1", "ChangeDetails", same)
	accepted.want(t, 200, "version", 1.0)
	nothing["accepted"] = accepted.json("position").(string)

	// What was decided before it started, a server finds in the topics.
	restarted := s.serve()
	for what, position := range nothing {
		if got := restarted.get("/api/invoices/inv-1" + after(position)); got.json("version") != 1.0 {
			t.Errorf("%s, on a server that started later: %s", what, got.text)
		}
	}
}

// send sends a command and returns its position.
func (n *node) send(invoice, command, payload string, header ...string) string {
	n.t.Helper()
	got := n.post(invoice, command, payload, append(header, "Prefer", "")...)
	got.want(n.t, 202)
	return got.json("position").(string)
}

func after(position string) string { return "?wait=30s&position=" + position }

// sendGarbage writes what is no command beside that at position, and returns
// where it is.
func (s *system) sendGarbage(position string) string {
	s.t.Helper()
	beside, err := eventim.ParsePosition(position)
	if err != nil {
		s.t.Fatal(err)
	}
	config := kafkalog.Kafka(s.kafka).Config()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(s.kafka.Brokers, config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer producer.Close()
	_, offset, err := producer.SendMessage(&sarama.ProducerMessage{
		Topic: s.aggregate.Topics().Commands, Partition: beside.Partition, Value: sarama.StringEncoder("garbage"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return eventim.Position{Partition: beside.Partition, Offset: offset}.String()
}

// same changes nothing of what create makes.
const same = `{"customer":{"name":"Acme GmbH"},"issueDate":"2026-11-21","dueDate":"2026-12-21"}`

// An answer says for what a read can wait: for the first command of its id, or
// for nothing.
func TestEffectOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	created := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	created.want(t, 200, "effect", created.json("position"))
	again := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	again.want(t, 200, "replayed", true, "effect", created.json("position"))
	if again.json("position") == created.json("position") {
		t.Errorf("the repeat is at %v too", again.json("position"))
	}
	rejected := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-2")
	rejected.want(t, 412, "effect", nil)
	nothing := n.post("inv-1", "ChangeDetails", same, "Idempotency-Key", "cmd-3")
	nothing.want(t, 200, "version", 1.0, "effect", nil)
	pending := n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "cmd-4", "Prefer", "")
	pending.want(t, 202, "effect", nil)

	for id, effect := range map[string]any{
		"cmd-1": created.json("position"), "cmd-2": nil, "cmd-3": nil, "cmd-4": pending.json("position"),
	} {
		var got reply
		eventually(t, func() bool {
			got = n.get("/api/invoices/inv-1/commands/" + id)
			return got.status == http.StatusOK
		}, func() string { return got.text })
		got.want(t, 200, "effect", effect)
		if effect == nil {
			continue
		}
		for _, view := range []string{"/api/invoices", "/api/invoices/inv-1", "/api/invoices/inv-1/history"} {
			n.get(view+after(effect.(string))).want(t, 200)
		}
	}
}

func TestEffectOverTheSocket(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.project()
	s.handle()
	n := s.serve()
	c, _ := n.connect("page-1", "")
	answer := func(id, command, payload string) map[string]any {
		c.command(id, "inv-1", command, payload)
		return c.next("result")
	}
	created := answer("cmd-1", "CreateInvoice", create)
	wantJSON(t, created, "outcome", "accepted", "effect", created["position"])
	n.get("/api/invoices/inv-1"+after(created["effect"].(string))).want(t, 200, "version", 1.0)
	wantJSON(t, answer("cmd-1", "CreateInvoice", create), "replayed", true, "effect", created["position"])
	wantJSON(t, answer("cmd-2", "CreateInvoice", create), "outcome", "rejected", "effect", nil)
	wantJSON(t, answer("cmd-3", "ChangeDetails", same), "outcome", "accepted", "version", 1.0, "effect", nil)
}

// A view that nobody has made is named by whoever waits for it, however long.
func TestWaitingForAViewThatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.migrate()
	n := s.serve()
	for path, view := range map[string]string{
		"/api/invoices": "invoice_list", "/api/invoices/inv-1": "invoice_list", "/api/invoices/inv-1/history": "invoice_history",
	} {
		for _, wait := range []string{"0s", "1ms", "300ms"} {
			got := n.get(path + "?position=0:1&wait=" + wait)
			got.want(t, 503, "code", "view_missing")
			if detail := got.json("detail").(string); !strings.Contains(detail, view) {
				t.Errorf("%s for %s: got %s", path, wait, detail)
			}
		}
	}
}
