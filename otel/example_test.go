package otel_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/otel"
	"github.com/tradeclock/tradeclock/rule"
)

// A service with a span for each run. Its metrics go to the global meter provider.
func Example() {
	clock := clockwork.NewFakeClockAt(at(9, 0, 30)) // a service has the real one, and sqlstore
	spans := tracetest.NewInMemoryExporter()        // and an exporter of OTLP
	telemetry := otel.New(otel.Config{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))})
	placeOrders := tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
		return nil // what has spans of its own by ctx is within the run's
	})
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Ledger: memstore.New(clock), Clock: clock, Logger: slog.New(slog.DiscardHandler),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 03:31")}),
		Executor:  tradeclock.Chain(placeOrders, telemetry.Middleware),
		Observers: []tradeclock.Observer{telemetry},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := telemetry.Watch(scheduler); err != nil {
		fmt.Println(err)
		return
	}

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
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name, attributes(span.Attributes)["tradeclock.run.outcome"])
	}
	// Output:
	// tradeclock run buy_orders succeeded
}
