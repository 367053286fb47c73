// Shadow is a week in which a hand-written loop and tradeclock run the same rows side by
// side. The loop does the work; the executor of tradeclock only notes what it would have
// run. What differs is printed, with the reason.
//
//	go run ./examples/shadow
//
// The clock is a fake one, so that the week takes a second. In it the host is restarted
// twice and suspended once, and a task takes seven minutes.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

var (
	nse = exchange.MustGet("XNSE")

	monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}
	friday = monday.AddDays(4)
)

// legacyRows is the table as the loop has it.
var legacyRows = []row{
	{Task: "premarket_retry", Start: "09:00", Enabled: true, Type: "daily", Description: "retry orders that failed"},
	{Task: "sell_monitor", Start: "09:15", End: "15:30", Enabled: true, Continuous: true, Type: "daily"},
	{Task: "position_monitor", Start: "09:30", Enabled: true, IsHourly: true, Type: "daily"},
	{Task: "analysis", Start: "16:00", Enabled: true, Type: "daily"},
	{Task: "buy_orders", Start: "16:05", Enabled: true, Type: "daily"},
	{Task: "eod_cleanup", Start: "18:00", Enabled: true, Type: "daily"},
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run has both run the week, and prints what differs.
func run(ctx context.Context, out io.Writer) error {
	w, err := begin(at(monday, "08:00"))
	if err != nil {
		return err
	}
	troubles := []struct {
		what     func(ctx context.Context, until time.Time) error
		from, to time.Time
	}{
		{w.restart, at(monday.AddDays(2), "16:05:10"), at(monday.AddDays(2), "16:05:40")},
		{w.restart, at(monday.AddDays(3), "08:58"), at(monday.AddDays(3), "09:02")},
		{w.suspend, at(monday.AddDays(3), "17:58"), at(monday.AddDays(3), "18:03")},
	}
	for _, trouble := range troubles {
		if err := w.until(ctx, trouble.from); err != nil {
			return err
		}
		if err := trouble.what(ctx, trouble.to); err != nil {
			return err
		}
	}
	if err := w.until(ctx, at(friday, "17:00")); err != nil {
		return err
	}
	done, err := completed(ctx, w.store, shadowName, friday)
	if err != nil {
		return err
	}
	if err := w.until(ctx, at(friday, "20:00")); err != nil {
		return err
	}
	if err := w.compare(ctx, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe way back on Friday at 17:00: the loop begins with %v as completed.\n", done)
	return w.scheduler.Close(ctx)
}

// at is a wall time of a date in Mumbai, "16:05" or "16:05:10".
func at(date calendar.Date, clock string) time.Time {
	t, err := calendar.ParseWallTime(clock)
	if err != nil {
		panic(err)
	}
	return t.On(date, nse.Location())
}
