package exchange

import (
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
)

// weekFrom is the week that holds from a date on, which has a number.
type weekFrom struct {
	from int
	week calendar.Workweek
}

// Workweek returns the week of the market that holds on a date: before the coverage the
// first that is known, and after it the last.
func (c *Sessions) Workweek(d calendar.Date) calendar.Workweek { return c.weekOn(number(d)) }

func (c *Sessions) weekOn(n int) (week calendar.Workweek) {
	for i, w := range c.weeks {
		if i == 0 || w.from <= n {
			week = w.week
		}
	}
	return week
}

// offDay reports whether the date that has a number is on a weekday on which the market
// does not trade.
func (c *Sessions) offDay(n int) bool { return !c.weekOn(n).Has(weekdayOf(n)) }

// noteWeek adds the week that holds from a date on.
func (c *Sessions) noteWeek(d calendar.Date, week calendar.Workweek) {
	if last := len(c.weeks) - 1; last < 0 || c.weeks[last].week != week {
		c.weeks = append(c.weeks, weekFrom{number(d), week})
	}
}

// eraOn returns the era that a date lies in, and the first for a date before them.
func (s Segment) eraOn(d calendar.Date) Era {
	for _, era := range slices.Backward(s.Eras) {
		if !era.From.After(d) {
			return era
		}
	}
	return s.Eras[0]
}

// weekOn returns the week of the main calendar that holds on a date.
func (m Market) weekOn(d calendar.Date) calendar.Workweek {
	if len(m.Segments) == 0 || len(m.Segments[0].Eras) == 0 {
		return calendar.Workweek{} // which is reported as such
	}
	return m.Segments[0].eraOn(d).Week
}
