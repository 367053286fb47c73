package rule_test

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

// A rule is text, and a session tells when it is due: here a Monday in Mumbai. A cron
// expression is no rule, and the error says which rule it would be.
func ExampleParse() {
	nse := exchange.MustGet("XNSE")
	monday, err := nse.Session(calendar.Date{Year: 2026, Month: time.November, Day: 23})
	if err != nil {
		panic(err)
	}
	for _, text := range []string{
		"daily 09:01", "daily close-15m", "hourly 09:30-15:30", "every 1m open-close", "every 20s pre_open-open", "1 9 * * 1-5",
	} {
		when, err := rule.Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		due, err := when.Occurrences(monday, nse.Location())
		if err != nil {
			panic(err)
		}
		first, last := due[0].Due.In(nse.Location()), due[len(due)-1].Due.In(nse.Location())
		fmt.Printf("%-24s %3d from %s to %s\n", when, len(due), first.Format(time.TimeOnly), last.Format(time.TimeOnly))
	}
	// Output:
	// daily 09:01                1 from 09:01:00 to 09:01:00
	// daily close-15m            1 from 15:15:00 to 15:15:00
	// hourly 09:30-15:30         7 from 09:30:00 to 15:30:00
	// every 1m open-close      375 from 09:15:00 to 15:29:00
	// every 20s pre_open-open   45 from 09:00:00 to 09:14:40
	// rule "1 9 * * 1-5": that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads; here it would be "daily 09:01 on mon,tue,wed,thu,fri", on the sessions of the calendar alone
}

// lastFriday is a Rule of one's own: a time on the last Friday of each month.
type lastFriday struct{ at calendar.WallTime }

func (r lastFriday) String() string { return "last friday " + r.at.String() }

func (r lastFriday) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	if s.Date.Weekday() != time.Friday || s.Date.AddDays(7).Month == s.Date.Month {
		return nil, nil
	}
	return []rule.Occurrence{{Due: r.at.On(s.Date, loc), Slot: rule.DateSlot(s.Date)}}, nil
}

// A schedule takes a Rule of one's own as it takes those of this package.
func ExampleRule() {
	schedule := tradeclock.Schedule{Task: "rebalance", Rule: lastFriday{calendar.Wall(15, 0)}}
	timetable, err := view.NewTimetable(schedule, calendar.Weekdays(time.UTC))
	if err != nil {
		panic(err)
	}
	due := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	for range 2 {
		if due, err = timetable.Next(due); err != nil {
			panic(err)
		}
		fmt.Println(due)
	}
	// Output:
	// 2026-11-27 15:00:00 +0000 UTC
	// 2026-12-25 15:00:00 +0000 UTC
}

// A filter leaves a rule some of its sessions. Stores and people read the text.
func ExampleOn() {
	when := rule.On(
		rule.Daily(rule.AtAnchor("close", 30*time.Minute)),
		rule.NthSession(-1, calendar.Month),
	)
	fmt.Println(when)
	fmt.Println(rule.MustParse(when.String()) == when)
	fmt.Println(rule.MustParse("every 15m open-close on mon-wed,fri"))
	// Output:
	// daily close+30m on last session of month
	// true
	// every 15m open-close on mon,tue,wed,fri
}

// Where a date is closed, a filter may go on to the session before it or after it. The third
// Friday of June 2026 is Juneteenth.
func ExampleFilter_OrSessionBefore() {
	expiry := tradeclock.Schedule{Task: "roll_options", Rule: rule.MustParse("daily close-2h on 3rd fri of month in mar,jun,sep,dec or session before")}
	timetable, err := view.NewTimetable(expiry, exchange.MustGet("XNYS"))
	if err != nil {
		panic(err)
	}
	due := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	for range 3 {
		if due, err = timetable.Next(due); err != nil {
			panic(err)
		}
		fmt.Println(due.Format("Mon 2006-01-02 15:04"))
	}
	// Output:
	// Fri 2026-03-20 18:00
	// Thu 2026-06-18 18:00
	// Fri 2026-09-18 18:00
}

// On a day whose session has two windows, a rule may be due in each: the slots
// carry the window's number.
func ExampleMoment_In() {
	saturday := calendar.Session{
		Date: calendar.Date{Year: 2024, Month: time.March, Day: 2},
		Kind: calendar.Special,
		Phases: []calendar.Phase{
			{Name: calendar.PhaseRegular, Start: time.Date(2024, 3, 2, 3, 45, 0, 0, time.UTC), End: time.Date(2024, 3, 2, 4, 30, 0, 0, time.UTC)},
			{Name: calendar.PhaseRegular, Start: time.Date(2024, 3, 2, 6, 0, 0, 0, time.UTC), End: time.Date(2024, 3, 2, 7, 0, 0, 0, time.UTC)},
		},
	}
	when := rule.Daily(rule.AtAnchor("close", -5*time.Minute).In(rule.EachWindow))
	due, err := when.Occurrences(saturday, time.UTC)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(when)
	for _, o := range due {
		fmt.Println(o.Due.Format("15:04"), o.Slot)
	}
	// Output:
	// daily each close-5m
	// 04:25 2024-03-02#1
	// 06:55 2024-03-02#2
}
