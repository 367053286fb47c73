package prometheus_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/jonboulle/clockwork"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/prometheus"
	"github.com/tradeclock/tradeclock/rule"
)

// A service whose metrics are scraped.
func Example() {
	clock := clockwork.NewFakeClockAt(at(9, 0, 30)) // a service has the real one, and sqlstore
	metrics := prometheus.New()
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Ledger: memstore.New(clock), Clock: clock, Logger: slog.New(slog.DiscardHandler),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 03:31")}),
		Executor:  tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }),
		Observers: []tradeclock.Observer{metrics},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics.Watch(scheduler)
	registry := prom.NewRegistry()
	registry.MustRegister(metrics)
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))

	ctx := context.Background()
	for range 3 { // or scheduler.Run(ctx)
		if err := scheduler.Tick(ctx); err != nil {
			fmt.Println(err)
		}
		if err := scheduler.Quiesce(ctx); err != nil {
			fmt.Println(err)
		}
		clock.Advance(scheduler.NextTick().Sub(clock.Now()))
	}
	if err := scheduler.Close(ctx); err != nil {
		fmt.Println(err)
	}
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "tradeclock_occurrences_total") && !strings.HasSuffix(line, " 0\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// tradeclock_occurrences_total{delivery="at-most-once",outcome="succeeded",reason_class="",scheduler="paper",task="buy_orders"} 1
}
