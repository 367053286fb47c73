package ical

import (
	"errors"
	"fmt"
	"strings"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"github.com/tradeclock/tradeclock/calendar"
)

// repetition returns the yearly rule of an event, or nil if it is not repeated. Dates are
// counted in UTC, where no clock changes.
func repetition(event *ics.VEvent, first calendar.Date) (*rrule.RRule, error) {
	rule := text(event, ics.ComponentPropertyRrule)
	if rule == "" {
		return nil, nil
	}
	option, err := rrule.StrToROption(rule)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", rule, err)
	}
	if option.Freq != rrule.YEARLY {
		return nil, fmt.Errorf("%q: only what is repeated yearly is read", rule)
	}
	if len(option.Byhour)+len(option.Byminute)+len(option.Bysecond) > 0 {
		return nil, fmt.Errorf("%q: a whole day is repeated at no time", rule)
	}
	option.Dtstart = first.UTC()
	repeated, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", rule, err)
	}
	return repeated, nil
}

// exceptions returns the dates on which an event is not repeated.
func (o Reading) exceptions(event *ics.VEvent) (dates []calendar.Date, err error) {
	for _, p := range event.GetProperties(ics.ComponentPropertyExdate) {
		for value := range strings.SplitSeq(p.Value, ",") {
			m, err := o.parseMoment(strings.TrimSpace(value), p.ICalParameters["TZID"])
			if err != nil {
				return nil, err
			}
			if m.timed {
				return nil, errors.New("it has a time, and what is repeated are whole days")
			}
			dates = append(dates, m.date)
		}
	}
	return dates, nil
}
