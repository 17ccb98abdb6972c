package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/eventim-go/eventim/internal/devpostgres/pgtest"
)

// Each part in a process of its own, the numbering among them: it is killed, and what
// was sent meanwhile gets its number when it is back. Another format holds for the
// next fiscal year.
func TestNumberingInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	_, aggregate, env := installation(t)
	env = append(env, "EVENTIM_POSTGRES="+pgtest.URL(t), "EVENTIM_LOG=json", "EVENTIM_HEALTH_LISTEN=127.0.0.1:0", "EVENTIM_SESSION_TIMEOUT=6s")
	succeed(t, env, "topics", "create")
	succeed(t, env, "migrate")
	start(t, env, "handler", "--data", t.TempDir())
	start(t, env, "projector")
	_, url := serve(t, env, []string{"web", "--listen", "127.0.0.1:0"})
	numbering := []string{"numbering", "--data", t.TempDir()}
	c := start(t, env, numbering...)
	health := "http://" + address(t, c, "serving health")
	eventually(t, "the numbering is ready", func() bool {
		status, body := get(t, health+"/readyz")
		return status == http.StatusOK && strings.Contains(body, `"of":"series"`) && strings.Contains(body, `"of":"reactor"`)
	})
	sendNumbered(t, url, "a", "2026-0001")
	if code := c.End(t, syscall.SIGKILL); code != -1 {
		t.Fatal("the numbering survived SIGKILL")
	}
	for _, command := range []struct{ name, body string }{
		{"CreateInvoice", strings.Replace(numberless, "2026-11-21", "2025-11-21", 1)}, {"SendInvoice", "{}"},
	} {
		if status, answer := request(t, http.MethodPost, url+"/api/invoices/b/commands/"+command.name, command.body); status != http.StatusOK {
			t.Fatalf("%s: got %d %s, want 200", command.name, status, answer)
		}
	}
	c = start(t, env, append(numbering, "--number-format", "R{YY}/{0}")...)
	eventually(t, "what was sent meanwhile is numbered", func() bool {
		_, answer := get(t, url+"/api/invoices/b")
		return strings.Contains(answer, `"number":"R25/1"`)
	})
	sendNumbered(t, url, "c", "2026-0002")
	if code := c.End(t, syscall.SIGTERM); code != 0 {
		t.Errorf("got exit code %d, want 0\n%s", code, &c.Stderr)
	}
	list := succeed(t, env, "topics", "list")
	for _, topic := range []string{"-series-events", "-numbering-inbox", "-numbering-instances", "-numbering-parked"} {
		if !strings.Contains(list, aggregate+topic) {
			t.Errorf("topics list says\n%swant %s", list, topic)
		}
	}
	if said := succeed(t, env, "doctor", "transactions", "--json"); strings.TrimSpace(said) != "[]" {
		t.Errorf("the doctor finds %s", said)
	}
}

const numberless = `{"customer":{"name":"Acme"},"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21",
	"lines":[{"description":"Work","quantity":"1","unitPrice":"5"}]}`
