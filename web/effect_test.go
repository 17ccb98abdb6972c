package web_test

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
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
	same := `{"customer":{"name":"Acme GmbH"},"issueDate":"2026-11-21","dueDate":"2026-12-21"}`
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
	config := s.kafka.Config()
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
