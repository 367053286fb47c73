package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// tenOClock is a user's rule that gives every session the same slot.
type tenOClock struct{}

func (tenOClock) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	return []rule.Occurrence{{Slot: "10:00", Due: calendar.Wall(10, 0).On(s.Date, loc)}}, nil
}

func (tenOClock) String() string { return "ten o'clock" }

func TestRule06_ASlotThatRecursIsTold(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	log := new(eventLog)
	cfg := w.config(tradeclock.Schedule{Task: "report", Rule: tenOClock{}})
	cfg.Observers = []tradeclock.Observer{log}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-24 11:00:00"))
	require.Len(t, w.rec.Runs(), 1)
	const told = `the rule gave it slot "10:00", which is that of session 2026-11-23: a slot is for one occurrence, for ever`
	assert.Equal(t, []string{"report for account 42 does not run for session 2026-11-24: " + told}, s.Status().Degraded)
	explained, err := s.Explain(t.Context(), "42", "report", day("2026-11-24"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-24, report for account 42 did not run: "+told+"; the next is due at 2026-11-25 10:00:00.", explained)
	require.NoError(t, w.closeWhile(s))
	skipped := eventsOf[tradeclock.RunSkipped](log)
	require.Len(t, skipped, 1)
	assert.Equal(t, day("2026-11-24"), skipped[0].Run.Session)
	assert.Equal(t, told, skipped[0].Run.Reason)
}
