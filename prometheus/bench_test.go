package prometheus_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/metrics"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/prometheus"
)

// BenchmarkBurst runs an order for each of many accounts at one instant, with and without
// a collector, and reports the events that the collector was too slow for.
func BenchmarkBurst(b *testing.B) {
	const accounts = 100_000
	for _, observed := range []bool{false, true} {
		b.Run(fmt.Sprintf("observed=%t", observed), func(b *testing.B) {
			lost := 0.0
			for b.Loop() {
				b.StopTimer()
				clock := clockwork.NewFakeClockAt(at(9, 0, 0))
				collector := prometheus.New()
				cfg := tradeclock.Config{
					Name: "paper", Ledger: memstore.New(clock), Clock: clock, Logger: slog.New(slog.DiscardHandler),
					Schedules: tradeclock.FixedSchedules(row("orders", "daily 03:31")),
				}
				if observed {
					cfg.Observers = []tradeclock.Observer{collector}
				}
				s, err := tradeclock.New(cfg)
				if err != nil {
					b.Fatal(err)
				}
				collector.Watch(s)
				for i := range accounts {
					err := s.Enroll(b.Context(), fmt.Sprint(i), tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }))
					if err != nil {
						b.Fatal(err)
					}
				}
				tick(b, s)
				clock.Advance(time.Minute)
				b.StartTimer()
				tick(b, s)
				b.StopTimer()
				if err := s.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
				lost += count(b, collector, metrics.EventsLost)
				b.StartTimer()
			}
			b.ReportMetric(lost/float64(b.N), "lost/op")
		})
	}
}

func tick(b *testing.B, s *tradeclock.UnifiedTaskScheduler) {
	if err := s.Tick(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := s.Quiesce(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func count(b *testing.B, collector *prometheus.Collector, m *metrics.Metric) float64 {
	registry := prom.NewRegistry()
	registry.MustRegister(collector)
	found, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, family := range found {
		if family.GetName() == m.PrometheusName() {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}
