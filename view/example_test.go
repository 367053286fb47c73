package view_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// A View answers from the stores alone, in a process beside the service: what is planned,
// why something did not run, and what an edit would do before it is made.
func ExampleView() {
	ctx, clock := context.Background(), clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC))
	st := memstore.New(clock)
	if _, err := st.SeedSchedules(ctx, tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")}); err != nil {
		fmt.Println(err)
	}
	service, err := tradeclock.New(tradeclock.Config{
		Account: "alice", Schedules: st, Ledger: st, Clock: clock, Logger: slog.New(slog.DiscardHandler),
		Executor: tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer service.Close(ctx)
	for range 3 { // until 09:02
		if err := errors.Join(service.Tick(ctx), service.Quiesce(ctx)); err != nil {
			fmt.Println(err)
		}
		clock.Advance(time.Minute)
	}

	v, err := view.New(view.Config{Schedules: st, Ledger: st, Clock: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	today := calendar.DateOf(clock.Now())
	page, err := v.Plan(ctx, today, view.PlanQuery{Account: "alice"})
	if err != nil {
		fmt.Println(err)
	}
	for _, item := range page {
		fmt.Println(item.Due.Format("15:04"), item.Task, item.Run.Outcome)
	}
	why, err := v.Explain(ctx, "alice", "buy_orders", today)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(why)
	later := store.ScheduleChanges{Rows: []tradeclock.Schedule{{Task: "buy_orders", Rule: rule.MustParse("daily 09:05")}}}
	preview, err := v.Preview(ctx, later, 2)
	if err != nil {
		fmt.Println(err)
	}
	for _, c := range preview.Changes {
		fmt.Println(c.Session, c.Task, c.Before.Format("15:04"), "->", c.After.Format("15:04"))
	}
	for _, note := range preview.Notes {
		fmt.Println(note)
	}
	// Output:
	// 09:01 buy_orders succeeded
	// On 2026-11-23, buy_orders for account alice was due at 09:01:00 and succeeded (started at 09:01:00); the next is due at 2026-11-24 09:01:00.
	// 2026-11-24 buy_orders 09:01 -> 09:05
	// buy_orders: slot 2026-11-23 has a record already, and is not run again
}

// A timetable tells when a schedule is due, without a scheduler: here over a weekend.
func ExampleNewTimetable() {
	schedule := tradeclock.Schedule{Task: "report", Rule: rule.MustParse("daily 18:00")}
	timetable, err := view.NewTimetable(schedule, calendar.Weekdays(time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	friday := time.Date(2026, time.November, 27, 17, 0, 0, 0, time.UTC)
	for due := friday; ; {
		if due, err = timetable.Next(due); err != nil || due.After(friday.AddDate(0, 0, 5)) {
			return
		}
		fmt.Println(due.Format("Mon 2006-01-02 15:04"))
	}
	// Output:
	// Fri 2026-11-27 18:00
	// Mon 2026-11-30 18:00
	// Tue 2026-12-01 18:00
}
