// Package prometheus exports what a scheduler does as metrics of Prometheus. A [Collector]
// observes one scheduler, is registered like any collector, and has the metrics that
// docs/metrics.md lists. The alert rules and the board in observability/ are made for them.
//
// The account is never a label, so that the number of series does not grow with accounts.
// Which runs they were is told by exemplars, which have the ID of a run and of its trace;
// they are there if the metrics are served in the OpenMetrics format.
package prometheus

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
)

// Collector is the observer of one scheduler, and collects its metrics. Make one with New,
// name it among Config.Observers, let it Watch the scheduler, and register it. One that
// watches nothing yet has no metrics. Collectors of several schedulers may be registered
// together. All methods are safe for concurrent use.
type Collector struct {
	watched atomic.Pointer[watch]
}

// watch is what is kept of a scheduler.
type watch struct {
	scheduler *tradeclock.UnifiedTaskScheduler
	series    *series
	sampled   map[*metrics.Metric]*prometheus.Desc
}

// New returns a collector.
func New() *Collector { return &Collector{} }

// Watch makes the scheduler the one whose metrics are collected. Call it once New has
// returned the scheduler, and before it runs: what happens earlier is not counted.
func (c *Collector) Watch(s *tradeclock.UnifiedTaskScheduler) {
	labels := prometheus.Labels{metrics.SchedulerAttribute: s.Status().Scheduler}
	w := &watch{scheduler: s, series: newSeries(labels), sampled: make(map[*metrics.Metric]*prometheus.Desc)}
	for _, m := range metrics.All() {
		if m.Sampled {
			w.sampled[m] = prometheus.NewDesc(m.PrometheusName(), m.Help, labelNames(m), labels)
		}
	}
	metrics.Begin(w.series)
	c.watched.Store(w)
}

// Observe counts what an event tells. The scheduler calls it.
func (c *Collector) Observe(e tradeclock.Event) {
	if w := c.watched.Load(); w != nil {
		metrics.Observe(w.series, e)
	}
}

// Describe describes nothing, since the metrics are known once a scheduler is watched.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect collects what was counted, and asks the scheduler for its status. It waits for
// no store and no task.
func (c *Collector) Collect(found chan<- prometheus.Metric) {
	w := c.watched.Load()
	if w == nil {
		return
	}
	for _, vec := range w.series.all {
		vec.Collect(found)
	}
	metrics.Sample(w.scheduler.Status(), func(m *metrics.Metric, value float64, values metrics.Values) {
		found <- prometheus.MustNewConstMetric(w.sampled[m], valueType(m), value, values[:len(m.Attributes)]...)
	})
}

func valueType(m *metrics.Metric) prometheus.ValueType {
	if m.Kind == metrics.Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

func labelNames(m *metrics.Metric) []string {
	names := make([]string, len(m.Attributes))
	for i, attribute := range m.Attributes {
		names[i] = metrics.PrometheusLabel(attribute)
	}
	return names
}
