package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
)

// shadowName is not the name that the service will have: what was only noted uses up no slot
// and no Run.ID of it.
const shadowName = "desk-shadow"

// week is a process, or one after the other, in which the loop and tradeclock live.
type week struct {
	clock     *clockwork.FakeClock
	loop      *loop
	store     *memstore.Store // in life, the database of the service: see sqlstore
	rows      []tradeclock.Schedule
	scheduler *tradeclock.UnifiedTaskScheduler

	mu    sync.Mutex
	noted []note
}

// begin starts both at an instant.
func begin(now time.Time) (*week, error) {
	clock := clockwork.NewFakeClockAt(now)
	rows, err := schedules(legacyRows)
	if err != nil {
		return nil, err
	}
	w := &week{clock: clock, store: memstore.New(clock), rows: rows, loop: &loop{
		rows: legacyRows, completed: make(map[string]bool), journal: journal{looked: make(map[int64]bool)},
	}}
	w.loop.takes = func(task string) time.Duration {
		if task == "position_monitor" && clock.Now().Equal(at(monday.AddDays(2), "10:30")) {
			return 7 * time.Minute // the broker is slow
		}
		return 0
	}
	return w, w.start()
}

// start makes the scheduler of a process.
func (w *week) start() (err error) {
	w.scheduler, err = tradeclock.New(tradeclock.Config{
		Name: shadowName, Account: "42", Executor: tradeclock.ExecutorFunc(w.note),
		Schedules: tradeclock.FixedSchedules(w.rows...), Ledger: w.store, Heartbeats: w.store,
		Calendar: nse, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
	})
	return err
}

// note is the executor: it does nothing but to note what would have run.
func (w *week) note(_ context.Context, run tradeclock.Run) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noted = append(w.noted, note{Task: run.Task, Due: run.Due, Ended: w.clock.Now()})
	return nil
}

// until lets time pass, in which the loop looks at each minute and the scheduler ticks
// when it is time.
func (w *week) until(ctx context.Context, instant time.Time) error {
	for {
		now := w.clock.Now().In(nse.Location())
		if now.Equal(now.Truncate(time.Minute)) {
			w.loop.look(now)
		}
		if err := w.scheduler.Tick(ctx); err != nil {
			return err
		}
		if err := w.scheduler.Quiesce(ctx); err != nil {
			return err
		}
		if !now.Before(instant) {
			return nil
		}
		w.clock.Advance(w.next(now, instant).Sub(now))
	}
}

// next is when either of them has something to do, or the instant if that is before.
func (w *week) next(now, instant time.Time) time.Time {
	next := now.Truncate(time.Minute).Add(time.Minute)
	for _, t := range []time.Time{w.scheduler.NextTick(), w.scheduler.NextWake(), instant} {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	return next
}

// restart kills the process, and starts another at an instant.
func (w *week) restart(_ context.Context, until time.Time) error {
	w.scheduler.Crash()
	w.loop.restart()
	w.clock.Advance(until.Sub(w.clock.Now()))
	if minute := until.Truncate(time.Minute); minute.Before(until) {
		w.loop.look(minute.In(nse.Location())) // nothing tells it that it has looked at this minute
	}
	return w.start()
}

// suspend freezes the host until an instant.
func (w *week) suspend(_ context.Context, until time.Time) error {
	w.clock.Advance(until.Sub(w.clock.Now()))
	return nil
}
