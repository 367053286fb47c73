package prometheus

import (
	"encoding/hex"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
)

// series are the metrics that events tell. It is a metrics.Recorder.
type series struct {
	all        []prometheus.Collector
	counters   map[*metrics.Metric]*prometheus.CounterVec
	histograms map[*metrics.Metric]*prometheus.HistogramVec
	gauges     map[*metrics.Metric]*prometheus.GaugeVec

	mu        sync.Mutex
	exemplars map[exemplarKey]time.Time // when a run was the exemplar last
}

// exemplarKey is what has exemplars of its own.
type exemplarKey struct {
	metric  *metrics.Metric
	task    string
	outcome tradeclock.Outcome
}

// exemplarEach is how far exemplars are apart: a scrape keeps one, and a burst has a
// hundred thousand runs.
const exemplarEach = time.Second

func newSeries(labels prometheus.Labels) *series {
	s := &series{
		counters:   make(map[*metrics.Metric]*prometheus.CounterVec),
		histograms: make(map[*metrics.Metric]*prometheus.HistogramVec),
		gauges:     make(map[*metrics.Metric]*prometheus.GaugeVec),
		exemplars:  make(map[exemplarKey]time.Time),
	}
	for _, m := range metrics.All() {
		if !m.Sampled {
			s.all = append(s.all, s.add(m, labels))
		}
	}
	return s
}

func (s *series) add(m *metrics.Metric, labels prometheus.Labels) prometheus.Collector {
	opts := prometheus.Opts{Name: m.PrometheusName(), Help: m.Help, ConstLabels: labels}
	switch m.Kind {
	case metrics.Counter:
		s.counters[m] = prometheus.NewCounterVec(prometheus.CounterOpts(opts), labelNames(m))
		return s.counters[m]
	case metrics.Histogram:
		s.histograms[m] = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: opts.Name, Help: opts.Help, ConstLabels: labels, Buckets: m.Buckets,
		}, labelNames(m))
		return s.histograms[m]
	}
	s.gauges[m] = prometheus.NewGaugeVec(prometheus.GaugeOpts(opts), labelNames(m))
	return s.gauges[m]
}

// Begin is that of metrics.Recorder.
func (s *series) Begin(m *metrics.Metric, values ...string) {
	if histogram := s.histograms[m]; histogram != nil {
		histogram.WithLabelValues(values...)
		return
	}
	s.counters[m].WithLabelValues(values...)
}

// Add is that of metrics.Recorder.
func (s *series) Add(m *metrics.Metric, n int, run *tradeclock.Run, values ...string) {
	counter := s.counters[m].WithLabelValues(values...)
	if exemplar := s.exemplar(m, run); exemplar != nil {
		counter.(prometheus.ExemplarAdder).AddWithExemplar(float64(n), exemplar)
		return
	}
	counter.Add(float64(n))
}

// Observe is that of metrics.Recorder.
func (s *series) Observe(m *metrics.Metric, value float64, run *tradeclock.Run, values ...string) {
	histogram := s.histograms[m].WithLabelValues(values...)
	if exemplar := s.exemplar(m, run); exemplar != nil {
		histogram.(prometheus.ExemplarObserver).ObserveWithExemplar(value, exemplar)
		return
	}
	histogram.Observe(value)
}

// Set is that of metrics.Recorder.
func (s *series) Set(m *metrics.Metric, value float64, values ...string) {
	s.gauges[m].WithLabelValues(values...).Set(value)
}

// exemplar returns the labels by which a run is found again, or nil if there is none, or
// one is known that is hardly older.
func (s *series) exemplar(m *metrics.Metric, run *tradeclock.Run) prometheus.Labels {
	if run == nil {
		return nil
	}
	at := run.Finished
	if run.Outcome == tradeclock.Running {
		at = run.Started
	}
	key := exemplarKey{m, run.Task, run.Outcome}
	s.mu.Lock()
	last, known := s.exemplars[key]
	fresh := !known || at.Sub(last) >= exemplarEach || at.Before(last)
	if fresh {
		s.exemplars[key] = at
	}
	s.mu.Unlock()
	if !fresh {
		return nil
	}
	labels := prometheus.Labels{"run_id": run.ID}
	trace := metrics.Detail(run, metrics.TraceDetail)
	if id, err := hex.DecodeString(trace); err == nil && len(id) == 16 { // or else it is no trace, and may be too long
		labels[metrics.TraceDetail] = trace
	}
	return labels
}
