package cron_test

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/view"
)

// The lines of a crontab become rules on the trading days of Mumbai: 2026-11-24 is a
// holiday.
func Example() {
	nse := exchange.MustGet("XNSE")
	now := time.Date(2026, time.November, 23, 18, 0, 0, 0, nse.Location())
	for _, line := range []string{"1 9 * * 1-5", "*/5 9-15 * * *", "*/25 9 * * *", "30 16 1,15 * *"} {
		r, err := cron.ParseRule(line)
		if err != nil {
			panic(err)
		}
		timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "a line", Rule: r}, nse)
		if err != nil {
			panic(err)
		}
		next, err := timetable.Next(now)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-14s  %-34v  next %s\n", line, r, next.In(nse.Location()).Format("Mon 2 Jan 15:04"))
	}
	// Output:
	// 1 9 * * 1-5     daily 09:01 on mon,tue,wed,thu,fri  next Wed 25 Nov 09:01
	// */5 9-15 * * *  every 5m 09:00-16:00                next Wed 25 Nov 09:00
	// */25 9 * * *    cron */25 9 * * *                   next Wed 25 Nov 09:00
	// 30 16 1,15 * *  cron 30 16 1,15 * *                 next Tue 1 Dec 16:30
}

// What has no meaning is refused, and the message names what is meant.
func ExampleParseRule_refused() {
	for _, text := range []string{"0 9 L * *", "@every 90s", "TZ=Asia/Kolkata 1 9 * * 1-5"} {
		_, err := cron.ParseRule(text)
		fmt.Println(err)
	}
	// Output:
	// cron expression "0 9 L * *": the day of month has "L", which is of other crons: write it as in "daily 09:00 on last day of month"
	// cron expression "@every 90s": @every has no time of day to begin at; here it would be "every 1m30s 00:00-24:00"
	// cron expression "TZ=Asia/Kolkata 1 9 * * 1-5": the zone is that of the schedule's calendar: leave out TZ=Asia/Kolkata; here it would be "daily 09:01 on mon,tue,wed,thu,fri"
}

// A check of schedules tells of expressions that often are not what was meant.
func ExampleWarnings() {
	r, err := cron.ParseRule("0 9 13 * 5")
	if err != nil {
		panic(err)
	}
	row := tradeclock.Schedule{Task: "superstition", Rule: r, Sessions: calendar.EveryDay}
	for _, warning := range cron.Warnings(row.Rule) {
		fmt.Printf("%s, %v: %s\n", row.Task, row.Rule, warning)
	}
	// Output: superstition, cron 0 9 13 * 5: it is due on day 13 of the month and also on every Friday: either is enough
}

// JSON with expressions is read by ReadJSON, and a database with them by a store that was
// opened with sqlstore.WithRuleParser(cron.ParseRule).
func ExampleParseRule_json() {
	var row tradeclock.Schedule
	err := row.ReadJSON([]byte(`{"task": "report", "rule": "*/25 9-15 * * *", "sessions": "every-day"}`), cron.ParseRule)
	fmt.Println(row.Task, row.Rule, row.Sessions, err)
	// Output: report cron */25 9-15 * * * every-day <nil>
}
