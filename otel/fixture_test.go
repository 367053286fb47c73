package otel_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/otel"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var kolkata = time.FixedZone("Kolkata", 19800)

// at is a wall time of a Monday.
func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 23, hour, minute, second, 0, kolkata)
}

// world is a ledger with the processes of one service, one after the other. All of them
// export their spans to one place.
type world struct {
	t     *testing.T
	clock *clockwork.FakeClock
	store *memstore.Store
	rec   *tradeclocktest.Recorder
	spans *tracetest.InMemoryExporter
	trace *sdktrace.TracerProvider
	rows  []tradeclock.Schedule
}

func newWorld(t *testing.T, from time.Time, rows ...tradeclock.Schedule) *world {
	clock, spans := clockwork.NewFakeClockAt(from), tracetest.NewInMemoryExporter()
	return &world{
		t: t, clock: clock, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock), rows: rows,
		spans: spans, trace: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
	}
}

func row(task, text string, edits ...func(*tradeclock.Schedule)) tradeclock.Schedule {
	s := tradeclock.Schedule{Task: task, Rule: rule.MustParse(text)}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func atLeastOnce(s *tradeclock.Schedule) { s.Delivery = tradeclock.AtLeastOnce }

// process is one process of the service, with a reader of its metrics.
type process struct {
	*tradeclocktest.Driver
	telemetry *otel.Telemetry
	scheduler *tradeclock.UnifiedTaskScheduler
	reader    *sdkmetric.ManualReader
}

func (w *world) process(cfg otel.Config, views ...sdkmetric.View) *process {
	w.t.Helper()
	reader := sdkmetric.NewManualReader()
	cfg.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(views...))
	cfg.TracerProvider = w.trace
	telemetry := otel.New(cfg)
	s, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Schedules: tradeclock.FixedSchedules(w.rows...), Ledger: w.store, Heartbeats: w.store,
		Executor: tradeclock.Chain(w.rec, telemetry.Middleware), Account: "42", Calendar: calendar.Weekdays(kolkata), Clock: w.clock,
		Observers: []tradeclock.Observer{telemetry}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	require.NoError(w.t, telemetry.Watch(s))
	return &process{tradeclocktest.NewDriver(w.t, s, w.clock), telemetry, s, reader}
}

// metrics are those of the process, by name.
func (p *process) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, p.reader.Collect(t.Context(), &all))
	found := make(map[string]metricdata.Metrics)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// attributes are those of a span, as texts.
func attributes(list []attribute.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, kv := range list {
		all[string(kv.Key)] = kv.Value.String()
	}
	return all
}

func takes(d time.Duration) func(context.Context, tradeclock.Run) error {
	return func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, d) }
}

func fails(context.Context, tradeclock.Run) error { return errors.New("rejected") }
