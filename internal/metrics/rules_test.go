package metrics

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.yaml.in/yaml/v4"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

// every is a process that has all parts.
func every(t *testing.T) *Metrics {
	t.Helper()
	m := New()
	m.Handler("invoices", func() []eventim.PartitionStatus { return nil })
	m.Projector(func() []projector.PartitionStatus { return nil })
	m.Sockets(func() int { return 0 })
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m.Pool(pool)
	m.Pool(pool) // as in a process whose parts share it
	return m
}

// metricName finds names of metrics in an expression: what has an underscore and
// is followed by neither ( nor =, which are functions and labels.
var metricName = regexp.MustCompile(`\b[a-z]+(?:_[a-z]+)+\b`)

func namesIn(expression string) (names []string) {
	expression = regexp.MustCompile(`"[^"]*"|\{[^}]*\}|\$__[a-z_]+|\b(by|without) \([^)]*\)|\b[a-z_]+\(`).ReplaceAllString(expression, " ")
	for _, name := range metricName.FindAllString(expression, -1) {
		names = append(names, regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, ""))
	}
	return names
}

// known tells whether a process may show the metric, whose last part may have been
// cut off.
func known(all []string, name string) bool {
	return slices.Contains(all, name) || slices.Contains(all, name+"_count")
}

type alarm struct {
	Alert       string
	Expr        string
	Annotations struct{ Summary, Runbook string }
}

func alarms(t *testing.T) (all []alarm) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alarm } }
	if err := yaml.Unmarshal(read(t, "deploy", "alarms.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// An alarm whose metric does not exist never fires.
func TestAlarmsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	all := every(t).Names()
	rules := alarms(t)
	if len(rules) < 10 {
		t.Fatalf("there are %d alarms", len(rules))
	}
	for _, a := range rules {
		names := namesIn(a.Expr)
		if len(names) == 0 && !strings.HasPrefix(a.Expr, "up{") {
			t.Errorf("%s names no metric: %s", a.Alert, a.Expr)
		}
		for _, name := range names {
			if !known(all, name) {
				t.Errorf("%s: there is no metric %s; there are %v", a.Alert, name, all)
			}
		}
	}
}

func TestEachAlarmHasItsPage(t *testing.T) {
	t.Parallel()
	runbook := string(read(t, "docs", "runbook.md"))
	for _, a := range alarms(t) {
		page, found := strings.CutPrefix(a.Annotations.Runbook, "docs/runbook.md#")
		if !found || page != strings.ToLower(a.Alert) || a.Annotations.Summary == "" {
			t.Errorf("%s has the annotations %+v", a.Alert, a.Annotations)
		}
		_, text, found := strings.Cut(runbook, "\n## "+a.Alert+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
		for _, part := range []string{"**What it means.**", "**Look.**", "**Do.**"} {
			if !found || !strings.Contains(text, part) {
				t.Errorf("the page of %s lacks %s", a.Alert, part)
			}
		}
	}
}

// The dashboard shows what exists, and all of it.
func TestTheDashboardShowsAllMetrics(t *testing.T) {
	t.Parallel()
	all := every(t).Names()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "deploy", "dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, name := range namesIn(target.Expr) {
				shown[name] = true
				if !known(all, name) {
					t.Errorf("%s: there is no metric %s", p.Title, name)
				}
				if known(all, name) && !slices.Contains(all, name) {
					shown[name+"_count"] = true
				}
			}
		}
	}
	for _, name := range all {
		if (strings.HasPrefix(name, "eventim_") || strings.HasPrefix(name, "db_")) && !shown[name] {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
}
