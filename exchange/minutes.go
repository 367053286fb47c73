package exchange

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// AddTrading returns the instant at which the market has traded for d since t, or, with
// d below zero, the one since which it had traded for -d at t: breaks, nights and closed
// days do not count. An instant at which both a window ends and later another begins is
// the end of the first; without any d to count it is t itself. It fails like NextOpen.
func (c *Sessions) AddTrading(t time.Time, d time.Duration) (time.Time, error) {
	at := t.UTC()
	for d > 0 {
		w, err := c.NextWindow(calendar.PhaseRegular, at)
		if err != nil {
			return time.Time{}, err
		}
		start := later(at, w.Start)
		if left := w.End.Sub(start); d > left {
			at, d = w.End, d-left
			continue
		}
		return start.Add(d), nil
	}
	for d < 0 {
		w, err := c.PreviousWindow(calendar.PhaseRegular, at)
		if err != nil {
			return time.Time{}, err
		}
		end := earlier(at, w.End)
		if left := end.Sub(w.Start); -d > left {
			at, d = w.Start, d+left
			continue
		}
		return end.Add(d), nil
	}
	return at, nil
}

// TradingBetween returns how long the market trades from one instant to another: the
// time in windows of the regular phase, below zero if to is before from. It fails like
// Sessions for the dates between them, and with an *HoursUnknownError for a session of
// which the hours are not known.
func (c *Sessions) TradingBetween(from, to time.Time) (time.Duration, error) {
	if to.Before(from) {
		d, err := c.TradingBetween(to, from)
		return -d, err
	}
	first, _ := c.near(from)
	_, last := c.near(to)
	sessions, err := c.Sessions(dateOf(first), dateOf(last))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, s := range sessions {
		if s.HoursUnknown {
			return 0, &HoursUnknownError{Calendar: c.name, Session: s}
		}
		for _, w := range s.Windows(calendar.PhaseRegular) {
			sum += max(0, earlier(to, w.End).Sub(later(from, w.Start)))
		}
	}
	return sum, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
