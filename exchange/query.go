package exchange

import (
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// IsSession reports whether there is a session on a date. It fails like Session.
func (c *Sessions) IsSession(d calendar.Date) (bool, error) {
	s, err := c.Session(d)
	return s.Open(), err
}

// Next returns the first session after a date. The error is a *CoverageError if
// the coverage ends before it, as no date is stepped over that is not known.
func (c *Sessions) Next(d calendar.Date) (calendar.Session, error) {
	return c.seek(d, 1, 1)
}

// Previous returns the last session before a date. It fails like Next.
func (c *Sessions) Previous(d calendar.Date) (calendar.Session, error) {
	return c.seek(d, -1, -1)
}

// Nth counts sessions from a date: 1 is the first on or after it, 2 the next one,
// and -1 the last on or before it, -2 the one before. 0 is an error. It fails like
// Next.
func (c *Sessions) Nth(d calendar.Date, n int) (calendar.Session, error) {
	return c.seek(d, 0, n)
}

// Sessions returns the sessions from one date to another, both included, in
// order. Dates in the wrong order have none between them. The error is a
// *CoverageError if any of the dates is not covered. More than 200 years, which
// only a calendar that assumes could answer for, are an error.
func (c *Sessions) Sessions(from, to calendar.Date) ([]calendar.Session, error) {
	for _, d := range []calendar.Date{from, to} {
		if _, err := c.Session(d); err != nil {
			return nil, err
		}
	}
	if number(to)-number(from) >= maxDays {
		return nil, fmt.Errorf("calendar %s: %s to %s is longer than 200 years", c.name, from, to)
	}
	var sessions []calendar.Session
	for n := number(from); n <= number(to); n++ {
		s, err := c.at(n)
		if err != nil {
			return nil, err
		}
		if s.Open() {
			sessions = append(sessions, s)
		}
	}
	return sessions, nil
}

// OpenClose returns the open and the close of the session on a date: the first
// start and the last end of its regular phase. It fails like Bounds.
func (c *Sessions) OpenClose(d calendar.Date) (open, end time.Time, err error) {
	return c.Bounds(d, calendar.PhaseRegular)
}

// Bounds returns the first start and the last end of a phase of the session on a
// date. The error is a *ClosedError if there is no session, an *HoursUnknownError
// if its hours are not announced, a *PhaseError if it lacks the phase, and a
// *CoverageError if the date is not covered.
func (c *Sessions) Bounds(d calendar.Date, phase string) (start, end time.Time, err error) {
	s, err := c.withHours(d)
	if err != nil {
		return start, end, err
	}
	start, end, ok := s.Bounds(phase)
	if !ok {
		return start, end, &PhaseError{Calendar: c.name, Phase: phase, Date: d}
	}
	return start, end, nil
}

// Minutes returns how many minutes of trading the session on a date has: those of
// the windows of its regular phase, without the breaks between them, and without
// seconds that are no whole minute. It fails like OpenClose.
func (c *Sessions) Minutes(d calendar.Date) (int, error) {
	if _, _, err := c.OpenClose(d); err != nil {
		return 0, err
	}
	s, err := c.Session(d)
	return int(s.TradingTime() / time.Minute), err
}

// withHours returns the session on a date, which is one with known hours.
func (c *Sessions) withHours(d calendar.Date) (calendar.Session, error) {
	s, err := c.Session(d)
	switch {
	case err != nil:
		return s, err
	case !s.Open():
		return s, &ClosedError{Calendar: c.name, Session: s}
	case s.HoursUnknown:
		return s, &HoursUnknownError{Calendar: c.name, Session: s}
	}
	return s, nil
}

// checkPhase refuses a phase that no session has, which is a mistake in its name.
func (c *Sessions) checkPhase(phase string) error {
	if slices.Contains(c.phases, phase) {
		return nil
	}
	return &PhaseError{Calendar: c.name, Phase: phase}
}

// seek returns the session that is the n-th from the date skip days after d.
func (c *Sessions) seek(d calendar.Date, skip, n int) (calendar.Session, error) {
	if err := c.checkDate(d); err != nil {
		return calendar.Session{}, err
	}
	limit := lastNumber + 1 // which nothing covers, so that a walk ends with an error
	if n < 0 {
		limit = firstNumber - 1
	}
	return c.nth(number(d)+skip, n, limit)
}

// nth returns the n-th session on or after a date that has a number or, with n
// below zero, on or before it. The limit is the number of the last date that it
// may have; the error wraps ErrNoSession if no known session up to it is the n-th.
func (c *Sessions) nth(from, n, limit int) (calendar.Session, error) {
	step := 1
	switch {
	case n == 0:
		return calendar.Session{}, fmt.Errorf("calendar %s: a count of sessions begins at 1 or -1, not at 0", c.name)
	case n < 0:
		step = -1
	}
	if found, ok := c.count(from, n); ok && found*step <= limit*step {
		return c.at(found)
	}
	// What is left are counts that leave the coverage or pass the limit.
	for ; from*step <= limit*step; from += step {
		open, err := c.opens(from)
		if err != nil {
			return calendar.Session{}, err
		}
		if open {
			n -= step
		}
		if n == 0 {
			return c.at(from)
		}
	}
	return calendar.Session{}, fmt.Errorf("calendar %s: %w up to %s", c.name, ErrNoSession, dateOf(limit))
}

// count finds the n-th session from a date like nth, and in no time, if both are
// covered.
func (c *Sessions) count(from, n int) (found int, ok bool) {
	if !c.covers(from) {
		return 0, false
	}
	place := c.counts[from-c.base] + n - 1
	if n < 0 {
		place = c.counts[from-c.base+1] + n
	}
	if place < 0 || place >= len(c.sessions) {
		return 0, false
	}
	return c.sessions[place], true
}

// opens reports whether there is a session on the date that has a number, without
// looking for its hours.
func (c *Sessions) opens(n int) (bool, error) {
	if c.covers(n) {
		return c.days[n-c.base].Open(), nil
	}
	if c.assumed && n >= firstNumber && n <= lastNumber {
		return !c.offDay(n), nil
	}
	_, err := c.uncovered(dateOf(n))
	return false, err
}
