package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/verify"
)

// tally counts what happened.
type tally struct {
	recoveries map[string][]time.Duration // by fault
	commands   int
	judgements int
	violations int
}

func newTally() *tally { return &tally{recoveries: map[string][]time.Duration{}} }

func (t *tally) add(fault string, recovery time.Duration) {
	t.recoveries[fault] = append(t.recoveries[fault], recovery)
}

func (t *tally) judged(r *verify.Report) {
	t.judgements++
	t.commands, t.violations = r.Kafka.Commands, t.violations+len(r.Violations())
}

// String is a table of the faults and of how long the clients had to wait for
// 20 results after each had been healed.
func (t *tally) String() string {
	var b strings.Builder
	var all []time.Duration
	fmt.Fprintf(&b, "\n| fault | times | p50 | max |\n|---|---:|---:|---:|\n")
	for _, name := range slices.Sorted(maps.Keys(t.recoveries)) {
		some := slices.Sorted(slices.Values(t.recoveries[name]))
		all = append(all, some...)
		fmt.Fprintf(&b, "| %s | %d | %v | %v |\n", name, len(some), quantile(some, 0.5), some[len(some)-1].Round(time.Millisecond))
	}
	slices.Sort(all)
	fmt.Fprintf(&b, "| all | %d | %v | p99 %v |\n\n", len(all), quantile(all, 0.5), quantile(all, 0.99))
	fmt.Fprintf(&b, "%d faults, %d commands, %d judgements, %d violations", len(all), t.commands, t.judgements, t.violations)
	return b.String()
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(time.Millisecond)
}
