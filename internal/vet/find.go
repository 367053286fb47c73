package vet

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
)

// DatesOf lists the dates from first to last.
func DatesOf(first, last calendar.Date) []calendar.Date {
	var dates []calendar.Date
	for d := first; !d.After(last); d = d.AddDays(1) {
		dates = append(dates, d)
	}
	return dates
}

// MayFind reports whether a calendar of a name could be found, by a service's way to find
// calendars, which may be nil.
func MayFind(find func(name string) (calendar.Calendar, error), name string) bool {
	_, named, _ := calendar.ByName(name)
	return named || find != nil
}

// Find finds the calendar of a name: by a service's way to find calendars, or else one
// that needs no data.
func Find(find func(name string) (calendar.Calendar, error), name string) (*Calendar, error) {
	cal, named, err := calendar.ByName(name)
	if find != nil {
		if own, errOwn := find(name); errOwn == nil || !named {
			cal, err = own, errOwn
		}
	}
	switch {
	case err != nil:
		return nil, err
	case cal == nil:
		return nil, fmt.Errorf("there is no calendar %s", name)
	case cal.Name() != name:
		return nil, fmt.Errorf("the calendar that was found for %s is %s", name, cal.Name())
	case cal.Location() == nil:
		return nil, fmt.Errorf("calendar %s has no location", name)
	}
	return NewCalendar(cal, nil), nil
}

// IsCurrent reports whether the latest snapshot has a version, with the same
// trouble.
func (v *Calendar) IsCurrent(version, trouble string) (current bool) {
	defer func() {
		if recover() != nil {
			current = false // it is asked properly then
		}
	}()
	if t, ok := v.Source.(calendar.DataChecker); ok {
		if said.TextOf(t.DataError()) != trouble {
			return false
		}
	}
	return versionOf(v.Direct.Snapshot()) == version
}

// Answered returns a calendar that has the answers of another for dates, or the error with
// which they did not come.
func (v *Calendar) Answered(dates []calendar.Date, facts Facts, err error) *Calendar {
	answered := &Calendar{name: v.name, loc: v.loc, answers: make(map[calendar.Date]calendarAnswer)}
	if err != nil {
		answered.Unknown(dates, err)
	} else {
		answered.Take(facts)
	}
	return answered
}

// Defaults returns the calendar and the zone of a configuration that may lack either: the zone
// is the calendar's, or UTC, and the calendar has every weekday.
func Defaults(cal calendar.Calendar, loc *time.Location) (calendar.Calendar, *time.Location) {
	switch {
	case cal == nil && loc == nil:
		return calendar.Weekdays(time.UTC), time.UTC
	case cal == nil:
		return calendar.Weekdays(loc), loc
	case loc == nil:
		return cal, cal.Location()
	}
	return cal, loc
}
