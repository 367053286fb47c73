package tradeclock_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

// simulated is a scheduler of tasks that do nothing, all in memory, by schedules
// that can be edited.
func simulated(t testing.TB, clock tradeclock.Clock, cal calendar.Calendar, rows ...tradeclock.Schedule) *tradeclock.UnifiedTaskScheduler {
	st := memstore.New(clock)
	_, err := st.SeedSchedules(t.Context(), rows...)
	require.NoError(t, err)
	s, err := tradeclock.New(tradeclock.Config{
		Executor:   tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }),
		Schedules:  st,
		Ledger:     st,
		Heartbeats: st,
		Calendar:   cal,
		Clock:      clock,
		Logger:     slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return s
}

// dailyRows are tasks a minute apart from nine on, over seven hours.
func dailyRows(n int) []tradeclock.Schedule {
	rows := make([]tradeclock.Schedule, n)
	for i := range rows {
		at := rule.At(9+i%420/60, i%60)
		rows[i] = tradeclock.Schedule{Task: fmt.Sprintf("task_%d", i), Rule: rule.Daily(at)}
	}
	return rows
}

// closed is a calendar that has no session for ten years.
func closed(t testing.TB) calendar.Calendar {
	cal, err := calendar.NewTable(calendar.Table{
		Name: "closed", Location: kolkata, First: day("2020-01-01"), Last: day("2030-12-31"),
	})
	require.NoError(t, err)
	return cal
}

// BenchmarkYear simulates a year of minutes by Tick.
func BenchmarkYear(b *testing.B) {
	for name, rows := range map[string][]tradeclock.Schedule{
		"7 daily":          dailyRows(7),
		"7 of the service": trading.DefaultSchedules(),
		"700 daily":        dailyRows(700),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clock := clockwork.NewFakeClockAt(at("2026-01-01 00:00:00"))
				s := simulated(b, clock, calendar.Weekdays(kolkata), rows...)
				for range 365 * 24 * 60 {
					minute(b, clock, s)
				}
				require.NoError(b, s.Close(b.Context()))
			}
		})
	}
}

// minute is one step of a simulation.
func minute(t testing.TB, clock *clockwork.FakeClock, s *tradeclock.UnifiedTaskScheduler) {
	clock.Advance(time.Minute)
	if err := s.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Quiesce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkIdleMinute is a minute in which nothing is due.
func BenchmarkIdleMinute(b *testing.B) {
	clock := clockwork.NewFakeClockAt(at("2021-01-01 00:00:00"))
	s := simulated(b, clock, closed(b), trading.DefaultSchedules()...)
	b.ReportAllocs()
	for b.Loop() {
		minute(b, clock, s)
	}
}

// BenchmarkBurst is one task of 100,000 accounts that is due at one instant, from
// the tick to the last outcome in the ledger.
func BenchmarkBurst(b *testing.B) {
	const accounts = 100_000
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		clock := clockwork.NewFakeClockAt(at("2026-11-23 09:14:00"))
		s, err := tradeclock.New(tradeclock.Config{
			Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy", Rule: rule.Daily(rule.Moment{Wall: calendar.Wall(9, 15)})}),
			Calendar:  calendar.Weekdays(kolkata),
			Clock:     clock,
			Logger:    slog.New(slog.DiscardHandler),
			Ledger:    memstore.New(clock),
		})
		require.NoError(b, err)
		var runs atomic.Int64
		count := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
			runs.Add(1)
			return nil
		})
		for i := range accounts {
			require.NoError(b, s.Enroll(b.Context(), fmt.Sprintf("account-%06d", i), count))
		}
		require.NoError(b, s.Tick(b.Context()))
		require.NoError(b, s.Quiesce(b.Context()))
		clock.Advance(time.Minute)
		b.StartTimer()
		require.NoError(b, s.Tick(b.Context()))
		require.NoError(b, s.Quiesce(b.Context()))
		b.StopTimer()
		require.EqualValues(b, accounts, runs.Load())
		require.NoError(b, s.Close(b.Context()))
		b.StartTimer()
	}
	b.ReportMetric(accounts*float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

// TestIdleMinuteAllocatesNothing holds a minute in which nothing is due to no
// allocation, its heartbeat included.
func TestIdleMinuteAllocatesNothing(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-22 10:00:00"))
	s := simulated(t, clock, closed(t), trading.DefaultSchedules()...)
	minute(t, clock, s)
	require.Zero(t, testing.AllocsPerRun(1000, func() { minute(t, clock, s) }))
	require.NoError(t, s.Close(t.Context()))
}
