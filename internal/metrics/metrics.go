// Package metrics shows what a process does, for Prometheus. It is told by the
// observer of the handler and asks the statuses of the parts: none of them knows
// of Prometheus.
//
// Names are those of OpenTelemetry's conventions where there is one, else they
// begin with eventim_. Times are in seconds.
package metrics

import (
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

// Metrics are those of one process.
type Metrics struct {
	registry *prometheus.Registry

	mu    sync.Mutex
	pools map[*pgxpool.Pool]bool
}

// New makes the metrics of a process, which has none yet but its own: memory,
// threads, and the time of the processor.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), pools: map[*pgxpool.Pool]bool{}}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Serve answers GET /metrics.
func (m *Metrics) Serve() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Names returns the names of all that is or may be shown, without those of
// histograms' parts.
func (m *Metrics) Names() []string { return namesOf(m.registry) }

// Handler returns the observer of a handler, whose statuses are shown, too. Of the
// handlers of a process each has a name of its own, the label "handler".
func (m *Metrics) Handler(name string, status func() []eventim.PartitionStatus) eventim.Observer {
	h := newHandling()
	m.named(name).MustRegister(h.all()...)
	m.Reactor(name, status)
	return h.observer()
}

// Reactor shows the statuses of a reactor, which shares the names of handlers.
func (m *Metrics) Reactor(name string, status func() []eventim.PartitionStatus) {
	m.named(name).MustRegister(partitions{status})
}

func (m *Metrics) named(name string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"handler": name}, m.registry)
}

// Projector shows how far views are. A process has one projector at most.
func (m *Metrics) Projector(status func() []projector.PartitionStatus) {
	m.registry.MustRegister(views{status})
}

// Sockets shows how many websockets are open. A process has one web node at most.
func (m *Metrics) Sockets(open func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventim_websocket_connections", Help: "Websockets that are open.",
	}, func() float64 { return float64(open()) }))
}

// Pool shows the connections of a pool. A pool that is given again is shown once.
func (m *Metrics) Pool(pool *pgxpool.Pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if pool != nil && !m.pools[pool] {
		m.pools[pool] = true
		m.registry.MustRegister(connections{pool})
	}
}
