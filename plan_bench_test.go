package tradeclock

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// dailyPlan is a snapshot of rows that are due a minute apart, over seven hours of
// each weekday, and of one that is due each minute of them.
func dailyPlan(t testing.TB, n int) *snapshot {
	view := newCalendarView(calendar.Weekdays(time.UTC), nil)
	schedules := []Schedule{{Task: "monitor", Rule: rule.MustParse("every 1m 09:00-16:00")}}
	for i := range n {
		schedules = append(schedules, Schedule{Task: fmt.Sprintf("task_%d", i), Rule: rule.Daily(rule.At(9+i%420/60, i%60))})
	}
	rows, bad := vetRows(schedules, func(string) (*calendarView, error) { return view, nil }, startLimits{}.find)
	require.Empty(t, bad)
	return newSnapshot(rows, func(v *calendarView) calendar.Calendar { return v })
}

// BenchmarkPlan plans minute by minute through a week, as ticks do, and all that came
// due in half a year at once, as after a long stop.
func BenchmarkPlan(b *testing.B) {
	monday := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	b.Run("a week by the minute", func(b *testing.B) {
		sn := dailyPlan(b, 700)
		b.ReportAllocs()
		for b.Loop() {
			var due int
			for at := monday; at.Before(monday.AddDate(0, 0, 7)); at = at.Add(time.Minute) {
				due += len(sn.plan(at, at.Add(time.Minute)))
				sn.forget(at)
				sn.next(at.Add(time.Minute))
			}
			require.Equal(b, 5*(700+420), due)
		}
	})
	b.Run("half a year at once", func(b *testing.B) {
		sn := dailyPlan(b, 7)
		b.ReportAllocs()
		for b.Loop() {
			require.NotEmpty(b, sn.plan(monday, monday.AddDate(0, 0, 180)))
		}
	})
}

// TestAPlanOfNothingAllocatesNothing plans minutes of a day in which nothing is due.
func TestAPlanOfNothingAllocatesNothing(t *testing.T) {
	sn := dailyPlan(t, 700)
	at := time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC) // a Sunday
	sn.next(at)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		sn.plan(at, at.Add(time.Minute))
		at = at.Add(time.Minute)
		sn.next(at)
	}))
}
