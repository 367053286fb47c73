package exchange

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// DateAt returns the market's local date at an instant, covered or not. A date
// begins when the market's clocks first show its midnight.
func (c *Sessions) DateAt(t time.Time) calendar.Date {
	if i, ok := c.indexAt(t); ok {
		return c.days[i].Date
	}
	return calendar.DateOf(t.In(c.loc))
}

// indexAt returns the place of the date of an instant, if it is covered. Clocks
// that are moved shift the beginnings of dates by some hours, and where a place
// changed the side of the date line by a day, so the place that the number of
// seconds gives is next to the right one.
func (c *Sessions) indexAt(t time.Time) (int, bool) {
	at := t.Unix()
	if at < c.begins[0] || at >= c.begins[len(c.days)] {
		return 0, false
	}
	i := min(int((at-c.begins[0])/secondsPerDay), len(c.days)-1)
	for at < c.begins[i] {
		i--
	}
	for at >= c.begins[i+1] {
		i++
	}
	return i, true
}

// near returns the numbers of the first and the last date whose sessions may go on at an
// instant: those of its local date, and of one beside it where sessions begin on the
// evening before or end on the morning after.
func (c *Sessions) near(t time.Time) (first, last int) {
	n := number(c.DateAt(t))
	first, last = n, n
	if c.late > 0 && t.Unix() < c.begin(n)+c.late {
		first--
	}
	if c.early > 0 && t.Unix() >= c.begin(n+1)-c.early {
		last++
	}
	return first, last
}

// begin returns the instant at which the date that has a number begins.
func (c *Sessions) begin(n int) int64 {
	if i := n - c.base; i >= 0 && i < len(c.begins) {
		return c.begins[i]
	}
	return calendar.WallTime(0).On(dateOf(n), c.loc).Unix()
}

// SessionAt returns the session that goes on at an instant, from the start of its first
// phase to the end of its last, or else what is known of the market's local date, which
// may be a closed one. It fails like Session.
func (c *Sessions) SessionAt(t time.Time) (calendar.Session, error) {
	for n, last := c.near(t); n <= last; n++ {
		s, err := c.at(n)
		if err != nil {
			return calendar.Session{}, err
		}
		begun := slices.ContainsFunc(s.Phases, func(p calendar.Phase) bool { return !t.Before(p.Start) })
		ended := !slices.ContainsFunc(s.Phases, func(p calendar.Phase) bool { return t.Before(p.End) })
		if begun && !ended {
			return s, nil
		}
	}
	return c.Session(c.DateAt(t))
}

// IsOpen reports whether the market trades at an instant: in a window of the
// regular phase, its start included and its end not. It is closed in a break. On
// a date of unknown hours the error is an *HoursUnknownError, and where the date
// is not covered a *CoverageError.
func (c *Sessions) IsOpen(t time.Time) (bool, error) {
	i, ok := c.indexAt(t)
	if !ok || c.early > 0 || c.late > 0 {
		return c.InPhase(calendar.PhaseRegular, t)
	}
	if c.days[i].HoursUnknown {
		return false, &HoursUnknownError{Calendar: c.name, Session: c.days[i]}
	}
	at := t.Unix()
	for _, w := range c.hours[i] {
		if w.start <= at && at < w.end {
			return true, nil
		}
	}
	return false, nil
}

// InPhase reports whether an instant lies in a window of a phase, its start
// included and its end not. It fails like IsOpen, and with a *PhaseError if no
// session of the calendar has the phase.
func (c *Sessions) InPhase(phase string, t time.Time) (bool, error) {
	if err := c.checkPhase(phase); err != nil {
		return false, err
	}
	for n, last := c.near(t); n <= last; n++ {
		s, err := c.at(n)
		if err != nil {
			return false, err
		}
		if s.HoursUnknown {
			return false, &HoursUnknownError{Calendar: c.name, Session: s}
		}
		for _, p := range s.Phases {
			if p.Name == phase && !t.Before(p.Start) && t.Before(p.End) {
				return true, nil
			}
		}
	}
	return false, nil
}

// NextOpen returns the first open of a session after an instant. Sessions without
// a regular phase are passed over. One of unknown hours is not: the error is an
// *HoursUnknownError then, and a *CoverageError if the coverage ends first.
func (c *Sessions) NextOpen(t time.Time) (time.Time, error) {
	s, err := c.search(t, 1, calendar.PhaseRegular, func(open, _ time.Time) bool { return open.After(t) })
	open, _, _ := s.Bounds(calendar.PhaseRegular)
	return open, err
}

// NextClose returns the first close of a session after an instant; the beginning
// of a break is none. It fails like NextOpen.
func (c *Sessions) NextClose(t time.Time) (time.Time, error) {
	s, err := c.search(t, 1, calendar.PhaseRegular, func(_, end time.Time) bool { return end.After(t) })
	_, end, _ := s.Bounds(calendar.PhaseRegular)
	return end, err
}

// PreviousOpen returns the last open of a session before an instant. It fails like
// NextOpen.
func (c *Sessions) PreviousOpen(t time.Time) (time.Time, error) {
	s, err := c.search(t, -1, calendar.PhaseRegular, func(open, _ time.Time) bool { return open.Before(t) })
	open, _, _ := s.Bounds(calendar.PhaseRegular)
	return open, err
}

// PreviousClose returns the last close of a session before an instant; the
// beginning of a break is none. It fails like NextOpen.
func (c *Sessions) PreviousClose(t time.Time) (time.Time, error) {
	s, err := c.search(t, -1, calendar.PhaseRegular, func(_, end time.Time) bool { return end.Before(t) })
	_, end, _ := s.Bounds(calendar.PhaseRegular)
	return end, err
}

// NextWindow returns the first window of a phase that ends after an instant: the
// one that the instant lies in, or the next. It fails like NextOpen, and with a
// *PhaseError if no session of the calendar has the phase, or none to come.
func (c *Sessions) NextWindow(phase string, t time.Time) (calendar.Phase, error) {
	if err := c.checkPhase(phase); err != nil {
		return calendar.Phase{}, err
	}
	s, err := c.search(t, 1, phase, func(_, end time.Time) bool { return end.After(t) })
	for _, p := range s.Phases {
		if p.Name == phase && p.End.After(t) {
			return p, err
		}
	}
	return calendar.Phase{}, err
}

// PreviousWindow returns the last window of a phase that starts before an instant: the
// one that the instant lies in, or the one before. It fails like NextWindow.
func (c *Sessions) PreviousWindow(phase string, t time.Time) (calendar.Phase, error) {
	if err := c.checkPhase(phase); err != nil {
		return calendar.Phase{}, err
	}
	s, err := c.search(t, -1, phase, func(start, _ time.Time) bool { return start.Before(t) })
	for _, p := range slices.Backward(s.Phases) {
		if p.Name == phase && p.Start.Before(t) {
			return p, err
		}
	}
	return calendar.Phase{}, err
}

// search goes from the dates that are near an instant forwards or backwards, by a step of
// one day, to the first session with a phase whose first start and last end are what
// is sought.
func (c *Sessions) search(t time.Time, step int, phase string, sought func(start, end time.Time) bool) (calendar.Session, error) {
	from, last := c.near(t)
	if step < 0 {
		from = last
	}
	for n := from; ; n += step {
		s, err := c.at(n)
		if err != nil {
			return calendar.Session{}, err
		}
		if s.HoursUnknown {
			return calendar.Session{}, &HoursUnknownError{Calendar: c.name, Session: s}
		}
		start, end, ok := s.Bounds(phase)
		if ok && sought(start, end) {
			return s, nil
		}
		// The sessions that are assumed beyond the coverage are all alike.
		beyond := s.Assumed && (step > 0) == (n >= c.base)
		if !ok && s.Open() && beyond {
			return calendar.Session{}, &PhaseError{Calendar: c.name, Phase: phase, Date: s.Date}
		}
	}
}
