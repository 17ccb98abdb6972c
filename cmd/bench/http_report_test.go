package main

import (
	"strings"
	"testing"
	"time"
)

func TestTablesCompareTheSystems(t *testing.T) {
	t.Parallel()
	at := func(system string, callers int) key { return key{"embedded", system, "result", callers} }
	r := &httpRun{
		httpCmd: httpCmd{Brokers: []string{"embedded"}, Systems: []string{"plain", "lanes", "single"}, Callers: []int{1, 200}, Until: []string{"result"}, Rounds: 3},
		figures: figures{
			at("plain", 200):  {{perSecond: 900}, {perSecond: 1000}, {perSecond: 1500}},
			at("lanes", 1):    {{perSecond: 100, p50: 10 * time.Millisecond}},
			at("lanes", 200):  {{perSecond: 2000, p50: 15 * time.Millisecond, writer: 1e-4, postgres: 2e-4}},
			at("single", 200): {{perSecond: 500, writer: 5e-4, postgres: 1e-3}},
		},
	}
	text := r.tables()
	for _, line := range []string{
		"| plain program | 200 | 1,000 | 0.0 | 0.0 | 0 | 0 |",
		"| product | 200 | 2,000 | 15.0 | 0.0 | 100 | 200 |",
		"| 200 callers | 2.00 | 4.00 | 0.20 | 1.50 |",
		"| 1 callers |  |  |  | 1.00 |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the tables lack %q:\n%s", line, text)
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Millisecond)
	}
	got, err := figureOf(took, 2, cost{1, 2}, cost{3, 6})
	want := figure{perSecond: 100, p50: 101 * time.Millisecond, p99: 199 * time.Millisecond, writer: 0.01, postgres: 0.02}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := figureOf(nil, 2, cost{}, cost{}); err == nil {
		t.Error("nothing was taken for something")
	}
}
