package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
)

// schedules makes schedules of the rows of the loop, and of what it did without a row. The
// error names each row that cannot be one.
func schedules(rows []row) (made []tradeclock.Schedule, err error) {
	for _, r := range rows {
		s, bad := r.schedule()
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("row of %s: %w", r.Task, bad))
			continue
		}
		made = append(made, s)
	}
	return append(made, tradeclock.Schedule{
		Task: "premarket_amo_adjustment", Rule: rule.After("premarket_retry", 5*time.Minute), CatchUp: 5 * time.Minute,
	}), err
}

// schedule says for how long a run may be late, and whether it may run again after a crash:
// the table has no columns for that.
func (r row) schedule() (s tradeclock.Schedule, err error) {
	s = tradeclock.Schedule{Task: r.Task, Disabled: !r.Enabled, Description: r.Description}
	text := "daily " + r.Start
	switch {
	case r.Type != "daily":
		return s, fmt.Errorf("type %q needs a date: write once 2026-11-23 %s", r.Type, r.Start)
	case r.Continuous:
		text = "every 1m " + r.Start + "-" + r.End
		s.Delivery = tradeclock.AtLeastOnce
	case r.IsHourly:
		text = "hourly " + r.Start + "-15:59" // the loop has 15 in its code
		s.Delivery, s.CatchUp = tradeclock.AtLeastOnce, 10*time.Minute
	default:
		s.CatchUp = 10 * time.Minute
	}
	s.Rule, err = rule.Parse(text)
	return s, err
}
