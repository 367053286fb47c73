// Package otel gives OpenTelemetry what a scheduler does: metrics, which docs/metrics.md
// lists, and a span for each run. It uses the API of OpenTelemetry alone; providers and
// exporters are the service's.
//
// The account is an attribute of spans and never of metrics, so that the number of series
// does not grow with accounts.
package otel

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
)

const scope = "github.com/tradeclock/tradeclock/otel"

// Config says where telemetry goes, and what of it. The zero value is ready to use.
type Config struct {
	// MeterProvider gets the metrics, and TracerProvider the spans. Nil means the global
	// one.
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider
	// Details makes what executors have added to a run by Annotate attributes of its span.
	Details bool
	// NotStarted makes a span without length of each run, or range of runs, that was
	// missed or skipped without a start.
	NotStarted bool
	// RunIDs records each value of a histogram with the attribute tradeclock.run.id, which
	// becomes one of its exemplar if a view of the meter provider filters it away. Without
	// such a view each run is a series: set it only beside one.
	RunIDs bool
}

// Telemetry is the observer of one scheduler. Make one with New, name it among
// Config.Observers of the scheduler, and let it Watch that. With its Middleware around the
// executor, the spans that tasks make are children of their run's. All methods are safe
// for concurrent use.
type Telemetry struct {
	cfg     Config
	tracer  trace.Tracer
	watched atomic.Pointer[recorder]

	mu    sync.Mutex
	spans spans
}

// New returns telemetry that watches nothing yet.
func New(cfg Config) *Telemetry {
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	return &Telemetry{cfg: cfg, tracer: cfg.TracerProvider.Tracer(scope), spans: newSpans()}
}

// Watch makes the scheduler the one whose metrics are recorded. Call it once New has
// returned the scheduler, and before it runs: what happens earlier is not counted. It is
// an error if it watches one already, or if the meter provider refuses an instrument.
func (t *Telemetry) Watch(s *tradeclock.UnifiedTaskScheduler) error {
	r, err := newRecorder(t.cfg, s)
	if err != nil {
		return fmt.Errorf("watch %s: %w", s.Status().Scheduler, err)
	}
	if !t.watched.CompareAndSwap(nil, r) {
		return errors.Join(fmt.Errorf("watch %s: another scheduler is watched already", s.Status().Scheduler), r.close())
	}
	metrics.Begin(r)
	return nil
}

// Close ends the sampling of the scheduler's status. What was recorded stays.
func (t *Telemetry) Close() error {
	if r := t.watched.Load(); r != nil {
		return r.close()
	}
	return nil
}

// Observe records what an event tells. The scheduler calls it.
func (t *Telemetry) Observe(e tradeclock.Event) {
	if r := t.watched.Load(); r != nil {
		metrics.Observe(r, e)
	}
	t.trace(e)
}
