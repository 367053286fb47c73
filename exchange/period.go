package exchange

import (
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// First returns the first session of the week, month, quarter or year in which a
// date lies. The week is the market's own. It fails like NthOf.
func (c *Sessions) First(p calendar.Period, d calendar.Date) (calendar.Session, error) {
	return c.NthOf(p, d, 1)
}

// Last returns the last session of the week, month, quarter or year in which a
// date lies. It fails like NthOf: past the coverage nobody knows whether a session
// is the last.
func (c *Sessions) Last(p calendar.Period, d calendar.Date) (calendar.Session, error) {
	return c.NthOf(p, d, -1)
}

// NthOf counts the sessions of the week, month, quarter or year in which a date
// lies: 1 is its first, 2 the next one, and -1 its last, -2 the one before. The
// error wraps ErrNoSession if the period has fewer, as in a week of holidays, and
// is a *CoverageError if a date that the count needs is not covered.
func (c *Sessions) NthOf(p calendar.Period, d calendar.Date, n int) (calendar.Session, error) {
	if err := c.checkDate(d); err != nil {
		return calendar.Session{}, err
	}
	if p > calendar.Year {
		return calendar.Session{}, fmt.Errorf("calendar %s: %s is no period", c.name, p)
	}
	first, last := p.BoundsIn(c, d)
	from, to := number(first), number(last)
	if n < 0 {
		from, to = to, from
	}
	s, err := c.nth(from, n, to)
	if err != nil {
		return s, fmt.Errorf("session %d of the %s of %s: %w", n, p, d, err)
	}
	return s, nil
}
