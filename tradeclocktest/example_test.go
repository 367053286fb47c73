package tradeclocktest_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// A power cut while orders and a monitor are on their way: orders are not sent twice, and
// what may run again does. In a test, t is that of the test.
func ExampleDriver_Crash() {
	t := new(exampleT)
	defer t.end()
	clock := clockwork.NewFakeClockAt(at(9, 0, 0))
	st := memstore.New(clock)
	newService := func(process string) *tradeclock.UnifiedTaskScheduler {
		s, err := tradeclock.New(tradeclock.Config{
			Name: "paper", Account: "42", Ledger: st, Clock: clock, Logger: slog.New(slog.DiscardHandler),
			Schedules: tradeclock.FixedSchedules(
				tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")},
				tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("daily 09:01:10"), Delivery: tradeclock.AtLeastOnce},
			),
			Executor: tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
				fmt.Println(process, "starts", run.Task)
				return tradeclock.Sleep(ctx, 30*time.Second)
			}),
		})
		if err != nil {
			panic(err)
		}
		return s
	}
	driver := tradeclocktest.NewDriver(t, newService("first"), clock)
	driver.Until(at(9, 1, 20))
	driver.Crash()
	tradeclocktest.NewDriver(t, newService("second"), clock).For(3 * time.Minute)

	runs, err := st.Runs(context.Background(), store.Query{Scheduler: "paper"})
	for _, run := range runs {
		fmt.Println(run.Task, run.Outcome)
	}
	fmt.Println(err)
	// Output:
	// first starts buy_orders
	// first starts sell_monitor
	// second starts sell_monitor
	// buy_orders interrupted
	// sell_monitor succeeded
	// <nil>
}
