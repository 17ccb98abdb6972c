package report

import (
	"maps"
	"math"
	"slices"
)

// Figure is one number of a run; ok is false where a run has none.
type Figure func(Run) (value float64, ok bool)

// The figures of the report.
var (
	PerSecond     Figure = func(r Run) (float64, bool) { return r.PerSecond, r.PerSecond > 0 }
	P50           Figure = latency(func(l Latency) float64 { return l.P50 })
	P99           Figure = latency(func(l Latency) float64 { return l.P99 })
	P999          Figure = latency(func(l Latency) float64 { return l.P999 })
	CPUPer1000    Figure = func(r Run) (float64, bool) { return per1000(r, 1000*r.CPU) } // milliseconds
	Allocated1000 Figure = func(r Run) (float64, bool) { return per1000(r, float64(r.Allocated)/1e6) }
	Broker1000    Figure = func(r Run) (float64, bool) { return per1000(r, 1000*r.BrokerCPU) }
	Resident      Figure = func(r Run) (float64, bool) { return float64(r.Resident) / (1 << 20), r.Resident > 0 } // MiB
	FirstResult   Figure = func(r Run) (float64, bool) { return r.FirstResult, r.FirstResult > 0 }
	AllPartitions Figure = func(r Run) (float64, bool) { return r.AllPartitions, r.AllPartitions > 0 }
	Running       Figure = func(r Run) (float64, bool) { return r.Running, r.Running > 0 }
	RestoreRate   Figure = func(r Run) (float64, bool) { return float64(r.Commands) / r.Running, r.Running > 0 }
)

func latency(of func(Latency) float64) Figure {
	return func(r Run) (float64, bool) {
		if r.Latency == nil {
			return 0, false
		}
		return of(*r.Latency), true
	}
}

func per1000(r Run, value float64) (float64, bool) {
	return value / float64(r.Commands) * 1000, r.Commands > 0 && value > 0
}

// Case selects the runs that are repetitions of each other.
type Case struct {
	Contender  string
	Partitions int32
	Phase      Phase
	Rate       int
}

func (r Run) inCase() Case { return Case{r.Contender, r.Partitions, r.Phase, r.Rate} }

// Stat is a figure over the rounds.
type Stat struct {
	Median, Min, Max float64
	N                int
}

// Stat returns the figure over the runs of a case; N is 0 when there are none.
func (r Results) Stat(c Case, f Figure) Stat {
	var values []float64
	for _, run := range r.Runs {
		if run.inCase() != c {
			continue
		}
		if v, ok := f(run); ok {
			values = append(values, v)
		}
	}
	return statOf(values)
}

func statOf(values []float64) Stat {
	if len(values) == 0 {
		return Stat{}
	}
	slices.Sort(values)
	n := len(values)
	return Stat{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1], N: n}
}

// ratio divides the medians; NaN where one is missing.
func ratio(a, b Stat) float64 {
	if a.N == 0 || b.N == 0 || b.Median == 0 {
		return math.NaN()
	}
	return a.Median / b.Median
}

// Partitions lists the partition counts of the runs of a phase.
func (r Results) partitions(p Phase) []int32 {
	set := map[int32]bool{}
	for _, run := range r.Runs {
		if run.Phase == p {
			set[run.Partitions] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (r Results) rates() []int {
	set := map[int]bool{}
	for _, run := range r.Runs {
		if run.Phase == Open {
			set[run.Rate] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// having lists the contenders with runs of that phase.
func (r Results) having(p Phase) []Contender {
	return slices.DeleteFunc(slices.Clone(r.Contenders), func(c Contender) bool {
		return !slices.ContainsFunc(r.Runs, func(run Run) bool { return run.Contender == c.Name && run.Phase == p })
	})
}
