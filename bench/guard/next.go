package main

import (
	"context"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

// nextOccurrence asks when a daily task is due next, on each day of a month.
func nextOccurrence(context.Context) (*opened, error) {
	const days, times = 30, 20
	timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "open", Rule: rule.MustParse("daily 09:00")}, exchange.MustGet("XNSE"))
	if err != nil {
		return nil, err
	}
	step := func() error {
		for range times {
			for i := range days {
				if _, err := timetable.Next(rig.Sunday.AddDate(0, 0, -i)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return &opened{step: step, operations: days * times, close: func() error { return nil }}, nil
}
