package exchange

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
)

// settlement is a list of days without settlement, for lookup.
type settlement struct {
	from, to calendar.Date
	holidays map[calendar.Date]bool
}

// settlementOf returns the market's list if it is for the calendar, or nil.
func (m Market) settlementOf(name string) *settlement {
	list := m.Settlement
	if list == nil || !slices.Contains(m.calendarsOf(list.Calendars), name) {
		return nil
	}
	s := &settlement{from: list.From, to: list.To, holidays: make(map[calendar.Date]bool, len(list.Holidays))}
	for _, h := range list.Holidays {
		s.holidays[h.Date] = true
	}
	return s
}

// Settles reports whether trades are settled on a date: there is a session, on a
// weekday, and the date is no settlement holiday. The error wraps ErrNoSettlement
// if nothing is known of the calendar's settlement, and is a *CoverageError where
// the calendar, or the list of its settlement holidays, does not cover the date.
func (c *Sessions) Settles(d calendar.Date) (bool, error) {
	if c.settlement == nil {
		return false, fmt.Errorf("calendar %s: %w", c.name, ErrNoSettlement)
	}
	s, err := c.Session(d)
	if err != nil {
		return false, err
	}
	if !s.Open() || c.offDay(number(d)) {
		return false, nil
	}
	if d.Before(c.settlement.from) || d.After(c.settlement.to) {
		return false, &CoverageError{
			Calendar: c.name + " (settlement)", Date: d, First: c.settlement.from, Last: c.settlement.to,
		}
	}
	return !c.settlement.holidays[d], nil
}

// checkSettlement reports what is wrong with the settlement holidays. One on a
// closed day is let pass: it says nothing new, and the day may have been closed
// after the list was made.
func (m Market) checkSettlement() error {
	list := m.Settlement
	if err := checkRange(list.From, list.To); err != nil {
		return err
	}
	var p problems
	if list.From.Before(m.From) || list.To.After(m.To) {
		p = append(p, fmt.Errorf("%s to %s is outside the coverage, %s to %s", list.From, list.To, m.From, m.To))
	}
	p.add("basis", checkText(list.Basis))
	p.add("calendars", m.checkNames(list.Calendars))
	p.add("holidays", list.checkHolidays(m.weekOn))
	return errors.Join(p...)
}

// checkNames refuses names that no calendar of the market has, and a name that is
// given twice.
func (m Market) checkNames(names []string) error {
	var p problems
	for i, name := range names {
		switch {
		case !slices.Contains(m.calendarsOf(nil), name):
			p = append(p, fmt.Errorf("%q is none of the market's", name))
		case slices.Contains(names[:i], name):
			p = append(p, fmt.Errorf("%s is listed twice", name))
		}
	}
	return errors.Join(p...)
}

func (list Settlement) checkHolidays(week func(calendar.Date) calendar.Workweek) error {
	var p problems
	seen := make(map[calendar.Date]bool)
	for i, h := range list.Holidays {
		if err := checkDate(h.Date); err != nil {
			p.add(fmt.Sprintf("entry %d: date", i+1), err)
			continue
		}
		key := h.Date.String()
		switch {
		case h.Date.Before(list.From) || h.Date.After(list.To):
			p.addf(key, "outside the list's coverage, %s to %s", list.From, list.To)
		case seen[h.Date]:
			p.addf(key, "listed twice")
		case !week(h.Date).Has(h.Date.Weekday()):
			p.addf(key, "a %s is without settlement in any case", h.Date.Weekday())
		}
		seen[h.Date] = true
		if !h.Announced.IsZero() {
			p.add(key+": announced", checkDate(h.Announced))
		}
		p.add(key, checkText(h.Name))
		p.add(key, checkText(h.Source))
	}
	return errors.Join(p...)
}
