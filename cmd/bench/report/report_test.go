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
)

func sample() Results {
	r := Results{
		Machine:    Machine{CPU: "a <fast> one", Cores: 2},
		Failures:   []Failure{{1, "raw", 48, "it\nfell over"}},
		Contenders: []Contender{{"eventim", "Eventim", "ours"}, {"raw", "raw loop", "nothing"}, {"streams-100ms-1t", "Kafka Streams", "theirs"}},
	}
	for round := range 3 {
		for i, c := range r.Contenders {
			f := float64(10*(i+1) + round)
			closed := Run{Round: round, Contender: c.Name, Partitions: 8, Phase: Closed, Seconds: 10, Commands: int64(f * 1e4), PerSecond: f * 1000, CPU: f / 10, Resident: 100 << 20}
			open := Run{
				Round: round, Contender: c.Name, Partitions: 8, Phase: Open, Rate: 5000, Seconds: 10, Commands: 50_000, PerSecond: 5000, CPU: f / 10,
				Latency: &Latency{P50: f, P99: 2 * f, P999: 3 * f, Percentiles: [][2]float64{{50, f}, {99, 2 * f}, {99.9, 3 * f}}},
			}
			restart := Run{Round: round, Contender: c.Name, Partitions: 8, Phase: Restart, FirstResult: f, AllPartitions: f}
			r.Runs = append(r.Runs, closed, open, restart)
		}
	}
	return r
}

func TestStat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   Stat
	}{
		{nil, Stat{}},
		{[]float64{3}, Stat{3, 3, 3, 1}},
		{[]float64{9, 1, 2}, Stat{2, 1, 9, 3}},
		{[]float64{4, 1, 2, 9}, Stat{3, 1, 9, 4}},
	} {
		if got := statOf(c.values); got != c.want {
			t.Errorf("statOf(%v) = %+v, want %+v", c.values, got, c.want)
		}
	}
	got := sample().Stat(Case{"raw", 8, Open, 5000}, P99)
	if want := (Stat{42, 40, 44, 3}); got != want {
		t.Errorf("p99 of the raw loop = %+v, want %+v", got, want)
	}
}

func TestGoalsAreRatiosToTheBest(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Contenders = append(r.Contenders, Contender{Name: "streams-100ms-2t"})
	r.Runs = append(r.Runs, Run{Contender: "streams-100ms-2t", Partitions: 8, Phase: Open, Rate: 5000, Latency: &Latency{P50: 22, P99: 100}})
	measured := map[string]string{}
	for _, row := range r.goals().Rows {
		measured[row[0]] = row[2] + " " + row[3]
	}
	for what, want := range map[string]string{
		"p50 at 5,000/s, 8 partitions, to Kafka Streams at commit 100ms": "0.50 no",
		"p99 at 5,000/s, 8 partitions, to Kafka Streams at commit 100ms": "0.35 no",
		"closed loop, 8 partitions, to the raw loop":                     "0.52 no",
		"kill -9 to the first result, to Kafka Streams":                  "0.35 no",
	} {
		if got := measured[what]; got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234.5: "1,230", 1234567: "1,234,570", math.NaN(): "–"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestChartsAreXML(t *testing.T) {
	t.Parallel()
	r := sample()
	r.Contenders[0].Title = "<Eventim> & co"
	charts := Charts(r)
	if len(charts) != 5 {
		t.Errorf("got %d charts, want 5", len(charts))
	}
	for name, data := range charts {
		decoder := xml.NewDecoder(strings.NewReader(string(data)))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
	if err := Check(r); err != nil {
		t.Error(err)
	}
}

func TestResultsSurviveTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.json")
	want := sample()
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	all := sample()
	all.Command, all.Versions = "all", map[string]string{"Go": "1"}
	first, second := all, all
	first.Command, first.Failures, first.Runs = "loops", nil, nil
	second.Command, second.Runs = "restart", nil
	second.Contenders = append(slices.Clone(all.Contenders), Contender{Name: "goka"})
	for _, run := range all.Runs {
		if run.Phase == Restart {
			second.Runs = append(second.Runs, run)
		} else {
			first.Runs = append(first.Runs, run)
		}
	}
	got, err := Join([]Results{first, second})
	if err != nil {
		t.Fatal(err)
	}
	if got.Command != "loops && restart" || len(got.Contenders) != 4 || len(got.Failures) != 1 || len(got.Runs) != len(all.Runs) {
		t.Errorf("joined: %q, %d contenders, %d failures, %d runs", got.Command, len(got.Contenders), len(got.Failures), len(got.Runs))
	}
	if want, got := all.goals(), got.goals(); !reflect.DeepEqual(got, want) {
		t.Errorf("goals are %v, want %v", got, want)
	}
	if _, err := Join([]Results{first, all}); err == nil {
		t.Error("a phase that was measured twice is no error")
	}
	second.Machine.Cores++
	if _, err := Join([]Results{first, second}); err == nil {
		t.Error("another machine is no error")
	}
	second.Machine, second.Versions = all.Machine, map[string]string{"Go": "2"}
	if _, err := Join([]Results{first, second}); err == nil {
		t.Error("another version is no error")
	}
}

func TestWriteDocsFillsThePage(t *testing.T) {
	t.Parallel()
	docs := t.TempDir()
	page := filepath.Join(docs, "benchmarks.md")
	text := "# By hand\n"
	for _, name := range []string{"run", "contenders", "figures"} {
		text += "<!-- generated: " + name + " -->\nold\n<!-- end: " + name + " -->\nkept after " + name + "\n"
	}
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again on its own output
		if err := WriteDocs(docs, sample()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page) //nolint:gosec // ours
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# By hand", "kept after figures", "| Eventim | ours |", "| raw | 1 | 48 | it fell over |", "(benchmarks/latency-8-5000.svg)"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Error("the page has kept what was generated before")
	}
	if err := os.WriteFile(page, []byte("no sections"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteDocs(docs, sample()); err == nil {
		t.Error("a page without sections is no error")
	}
}
