package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/trading"
)

// daysSubject is the simulation of more and more days of the tasks of a service,
// minute by minute, with all of their runs kept in memory.
func daysSubject() subject {
	const day = "a simulated day (s)"
	return subject{
		name: "days", counts: "days simulated", figures: []string{day},
		sizes: []int{1, 10, 100, 365, 1000, 3650},
		measure: func(ctx context.Context, sizes []int, add func(int, []float64)) error {
			for _, n := range sizes {
				took, err := simulatedDay(ctx, n)
				if err != nil {
					return err
				}
				add(n, []float64{took})
			}
			return nil
		},
		plots: []plotted{
			{file: "days-time", title: "Simulation: the time of each day, when so many are simulated", unit: seconds, lines: []string{day}},
		},
	}
}

// simulatedDay returns the time of each of n days: the median, if few days can be
// simulated several times.
func simulatedDay(ctx context.Context, n int) (float64, error) {
	var times []float64
	for range max(1, 50/n) {
		took, err := timed(func() error { return simulate(ctx, n) })
		if err != nil {
			return 0, err
		}
		times = append(times, took/float64(n))
	}
	return median(times), nil
}

// simulate lets n days from a Monday on go by, minute by minute.
func simulate(ctx context.Context, n int) error {
	clock := clockwork.NewFakeClockAt(rig.Sunday.AddDate(0, 0, 1))
	s, err := rig.Scheduler(memstore.New(clock), tradeclock.FixedSchedules(trading.DefaultSchedules()...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return err
	}
	var ran atomic.Int64
	if err := rig.Settled(ctx, s, 1, func(int) { ran.Add(1) }); err != nil {
		return err
	}
	for range n * 24 * 60 {
		if err := rig.Minute(ctx, s, clock); err != nil {
			return err
		}
		if err := s.Quiesce(ctx); err != nil {
			return err
		}
	}
	const runsADay = 387
	if want := int64(workdays(n) * runsADay); ran.Load() != want {
		return fmt.Errorf("%d runs in %d days, not %d", ran.Load(), n, want)
	}
	return s.Close(ctx)
}

// workdays is the number of days from Monday to Friday among n days from a Monday
// on.
func workdays(n int) int { return n/7*5 + min(n%7, 5) }
