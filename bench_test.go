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
	"github.com/tradeclock/tradeclock/trading"
)

// simulated is a scheduler of the seven tasks, which do nothing, in memory.
func simulated(t testing.TB, clock tradeclock.Clock, cal tradeclock.Calendar) *tradeclock.UnifiedTaskScheduler {
	s, err := tradeclock.New(tradeclock.Config{
		Executor:   tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }),
		Schedules:  tradeclock.FixedSchedules(trading.DefaultSchedules()...),
		Heartbeats: tradeclock.NewMemory(clock),
		Calendar:   cal,
		Clock:      clock,
		Logger:     slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return s
}

// closed is a calendar that has no session for ten years.
func closed(t testing.TB) tradeclock.Calendar {
	cal, err := tradeclock.NewTable(tradeclock.Table{
		Name: "closed", Location: kolkata, First: day("2020-01-01"), Last: day("2030-12-31"),
	})
	require.NoError(t, err)
	return cal
}

// BenchmarkYear simulates a year of minutes by Tick.
func BenchmarkYear(b *testing.B) {
	const minutes = 525_600
	for b.Loop() {
		clock := clockwork.NewFakeClockAt(at("2026-01-01 00:00:00"))
		s := simulated(b, clock, tradeclock.Weekdays(kolkata))
		for range minutes {
			clock.Advance(time.Minute)
			if err := s.Tick(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := s.Quiesce(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		require.NoError(b, s.Close(b.Context()))
	}
	b.ReportMetric(minutes*float64(b.N)/b.Elapsed().Seconds(), "minutes/s")
}

// BenchmarkIdleMinute is a minute in which nothing is due.
func BenchmarkIdleMinute(b *testing.B) {
	clock := clockwork.NewFakeClockAt(at("2021-01-01 00:00:00"))
	s := simulated(b, clock, closed(b))
	b.ReportAllocs()
	for b.Loop() {
		clock.Advance(time.Minute)
		if err := s.Tick(b.Context()); err != nil {
			b.Fatal(err)
		}
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
			Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy", Rule: tradeclock.Daily(tradeclock.Moment{Wall: tradeclock.Wall(9, 15)})}),
			Calendar:  tradeclock.Weekdays(kolkata),
			Clock:     clock,
			Logger:    slog.New(slog.DiscardHandler),
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
	s := simulated(t, clock, closed(t))
	ctx := t.Context()
	require.NoError(t, s.Tick(ctx))
	allocs := testing.AllocsPerRun(1000, func() {
		clock.Advance(time.Minute)
		_ = s.Tick(ctx)
	})
	require.Zero(t, allocs)
	require.NoError(t, s.Close(ctx))
}
