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
	known     map[seriesKey]any // of those, the series that were used
	exemplars map[exemplarKey]time.Time
}

type seriesKey struct {
	metric *metrics.Metric
	values metrics.Values
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
		known:      make(map[seriesKey]any),
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

// of returns the series with the values, and makes it if there is none. The caller holds
// mu.
func (s *series) of(m *metrics.Metric, values metrics.Values) any {
	key := seriesKey{m, values}
	if one := s.known[key]; one != nil {
		return one
	}
	labels := values[:len(m.Attributes)]
	switch m.Kind {
	case metrics.Counter:
		s.known[key] = s.counters[m].WithLabelValues(labels...)
	case metrics.Histogram:
		s.known[key] = s.histograms[m].WithLabelValues(labels...)
	default:
		s.known[key] = s.gauges[m].WithLabelValues(labels...)
	}
	return s.known[key]
}

// Begin is that of metrics.Recorder.
func (s *series) Begin(m *metrics.Metric, values metrics.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(m, values)
}

// Add is that of metrics.Recorder.
func (s *series) Add(m *metrics.Metric, n int, of metrics.Example, values metrics.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counter := s.of(m, values)
	if exemplar := s.exemplar(m, of); exemplar != nil {
		counter.(prometheus.ExemplarAdder).AddWithExemplar(float64(n), exemplar)
		return
	}
	counter.(prometheus.Counter).Add(float64(n))
}

// Observe is that of metrics.Recorder.
func (s *series) Observe(m *metrics.Metric, value float64, of metrics.Example, values metrics.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	histogram := s.of(m, values)
	if exemplar := s.exemplar(m, of); exemplar != nil {
		histogram.(prometheus.ExemplarObserver).ObserveWithExemplar(value, exemplar)
		return
	}
	histogram.(prometheus.Observer).Observe(value)
}

// Set is that of metrics.Recorder.
func (s *series) Set(m *metrics.Metric, value float64, values metrics.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(m, values).(prometheus.Gauge).Set(value)
}

// exemplar returns the labels by which a run is found again, or nil if there is none, or
// one is known that is hardly older. The caller holds mu.
func (s *series) exemplar(m *metrics.Metric, of metrics.Example) prometheus.Labels {
	if of.RunID == "" {
		return nil
	}
	key := exemplarKey{m, of.Task, of.Outcome}
	last, known := s.exemplars[key]
	if known && !of.At.Before(last) && of.At.Sub(last) < exemplarEach {
		return nil
	}
	s.exemplars[key] = of.At
	labels := prometheus.Labels{"run_id": of.RunID}
	if id, err := hex.DecodeString(of.Trace); err == nil && len(id) == 16 { // or else it is no trace, and may be too long
		labels["trace_id"] = of.Trace
	}
	return labels
}
