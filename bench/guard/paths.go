package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

// paths are the hot paths.
func paths() []path {
	return []path{
		{"an idle tick of 10,000 accounts", true, idleTick},
		{"a tick in which one run is due", true, dueTick},
		{"a burst of 500 accounts, a run", true, burst},
		{"a simulated day of the seven tasks", true, simulatedDay},
		{"the agenda of a day of 700 tasks", true, agenda},
		{"the next occurrence", true, nextOccurrence},
		{"to load 10,000 rows, a row", true, loadRows},
		{"to edit one of 10,000 rows", true, editRow},
		{"claimed and settled in memory, a run", true, memoryLedger},
		{"claimed and settled on SQLite, a run", false, sqliteLedger},
	}
}

// world is a scheduler in memory, on a fake clock.
type world struct {
	clock *clockwork.FakeClock
	store *memstore.Store
	s     *tradeclock.UnifiedTaskScheduler
	ran   atomic.Int64
	// task is what a run does beside being counted, or nil. It is given the number
	// of the run.
	task func(n int64)
}

// newWorld returns a scheduler of n accounts on which the first tick is done.
func newWorld(ctx context.Context, at time.Time, cal calendar.Calendar, n int, rows ...tradeclock.Schedule) (*world, error) {
	w := &world{clock: clockwork.NewFakeClockAt(at)}
	w.store = memstore.New(w.clock)
	if _, err := w.store.SeedSchedules(ctx, rows...); err != nil {
		return nil, err
	}
	var err error
	if w.s, err = rig.Scheduler(w.store, w.store, w.clock, cal); err != nil {
		return nil, err
	}
	return w, rig.Settled(ctx, w.s, n, func(int) {
		n := w.ran.Add(1)
		if w.task != nil {
			w.task(n)
		}
	})
}

// minutes lets minutes go by, waits in each for what runs, and holds all of them to
// a number of runs.
func (w *world) minutes(ctx context.Context, n, runs int) error {
	w.ran.Store(0)
	for range n {
		if err := rig.Minute(ctx, w.s, w.clock); err != nil {
			return err
		}
		if err := w.s.Quiesce(ctx); err != nil {
			return err
		}
	}
	if ran := w.ran.Load(); ran != int64(runs) {
		return fmt.Errorf("%d runs, not %d", ran, runs)
	}
	return nil
}

func (w *world) opened(ctx context.Context, operations int, step func() error) *opened {
	return &opened{step: step, operations: operations, close: func() error { return w.s.Close(ctx) }}
}

func idleTick(ctx context.Context) (*opened, error) {
	closed, err := calendar.NewTable(calendar.Table{
		Name: "closed", Location: rig.Kolkata, First: calendar.DateOf(rig.Sunday), Last: calendar.DateOf(rig.Sunday.AddDate(10, 0, 0)),
	})
	if err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, rig.Sunday.Add(24*time.Hour), closed, 10_000, trading.DefaultSchedules()...)
	if err != nil {
		return nil, err
	}
	const ticks = 1000
	return w.opened(ctx, ticks, func() error {
		for range ticks {
			if err := rig.Minute(ctx, w.s, w.clock); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

func dueTick(ctx context.Context) (*opened, error) {
	row := tradeclock.Schedule{Task: "monitor", Rule: rule.MustParse("every 1m 00:00-24:00")}
	w, err := newWorld(ctx, rig.Sunday, calendar.AlwaysOpen(rig.Kolkata), 1, row)
	if err != nil {
		return nil, err
	}
	const ticks = 100
	return w.opened(ctx, ticks, func() error { return w.minutes(ctx, ticks, ticks) }), nil
}

// burst starts a task of all accounts at once. The runs wait for each other, as how
// many of them end together decides what their settlement costs.
func burst(ctx context.Context) (*opened, error) {
	const accounts, bursts = 500, 4
	var rows []tradeclock.Schedule
	for i := range rounds * tries * bursts {
		rows = append(rows, tradeclock.Schedule{Task: fmt.Sprintf("task-%03d", i), Rule: rule.Daily(rule.At(9+i/60, i%60))})
	}
	w, err := newWorld(ctx, rig.Sunday.Add(32*time.Hour+59*time.Minute), calendar.Weekdays(rig.Kolkata), accounts, rows...)
	if err != nil {
		return nil, err
	}
	return w.opened(ctx, bursts*accounts, func() error {
		for range bursts {
			all := make(chan struct{})
			w.task = func(n int64) {
				if n == accounts {
					close(all)
				}
				<-all
			}
			if err := w.minutes(ctx, 1, accounts); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

func simulatedDay(ctx context.Context) (*opened, error) {
	w, err := newWorld(ctx, rig.Sunday, calendar.AlwaysOpen(rig.Kolkata), 1, trading.DefaultSchedules()...)
	if err != nil {
		return nil, err
	}
	const runsADay = 387
	return w.opened(ctx, 1, func() error { return w.minutes(ctx, 24*60, runsADay) }), nil
}

func agenda(ctx context.Context) (*opened, error) {
	const tasks = 700
	var rows []tradeclock.Schedule
	for i := range tasks {
		rows = append(rows, tradeclock.Schedule{Task: fmt.Sprintf("task-%03d", i), Rule: rule.Daily(rule.At(9+i%420/60, i%60))})
	}
	w, err := newWorld(ctx, rig.Sunday, calendar.Weekdays(rig.Kolkata), 1, rows...)
	if err != nil {
		return nil, err
	}
	monday := calendar.DateOf(rig.Sunday).AddDays(1)
	return w.opened(ctx, 1, func() error {
		items, err := w.s.Agenda(ctx, monday)
		if len(items) != tasks {
			return errors.Join(err, fmt.Errorf("%d occurrences, not %d", len(items), tasks))
		}
		return err
	}), nil
}

func loadRows(ctx context.Context) (*opened, error) {
	const n = 10_000
	rows := tradeclock.FixedSchedules(rig.OwnRows(n)...)
	return &opened{
		operations: n,
		step: func() error {
			clock := clockwork.NewFakeClockAt(rig.Sunday)
			s, err := rig.Scheduler(memstore.New(clock), rows, clock, calendar.Weekdays(rig.Kolkata))
			if err != nil {
				return err
			}
			if err := rig.Settled(ctx, s, 1, func(int) {}); err != nil {
				return err
			}
			return s.Close(ctx)
		},
		close: func() error { return nil },
	}, nil
}

func editRow(ctx context.Context) (*opened, error) {
	w, err := newWorld(ctx, rig.Sunday, calendar.Weekdays(rig.Kolkata), 100, rig.OwnRows(10_000)...)
	if err != nil {
		return nil, err
	}
	version := int64(1)
	return w.opened(ctx, 1, func() error {
		rule := rule.Daily(rule.At(10, int(version%60)))
		row, err := w.store.UpdateSchedule(ctx, store.By{Actor: "ops", Reason: "a test"}, rig.Account(50), "open", version, store.ScheduleEdit{Rule: rule})
		if err != nil {
			return err
		}
		version = row.Version
		return rig.Minute(ctx, w.s, w.clock)
	}), nil
}
