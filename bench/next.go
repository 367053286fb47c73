package main

import (
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

var newYork = rig.Zone("America/New_York")

// nextFunc returns the first instant after t at which a task is due.
type nextFunc func(t time.Time) (time.Time, error)

// nextRace is the next occurrence of a daily task.
func nextRace() race {
	const spec = "0 9 * * MON-FRI"
	inCron := func(parse func(spec string, loc *time.Location) (nextFunc, error)) func(b *bout) error {
		return nextOf(weekdaysOf, func(cal calendar.Calendar) (nextFunc, error) { return parse(spec, cal.Location()) })
	}
	return race{
		number: 6, title: "next occurrence of a task that is due at 09:00 from Monday to Friday, n times",
		size: 20_000, counts: "questions",
		note: "tradeclock is asked through the timetable of a schedule. On an exchange's calendar it also steps over the holidays. gocron takes its expressions from robfig/cron.",
		contenders: []contender{
			{name: "tradeclock, weekdays", role: ours, run: nextOf(weekdaysOf, ourNext)},
			{name: "tradeclock, exchange calendar", role: ours, run: nextOf(exchangeOf, ourNext)},
			{name: "robfig/cron", role: peer, run: inCron(robfigNext)},
			{name: "netresearch/go-cron", role: peer, run: inCron(netresearchNext)},
			{name: "go-quartz", role: peer, run: inCron(quartzNext)},
			{name: "gronx", role: peer, run: inCron(gronxNext)},
			{name: "time.Date and the weekday", role: floor, run: nextOf(weekdaysOf, plainNext)},
		},
	}
}

func weekdaysOf(loc *time.Location) calendar.Calendar { return calendar.Weekdays(loc) }

// exchangeOf returns the calendar of an exchange in the location.
func exchangeOf(loc *time.Location) calendar.Calendar {
	if loc == rig.Kolkata {
		return exchange.MustGet("XNSE")
	}
	return exchange.MustGet("XNYS")
}

// nextOf asks for the next occurrence again and again, through half a year. The
// answers are checked first.
func nextOf(calendarOf func(loc *time.Location) calendar.Calendar, open func(cal calendar.Calendar) (nextFunc, error)) func(b *bout) error {
	return func(b *bout) error {
		for _, zone := range []struct {
			name string
			loc  *time.Location
		}{{"Kolkata", rig.Kolkata}, {"New York", newYork}} {
			cal := calendarOf(zone.loc)
			next, err := open(cal)
			if err != nil {
				return err
			}
			from := time.Date(2026, time.January, 1, 12, 0, 0, 0, zone.loc)
			days, err := checkNext(next, cal, from)
			if err != nil {
				return err
			}
			cost, err := b.measure(func() (err error) {
				t := from
				for i := range b.N {
					if i%days == 0 {
						t = from
					}
					if t, err = next(t); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			b.addTime(zone.name, cost.time/time.Duration(b.N))
			b.addAllocs("allocations in "+zone.name, cost, b.N)
		}
		return nil
	}
}

// checkNext holds next to nine o'clock on each session of half a year, and returns
// how many there are.
func checkNext(next nextFunc, cal calendar.Calendar, from time.Time) (sessions int, err error) {
	t := from
	for day := 1; day <= 180; day++ {
		want := time.Date(from.Year(), from.Month(), from.Day()+day, 9, 0, 0, 0, from.Location())
		session, err := cal.Session(calendar.DateOf(want))
		if err != nil {
			return 0, err
		}
		if session.Kind != calendar.Regular && session.Kind != calendar.Shortened {
			continue
		}
		if t, err = next(t); err != nil {
			return 0, err
		}
		if !t.Equal(want) {
			return 0, wrong("the next occurrence is at %v, not %v", t, want)
		}
		sessions++
	}
	return sessions, nil
}

// ourNext asks the schedule's timetable.
func ourNext(cal calendar.Calendar) (nextFunc, error) {
	timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "open", Rule: rule.MustParse("daily 09:00")}, cal)
	if err != nil {
		return nil, err
	}
	return timetable.Next, nil
}

// plainNext is as little as it takes.
func plainNext(cal calendar.Calendar) (nextFunc, error) {
	loc := cal.Location()
	return func(t time.Time) (time.Time, error) {
		year, month, day := t.In(loc).Date()
		for {
			at := time.Date(year, month, day, 9, 0, 0, 0, loc)
			if weekday := at.Weekday(); at.After(t) && weekday != time.Saturday && weekday != time.Sunday {
				return at, nil
			}
			day++
		}
	}, nil
}
