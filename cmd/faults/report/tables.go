package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/eventim-go/eventim/internal/page"
)

// Tables are what is shown of the runs.
func (all Reports) Tables() []page.Table {
	return []page.Table{all.runs(), all.kinds(), all.failover()}
}

// runs has a line for each run, and their sum.
func (all Reports) runs() page.Table {
	t := page.Table{Title: "Runs", Head: []string{
		"seeds", "minutes", "rounds judged", "faults", "commands", "violations", "recovery p50", "p99",
	}}
	var sum Report
	rounds, commands := 0, 0
	row := func(name string, r *Report, rounds, commands int) []string {
		some := recoveries(r.faults())
		return []string{
			name, fmt.Sprintf("%.0f", r.Seconds/60), fmt.Sprint(rounds), page.Thousands(int64(len(some))), page.Thousands(int64(commands)),
			fmt.Sprint(r.violations()), seconds(quantile(some, 0.5)), seconds(quantile(some, 0.99)),
		}
	}
	for _, r := range all {
		name := r.seeds()
		if r.Failure != "" {
			name += " (ended by a failure)"
		}
		t.Rows = append(t.Rows, row(name, r, r.judged(), r.commands()))
		sum.Rounds, sum.Seconds = append(sum.Rounds, r.Rounds...), sum.Seconds+r.Seconds
		rounds, commands = rounds+r.judged(), commands+r.commands()
	}
	t.Rows = append(t.Rows, row(fmt.Sprintf("all, %d seeds", len(sum.Rounds)), &sum, rounds, commands))
	return t
}

// byName are the faults of all runs.
func (all Reports) byName() map[string][]Fault {
	kinds := map[string][]Fault{}
	for _, r := range all {
		for _, f := range r.faults() {
			kinds[f.Name] = append(kinds[f.Name], f)
		}
	}
	return kinds
}

// kinds has a line for each kind of fault.
func (all Reports) kinds() page.Table {
	t := page.Table{Title: "Faults by kind", Head: []string{"fault", "times", "recovery p50", "p99", "most"}}
	kinds := all.byName()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		some := recoveries(kinds[name])
		t.Rows = append(t.Rows, []string{
			name, fmt.Sprint(len(some)), seconds(quantile(some, 0.5)), seconds(quantile(some, 0.99)), seconds(quantile(some, 1)),
		})
	}
	return t
}

// failover has a line for each kind of fault that happens to a handler.
func (all Reports) failover() page.Table {
	t := page.Table{Title: "Failover", Head: []string{"fault", "partitions struck", "silent p50", "p99", "most"}}
	kinds := all.byName()
	var every []float64
	row := func(name string, sorted []float64) {
		t.Rows = append(t.Rows, []string{
			name, page.Thousands(int64(len(sorted))), seconds(quantile(sorted, 0.5)), seconds(quantile(sorted, 0.99)), seconds(quantile(sorted, 1)),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if some := gaps(kinds[name]); len(some) > 0 {
			every = append(every, some...)
			row(name, some)
		}
	}
	slices.Sort(every)
	row("all", every)
	return t
}
