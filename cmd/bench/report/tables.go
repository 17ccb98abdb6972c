package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/eventim-go/eventim/internal/page"
)

func (r Results) tables() []page.Table {
	var list []page.Table
	if slices.ContainsFunc(r.Runs, func(run Run) bool { return run.Phase == Closed || run.Phase == Backlog }) {
		list = append(list, r.throughput())
	}
	for _, partitions := range r.partitions(Open) {
		list = append(list, r.latency(partitions))
	}
	for _, partitions := range r.partitions(Open) {
		list = append(list, r.costs(partitions))
	}
	if len(r.having(Restart)) > 0 {
		list = append(list, r.restarts())
	}
	if t := r.goals(); len(t.Rows) > 0 {
		list = append(list, t)
	}
	list = append(list, r.correctness())
	if len(r.Failures) > 0 {
		list = append(list, r.failures())
	}
	return append(list, r.noise())
}

func (r Results) failures() page.Table {
	t := page.Table{Title: "Turns that failed", Head: []string{"contender", "round", "partitions", "why"}}
	for _, f := range r.Failures {
		t.Rows = append(t.Rows, []string{f.Contender, fmt.Sprint(f.Round), fmt.Sprint(f.Partitions), strings.Join(strings.Fields(f.Error), " ")})
	}
	return t
}

func (r Results) throughput() page.Table {
	t := page.Table{Title: "Commands per second", Head: []string{"contender"}}
	for _, phase := range []Phase{Closed, Backlog} {
		for _, p := range r.partitions(phase) {
			t.Head = append(t.Head, fmt.Sprintf("%s, %d partitions", phase.title(), p))
		}
	}
	for _, c := range r.loaded() {
		row := []string{c.Title}
		for _, phase := range []Phase{Closed, Backlog} {
			for _, p := range r.partitions(phase) {
				row = append(row, r.Stat(Case{c.Name, p, phase, 0}, PerSecond).String())
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (p Phase) title() string {
	switch p {
	case Closed:
		return "closed loop"
	case Open:
		return "open loop"
	default:
		return string(p)
	}
}

// loaded lists the contenders that were measured under load.
func (r Results) loaded() []Contender {
	return slices.DeleteFunc(slices.Clone(r.Contenders), func(c Contender) bool {
		return !slices.ContainsFunc(r.Runs, func(run Run) bool {
			return run.Contender == c.Name && run.Phase != Restart && run.Phase != Restore
		})
	})
}

func (r Results) latency(partitions int32) page.Table {
	t := page.Table{Title: fmt.Sprintf("Milliseconds until the result, %d partitions", partitions), Head: []string{"contender"}}
	for _, rate := range r.rates() {
		for _, p := range []string{"p50", "p99", "p99.9"} {
			t.Head = append(t.Head, fmt.Sprintf("%s at %s/s", p, page.Thousands(int64(rate))))
		}
	}
	for _, c := range r.having(Open) {
		row := []string{c.Title}
		for _, rate := range r.rates() {
			for _, f := range []Figure{P50, P99, P999} {
				row = append(row, r.Stat(Case{c.Name, partitions, Open, rate}, f).String())
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// costRate is the rate at which the contenders do the same work, so that their
// costs compare: the goals name it.
const costRate = 5000

func (r Results) costs(partitions int32) page.Table {
	rate := costRate
	if rates := r.rates(); !slices.Contains(rates, rate) {
		rate = rates[len(rates)-1]
	}
	at := fmt.Sprintf("%s/s", page.Thousands(int64(rate)))
	t := page.Table{Title: fmt.Sprintf("What 1,000 commands cost, %d partitions", partitions), Head: []string{
		"contender", "CPU ms at " + at, "CPU ms, closed loop", "broker CPU ms at " + at, "broker CPU ms, closed loop",
		"allocated MB at " + at, "peak resident MiB",
	}}
	for _, c := range r.having(Open) {
		open, closed := Case{c.Name, partitions, Open, rate}, Case{c.Name, partitions, Closed, 0}
		last := Case{c.Name, partitions, Open, r.rates()[len(r.rates())-1]}
		t.Rows = append(t.Rows, []string{
			c.Title, r.Stat(open, CPUPer1000).String(), r.Stat(closed, CPUPer1000).String(),
			r.Stat(open, Broker1000).String(), r.Stat(closed, Broker1000).String(),
			r.Stat(open, Allocated1000).String(), r.Stat(last, Resident).String(),
		})
	}
	return t
}

func (r Results) restarts() page.Table {
	t := page.Table{Title: fmt.Sprintf("Kill -9 and restart with %s aggregates", page.Thousands(int64(r.Settings.Aggregates))), Head: []string{
		"contender", "s to the first result", "s until all partitions answer", "s to start without its data", "states restored per s", "peak resident MiB",
	}}
	for _, c := range r.having(Restart) {
		for _, p := range r.partitions(Restart) {
			restart, restore := Case{c.Name, p, Restart, 0}, Case{c.Name, p, Restore, 0}
			t.Rows = append(t.Rows, []string{
				c.Title, r.Stat(restart, FirstResult).String(), r.Stat(restart, AllPartitions).String(),
				r.Stat(restore, Running).String(), r.Stat(restore, RestoreRate).String(), r.Stat(restore, Resident).String(),
			})
		}
	}
	return t
}

// correctness shows what the guarantees of the contenders were worth.
func (r Results) correctness() page.Table {
	t := page.Table{Title: "Correctness", Head: []string{"contender", "commands answered", "results repeated", "states checked", "states wrong"}}
	for _, c := range r.Contenders {
		var sum Run
		for _, run := range r.Runs {
			if run.Contender == c.Name && run.Phase != Restore {
				sum.Commands += run.Commands
				sum.Repeated += run.Repeated
				sum.Checked += run.Checked
				sum.WrongStates += run.WrongStates
			}
		}
		t.Rows = append(t.Rows, []string{
			c.Title, page.Thousands(sum.Commands), fmt.Sprint(sum.Repeated), fmt.Sprint(sum.Checked), fmt.Sprint(sum.WrongStates),
		})
	}
	return t
}

// noise tells how far the figures can be trusted.
func (r Results) noise() page.Table {
	t := page.Table{Title: "Who used the machine, % of it", Head: []string{"phase", "runs", "load generator", "broker", "programs that do not belong here"}}
	for _, p := range []Phase{Closed, Open, Backlog} {
		var generator, broker, others []float64
		for _, run := range r.Runs {
			if run.Phase == p {
				machine := run.Seconds * float64(r.Machine.Cores) / 100
				generator = append(generator, run.GeneratorCPU/machine)
				broker = append(broker, run.BrokerCPU/machine)
				others = append(others, run.OtherCPU/machine)
			}
		}
		if n := len(others); n > 0 {
			t.Rows = append(t.Rows, []string{p.title(), fmt.Sprint(n), statOf(generator).String(), statOf(broker).String(), statOf(others).String()})
		}
	}
	return t
}
