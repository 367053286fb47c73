package calendar

import (
	"errors"
	"fmt"
	"time"
)

// Between returns the dates of the given kinds from one date to another, both
// included, in order. The zero set means regular and shortened sessions, and EveryDay
// closed dates too. Dates in the wrong order have none between them. The error is that
// of the calendar for a date that it does not know.
func Between(cal Calendar, from, to Date, kinds SessionSet) ([]Session, error) {
	var found []Session
	err := walk(cal, from, to, kinds, func(s Session) { found = append(found, s) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Count returns how many dates Between would return.
func Count(cal Calendar, from, to Date, kinds SessionSet) (int, error) {
	n := 0
	if err := walk(cal, from, to, kinds, func(Session) { n++ }); err != nil {
		return 0, err
	}
	return n, nil
}

func walk(cal Calendar, from, to Date, kinds SessionSet, found func(Session)) error {
	if err := errors.Join(kinds.Validate(), from.Validate(), to.Validate()); err != nil {
		return fmt.Errorf("calendar %s: %w", cal.Name(), err)
	}
	for d := from; !d.After(to); d = d.AddDays(1) {
		s, err := cal.Session(d)
		if err != nil {
			return err
		}
		if kinds.Has(s.Kind) {
			found(s)
		}
	}
	return nil
}

// ErrNoHoliday is wrapped by the error of NextHoliday if two years have none.
var ErrNoHoliday = errors.New("there is no holiday in the next two years")

// NextHoliday returns the first holiday after a date: a closed date on a weekday on
// which the market trades otherwise. The error is that of the calendar if a date comes
// first that it does not know.
func NextHoliday(cal Calendar, after Date) (Session, error) {
	const twoYears = 2 * 366
	for i := 1; i <= twoYears; i++ {
		d := after.AddDays(i)
		s, err := cal.Session(d)
		if err != nil {
			return Session{}, err
		}
		if !s.Open() && tradesOn(cal, d) {
			return s, nil
		}
	}
	return Session{}, fmt.Errorf("calendar %s: %w after %s", cal.Name(), ErrNoHoliday, after)
}

// tradesOn reports whether the date is on a weekday on which the market trades unless
// there is a reason not to.
func tradesOn(cal Calendar, d Date) bool { return WorkweekOn(cal, d).Has(d.Weekday()) }

// Windows returns the windows of a phase, in order.
func (s Session) Windows(phase string) []Phase {
	var windows []Phase
	for _, p := range s.Phases {
		if p.Name == phase {
			windows = append(windows, p)
		}
	}
	return windows
}

// Breaks returns what lies between the windows of the regular phase, in order: from the
// end of one to the start of the next, under the name "break". A session without a
// break, or without known hours, has none.
func (s Session) Breaks() []Phase {
	var breaks []Phase
	windows := s.Windows(PhaseRegular)
	for i := 1; i < len(windows); i++ {
		if end, start := windows[i-1].End, windows[i].Start; end.Before(start) {
			breaks = append(breaks, Phase{Name: "break", Start: end, End: start})
		}
	}
	return breaks
}

// TradingTime returns how long the windows of the regular phase are together. It is
// zero on a closed date and where the hours are unknown.
func (s Session) TradingTime() (sum time.Duration) {
	for _, w := range s.Windows(PhaseRegular) {
		sum += w.End.Sub(w.Start)
	}
	return sum
}
