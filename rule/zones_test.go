package rule

import (
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on any host

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/zones"
)

// Rules that repeat over every change of the clocks of every zone from 1970 to 2037.
func TestRulesThatRepeatOverEveryTransition(t *testing.T) {
	steps := map[string]time.Duration{
		"every 97m 00:00-24:00": 97 * time.Minute, "hourly 00:30-23:30": time.Hour, "hourly 01:00-24:00": time.Hour,
	}
	changes := 0
	for name, loc := range zones.All(t) {
		for _, change := range zones.Transitions(loc, 1970, 2038) {
			changes++
			for rule, step := range steps {
				requireSteady(t, name, loc, change, rule, step)
			}
		}
	}
	assert.Greater(t, changes, 15_000, "the zones were not read")
}

// requireSteady checks the occurrences of a rule between wall times on the dates
// around a change of the clocks: they follow one another, those of a date at one
// step of absolute time, and no slot is given twice.
func requireSteady(t *testing.T, name string, loc *time.Location, change int64, text string, step time.Duration) {
	t.Helper()
	rule := MustParse(text)
	middle := calendar.DateOf(time.Unix(change-1, 0).In(loc))
	slots := make(map[string]bool)
	var last time.Time
	for d := middle.AddDays(-1); !d.After(middle.AddDays(1)); d = d.AddDays(1) {
		found, err := rule.Occurrences(calendar.Session{Date: d, Kind: calendar.Regular}, loc)
		if err != nil && !calendar.EndOfDay.On(d, loc).Equal(calendar.WallTime(0).On(d, loc)) {
			require.NoError(t, err, "%s %s", name, d) // but a date that the clocks skip has none
		}
		for i, o := range found {
			if !o.Due.After(last) || i > 0 && o.Due.Sub(last) != step || slots[o.Slot] {
				require.Failf(t, "not steady", "%s %s on %s: %s at %s, after %s", name, rule, d, o.Slot, o.Due, last)
			}
			slots[o.Slot], last = true, o.Due
		}
	}
}
