package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// rowsSubject is a scheduler in memory of more and more schedule rows, each of an
// account of its own.
func rowsSubject() subject {
	const load, idle, edit, heap = "load (s)", "idle tick (s)", "edit, in effect (s)", "heap, a row (B)"
	return subject{
		name: "rows", counts: "schedule rows", figures: []string{load, idle, edit, heap},
		sizes: []int{7, 100, 1000, 10_000, 100_000, 1_000_000},
		measure: func(ctx context.Context, sizes []int, add func(int, []float64)) error {
			for _, n := range sizes {
				loading, bytes, err := loadRows(ctx, n)
				if err != nil {
					return err
				}
				tick, editing, err := editRows(ctx, n)
				if err != nil {
					return err
				}
				add(n, []float64{loading, tick, editing, bytes})
			}
			return nil
		},
		plots: []plotted{
			{file: "rows-time", title: "Schedule rows: to load all, to edit one, and an idle tick", unit: seconds, lines: []string{load, edit, idle}},
			{file: "rows-memory", title: "Schedule rows: memory for each", unit: byteCount, lines: []string{heap}},
		},
	}
}

// loadRows returns the time of the tick that takes n rows, and the memory of each.
func loadRows(ctx context.Context, n int) (load, bytes float64, err error) {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	s, err := rig.Scheduler(memstore.New(clock), tradeclock.FixedSchedules(rig.OwnRows(n)...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return 0, 0, err
	}
	if err := rig.Enroll(ctx, s, 1, func(int) {}); err != nil {
		return 0, 0, err
	}
	before := rig.Heap()
	load, err = timed(func() error { return s.Tick(ctx) })
	if err != nil {
		return 0, 0, err
	}
	bytes = (rig.Heap() - before) / float64(n)
	return load, bytes, s.Close(ctx)
}

// editRows returns the median times of a tick in which nothing is due, and of an
// edit together with the tick that takes it.
func editRows(ctx context.Context, n int) (tick, edit float64, err error) {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	st := memstore.New(clock)
	if _, err := st.SeedSchedules(ctx, rig.OwnRows(n)...); err != nil {
		return 0, 0, err
	}
	s, err := rig.Scheduler(st, st, clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return 0, 0, err
	}
	if err := rig.Settled(ctx, s, n, func(int) {}); err != nil {
		return 0, 0, err
	}
	if tick, err = idleTick(ctx, s, clock); err != nil {
		return 0, 0, err
	}
	var times []float64
	for i := range 5 {
		took, err := timed(func() error { return editAndTick(ctx, s, st, clock, i) })
		if err != nil {
			return 0, 0, err
		}
		times = append(times, took)
	}
	return tick, median(times), s.Close(ctx)
}

// editAndTick moves the task of an account to before all others, and ticks. The
// edit is in effect if that occurrence is the next.
func editAndTick(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, st *memstore.Store, clock *clockwork.FakeClock, i int) error {
	rule := rule.Daily(rule.At(7, 59-i))
	if _, err := st.UpdateSchedule(ctx, store.By{Actor: "ops", Reason: "a test"}, rig.Account(i), "open", 1, store.ScheduleEdit{Rule: rule}); err != nil {
		return err
	}
	if err := rig.Minute(ctx, s, clock); err != nil {
		return err
	}
	want := rig.Sunday.Add(31*time.Hour + time.Duration(59-i)*time.Minute)
	if next := s.Status().Next; !next.Equal(want) {
		return fmt.Errorf("the next occurrence is at %v, not %v", next, want)
	}
	return nil
}
