package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

// accountsSubject is a scheduler in memory of more and more accounts, for which
// the rows are shared.
func accountsSubject() subject {
	const idle, burst, heap = "idle tick (s)", "burst, a run (s)", "heap, an account (B)"
	return subject{
		name: "accounts", counts: "accounts", figures: []string{idle, burst, heap},
		sizes: []int{1, 10, 100, 1000, 10_000, 100_000, 1_000_000},
		measure: func(ctx context.Context, sizes []int, add func(int, []float64)) error {
			for _, n := range sizes {
				tick, bytes, err := idleAccounts(ctx, n)
				if err != nil {
					return err
				}
				run, err := burstOf(ctx, n)
				if err != nil {
					return err
				}
				add(n, []float64{tick, run, bytes})
			}
			return nil
		},
		plots: []plotted{
			{file: "accounts-time", title: "Accounts: an idle tick, and each run of a burst", unit: seconds, lines: []string{idle, burst}},
			{file: "accounts-memory", title: "Accounts: memory for each, with seven shared rows", unit: byteCount, lines: []string{heap}},
		},
	}
}

// idleAccounts returns the time of a tick on a Sunday and the memory of each of n
// accounts.
func idleAccounts(ctx context.Context, n int) (tick, bytes float64, err error) {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	before := rig.Heap()
	s, err := rig.Scheduler(memstore.New(clock), tradeclock.FixedSchedules(trading.DefaultSchedules()...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return 0, 0, err
	}
	if err := rig.Settled(ctx, s, n, func(int) {}); err != nil {
		return 0, 0, err
	}
	bytes = (rig.Heap() - before) / float64(n)
	if tick, err = idleTick(ctx, s, clock); err != nil {
		return 0, 0, err
	}
	return tick, bytes, s.Close(ctx)
}

// idleTick returns the median time of a tick in which nothing is due.
func idleTick(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) (float64, error) {
	const rounds, ticks = 9, 50
	var times []float64
	for range rounds {
		took, err := timed(func() error {
			for range ticks {
				if err := rig.Minute(ctx, s, clock); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		times = append(times, took/ticks)
	}
	return median(times), nil
}

// burstOf returns the time of each run when a task of n accounts is due at once:
// the median of several tasks, each due a minute after the last. The first is to
// warm up.
func burstOf(ctx context.Context, n int) (float64, error) {
	bursts := min(max(3, 100_000/n), 60)
	clock := clockwork.NewFakeClockAt(rig.Sunday.Add(32*time.Hour + 59*time.Minute))
	rows := make([]tradeclock.Schedule, bursts)
	for i := range rows {
		rows[i] = tradeclock.Schedule{Task: fmt.Sprintf("task-%02d", i), Rule: rule.Daily(rule.At(9, i))}
	}
	s, err := rig.Scheduler(memstore.New(clock), tradeclock.FixedSchedules(rows...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return 0, err
	}
	var ran atomic.Int64
	if err := rig.Settled(ctx, s, n, func(int) { ran.Add(1) }); err != nil {
		return 0, err
	}
	var times []float64
	for range bursts {
		took, err := timed(func() error {
			if err := rig.Minute(ctx, s, clock); err != nil {
				return err
			}
			return s.Quiesce(ctx)
		})
		if err != nil {
			return 0, err
		}
		times = append(times, took/float64(n))
	}
	if want := int64(bursts * n); ran.Load() != want {
		return 0, fmt.Errorf("%d runs, not %d", ran.Load(), want)
	}
	return median(times[1:]), s.Close(ctx)
}
