package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func sample() Reports {
	first := &Report{
		Began: time.Unix(1000, 0).UTC(), Seconds: 600, Session: 6,
		Rounds: []Round{
			{Seed: 7, Judged: true, Commands: 1000, Faults: []Fault{
				{Name: "kill a handler", What: "handler-0", At: 3, Seconds: 9, Recovery: 1, Gaps: []Gap{{"handler-0", 1, 6.5}, {"handler-0", 4, 7}}},
				{Name: "kill Postgres", At: 20, Seconds: 4, Recovery: 2},
			}},
			{Seed: 8, Judged: true, Commands: 2500, Faults: []Fault{{Name: "kill a handler", Recovery: 3, Gaps: []Gap{{"handler-1", 2, 0.5}}}}},
		},
	}
	for i := range 200 {
		first.Memory = append(first.Memory, Sample{At: float64(3 * i), Bytes: map[string]int64{"handler-0": 50 << 20, "web-1": int64(i) << 18}})
	}
	second := &Report{
		Began: time.Unix(5000, 0).UTC(), Seconds: 60, Failure: "liveness",
		Rounds: []Round{{Seed: 100, Commands: 10, Violations: 1, Faults: []Fault{{Name: "kill Postgres", Recovery: 9}}}},
	}
	return Reports{first, second}
}

func TestQuantileIsNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{[]float64{4}, 0.99, 4},
		{[]float64{1, 2, 3}, 0.5, 2},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("quantile(%d values, %v) = %v, want %v", len(c.values), c.q, got, c.want)
		}
	}
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("quantile of nothing = %v", got)
	}
}

func TestTablesMergeRuns(t *testing.T) {
	t.Parallel()
	all := sample()
	want := [][]string{
		{"7–8", "10", "2", "3", "2,500", "0", "2.0 s", "3.0 s"},
		{"100 (ended by a failure)", "1", "0", "1", "10", "1", "9.0 s", "9.0 s"},
		{"all, 3 seeds", "11", "2", "4", "2,510", "1", "2.0 s", "9.0 s"},
	}
	if got := all.runs().Rows; !reflect.DeepEqual(got, want) {
		t.Errorf("runs: %q, want %q", got, want)
	}
	want = [][]string{{"kill Postgres", "2", "2.0 s", "9.0 s", "9.0 s"}, {"kill a handler", "2", "1.0 s", "3.0 s", "3.0 s"}}
	if got := all.kinds().Rows; !reflect.DeepEqual(got, want) {
		t.Errorf("kinds: %q, want %q", got, want)
	}
	want = [][]string{{"kill a handler", "3", "6.5 s", "7.0 s", "7.0 s"}, {"all", "3", "6.5 s", "7.0 s", "7.0 s"}}
	if got := all.failover().Rows; !reflect.DeepEqual(got, want) {
		t.Errorf("failover: %q, want %q", got, want)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	all := sample()
	if got := all[0].Verdict(); !strings.HasPrefix(got, "PASSED: seeds 7–8: 3 faults, 2500 commands, 2 judgements, 0 violations") {
		t.Error(got)
	}
	for _, r := range []*Report{all[1], {}} {
		if got := r.Verdict(); !strings.HasPrefix(got, "FAILED") {
			t.Errorf("%s, of a run that failed or did nothing", got)
		}
	}
}

func TestReportsSurviveFilesAndAreSorted(t *testing.T) {
	t.Parallel()
	all := sample()
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "second.json"), filepath.Join(dir, "first.json")}
	for i, r := range []*Report{all[1], all[0]} {
		if err := r.Write(paths[i]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadAll(paths)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("read %+v, want %+v", got, all)
	}
}

func TestMemoryPlotIsFiniteXML(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]Reports{"full": sample(), "empty": {{}}, "none": nil} {
		data := all.MemoryPlot()
		d := xml.NewDecoder(strings.NewReader(string(data)))
		var err error
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) || strings.Contains(string(data), "NaN") || strings.Contains(string(data), "Inf") {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
	line := sample()[0].line("web-1", 0, 3600, func(s float64) float64 { return s }, func(mib float64) float64 { return -mib })
	if len(line) > 61 { // 10 s of the hour are a point
		t.Errorf("the line has %d points", len(line))
	}
	if last := line[len(line)-1]; last[1] != -199.0/4 {
		t.Errorf("the last point is at %v, want the highest of its samples", last)
	}
}

func TestStepsAreRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ of, want float64 }{{120, 20}, {100, 10}, {90, 10}, {45, 5}, {7, 1}, {30, 5}} {
		if got := step(c.of); got != c.want {
			t.Errorf("step(%v) = %v, want %v", c.of, got, c.want)
		}
	}
}

func TestWriteDocsFillsThePage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "reliability.md")
	if err := os.WriteFile(path, []byte("before\n<!-- generated: soak -->\nold\n<!-- end: soak -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().WriteDocs(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "after\n") || strings.Contains(text, "old") || !strings.Contains(text, "| kill Postgres | 2 |") {
		t.Errorf("the page is\n%s", text)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "reliability")); err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "memory.svg" }) {
		t.Errorf("there is no plot: %v %v", entries, err)
	}
}
