package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// invoices runs the program to its end, and returns what it wrote.
func (s *system) invoices(args ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.fleet.Binary, args...)
	cmd.Env = append(os.Environ(), s.fleet.Env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// says runs the program, which must succeed, and say all of these.
func (s *system) says(args string, want ...string) string {
	s.t.Helper()
	out, err := s.invoices(strings.Fields(args)...)
	if err != nil {
		s.t.Fatalf("invoices %s: %v\n%s", args, err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			s.t.Errorf("invoices %s: want it to say %q\n%s", args, text, out)
		}
	}
	return out
}

// measured wants each process to show what it does where Prometheus looks.
func (s *system) measured() {
	s.t.Helper()
	for address, metric := range map[string]string{
		s.handlers[1].Address():   `messaging_process_duration_seconds_count{handler="invoices",outcome="accepted"}`,
		s.projectors[1].Address(): `view="invoice_history"`,
	} {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || !strings.Contains(string(text), metric) {
			s.t.Errorf("/metrics lacks %s, error %v\n%s", metric, err, text)
		}
	}
}

// TestRebuildByAPerson is what somebody does who suspects a view, while people
// work: every view is built anew, swapped, rolled back, and swapped again, and a
// projector is killed in the middle.
func TestRebuildByAPerson(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	work := s.load(6, 100_000)
	s.busy(300)
	for _, view := range []string{"invoice_list", "invoice_history", "command_result", "number_series"} {
		s.says("rebuild "+view+" --rate 2000", "projectors that run take it up")
		if view == "invoice_list" {
			if err := s.projectors[0].Kill(); err != nil {
				t.Fatal(err)
			}
			s.start(s.projectors[0])
		}
		s.says("rebuild status --watch "+view, "built", "none differs")
		s.says("rebuild swap "+view, "is live", "rollback "+view)
		s.busy(20)
		s.says("rebuild rollback "+view, "rows of before")
		s.busy(20)
		s.says("rebuild compare "+view, "none differs")
		s.says("rebuild swap " + view)
		s.says("rebuild pause "+view, "pauses")
		s.says("rebuild resume --rate 0 "+view, "goes on")
		s.busy(20)
	}
	s.says("rebuild cancel invoice_list", "live rows alone")
	var views []struct {
		View    string
		Rebuild struct{ State string }
	}
	if err := json.Unmarshal([]byte(s.says("views --json")), &views); err != nil || len(views) != 4 {
		t.Errorf("views are %+v, error %v", views, err)
	}
	for _, v := range views {
		if want := map[bool]string{true: "done", false: "swapped"}[v.View == "invoice_list"]; v.Rebuild.State != want {
			t.Errorf("the rebuild of %s is %s, want it %s", v.View, v.Rebuild.State, want)
		}
	}
	s.says("reproject invoice_list --id "+s.aggregate+"-shared-1", "is made anew")
	s.says("reproject invoice_history --id "+s.aggregate+"-shared-1", "is made anew")
	if out, err := s.invoices("reproject", "command_result", "--id", "x"); err == nil || !strings.Contains(out, "deletes old records") {
		t.Errorf("reproject command_result: %v\n%s", err, out)
	}
	s.measured()
	work.end()
	s.verify()
}
