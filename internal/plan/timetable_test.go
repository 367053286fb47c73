package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// TestTimetable asks for the next occurrence by an exchange that is closed on Tuesday, and
// does not know the days from Friday on.
func TestTimetable(t *testing.T) {
	cal := newExchange()
	cal.told[monday.AddDays(1)] = isClosed
	for days := 4; days < 14; days++ {
		cal.told[monday.AddDays(days)] = isUnknown
	}
	later := func(days, hour, minute int) time.Time {
		return calendar.Wall(hour, minute).On(monday.AddDays(days), time.UTC)
	}
	for _, test := range []struct {
		name     string
		rule     string
		since    time.Time
		disabled bool
		after    time.Time
		want     time.Time
		err      error
	}{
		{name: "today", rule: "daily 09:30", after: at(9, 0), want: at(9, 30)},
		{name: "not what is due just then", rule: "daily 09:30", after: at(9, 30), want: later(2, 9, 30)},
		{name: "by an anchor", rule: "daily close-10m", after: at(15, 55), want: later(2, 15, 50)},
		{name: "within a window", rule: "every 5m 09:30-15:30", after: at(10, 1), want: at(10, 5)},
		{name: "from the edit on", rule: "daily 09:30", since: later(2, 10, 0), after: at(9, 0), want: later(3, 9, 30)},
		{name: "not skipped ones", rule: "once 2026-11-24 09:30", after: at(9, 0), err: ErrNothingDue},
		{name: "past", rule: "once 2026-11-23 09:30", after: at(9, 30), err: ErrNothingDue},
		{name: "disabled", rule: "daily 09:30", disabled: true, after: at(9, 0), err: ErrNothingDue},
		{name: "unknown", rule: "daily 09:30", after: later(3, 9, 30), err: calendar.ErrUnknownDate},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &Policy{Task: "monitor", Disabled: test.disabled, Timing: TimingOf(rule.MustParse(test.rule))}
			next, err := NewTimetable(&Row{Policy: p, Since: test.since, Calendar: cal}).Next(test.after)
			assert.ErrorIs(t, err, test.err)
			assert.Equal(t, test.want, next)
		})
	}
}
