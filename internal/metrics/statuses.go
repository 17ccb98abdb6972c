package metrics

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

var (
	partitionReady = describe("eventim_partition_ready", "1 for a partition whose commands are being handled.", "partition", "state")
	partitionLag   = describe("eventim_partition_lag_records", "Commands that wait, in offsets.", "partition")
	partitionDelay = describe("eventim_partition_lag_seconds", "How long the next command has been waiting.", "partition")
	partitionStuck = describe("eventim_partition_stuck_seconds", "For how long nothing has moved although commands wait; 0: it moves.", "partition")
	partitionBusy  = describe("eventim_partition_busy_seconds", "For how long a call of the domain's code has not returned; 0: none.", "partition")
)

// partitions are those of a handler.
type partitions struct {
	status func() []eventim.PartitionStatus
}

// Describe implements prometheus.Collector.
func (p partitions) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{partitionReady, partitionLag, partitionDelay, partitionStuck, partitionBusy} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (p partitions) Collect(to chan<- prometheus.Metric) {
	for _, s := range p.status() {
		id := strconv.Itoa(int(s.Partition))
		to <- gauge(partitionReady, truth(s.Ready()), id, string(s.State))
		to <- gauge(partitionLag, float64(s.Lag()), id)
		to <- gauge(partitionDelay, s.LagTime().Seconds(), id)
		to <- gauge(partitionStuck, since(s.StuckSince), id)
		busy := 0.0
		if s.Busy != nil {
			busy = since(s.Busy.Since)
		}
		to <- gauge(partitionBusy, busy, id)
	}
}

func since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}

var (
	viewReady    = describe("eventim_view_ready", "1 for a partition of a view that is followed, or has waited for a moment only.", "view", "version", "partition", "state")
	viewPosition = describe("eventim_view_position", "The next offset that the view applies.", "view", "version", "partition")
	viewLag      = describe("eventim_view_lag_records", "How far the view is behind its topic, in offsets.", "view", "version", "partition")
	viewDelay    = describe("eventim_view_lag_seconds", "How long the oldest record that is not applied has been waiting.", "view", "version", "partition")
)

// views are those of a projector.
type views struct {
	status func() []projector.PartitionStatus
}

// Describe implements prometheus.Collector.
func (v views) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{viewReady, viewPosition, viewLag, viewDelay} {
		to <- d
	}
}

// Collect implements prometheus.Collector. A view whose partitions are not known
// yet has the partition -1.
func (v views) Collect(to chan<- prometheus.Metric) {
	for _, s := range v.status() {
		version, id := strconv.Itoa(s.Version), strconv.Itoa(int(s.Partition))
		to <- gauge(viewReady, truth(s.Ready()), s.View, version, id, string(s.State))
		to <- gauge(viewPosition, float64(s.NextOffset), s.View, version, id)
		to <- gauge(viewLag, float64(s.Lag()), s.View, version, id)
		to <- gauge(viewDelay, s.LagTime().Seconds(), s.View, version, id)
	}
}

var (
	poolCount = describe("db_client_connection_count", "Connections of the pool.", "state")
	poolMax   = describe("db_client_connection_max", "Most connections that the pool may have.")
	poolWaits = describe("eventim_pool_waits_total", "How often somebody waited for a connection of the pool.")
)

// connections are those of a pool.
type connections struct{ pool *pgxpool.Pool }

// Describe implements prometheus.Collector.
func (c connections) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolCount, poolMax, poolWaits} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c connections) Collect(to chan<- prometheus.Metric) {
	s := c.pool.Stat()
	to <- gauge(poolCount, float64(s.AcquiredConns()), "used")
	to <- gauge(poolCount, float64(s.IdleConns()), "idle")
	to <- gauge(poolMax, float64(s.MaxConns()))
	to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(s.EmptyAcquireCount()))
}
