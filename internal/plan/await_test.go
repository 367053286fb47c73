package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// chained returns a row that waits for another, which has a rule of its own.
func chained(cal calendar.Calendar, text, base string) (analysis, buy *Row) {
	analysis = &Row{Policy: &Policy{Task: "analysis", Timing: TimingOf(rule.MustParse(base))}, Calendar: cal}
	buy = &Row{Policy: &Policy{Task: "buy", Timing: TimingOf(rule.MustParse(text))}, Calendar: cal, Base: analysis}
	return analysis, buy
}

// TestChainsOverFourYears holds what waits on each date of 2024 to 2027 to what the clocks of
// New York say: from when on it waits, and until when.
func TestChainsOverFourYears(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	cal := calendar.Weekdays(newYork, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 30), End: calendar.Wall(16, 0)})
	weekday := func(day time.Time) bool { return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday }
	for _, test := range []struct {
		text, base          string
		runs                func(time.Time) bool
		from, until, dayOff int // minutes after midnight, and how many days after it ends
	}{
		{"after analysis succeeds", "daily 16:30", weekday, 16*60 + 30, 0, 1},
		{"after analysis succeeds 5m until 17:30", "daily close+30m", weekday, 16*60 + 30, 17*60 + 30, 0},
		{"after analysis succeeds until close+2h", "daily 16:30", weekday, 16*60 + 30, 18 * 60, 0},
		{"after analysis succeeds until 02:00+1d", "daily 16:30", weekday, 16*60 + 30, 2 * 60, 1},
		{"after analysis succeeds", "daily 02:30+1d", weekday, 24*60 + 150, 0, 2},
		{"after analysis succeeds on fri", "daily 16:30", func(day time.Time) bool { return day.Weekday() == time.Friday }, 16*60 + 30, 0, 1},
		{"after analysis succeeds", "daily 16:30 on 15th day of month", func(day time.Time) bool { return weekday(day) && day.Day() == 15 }, 16*60 + 30, 0, 1},
		{"after analysis succeeds on last session of month", "daily 16:30", func(day time.Time) bool {
			next := day.AddDate(0, 0, 1)
			for !weekday(next) {
				next = next.AddDate(0, 0, 1)
			}
			return weekday(day) && next.Month() != day.Month()
		}, 16*60 + 30, 0, 1},
	} {
		t.Run(test.text+", "+test.base, func(t *testing.T) {
			analysis, buy := chained(cal, test.text, test.base)
			p := New([]*Row{analysis, buy})
			assert.True(t, p.Awaits("analysis"))
			assert.False(t, p.Awaits("buy"))
			first, last := time.Date(2024, time.January, 1, 0, 0, 0, 0, newYork), time.Date(2028, time.January, 1, 0, 0, 0, 0, newYork)
			var waiting []Occurrence
			for _, o := range p.Between(first.AddDate(0, 0, -1), last.AddDate(0, 0, 3)) {
				if o.Row == buy && o.Session.Year >= 2024 && o.Session.Year <= 2027 {
					waiting = append(waiting, o)
				}
			}
			for day := first; day.Before(last); day = day.AddDate(0, 0, 1) {
				if !test.runs(day) {
					continue
				}
				require.NotEmpty(t, waiting, "%v", day)
				o := waiting[0]
				waiting = waiting[1:]
				from := time.Date(day.Year(), day.Month(), day.Day(), 0, test.from, 0, 0, newYork)
				if from.Hour()*60+from.Minute() != test.from%(24*60) { // the clocks pass it over
					from = time.Date(from.Year(), from.Month(), from.Day(), 3, 0, 0, 0, newYork)
				}
				require.Equal(t, day.Format(time.DateOnly), o.Slot)
				require.True(t, from.Equal(o.Due), "%v waits from %v, want %v", o.Slot, o.Due, from)
				until := time.Date(day.Year(), day.Month(), day.Day()+test.dayOff, 0, test.until, 0, 0, newYork)
				require.True(t, until.Equal(o.Awaits.Until), "%v waits until %v, want %v", o.Slot, o.Awaits.Until, until)
				require.Empty(t, o.Skip)
				require.False(t, o.Repeats)
			}
			assert.Empty(t, waiting)
		})
	}
}

// What has no time to wait is skipped at the planned time, and so is what waits for a task
// that is disabled.
func TestChainsThatCannotWait(t *testing.T) {
	cal := calendar.Weekdays(time.UTC, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 30), End: calendar.Wall(16, 0)})
	day := calendar.Date{Year: 2026, Month: time.November, Day: 23}
	for _, test := range []struct {
		text, base, skip string
		disabled         bool
	}{
		{"after analysis succeeds until 15:00", "daily 16:00", "no success of analysis in time: its end, 15:00, is not after 16:00:00", false},
		{"after analysis succeeds until close", "daily 16:00", "no success of analysis in time: its end, close, is not after 16:00:00", false},
		{"after analysis succeeds until pre_open", "daily 16:00", "session 2026-11-23 has no pre_open", false},
		{"after analysis succeeds", "daily pre_open", "session 2026-11-23 has no pre_open", false},
		{"after analysis succeeds", "daily 16:00", "no success of analysis: its schedule is disabled", true},
	} {
		analysis, buy := chained(cal, test.text, test.base)
		analysis.Policy.Disabled = test.disabled
		var skips []string
		for _, o := range New([]*Row{analysis, buy}).Day(day, calendar.EndOfDay.On(day, time.UTC)) {
			if o.Row == buy {
				skips = append(skips, o.Skip)
			}
		}
		assert.Equal(t, []string{test.skip}, skips, test.text)
	}
}
