package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/eventim-go/eventim/internal/page"
)

// goal is a ratio that Eventim is to reach.
type goal struct {
	what  string
	ratio float64 // measured
	limit float64
	least bool // the ratio is to be at least the limit, else at most
}

func (g goal) met() bool {
	if g.least {
		return g.ratio >= g.limit
	}
	return g.ratio <= g.limit
}

// goals compares with the best of the configurations of Kafka Streams that the
// goal speaks of, not with a convenient one.
func (r Results) goals() page.Table {
	t := page.Table{Title: "Goals, as ratios of medians", Head: []string{"goal", "limit", "measured", "met"}}
	for _, g := range append(append(r.latencyGoals(), r.throughputGoals()...), r.costGoals()...) {
		if math.IsNaN(g.ratio) {
			continue
		}
		limit, met := "at most ", "no"
		if g.least {
			limit = "at least "
		}
		if g.met() {
			met = "yes"
		}
		t.Rows = append(t.Rows, []string{g.what, limit + number(g.limit), number(g.ratio), met})
	}
	return t
}

const (
	ours          = "eventim"
	anyStreams    = "streams-"
	defaultCommit = "streams-100ms"
	shortCommit   = "streams-10ms"
)

func (r Results) latencyGoals() (goals []goal) {
	for _, p := range r.partitions(Open) {
		at := Case{Partitions: p, Phase: Open, Rate: costRate}
		against := func(what, prefix string, f Figure, limit float64) {
			goals = append(goals, goal{
				what:  fmt.Sprintf("%s at %s/s, %d partitions, to Kafka Streams at commit %s", what, page.Thousands(costRate), p, prefix[len("streams-"):]),
				ratio: ratio(r.of(ours, at, f), r.best(prefix, at, f, false)), limit: limit,
			})
		}
		against("p50", defaultCommit, P50, 0.2)
		against("p99", defaultCommit, P99, 0.25)
		against("p50", shortCommit, P50, 0.5)
		against("p99", shortCommit, P99, 0.7)
	}
	return goals
}

func (r Results) throughputGoals() (goals []goal) {
	limits := map[int32]float64{8: 1.2, 48: 1.8}
	for _, p := range r.partitions(Closed) {
		at := Case{Partitions: p, Phase: Closed}
		limit, named := limits[p]
		if !named {
			continue
		}
		goals = append(goals, goal{
			what:  fmt.Sprintf("closed loop, %d partitions, to the fastest Kafka Streams", p),
			ratio: ratio(r.of(ours, at, PerSecond), r.best(anyStreams, at, PerSecond, true)), limit: limit, least: true,
		}, goal{
			what:  fmt.Sprintf("closed loop, %d partitions, to the raw loop", p),
			ratio: ratio(r.of(ours, at, PerSecond), r.of("raw", at, PerSecond)), limit: 0.8, least: true,
		})
	}
	return goals
}

func (r Results) costGoals() (goals []goal) {
	for _, p := range r.partitions(Open) {
		at := Case{Partitions: p, Phase: Open, Rate: costRate}
		goals = append(goals, goal{
			what:  fmt.Sprintf("CPU per command at %s/s, %d partitions, to the most frugal Kafka Streams", page.Thousands(costRate), p),
			ratio: ratio(r.of(ours, at, CPUPer1000), r.best(anyStreams, at, CPUPer1000, false)), limit: 0.6,
		})
	}
	for _, p := range r.partitions(Restart) {
		at := Case{Partitions: p, Phase: Restart}
		for _, c := range r.having(Restart) {
			if strings.HasPrefix(c.Name, anyStreams) {
				goals = append(goals, goal{
					what:  "kill -9 to the first result, to " + c.Title,
					ratio: ratio(r.of(ours, at, FirstResult), r.of(c.Name, at, FirstResult)), limit: 0.3,
				})
			}
		}
	}
	return goals
}

func (r Results) of(contender string, at Case, f Figure) Stat {
	at.Contender = contender
	return r.Stat(at, f)
}

// best returns the figure of the contender of that prefix that does best.
func (r Results) best(prefix string, at Case, f Figure, highest bool) Stat {
	var best Stat
	for _, c := range r.Contenders {
		if !strings.HasPrefix(c.Name, prefix) {
			continue
		}
		s := r.of(c.Name, at, f)
		if s.N > 0 && (best.N == 0 || (s.Median > best.Median) == highest) {
			best = s
		}
	}
	return best
}
