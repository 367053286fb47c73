package tests

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/otel"
	"github.com/tradeclock/tradeclock/prometheus"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tests/service"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// TestBothModulesExportTheSame has one scheduler observed by both, and scrapes both.
func TestBothModulesExportTheSame(t *testing.T) {
	t.Parallel()
	direct, bridged := prom.NewRegistry(), prom.NewRegistry()
	exporter, err := otelprom.New(otelprom.WithRegisterer(bridged), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	require.NoError(t, err)
	collector, telemetry := prometheus.New(), otel.New(otel.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))})
	require.NoError(t, direct.Register(collector))

	clock := clockwork.NewFakeClockAt(monday)
	rec := tradeclocktest.NewRecorder(clock)
	rec.Do("watch", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 90*time.Second) })
	s, err := tradeclock.New(tradeclock.Config{
		Account: "42", Executor: rec, Ledger: memstore.New(clock), Calendar: calendar.Weekdays(service.Kolkata), Clock: clock,
		Schedules: tradeclock.FixedSchedules(
			tradeclock.Schedule{Task: "buy", Rule: rule.MustParse("daily 09:05")}, tradeclock.Schedule{Task: "sell", Rule: rule.MustParse("daily 09:12")},
			tradeclock.Schedule{Task: "watch", Rule: rule.MustParse("every 1m 09:01-15:30"), Delivery: tradeclock.AtLeastOnce},
		),
		Observers: []tradeclock.Observer{collector, telemetry}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	collector.Watch(s)
	require.NoError(t, telemetry.Watch(s))
	d := tradeclocktest.NewDriver(t, s, clock)
	d.Until(monday.Add(10 * time.Minute))
	clock.Advance(5 * time.Minute)
	d.For(3 * time.Minute)

	assert.Equal(t, scraped(t, direct), scraped(t, bridged))
}

// scraped returns the value of each series, of a histogram how many values it has.
func scraped(t *testing.T, from prom.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	series := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName() + " " + family.GetType().String()
			for _, label := range m.GetLabel() {
				if label.GetValue() != "" { // to Prometheus, the same as none
					name += " " + label.GetName() + "=" + label.GetValue()
				}
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if m.GetHistogram() != nil && value == 0 {
				continue // OpenTelemetry has no series of it yet
			}
			series[name] = value
		}
	}
	require.NotEmpty(t, series)
	return series
}
