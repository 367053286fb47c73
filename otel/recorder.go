package otel

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
)

// recorder has the instruments of one scheduler. It is a metrics.Recorder.
type recorder struct {
	scheduler    *tradeclock.UnifiedTaskScheduler
	name         attribute.KeyValue // of the scheduler
	runIDs       bool
	counters     map[*metrics.Metric]metric.Int64Counter
	histograms   map[*metrics.Metric]metric.Float64Histogram
	gauges       map[*metrics.Metric]metric.Float64Gauge
	sampled      map[*metrics.Metric]metric.Float64Observable
	registration metric.Registration
	known        sync.Map // of seriesKey, to metric.MeasurementOption
}

type seriesKey struct {
	metric *metrics.Metric
	values metrics.Values
}

func newRecorder(cfg Config, s *tradeclock.UnifiedTaskScheduler) (*recorder, error) {
	r := &recorder{
		scheduler: s, name: attribute.String(metrics.SchedulerAttribute, s.Status().Scheduler), runIDs: cfg.RunIDs,
		counters: make(map[*metrics.Metric]metric.Int64Counter), histograms: make(map[*metrics.Metric]metric.Float64Histogram),
		gauges: make(map[*metrics.Metric]metric.Float64Gauge), sampled: make(map[*metrics.Metric]metric.Float64Observable),
	}
	meter := cfg.MeterProvider.Meter(scope)
	var errs []error
	var observed []metric.Observable
	for _, m := range metrics.All() {
		if err := r.add(meter, m); err != nil {
			errs = append(errs, err)
			continue
		}
		if o := r.sampled[m]; o != nil {
			observed = append(observed, o)
		}
	}
	var err error
	r.registration, err = meter.RegisterCallback(r.sample, observed...)
	return r, errors.Join(append(errs, err)...)
}

// add makes the instrument of a metric.
func (r *recorder) add(meter metric.Meter, m *metrics.Metric) (err error) {
	unit, help := metric.WithUnit(m.Unit), metric.WithDescription(m.Help)
	switch {
	case m.Sampled && m.Kind == metrics.Counter:
		r.sampled[m], err = meter.Float64ObservableCounter(m.Name, unit, help)
	case m.Sampled:
		r.sampled[m], err = meter.Float64ObservableGauge(m.Name, unit, help)
	case m.Kind == metrics.Counter:
		r.counters[m], err = meter.Int64Counter(m.Name, unit, help)
	case m.Kind == metrics.Histogram:
		r.histograms[m], err = meter.Float64Histogram(m.Name, unit, help, metric.WithExplicitBucketBoundaries(m.Buckets...))
	default:
		r.gauges[m], err = meter.Float64Gauge(m.Name, unit, help)
	}
	return err
}

func (r *recorder) close() error { return r.registration.Unregister() }

// sample asks the scheduler for its status. It waits for no store and no task.
func (r *recorder) sample(_ context.Context, o metric.Observer) error {
	metrics.Sample(r.scheduler.Status(), func(m *metrics.Metric, value float64, values metrics.Values) {
		o.ObserveFloat64(r.sampled[m], value, r.attributes(m, values))
	})
	return nil
}

// Begin is that of metrics.Recorder. A histogram has no series before its first value.
func (r *recorder) Begin(m *metrics.Metric, values metrics.Values) {
	if counter := r.counters[m]; counter != nil {
		counter.Add(context.Background(), 0, r.attributes(m, values))
	}
}

// Add is that of metrics.Recorder.
func (r *recorder) Add(m *metrics.Metric, n int, of metrics.Example, values metrics.Values) {
	r.counters[m].Add(within(of), int64(n), r.attributes(m, values))
}

// Observe is that of metrics.Recorder.
func (r *recorder) Observe(m *metrics.Metric, value float64, of metrics.Example, values metrics.Values) {
	if !r.runIDs {
		r.histograms[m].Record(within(of), value, r.attributes(m, values))
		return
	}
	r.histograms[m].Record(within(of), value, r.attributes(m, values), metric.WithAttributes(runID(of.RunID)))
}

// Set is that of metrics.Recorder.
func (r *recorder) Set(m *metrics.Metric, value float64, values metrics.Values) {
	r.gauges[m].Record(context.Background(), value, r.attributes(m, values))
}

// attributes are those of a series. They are kept, as each run needs some.
func (r *recorder) attributes(m *metrics.Metric, values metrics.Values) metric.MeasurementOption {
	key := seriesKey{m, values}
	if known, ok := r.known.Load(key); ok {
		return known.(metric.MeasurementOption)
	}
	set := []attribute.KeyValue{r.name}
	for i, name := range m.Attributes {
		set = append(set, attribute.String(name, values[i]))
	}
	option := metric.WithAttributeSet(attribute.NewSet(set...))
	r.known.Store(key, option)
	return option
}

// within returns a context in which the run's span is the current one, so that exemplars
// refer to it.
func within(of metrics.Example) context.Context {
	ctx := context.Background()
	traceID, err := trace.TraceIDFromHex(of.Trace)
	if err != nil {
		return ctx // it has none
	}
	spanID, err := trace.SpanIDFromHex(of.Span)
	if err != nil {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled,
	}))
}
