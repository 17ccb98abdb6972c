package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices/series"
	"github.com/eventim-go/eventim/projector"
)

// number runs everything that gives numbers and shows them.
func (s *system) number() {
	s.t.Helper()
	if err := app.CreateTopics(s.t.Context(), s.kafka, s.aggregate, 1); err != nil {
		s.t.Fatal(err)
	}
	n, err := app.NewNumbering(s.aggregate, series.DefaultFormat, eventim.HandlerConfig{Kafka: s.kafka, Dir: s.t.TempDir(), Logger: quiet()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("numbering", n.Run)
	s.migrate()
	p, err := app.NewProjector(s.aggregate, s.pool, projector.Config{Kafka: s.kafka, Logger: quiet()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("projector", p.Run)
}

// TestAnInvoiceIsNumbered: whoever sends an invoice sees its number a moment later,
// in every view, and the proof that none is missing.
func TestAnInvoiceIsNumbered(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	s.number()
	n := s.serve()
	for _, id := range []string{"inv-1", "inv-2"} {
		n.post(id, "CreateInvoice", create).want(t, 200)
		n.post(id, "SendInvoice", "{}").want(t, 200, "version", 2.0)
		n.eventually("/api/invoices/"+id, "invoice.number", map[string]string{"inv-1": "2026-0001", "inv-2": "2026-0002"}[id])
	}
	n.eventually("/api/number-series", "series.0.waiting", 0.0)
	n.eventually("/api/number-series", "series.0.last", 2.0)
	n.get("/api/number-series").want(t, 200, "series.0.whole", true, "series.0.id", "default.invoice.2026", "series.0.lastText", "2026-0002")
	n.get("/api/invoices?q=2026-0002").want(t, 200, "count", 1.0, "invoices.0.id", "inv-2", "invoices.0.number", "2026-0002")
	n.eventually("/api/invoices/inv-1/history", "events.2.type", "InvoiceNumbered")
	// The number has raised the version: who saw none decides anew.
	n.post("inv-1", "VoidInvoice", `{"reason":"issued twice"}`, "If-Match", `"2"`).want(t, http.StatusPreconditionFailed, "currentVersion", 3.0)
	n.post("inv-1", "VoidInvoice", `{"reason":"issued twice"}`, "If-Match", `"3"`).want(t, 200, "invoice.number", "2026-0001")
}

// eventually waits until a path shows a value.
func (n *node) eventually(path, member string, want any) {
	n.t.Helper()
	var got reply
	eventually(n.t, func() bool {
		got = n.get(path)
		return got.status == http.StatusOK && got.json(strings.Split(member, ".")...) == want
	}, func() string { return fmt.Sprintf("GET %s: %s is not %v: %s", path, member, want, got.text) })
}

// TestNobodyGivesANumberByHand: it is not a command of people, by no door.
func TestNobodyGivesANumberByHand(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	number := `{"series":"default.invoice.2026","number":"2026-9999"}`
	n.post("inv-1", "CreateInvoice", create).want(t, 200)
	n.post("inv-1", "RecordNumber", number).want(t, http.StatusNotFound, "code", "command_unknown")
	c, _ := n.connect("tab", "")
	c.command("by-hand", "inv-1", "RecordNumber", number)
	wantJSON(t, c.next("refused"), "id", "by-hand", "problem.code", "command_unknown")
}
