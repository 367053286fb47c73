package exchange

import (
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// AssumeWeekdays returns the calendar that guesses where c knows nothing: outside
// the coverage, which stays what it is, the weekdays of the nearest era are regular
// sessions at its hours, and the other days are closed, in the years 1 to 9999. Each such session says that it is assumed. Its version tells it from c.
// Each call returns the same calendar.
func (c *Sessions) AssumeWeekdays() *Sessions {
	if c.assumed {
		return c
	}
	return c.assuming
}

// makeAssuming keeps the calendar that guesses beside c, which is complete. It is
// not made when it is asked for, as a scheduler asks at each tick.
func (c *Sessions) makeAssuming() {
	assuming := *c
	assuming.assumed = true
	assuming.version += "+assumed"
	c.assuming = &assuming
}

// checkDate refuses a date that does not exist, and one of a year that has not four
// digits, which no calendar covers or assumes.
func (c *Sessions) checkDate(d calendar.Date) error {
	if exists(d) && !hasFourDigits(d) {
		return c.notCovered(d)
	}
	if err := checkDate(d); err != nil {
		return fmt.Errorf("calendar %s: %w", c.name, err)
	}
	return nil
}

func (c *Sessions) notCovered(d calendar.Date) error {
	return &CoverageError{Calendar: c.name, Date: d, First: c.first, Last: c.last}
}

// uncovered answers for a date that is not covered.
func (c *Sessions) uncovered(d calendar.Date) (calendar.Session, error) {
	if err := c.checkDate(d); err != nil {
		return calendar.Session{}, err
	}
	if !c.assumed {
		return calendar.Session{}, c.notCovered(d)
	}
	hours, reason := c.after, fmt.Sprintf("outside the coverage, which ends on %s", c.last)
	if d.Before(c.first) {
		hours, reason = c.before, fmt.Sprintf("outside the coverage, which begins on %s", c.first)
	}
	day := calendar.TableDay{Date: d, Reason: reason}
	if !c.offDay(number(d)) {
		day.Kind, day.Hours = calendar.Regular, hours
	}
	s, err := day.Session(c.loc)
	if err != nil {
		return calendar.Session{}, fmt.Errorf("calendar %s: %w", c.name, err)
	}
	s.Assumed = true
	return s, nil
}
