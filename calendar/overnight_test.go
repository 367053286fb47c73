package calendar

import (
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on any host

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/zones"
)

// fx are the hours of foreign exchange: the session of a Monday begins on Sunday.
var fx = Hours{PhaseRegular, Wall(17, 0) - EndOfDay, Wall(17, 0)}

func TestASessionThatBeginsOnTheEveningBefore(t *testing.T) {
	newYork := zone(t, "America/New_York")
	c := Weekdays(newYork, fx)
	s, err := c.Session(Date{2026, 3, 9}) // the Monday after the clocks went forward
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 3, 8, 17, 0, 0, 0, newYork).UTC(), s.Phases[0].Start)
	assert.Equal(t, time.Date(2026, 3, 9, 17, 0, 0, 0, newYork).UTC(), s.Phases[0].End)
}

func TestSessionsOfATableDoNotOverlap(t *testing.T) {
	night := func(end WallTime) Table {
		return Table{
			Name: "X", Location: time.UTC, First: Date{2026, 11, 2}, Last: Date{2026, 11, 6}, Base: Weekdays(time.UTC, fx),
			Days: []TableDay{{Date: Date{2026, 11, 4}, Kind: Special, Hours: []Hours{{PhaseRegular, Wall(10, 0), end}}}},
		}
	}
	_, err := NewTable(night(Wall(17, 0)))
	require.NoError(t, err)
	_, err = NewTable(night(Wall(17, 1)))
	assert.EqualError(t, err, `table "X": the sessions of 2026-11-04 and 2026-11-05 overlap`)
}

// Sessions that begin on the evening before, over every change of the clocks of every
// zone: they follow one another without a gap and without an overlap.
func TestOvernightSessionsOverEveryTransition(t *testing.T) {
	changes := 0
	for name, loc := range zones.All(t) {
		for _, change := range zones.Transitions(loc, 1970, 2038) {
			changes++
			middle := DateOf(time.Unix(change-1, 0).In(loc))
			end := fx.End.On(middle.AddDays(-2), loc)
			for d := middle.AddDays(-1); !d.After(middle.AddDays(2)); d = d.AddDays(1) {
				start := fx.Start.On(d, loc)
				require.Equal(t, end, start, "%s %s", name, d)
				end = fx.End.On(d, loc)
				require.False(t, end.Before(start), "%s %s", name, d)
			}
		}
	}
	assert.Greater(t, changes, 15_000, "the zones were not read")
}
