package main

import (
	"maps"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/invoices/numbering"
	"github.com/eventim-go/eventim/invoices/series"
)

// The recipe of docs/topics.md: an installation grows from 12 to 20 partitions.
// Versions go on, a key of before repeats its answer, and the rows are right.
func TestAnInstallationGrows(t *testing.T) {
	t.Parallel()
	k, aggregate, env := installation(t)
	database, data := pgtest.URL(t), t.TempDir()
	env = append(env, "EVENTIM_POSTGRES="+database, "EVENTIM_LOG=json", "EVENTIM_HEALTH_LISTEN=127.0.0.1:0")
	all := []string{"all", "--create-topics", "--migrate", "--listen", "127.0.0.1:0", "--data", data}
	c, url := serve(t, env, all)
	create := `{"customer":{"name":"Acme"},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21","lines":[]}`
	created, status := post(t, url, "CreateInvoice", "key-1", create)
	if status != http.StatusOK || !strings.Contains(created, `"version":1`) {
		t.Fatalf("before: got %d %s, want version 1", status, created)
	}
	wantRow(t, database)
	sendNumbered(t, url, "of-before", "2026-0001")
	if code := c.End(t, syscall.SIGTERM); code != 0 {
		t.Fatalf("got exit code %d, want 0\n%s", code, &c.Stderr)
	}

	grown := eventimtest.Name(t, "grown")
	said := succeed(t, env, "topics", "copy", "--to", grown, "--to-partitions", "20")
	if !strings.Contains(said, grown+"-events: 4 records\n") || !strings.Contains(said, grown+"-series-events: 1 records\n") {
		t.Errorf("topics copy says\n%swant four events of invoices, and one number", said)
	}
	// What the numbering has asked for: an invoice whose number is no longer among those
	// that its series knows by heart would get another one without.
	asked, taken := instances(t, k, aggregate), instances(t, k, grown)
	if len(asked) == 0 || !maps.Equal(asked, taken) {
		t.Errorf("the numbering has asked for %q, and the copy says %q", asked, taken)
	}
	for _, view := range []string{"invoice_list", "invoice_history", "command_result", "number_series"} {
		succeed(t, env, "reanchor", view)
	}
	env = append(env, "EVENTIM_AGGREGATE="+grown, "EVENTIM_PARTITIONS=20")
	_, url = serve(t, env, all)
	eventually(t, "the rows are there", func() bool { return rows(t, database) == 2 })
	repeat, status := post(t, url, "CreateInvoice", "key-1", create)
	if status != http.StatusOK || !strings.Contains(repeat, `"version":1`) || !strings.Contains(repeat, `"replayed":true`) {
		t.Errorf("a key of before: got %d %s, want its first answer", status, repeat)
	}
	next, status := post(t, url, "ChangeDetails", "key-2",
		`{"customer":{"name":"Acme"},"issueDate":"2026-11-21","dueDate":"2026-12-31"}`)
	if status != http.StatusOK || !strings.Contains(next, `"version":2`) {
		t.Errorf("the next command: got %d %s, want version 2", status, next)
	}
	eventually(t, "the row and the history show it", func() bool {
		_, row := get(t, url+"/api/invoices/a-1")
		_, history := get(t, url+"/api/invoices/a-1/history")
		return strings.Contains(row, "2026-12-31") && strings.Contains(history, `"version":1`) && strings.Contains(history, `"version":2`)
	})
	// The numbers go on: the invoice of before keeps its own, and gets no other.
	sendNumbered(t, url, "of-after", "2026-0002")
	eventually(t, "the series is whole", func() bool {
		_, series := get(t, url+"/api/number-series")
		return strings.Contains(series, `"whole":true,"count":2`) && strings.Contains(series, `"waiting":0`)
	})
}

// instances are the newest records of the instances of the numbering, with their headers.
func instances(t *testing.T, k eventim.Kafka, aggregate string) map[string]string {
	t.Helper()
	a := invoices.Aggregate
	a.Name = aggregate
	topic, all := numbering.New(a, series.DefaultFormat).Topics().Instances, map[string]string{}
	ends, err := eventim.Ends(t.Context(), k, topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := eventim.Read(t.Context(), k, topic, nil, ends, func(rec eventim.Record) error {
		headers := ""
		for _, h := range rec.Headers {
			headers += string(h.Key) + "=" + string(h.Value) + ";"
		}
		all[string(rec.Key)] = headers + string(rec.Value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// sendNumbered creates and sends an invoice, and waits for its number.
func sendNumbered(t *testing.T, url, id, number string) {
	t.Helper()
	invoice := url + "/api/invoices/" + id
	for _, c := range []struct{ name, body string }{
		{"CreateInvoice", numberless}, {"SendInvoice", "{}"},
	} {
		if status, answer := request(t, http.MethodPost, invoice+"/commands/"+c.name, c.body); status != http.StatusOK {
			t.Fatalf("%s: got %d %s, want 200", c.name, status, answer)
		}
	}
	eventually(t, "the invoice "+id+" has the number "+number, func() bool {
		_, answer := get(t, invoice)
		return strings.Contains(answer, `"number":"`+number+`"`)
	})
}

// serve starts the program and returns the address of its page, once it is ready.
func serve(t *testing.T, env, args []string) (*childtest.Process, string) {
	t.Helper()
	c := start(t, env, args...)
	url := "http://" + address(t, c, "serving the page")
	eventually(t, "the web server is ready", func() bool {
		status, _ := get(t, url+"/readyz")
		return status == http.StatusOK
	})
	return c, url
}

// post sends a command to the invoice a-1 and waits for its result.
func post(t *testing.T, url, command, key, body string) (answer string, status int) {
	t.Helper()
	status, answer = request(t, http.MethodPost, url+"/api/invoices/a-1/commands/"+command, body, "Idempotency-Key", key)
	return answer, status
}
