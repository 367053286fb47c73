package ical_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/ical"
)

// preview is an agenda of one day; a service gives its scheduler.
type preview struct{}

func (preview) Agenda(context.Context, calendar.Date) ([]tradeclock.AgendaItem, error) {
	nineOhOne := time.Date(2026, time.November, 23, 3, 31, 0, 0, time.UTC) // in Mumbai
	return []tradeclock.AgendaItem{{Account: "42", Task: "buy_orders", Slot: "2026-11-23", Due: nineOhOne, Version: 3}}, nil
}

// A feed of some days, which a calendar program subscribes to.
func ExampleAgenda() {
	day := calendar.Date{Year: 2026, Month: time.November, Day: 23}
	feed, err := ical.Agenda(context.Background(), preview{}, day, day, ical.Options{Scheduler: "paper", Account: "42"})
	fmt.Print(strings.ReplaceAll(string(feed), "\r\n", "\n"))
	fmt.Println(err)
	// Output:
	// BEGIN:VCALENDAR
	// VERSION:2.0
	// PRODID:-//tradeclock//agenda//EN
	// METHOD:PUBLISH
	// X-WR-CALNAME:paper 42
	// BEGIN:VEVENT
	// UID:rj43nvcn6ghynsbvntsagi6zba@paper
	// DTSTAMP:20261123T033100Z
	// DTSTART:20261123T033100Z
	// SEQUENCE:3
	// SUMMARY:buy_orders
	// DESCRIPTION:to come
	// STATUS:CONFIRMED
	// TRANSP:TRANSPARENT
	// END:VEVENT
	// END:VCALENDAR
	// <nil>
}

// The holidays of a file make a calendar, which knows the years of the file.
func ExampleReadHolidays() {
	holidays, err := ical.ReadHolidays(strings.NewReader(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//desk//holidays//EN
BEGIN:VEVENT
UID:1@desk.example
DTSTAMP:20251212T110000Z
DTSTART;VALUE=DATE:20260126
SUMMARY:Republic Day
END:VEVENT
BEGIN:VEVENT
UID:2@desk.example
DTSTAMP:20251212T110000Z
DTSTART;VALUE=DATE:20231225
RRULE:FREQ=YEARLY
SUMMARY:Christmas
END:VEVENT
END:VCALENDAR
`), ical.Reading{Source: "desk.ics"})
	if err != nil {
		panic(err)
	}
	cal, err := calendar.NewTable(calendar.Table{
		Name: "desk", Location: time.UTC, First: holidays.First, Last: holidays.Last,
		Base: calendar.Weekdays(time.UTC), Days: holidays.Days,
	})
	if err != nil {
		panic(err)
	}
	for _, date := range []calendar.Date{{Year: 2026, Month: 1, Day: 26}, {Year: 2026, Month: 12, Day: 24}, {Year: 2026, Month: 12, Day: 25}, {Year: 2027, Month: 1, Day: 1}} {
		session, err := cal.Session(date)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(date, session.Describe())
	}
	// Output:
	// 2026-01-26 closed: Republic Day
	// 2026-12-24 regular session
	// 2026-12-25 closed: Christmas
	// calendar desk: 2027-01-01: date is outside the calendar's coverage, 2026-01-01 to 2026-12-31
}
