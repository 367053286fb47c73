package main

import (
	"context"
	"errors"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
)

// nextOccurrence asks when a daily task is due next, on each day of a month.
func nextOccurrence(context.Context) (*opened, error) {
	const days, times = 30, 20
	rule, cal := tradeclock.MustParseRule("daily 09:00"), calendar.MustGet("XNSE")
	step := func() error {
		for range times {
			for i := range days {
				next, err := nextOf(rule, cal, rig.Sunday.AddDate(0, 0, -i))
				if err != nil {
					return err
				}
				if next.IsZero() {
					return errors.New("there is no next occurrence")
				}
			}
		}
		return nil
	}
	return &opened{step: step, operations: days * times, close: func() error { return nil }}, nil
}

// nextOf asks the calendar for sessions, and the rule for their occurrences.
func nextOf(rule tradeclock.Rule, cal tradeclock.Calendar, t time.Time) (time.Time, error) {
	var days tradeclock.SessionSet
	for date := tradeclock.DateOf(t.In(cal.Location())); ; date = date.AddDays(1) {
		session, err := cal.Session(date)
		if err != nil {
			return time.Time{}, err
		}
		if !days.Has(session.Kind) {
			continue
		}
		due, err := rule.Occurrences(session, cal.Location())
		if err != nil {
			return time.Time{}, err
		}
		for _, o := range due {
			if o.Due.After(t) {
				return o.Due, nil
			}
		}
	}
}
