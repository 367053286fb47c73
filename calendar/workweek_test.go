package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWorkweek(t *testing.T) {
	for text, want := range map[string]struct {
		week  Workweek
		days  int
		first time.Weekday
	}{
		"mon-fri": {Workweek{}, 5, time.Monday},
		"sun-thu": {NewWorkweek(time.Sunday, time.Thursday), 5, time.Sunday},
		"sat-wed": {NewWorkweek(time.Saturday, time.Wednesday), 5, time.Saturday},
		"mon-sun": {NewWorkweek(time.Monday, time.Sunday), 7, time.Monday},
		"wed-wed": {NewWorkweek(time.Wednesday, time.Wednesday), 1, time.Wednesday},
	} {
		var w Workweek
		require.NoError(t, w.UnmarshalText([]byte(text)))
		assert.Equal(t, want.week, w)
		assert.Equal(t, text, w.String())
		assert.Equal(t, want.first, w.First())
		days := 0
		for i := range 7 {
			if w.Has(time.Weekday((int(w.First()) + i) % 7)) {
				assert.Equal(t, days, i, "%s is one run of days", text)
				days++
			}
		}
		assert.Equal(t, want.days, days, text)
	}
	var w Workweek
	for _, text := range []string{"", "mon", "Mon-Fri", "mon-fri-sat", "monday-friday", "-"} {
		assert.Error(t, w.UnmarshalText([]byte(text)), text)
	}
}

// changedWeek trades from Sunday to Thursday, and from 2026-01-05 from Monday to Friday,
// as the exchange of Tel Aviv did.
type changedWeek struct{ Calendar }

func (changedWeek) Workweek(d Date) Workweek {
	if d.Before(Date{2026, 1, 5}) {
		return NewWorkweek(time.Sunday, time.Thursday)
	}
	return Workweek{}
}

func TestTheWeekOfAMarketIsItsOwn(t *testing.T) {
	c := changedWeek{Weekdays(time.UTC)}
	for d, want := range map[Date][2]Date{
		{2025, 12, 20}: {{2025, 12, 14}, {2025, 12, 20}}, // a Saturday ends its week
		{2025, 12, 21}: {{2025, 12, 21}, {2025, 12, 27}}, // a Sunday begins one
		{2026, 1, 1}:   {{2025, 12, 28}, {2026, 1, 3}},
		{2026, 1, 4}:   {{2026, 1, 4}, {2026, 1, 4}}, // the Sunday before the first Monday of the new week
		{2026, 1, 5}:   {{2026, 1, 5}, {2026, 1, 11}},
		{2026, 1, 18}:  {{2026, 1, 12}, {2026, 1, 18}},
	} {
		first, last := Week.BoundsIn(c, d)
		assert.Equal(t, want, [2]Date{first, last}, d)
	}
	first, last := Month.BoundsIn(c, Date{2026, 1, 4})
	assert.Equal(t, [2]Date{{2026, 1, 1}, {2026, 1, 31}}, [2]Date{first, last})
	first, last = Week.BoundsIn(Weekdays(time.UTC), Date{2026, 1, 4})
	assert.Equal(t, [2]Date{{2025, 12, 29}, {2026, 1, 4}}, [2]Date{first, last}, "a calendar that does not tell")
}

// Weeks lie side by side, whatever the market's week changes to, and when.
func TestWeeksCoverEachDateOnce(t *testing.T) {
	weeks := []Workweek{{}, NewWorkweek(time.Sunday, time.Thursday), NewWorkweek(time.Saturday, time.Wednesday), NewWorkweek(time.Monday, time.Sunday)}
	for _, before := range weeks {
		for _, after := range weeks {
			for change := range 7 {
				c := keeperOf{Weekdays(time.UTC), func(d Date) Workweek {
					if d.Before(Date{2026, 6, 1 + change}) {
						return before
					}
					return after
				}}
				for d := (Date{2026, 5, 1}); d.Before(Date{2026, 7, 1}); d = d.AddDays(1) {
					first, last := Week.BoundsIn(c, d)
					next, _ := Week.BoundsIn(c, last.AddDays(1))
					f, l := Week.BoundsIn(c, first)
					require.False(t, d.Before(first) || d.After(last))
					require.Equal(t, last.AddDays(1), next, "the week after %s to %s", first, last)
					require.Equal(t, [2]Date{first, last}, [2]Date{f, l})
				}
			}
		}
	}
}

type keeperOf struct {
	Calendar
	week func(Date) Workweek
}

func (k keeperOf) Workweek(d Date) Workweek { return k.week(d) }
