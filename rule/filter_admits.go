package rule

import (
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// Dates returns the first and the last date that Admits may look at to tell
// whether d is one of the filter's dates, d included. A week is that of the calendar's
// market; without a calendar it begins on Monday.
func (f Filter) Dates(cal calendar.Calendar, d calendar.Date) (first, last calendar.Date) {
	first, last = d, d
	if f.nth.unit == unitSession {
		begin, end := f.nth.of.BoundsIn(cal, d)
		if f.nth.n > 0 {
			first = begin
		} else {
			last = end
		}
	}
	if f.cycle.unit == unitSession && f.cycle.from.Before(first) {
		first = f.cycle.from
	}
	switch f.roll {
	case rollBefore:
		last = d.AddDays(rollDays)
	case rollAfter:
		first = d.AddDays(-rollDays)
	}
	return first, last
}

// Admits reports whether d is one of the filter's dates, with the weeks of Dates. The
// sessions that count are those for which counts is true; that of d is one of them. Where
// it depends on a date that session does not know, the error wraps what session said.
func (f Filter) Admits(cal calendar.Calendar, d calendar.Date, counts func(calendar.Session) bool, session func(calendar.Date) (calendar.Session, error)) (bool, error) {
	days := knownDays{cal, counts, session}
	if !f.dated(cal, d) {
		if f.roll == rollNone {
			return false, nil
		}
		return f.rolledTo(d, days)
	}
	byPlace, errPlace := f.nth.isSession(d, days)
	byCycle, errCycle := f.cycle.isSession(d, days)
	switch {
	case errPlace == nil && !byPlace, errCycle == nil && !byCycle:
		return false, nil
	case errPlace != nil:
		return false, errPlace
	}
	return byCycle, errCycle
}

// dated reports whether a date is one of the filter's, as far as that can be told without
// sessions.
func (f Filter) dated(cal calendar.Calendar, d calendar.Date) bool {
	return f.days.has(d.Weekday()) && f.months.has(d.Month) &&
		(f.nth.unit == unitNone || f.nth.unit == unitSession || f.nth.is(cal, d)) &&
		(f.cycle.unit != unitWeek || f.cycle.is(cal, d))
}

// rolledTo reports whether the session of d takes the place of a date that is closed:
// there is no session between the two.
func (f Filter) rolledTo(d calendar.Date, days knownDays) (bool, error) {
	step := 1
	if f.roll == rollAfter {
		step = -1
	}
	var unsure error
	for i := 1; i <= rollDays; i++ {
		date := d.AddDays(step * i)
		s, err := days.session(date)
		switch {
		case err == nil && days.counts(s):
			return false, nil
		case err != nil && unsure == nil:
			unsure = fmt.Errorf("whether %v takes the place of a closed date of %s depends on %v: %w", d, f, date, err)
		}
		if f.dated(days.cal, date) {
			return unsure == nil, unsure
		}
	}
	return false, nil
}

// knownDays is what a calendar knows of dates, and which sessions count.
type knownDays struct {
	cal     calendar.Calendar // whose weeks they are, or nil
	counts  func(calendar.Session) bool
	session func(calendar.Date) (calendar.Session, error)
}

// isSession reports whether d, which counts, is the session of its period. What counts
// no sessions leaves it all.
func (x nth) isSession(d calendar.Date, days knownDays) (bool, error) {
	if x.unit != unitSession {
		return true, nil
	}
	first, last := x.of.BoundsIn(days.cal, d)
	from, step, others := first, 1, x.n-1 // others are the sessions between d and that end of the period
	if x.n < 0 {
		from, step, others = last, -1, -x.n-1
	}
	counted, unknown := 0, 0
	var unsure error
	for date := from; date != d && counted <= others; date = date.AddDays(step) {
		known, err := days.count(date)
		switch {
		case err != nil:
			unknown++
			if unsure == nil {
				unsure = fmt.Errorf("whether %v is the %s depends on %v: %w", d, x, date, err)
			}
		case known:
			counted++
		}
	}
	switch {
	case counted > others || counted+unknown < others:
		return false, nil
	case unknown > 0:
		return false, unsure
	}
	return true, nil
}

// isSession reports whether d, which counts, is one of each n-th session. What counts no
// sessions leaves it all.
func (c cycle) isSession(d calendar.Date, days knownDays) (bool, error) {
	switch {
	case c.unit != unitSession:
		return true, nil
	case d.Before(c.from):
		return false, nil
	}
	counted, unknown := 0, 0
	var unsure error
	for date := c.from; date != d; date = date.AddDays(1) {
		known, err := days.count(date)
		switch {
		case err != nil:
			unknown++
			if unsure == nil {
				unsure = fmt.Errorf("whether %v is one of %s depends on %v: %w", d, c, date, err)
			}
			if unknown >= c.n-1 {
				return false, unsure // whatever is counted, it may be one
			}
		case known:
			counted++
		}
	}
	next := (c.n - counted%c.n) % c.n // how many more would make it one
	switch {
	case unknown < next:
		return false, nil
	case unknown > 0:
		return false, unsure
	}
	return true, nil
}

// count reports whether a date has a session that counts.
func (days knownDays) count(date calendar.Date) (bool, error) {
	s, err := days.session(date)
	return err == nil && days.counts(s), err
}
