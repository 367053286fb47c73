package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// The first use: two tasks of one account, from Monday to Friday in Kolkata, with
// everything in memory.
func Example() {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		fmt.Println(err)
		return
	}
	var tasks tradeclock.Mux
	tasks.HandleFunc("premarket_retry", func(ctx context.Context, run tradeclock.Run) error {
		fmt.Println("retry the failed orders of", run.Session)
		return nil
	})
	tasks.HandleFunc("sell_monitor", func(ctx context.Context, run tradeclock.Run) error {
		fmt.Println("watch the sell orders at", run.Due.In(kolkata).Format("15:04"))
		return nil
	})
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name:     "paper",
		Account:  "alice",
		Executor: &tasks,
		Schedules: tradeclock.FixedSchedules(
			tradeclock.Schedule{Task: "premarket_retry", Rule: rule.MustParse("daily 09:00")},
			tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m 09:15-15:30")},
		),
		Calendar: calendar.Weekdays(kolkata),
		Logger:   slog.New(slog.DiscardHandler),
		Ledger:   memstore.New(nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A service passes a context that ends with its signals: Run returns when it
	// has ended and what was running has drained.
	ctx, stop := context.WithCancel(context.Background())
	stop()
	fmt.Println("stopped:", scheduler.Run(ctx))
	// Output: stopped: <nil>
}

// On a fake clock a test says when it is, and sees what runs: without a sleep,
// and with the same result each time. The package tradeclocktest drives whole
// days so.
func ExampleUnifiedTaskScheduler_Tick() {
	ctx := context.Background()
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 13, 0, 0, time.UTC))
	scheduler := newExample(clock, tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
		fmt.Println(clock.Now().Format("15:04"), run.Task)
		return nil
	}), tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m 09:15-15:30")})
	defer scheduler.Close(ctx)

	for range 5 {
		if err := scheduler.Tick(ctx); err != nil {
			fmt.Println(err)
		}
		if err := scheduler.Quiesce(ctx); err != nil {
			fmt.Println(err)
		}
		clock.Advance(time.Minute)
	}
	// Output:
	// 09:15 sell_monitor
	// 09:16 sell_monitor
	// 09:17 sell_monitor
}

// newExample makes a scheduler on a fake clock in UTC.
func newExample(clock tradeclock.Clock, executor tradeclock.TaskExecutor, rows ...tradeclock.Schedule) *tradeclock.UnifiedTaskScheduler {
	scheduler, err := tradeclock.New(tradeclock.Config{
		Account:   "alice",
		Executor:  executor,
		Schedules: tradeclock.FixedSchedules(rows...),
		Clock:     clock,
		Logger:    slog.New(slog.DiscardHandler),
		Ledger:    memstore.New(clock),
	})
	if err != nil {
		panic(err)
	}
	return scheduler
}

// runUntil ticks a scheduler each minute until a time of the Monday.
func runUntil(scheduler *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock, text string) {
	end, err := time.Parse(time.DateTime, "2026-11-23 "+text)
	if err != nil {
		panic(err)
	}
	for ctx := context.Background(); ; clock.Advance(time.Minute) {
		if err := errors.Join(scheduler.Tick(ctx), scheduler.Quiesce(ctx)); err != nil {
			panic(err)
		}
		if !clock.Now().Before(end) {
			return
		}
	}
}

// monday is a fake clock on Monday, 23 November 2026, at 09:00.
func monday() *clockwork.FakeClock {
	return clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC))
}

// A Mux routes each run to what executes its task.
func ExampleMux() {
	var tasks tradeclock.Mux
	tasks.HandleFunc("analysis", func(ctx context.Context, run tradeclock.Run) error {
		fmt.Println("candidates for the session after", run.Session)
		return nil
	})
	tasks.HandleFunc("buy_orders", func(ctx context.Context, run tradeclock.Run) error {
		fmt.Println("orders of", run.Account)
		return nil
	})

	session := calendar.Date{Year: 2026, Month: time.November, Day: 23}
	for _, task := range []string{"analysis", "buy_orders", "sell_monitor"} {
		err := tasks.Execute(context.Background(), tradeclock.Run{Account: "alice", Task: task, Session: session})
		fmt.Println(task, err)
	}
	// Output:
	// candidates for the session after 2026-11-23
	// analysis <nil>
	// orders of alice
	// buy_orders <nil>
	// sell_monitor unknown task: "sell_monitor"
}

// Wrap makes middleware: here one that names the account in each error.
func ExampleWrap() {
	broker := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
		return errors.New("order refused")
	})
	named := tradeclock.Wrap(broker, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
		if err := next.Execute(ctx, run); err != nil {
			return fmt.Errorf("account %s: %w", run.Account, err)
		}
		return nil
	})

	fmt.Println(named.Execute(context.Background(), tradeclock.Run{Account: "alice", Task: "buy_orders"}))
	// Output: account alice: order refused
}

// Chain puts several around an executor, the first outermost.
func ExampleChain() {
	say := func(what string) tradeclock.Middleware {
		return func(inner tradeclock.TaskExecutor) tradeclock.TaskExecutor {
			return tradeclock.Wrap(inner, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
				fmt.Println("begin", what)
				defer fmt.Println("end", what)
				return next.Execute(ctx, run)
			})
		}
	}
	work := tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		fmt.Println(run.Task)
		return nil
	})

	executor := tradeclock.Chain(work, say("trace"), say("lock"))

	if err := executor.Execute(context.Background(), tradeclock.Run{Task: "analysis"}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// begin trace
	// begin lock
	// analysis
	// end lock
	// end trace
}

// settings is a ScheduleStore of a service's own: here a map of a task's name to
// its rule, as a configuration file may have it.
type settings map[string]string

// Schedules makes a row of each setting. One that does not parse is reported, and
// the others run.
func (s settings) Schedules(context.Context) ([]tradeclock.Schedule, error) {
	var rows []tradeclock.Schedule
	var bad store.QuarantineError
	for task, text := range s {
		when, err := rule.Parse(text)
		if err != nil {
			bad.Rows = append(bad.Rows, store.RowError{Task: task, Err: err})
			continue
		}
		rows = append(rows, tradeclock.Schedule{Task: task, Rule: when})
	}
	if len(bad.Rows) > 0 {
		return rows, &bad
	}
	return rows, nil
}

func ExampleScheduleStore() {
	clock := monday()
	scheduler, err := tradeclock.New(tradeclock.Config{
		Executor: tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
			fmt.Println("run", run.Task, run.Slot)
			return nil
		}),
		Schedules: settings{"analysis": "daily 16:00", "buy_orders": "daily 25:00"},
		Clock:     clock,
		Logger:    slog.New(slog.DiscardHandler),
		Ledger:    memstore.New(clock),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer scheduler.Close(context.Background())

	runUntil(scheduler, clock, "16:00:00")
	for _, row := range scheduler.Status().Quarantined {
		fmt.Println("quarantined:", row.Task)
	}
	// Output:
	// run analysis 2026-11-23
	// quarantined: buy_orders
}

// A run that had nothing to do says so, with Skip, and may add details to what is
// recorded of it, with Annotate.
func ExampleSkip() {
	clock := monday()
	ledger := memstore.New(clock)
	candidates := 0
	scheduler, err := tradeclock.New(tradeclock.Config{
		Executor: tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
			tradeclock.Annotate(ctx, "candidates", candidates)
			if candidates == 0 {
				return tradeclock.Skip("no candidates")
			}
			return nil
		}),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 16:05")}),
		Ledger:    ledger,
		Clock:     clock,
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer scheduler.Close(context.Background())

	runUntil(scheduler, clock, "16:05:00")

	runs, err := ledger.Runs(context.Background(), store.Query{Task: "buy_orders"})
	if err != nil {
		fmt.Println(err)
	}
	for _, run := range runs {
		fmt.Println(run.Slot, run.Outcome, run.Reason, run.Details["candidates"])
	}
	// Output: 2026-11-23 skipped no candidates 0
}

// The accounts of a service start within ten minutes, each at an offset of its own
// that is the same every time it is asked for.
func ExampleSchedule_spread() {
	clock := monday()
	task := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil })
	scheduler := newExample(clock, task, tradeclock.Schedule{
		Task: "buy_orders", Rule: rule.Daily(rule.At(9, 15)), CatchUp: 30 * time.Minute, Spread: 10 * time.Minute,
	})
	defer scheduler.Close(context.Background())
	if err := scheduler.Enroll(context.Background(), "bob", task); err != nil {
		fmt.Println(err)
	}

	agenda, err := scheduler.Agenda(context.Background(), calendar.DateOf(clock.Now()))
	if err != nil {
		fmt.Println(err)
	}
	for _, item := range agenda {
		fmt.Println(item.Account, item.Slot, item.Due.Add(item.Offset).Format(time.TimeOnly))
	}
	// Output:
	// alice 2026-11-23 09:20:56
	// bob 2026-11-23 09:19:21
}

// A person may run a task now, or order that nothing starts.
func ExampleUnifiedTaskScheduler_Trigger() {
	ctx := context.Background()
	clock := monday()
	scheduler := newExample(clock, tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		fmt.Println("run", run.Task, "for", run.Actor)
		return nil
	}), tradeclock.Schedule{Task: "analysis", Rule: rule.MustParse("daily 16:00")})
	defer scheduler.Close(ctx)
	runUntil(scheduler, clock, "11:00:00")

	analysis := tradeclock.TriggerRequest{Task: "analysis", Account: "alice", Actor: "bob"}
	if _, err := scheduler.Trigger(ctx, analysis); err != nil {
		fmt.Println(err)
	}
	if err := scheduler.Quiesce(ctx); err != nil {
		fmt.Println(err)
	}

	if err := scheduler.Halt(ctx, tradeclock.HaltRequest{Reason: "the broker is down", Actor: "bob"}); err != nil {
		fmt.Println(err)
	}
	_, err := scheduler.Trigger(ctx, analysis)
	fmt.Println(errors.Is(err, tradeclock.ErrHalted), err)
	// Output:
	// run analysis for bob
	// true trigger analysis for account alice: halted by bob: the broker is down
}

// Halt outlasts what comes due: it is skipped, with the reason, until Lift.
func ExampleUnifiedTaskScheduler_Halt() {
	ctx := context.Background()
	clock := monday()
	scheduler := newExample(clock, tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		fmt.Println("run", run.Slot)
		return nil
	}), tradeclock.Schedule{Task: "position_monitor", Rule: rule.MustParse("hourly 09:30-15:30")})
	defer scheduler.Close(ctx)

	runUntil(scheduler, clock, "09:30:00")
	if err := scheduler.Halt(ctx, tradeclock.HaltRequest{Account: "alice", Reason: "asked to stop", Actor: "alice"}); err != nil {
		fmt.Println(err)
	}
	runUntil(scheduler, clock, "10:30:00")
	if err := scheduler.Lift(ctx, tradeclock.LiftRequest{Account: "alice", Reason: "asked to go on", Actor: "alice"}); err != nil {
		fmt.Println(err)
	}
	runUntil(scheduler, clock, "11:30:00")
	// Output:
	// run 2026-11-23T09+00:00
	// run 2026-11-23T11+00:00
}

// Explain answers why a task did or did not run.
func ExampleUnifiedTaskScheduler_Explain() {
	ctx := context.Background()
	clock := monday()
	scheduler := newExample(clock, tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
		return errors.New("no bars for 2026-11-23")
	}), tradeclock.Schedule{Task: "analysis", Rule: rule.MustParse("daily 16:00")})
	defer scheduler.Close(ctx)
	runUntil(scheduler, clock, "16:00:00")

	for _, day := range []int{22, 23, 24} {
		why, err := scheduler.Explain(ctx, "alice", "analysis", calendar.Date{Year: 2026, Month: time.November, Day: day})
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(why)
	}
	// Output:
	// On 2026-11-22, analysis for account alice did not run: closed: Sunday.
	// On 2026-11-23, analysis for account alice was due at 16:00:00 and failed (started at 16:00:00): no bars for 2026-11-23; the next is due at 2026-11-24 16:00:00.
	// On 2026-11-24, analysis for account alice is due at 2026-11-24 16:00:00 (daily 16:00).
}

// An agenda is a day on a page: what became of each occurrence, and what is still to
// come. Of a day to come it is the preview.
func ExampleUnifiedTaskScheduler_Agenda() {
	ctx, clock := context.Background(), monday()
	scheduler := newExample(clock, tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		if run.Task == "buy_orders" {
			return tradeclock.Skip("no candidates")
		}
		return nil
	}),
		tradeclock.Schedule{Task: "premarket_retry", Rule: rule.MustParse("daily 09:05")},
		tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("after premarket_retry 10m")},
		tradeclock.Schedule{Task: "analysis", Rule: rule.MustParse("daily 16:00")})
	defer scheduler.Close(ctx)
	runUntil(scheduler, clock, "12:00:00")

	agenda, err := scheduler.Agenda(ctx, calendar.DateOf(clock.Now()))
	if err != nil {
		fmt.Println(err)
	}
	for _, item := range agenda {
		became := item.Run.Outcome.String()
		if item.Run.Outcome == tradeclock.NoOutcome {
			became = "is to come"
		}
		fmt.Println(item.Due.Format("15:04"), item.Task, became)
	}
	// Output:
	// 09:05 premarket_retry succeeded
	// 09:15 buy_orders skipped
	// 16:00 analysis is to come
}

// pageFor pages whoever is on call for orders that are not where they should be.
func pageFor(e tradeclock.Event) {
	switch e := e.(type) {
	case tradeclock.RunMissed:
		page(e.Run)
	case tradeclock.RunSettled:
		if e.Run.Outcome != tradeclock.Succeeded && e.Run.Outcome != tradeclock.Skipped {
			page(e.Run)
		}
	}
}

func page(run tradeclock.Run) {
	if strings.HasSuffix(run.Task, "_orders") {
		fmt.Printf("PAGE: %s of %s %v: %s\n", run.Task, run.Account, run.Outcome, run.Reason)
	}
}

// An observer is told what happens as it happens: here one that pages.
func ExampleObserver() {
	clock := monday()
	scheduler, err := tradeclock.New(tradeclock.Config{
		Account: "alice",
		Executor: tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
			return errors.New("the broker is down")
		}),
		Schedules: tradeclock.FixedSchedules(
			tradeclock.Schedule{Task: "sell_orders", Rule: rule.MustParse("daily 09:01")},
			tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m 09:01-15:30")},
			tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:02")},
		),
		Observers: []tradeclock.Observer{tradeclock.ObserverFunc(pageFor)},
		Ledger:    memstore.New(clock),
		Clock:     clock,
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	runUntil(scheduler, clock, "09:01:00")
	clock.Advance(5 * time.Minute) // the host is frozen, for longer than a run may be late
	runUntil(scheduler, clock, "09:10:00")

	// Close returns when the observer has been told everything.
	if err := scheduler.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// PAGE: sell_orders of alice failed: the broker is down
	// PAGE: buy_orders of alice missed: its catch-up of 2m0s had passed
}
