// Package rig has what the programs of this module set up alike: a scheduler of
// many accounts on a store, and words for the machine that it runs on.
package rig

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// Name is the name of the schedulers.
const Name = "tradeclock"

// Sunday is an instant at which nothing is due: midnight in India, on a Sunday.
var Sunday = time.Date(2026, time.November, 22, 0, 0, 0, 0, Kolkata)

// Kolkata is the zone of India.
var Kolkata = Zone("Asia/Kolkata")

// Zone returns a zone that is known to be there.
func Zone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// Store keeps runs and heartbeats.
type Store interface {
	tradeclock.Ledger
	tradeclock.HeartbeatSink
}

// Scheduler returns a scheduler of rows on a clock, nil for the real one, that
// keeps its runs and its heartbeats in a store.
func Scheduler(s Store, rows tradeclock.ScheduleStore, clock tradeclock.Clock, cal calendar.Calendar) (*tradeclock.UnifiedTaskScheduler, error) {
	return ArmedScheduler(s, rows, clock, cal, 0)
}

// ArmedScheduler is Scheduler for one that arms its runs so long before they are due.
func ArmedScheduler(s Store, rows tradeclock.ScheduleStore, clock tradeclock.Clock, cal calendar.Calendar, ahead time.Duration) (*tradeclock.UnifiedTaskScheduler, error) {
	return tradeclock.New(tradeclock.Config{
		Name: Name, Schedules: rows, Ledger: s, Heartbeats: s, Calendar: cal, Clock: clock, ArmAhead: ahead,
		Logger: slog.New(slog.DiscardHandler),
	})
}

// Enroll enrols n accounts, whose runs call run with the account's number.
func Enroll(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, n int, run func(i int)) error {
	for i := range n {
		exec := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
			run(i)
			return nil
		})
		if err := s.Enroll(ctx, Account(i), exec); err != nil {
			return err
		}
	}
	return nil
}

// Settled enrols n accounts and takes the first tick, and returns when the ledger
// has them.
func Settled(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, n int, run func(i int)) error {
	if err := Enroll(ctx, s, n, run); err != nil {
		return err
	}
	if err := s.Tick(ctx); err != nil {
		return err
	}
	return s.Quiesce(ctx)
}

// Minute lets a minute pass and ticks.
func Minute(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) error {
	clock.Advance(time.Minute)
	return s.Tick(ctx)
}

// Account is the name of account number i.
func Account(i int) string { return fmt.Sprintf("account-%07d", i) }

// OwnRows returns a row at nine for each of n accounts.
func OwnRows(n int) []tradeclock.Schedule {
	rows := make([]tradeclock.Schedule, n)
	for i := range rows {
		rows[i] = tradeclock.Schedule{Task: "open", Account: Account(i), Rule: rule.MustParse("daily 09:00")}
	}
	return rows
}

// Heap returns the bytes that are in use.
func Heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one finalized is gone now
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
