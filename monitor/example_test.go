package monitor_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/monitor"
)

// A Monitor reads heartbeats back, in the same process or another, and tells
// whether the scheduler is alive.
func ExampleMonitor() {
	ctx := context.Background()
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC))
	st := memstore.New(clock)
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name:       "paper",
		Schedules:  tradeclock.FixedSchedules(),
		Heartbeats: st,
		Clock:      clock,
		Logger:     slog.New(slog.DiscardHandler),
		Ledger:     memstore.New(clock),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer scheduler.Close(ctx)
	if err := scheduler.Tick(ctx); err != nil {
		fmt.Println(err)
	}

	watcher := monitor.Monitor{Reader: st}
	for range 3 {
		liveness, instances, err := watcher.Check(ctx, "paper")
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(liveness, instances[0].Heartbeat.Age)
		clock.Advance(3 * time.Minute)
	}
	// Output:
	// alive 0s
	// late 3m0s
	// dead 6m0s
}
