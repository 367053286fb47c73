package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// dailyPlan is a plan of rows that are due a minute apart, over seven hours of
// each weekday, and of one that is due each minute of them.
func dailyPlan(n int) *Plan {
	cal := calendar.Weekdays(time.UTC)
	rowOf := func(task string, r rule.Rule) *Row {
		return &Row{Policy: &Policy{Task: task, Timing: TimingOf(r)}, Calendar: cal}
	}
	rows := []*Row{rowOf("monitor", rule.MustParse("every 1m 09:00-16:00"))}
	for i := range n {
		rows = append(rows, rowOf(fmt.Sprintf("task_%d", i), rule.Daily(rule.At(9+i%420/60, i%60))))
	}
	return New(rows)
}

// BenchmarkPlan plans minute by minute through a week, as ticks do, and all that came
// due in half a year at once, as after a long stop.
func BenchmarkPlan(b *testing.B) {
	monday := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	b.Run("a week by the minute", func(b *testing.B) {
		p := dailyPlan(700)
		b.ReportAllocs()
		for b.Loop() {
			var due int
			for at := monday; at.Before(monday.AddDate(0, 0, 7)); at = at.Add(time.Minute) {
				due += len(p.Between(at, at.Add(time.Minute)))
				p.Forget(at)
				p.Next(at.Add(time.Minute))
			}
			require.Equal(b, 5*(700+420), due)
		}
	})
	b.Run("half a year at once", func(b *testing.B) {
		p := dailyPlan(7)
		b.ReportAllocs()
		for b.Loop() {
			require.NotEmpty(b, p.Between(monday, monday.AddDate(0, 0, 180)))
		}
	})
}

// TestAPlanOfNothingAllocatesNothing plans minutes of a day in which nothing is due.
func TestAPlanOfNothingAllocatesNothing(t *testing.T) {
	p := dailyPlan(700)
	at := time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC) // a Sunday
	p.Next(at)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p.Between(at, at.Add(time.Minute))
		at = at.Add(time.Minute)
		p.Next(at)
	}))
}
