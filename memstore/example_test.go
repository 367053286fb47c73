package memstore_test

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
)

// A test gives the scheduler one store for all, and reads there what became of a minute.
func Example() {
	ctx := context.Background()
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 0, 30, 0, time.UTC))
	st := memstore.New(clock)
	_, err := st.SeedSchedules(ctx, store.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")})
	if err != nil {
		panic(err)
	}
	s, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Schedules: st, Ledger: st, Heartbeats: st,
		Executor: tradeclock.ExecutorFunc(func(context.Context, store.Run) error { return nil }),
		Clock:    clock, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	for range 2 {
		_ = s.Tick(ctx)
		_ = s.Quiesce(ctx)
		clock.Advance(30 * time.Second)
	}
	runs, err := st.Runs(ctx, store.Query{Scheduler: "paper"})
	for _, run := range runs {
		fmt.Println(run.Task, run.Slot, run.Outcome)
	}
	fmt.Println(err)
	// Output:
	// buy_orders 2026-11-23 succeeded
	// <nil>
}

// A ledger grows until it is pruned: here by a task, which keeps two weeks.
func ExampleStore_Prune() {
	ctx := context.Background()
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 2, 17, 55, 0, 0, time.UTC))
	st := memstore.New(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Ledger: st,
		Schedules: tradeclock.FixedSchedules(store.Schedule{Task: "eod_cleanup", Rule: rule.MustParse("daily 18:00")}),
		Executor: tradeclock.ExecutorFunc(func(ctx context.Context, run store.Run) error {
			_, err := st.Prune(ctx, run.Scheduler, run.Due.AddDate(0, 0, -14))
			return err
		}),
		Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	defer s.Close(ctx)
	for clock.Now().Before(time.Date(2026, time.November, 20, 18, 5, 0, 0, time.UTC)) {
		_ = s.Tick(ctx)
		_ = s.Quiesce(ctx)
		clock.Advance(5 * time.Minute)
	}

	runs, err := st.Runs(ctx, store.Query{Scheduler: "paper"})
	fmt.Println(len(runs), "of 15 runs are left, the first of", runs[0].Slot, err)
	// Output: 11 of 15 runs are left, the first of 2026-11-06 <nil>
}
