package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// onDays is a user's rule: a time on some days of the month.
type onDays struct {
	at       calendar.WallTime
	from, to int
}

func (onDays) String() string { return "on days" }
func (onDays) Daily() bool    { return true }
func (r onDays) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	if s.Date.Day < r.from || s.Date.Day > r.to {
		return nil, nil
	}
	return []rule.Occurrence{{Due: r.at.On(s.Date, loc), Slot: s.Date.String()}}, nil
}

func TestRule19_AUsersDailyRuleCatchesUpAsADailyOne(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	expiry := tradeclock.Schedule{Task: "expiry", Rule: onDays{calendar.Wall(9, 0), 24, 26}, CatchUp: 100 * time.Hour}
	w.lateStart("2026-11-27 09:30:00", expiry)
	assert.Equal(t, []string{"2026-11-24 succeeded", "2026-11-25 succeeded", "2026-11-26 succeeded"}, tell(w.runs("expiry")))
}
