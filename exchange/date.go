package exchange

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

const secondsPerDay = 24 * 60 * 60

// The days that have a date of four digits, counted as number counts.
var (
	firstNumber = number(calendar.Date{Year: 1, Month: time.January, Day: 1})
	lastNumber  = number(calendar.Date{Year: 9999, Month: time.December, Day: 31})
)

// number counts days from the beginning of 1970. It does without time.Date, since
// every query for a date begins with it. A date that does not exist gets the
// number of another one.
func number(d calendar.Date) int {
	// The year is taken to begin in March, so that the leap day is its last and the
	// months before it have 153 days in every five.
	year, month := d.Year, int(d.Month)-3
	if month < 0 {
		year, month = year-1, month+12
	}
	const epoch = 719469 // what the sum below is for the first day of 1970
	return 365*year + year/4 - year/100 + year/400 + (153*month+2)/5 + d.Day - epoch
}

// dateOf returns the date that has a number.
func dateOf(n int) calendar.Date {
	return calendar.DateOf(time.Unix(int64(n)*secondsPerDay, 0).UTC())
}

// weekdayOf returns the weekday of the date that has a number.
func weekdayOf(n int) time.Weekday {
	const first = int(time.Thursday) // of 1970
	return time.Weekday(((n+first)%7 + 7) % 7)
}

func onWeekend(n int) bool {
	return weekdayOf(n) == time.Saturday || weekdayOf(n) == time.Sunday
}

// hasFourDigits reports whether the year of d is one of 1 to 9999: the years of
// data, and those that a calendar may be told to assume.
func hasFourDigits(d calendar.Date) bool { return d.Year >= 1 && d.Year <= 9999 }

// exists reports whether d is a date, of whatever year.
func exists(d calendar.Date) bool {
	return calendar.DateOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)) == d
}

// checkDate refuses a date that does not exist, or is not of four digits.
func checkDate(d calendar.Date) error {
	switch {
	case d.IsZero():
		return fmt.Errorf("a date is required")
	case !exists(d) || !hasFourDigits(d):
		// Its String would show the date that it overflows into.
		return fmt.Errorf("%04d-%02d-%02d is no date", d.Year, int(d.Month), d.Day)
	}
	return nil
}
