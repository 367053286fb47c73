package tradeclock_test

import (
	"context"
	"log/slog"
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
