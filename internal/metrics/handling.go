package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventim-go/eventim/eventim"
)

// handling counts what a handler says that it does.
type handling struct {
	commands     *prometheus.HistogramVec
	deadLetters  *prometheus.CounterVec
	repeats      prometheus.Counter
	decisions    prometheus.Histogram
	transactions *prometheus.HistogramVec
	phases       *prometheus.HistogramVec
	rebalances   *prometheus.CounterVec
	takeovers    prometheus.Histogram
	fences       prometheus.Counter
	ended        prometheus.Counter
}

// buckets reach from what an idle broker takes to what is out of time.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func newHandling() *handling {
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: name, Help: help}
	}
	return &handling{
		commands: prometheus.NewHistogramVec(histogram("messaging_process_duration_seconds",
			"From when the broker got a command to its committed answer."), []string{"outcome"}),
		deadLetters: prometheus.NewCounterVec(counter("eventim_dead_letters_total",
			"Commands that could not be handled, and are in the dead letters."), []string{"code"}),
		repeats: prometheus.NewCounter(counter("eventim_repeated_commands_total",
			"Commands that came again, and got the first answer.")),
		decisions: prometheus.NewHistogram(histogram("eventim_decision_duration_seconds",
			"What the decisions of a batch took.")),
		transactions: prometheus.NewHistogramVec(histogram("eventim_transaction_duration_seconds",
			"What a transaction took, from its first request to its outcome."), []string{"outcome"}),
		phases: prometheus.NewHistogramVec(histogram("eventim_transaction_phase_duration_seconds",
			"What a transaction spent its time on; queued is what its first batch waited for a lane."), []string{"phase"}),
		rebalances: prometheus.NewCounterVec(counter("eventim_rebalanced_partitions_total",
			"Partitions that the group has given to this process, or taken."), []string{"change"}),
		takeovers: prometheus.NewHistogram(histogram("eventim_takeover_duration_seconds",
			"What it took to make a partition ready, with the restoring of its state.")),
		fences: prometheus.NewCounter(counter("eventim_fenced_batches_total",
			"Batches that Kafka refused since the partition is no longer this process's own.")),
		ended: prometheus.NewCounter(counter("eventim_ended_transactions_total",
			"Open transactions of dead processes that were ended.")),
	}
}

func (h *handling) all() []prometheus.Collector {
	return []prometheus.Collector{
		h.commands, h.deadLetters, h.repeats, h.decisions, h.transactions, h.phases, h.rebalances, h.takeovers, h.fences, h.ended,
	}
}

func (h *handling) observer() eventim.Observer {
	return eventim.Observer{
		Claimed:    func(int32) { h.rebalances.WithLabelValues("claimed").Inc() },
		Released:   func(int32) { h.rebalances.WithLabelValues("released").Inc() },
		TakenOver:  func(t eventim.TakenOver) { h.takeovers.Observe(t.Took.Seconds()) },
		Decided:    func(d eventim.Decided) { h.decisions.Observe(d.Took.Seconds()) },
		Transacted: h.transacted,
		Answered:   h.answered,
		Fenced:     func(int32, error) { h.fences.Inc() },
		Ended:      func(string) { h.ended.Inc() },
	}
}

func (h *handling) transacted(t eventim.Transaction) {
	outcome := "committed"
	if t.Err != nil {
		outcome = "failed"
	}
	h.transactions.WithLabelValues(outcome).Observe(t.Took.Seconds())
	for phase, took := range map[string]time.Duration{
		"queued": t.Queued, "begin": t.Phases.Begin, "write": t.Phases.Write, "offsets": t.Phases.Offsets, "end": t.Phases.End,
	} {
		h.phases.WithLabelValues(phase).Observe(took.Seconds())
	}
}

func (h *handling) answered(a eventim.Answered) {
	if a.Replayed {
		h.repeats.Inc()
		return
	}
	h.commands.WithLabelValues(string(a.Outcome)).Observe(time.Since(a.Time).Seconds())
	if a.Outcome == eventim.Failed {
		h.deadLetters.WithLabelValues(a.Code).Inc()
	}
}
