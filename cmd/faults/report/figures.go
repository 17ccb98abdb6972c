package report

import (
	"fmt"
	"math"
	"slices"
)

// faults are all that happened in a run.
func (r *Report) faults() (all []Fault) {
	for _, round := range r.Rounds {
		all = append(all, round.Faults...)
	}
	return all
}

func (r *Report) commands() (most int) {
	for _, round := range r.Rounds {
		most = max(most, round.Commands)
	}
	return most
}

func (r *Report) judged() (n int) {
	for _, round := range r.Rounds {
		if round.Judged {
			n++
		}
	}
	return n
}

func (r *Report) violations() (n int) {
	for _, round := range r.Rounds {
		n += round.Violations
	}
	return n
}

// seeds are those of the rounds, which are successive.
func (r *Report) seeds() string {
	switch n := len(r.Rounds); n {
	case 0:
		return "–"
	case 1:
		return fmt.Sprint(r.Rounds[0].Seed)
	default:
		return fmt.Sprintf("%d–%d", r.Rounds[0].Seed, r.Rounds[n-1].Seed)
	}
}

func recoveries(faults []Fault) (all []float64) {
	for _, f := range faults {
		all = append(all, f.Recovery)
	}
	slices.Sort(all)
	return all
}

func gaps(faults []Fault) (all []float64) {
	for _, f := range faults {
		for _, g := range f.Gaps {
			all = append(all, g.Seconds)
		}
	}
	slices.Sort(all)
	return all
}

// quantile returns the least value that at least this part of all values does
// not exceed (nearest rank); NaN when there are none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func seconds(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.1f s", v)
}

// Verdict is one line on a run: whether all is well, and what was done.
func (r *Report) Verdict() string {
	word := "PASSED"
	if r.Failure != "" || r.violations() > 0 || r.judged() == 0 {
		word = "FAILED"
	}
	return fmt.Sprintf("%s: seeds %s: %d faults, %d commands, %d judgements, %d violations in %.0f s",
		word, r.seeds(), len(r.faults()), r.commands(), r.judged(), r.violations(), r.Seconds)
}
