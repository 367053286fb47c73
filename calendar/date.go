package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Date is a calendar date without a time or a zone: the label of a session.
// The zero value is no date. Dates are comparable and may be map keys.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the date of t in the location that t carries.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate parses a date of the form 2026-11-23.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	var parse *time.ParseError
	switch {
	case errors.As(err, &parse) && strings.HasSuffix(parse.Message, "out of range"):
		return Date{}, fmt.Errorf("date %q: there is no such date", text)
	case err != nil:
		return Date{}, fmt.Errorf("date %q: want the form 2026-11-23", text)
	}
	return DateOf(t), nil
}

// String returns the date in the form 2026-11-23.
func (d Date) String() string {
	return string(d.append(make([]byte, 0, len(time.DateOnly))))
}

func (d Date) append(b []byte) []byte { return d.UTC().AppendFormat(b, time.DateOnly) }

// UTC returns midnight of the date in UTC: the form in which dates are compared
// and counted, since UTC has no gaps.
func (d Date) UTC() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays returns the date n days later; n may be negative.
func (d Date) AddDays(n int) Date {
	const everyMonth = 28 // days that each month has
	if day := d.Day + n; 1 <= day && day <= everyMonth && time.January <= d.Month && d.Month <= time.December {
		return Date{d.Year, d.Month, day}
	}
	return DateOf(d.UTC().AddDate(0, 0, n))
}

// Weekday returns the day of the week of d.
func (d Date) Weekday() time.Weekday { return d.UTC().Weekday() }

// Compare returns -1, 0 or 1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int { return d.UTC().Compare(e.UTC()) }

// Before reports whether d is before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is after e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// IsZero reports whether d is the zero value, which is no date.
func (d Date) IsZero() bool { return d == Date{} }

// valid reports whether d is a date that the calendar has, of a year that the
// text form can show.
func (d Date) valid() bool {
	return DateOf(d.UTC()) == d && d.Year >= 1 && d.Year <= 9999
}

// Validate reports whether d is a date that the calendar has, of a year that the text form
// can show. The error has figures of its own: String would show the date that a bad one
// overflows into.
func (d Date) Validate() error {
	if !d.valid() {
		return fmt.Errorf("%04d-%02d-%02d is no date", d.Year, int(d.Month), d.Day)
	}
	return nil
}

// MarshalText returns the date in the form 2026-11-23; the zero date is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText parses what MarshalText wrote.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}
