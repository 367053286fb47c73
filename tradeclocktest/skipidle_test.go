package tradeclocktest_test

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/planworld"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// A cut is an instant at which a process ends and another begins after a while.
type cut struct {
	at      time.Time
	crashed bool
	away    time.Duration
}

// A skippedWorld is a made-up exchange with its schedules and the cuts of its processes,
// to be simulated in two ways.
type skippedWorld struct {
	*planworld.World
	rows     []tradeclock.Schedule
	from, to time.Time
	cuts     []cut
}

func newSkippedWorld(seed uint64) *skippedWorld {
	random := rand.New(rand.NewPCG(seed, 35))
	w := &skippedWorld{World: planworld.New(seed, random, planworld.Whole)}
	w.from, w.to = w.SomeRange(random)
	w.from = w.from.Truncate(time.Minute) // as both begin at one
	for _, task := range w.Tasks {
		row := tradeclock.Schedule{
			Task: task.Name, Account: task.Account, Rule: task.Rule, Sessions: task.Sessions, Since: task.Since, Disabled: task.Disabled,
			CatchUp: []time.Duration{0, 2 * time.Minute, 5 * time.Hour}[random.IntN(3)],
			Overlap: []tradeclock.Overlap{tradeclock.OverlapSkip, tradeclock.OverlapQueue, tradeclock.OverlapAllow}[random.IntN(3)],
			Spread:  []time.Duration{0, 0, 90 * time.Second}[random.IntN(3)],
			Retry:   tradeclock.Retry{Attempts: random.IntN(3), Backoff: 40 * time.Second},
		}
		if task.Prior != nil {
			row.Prior = task.Prior.Rule
		}
		w.rows = append(w.rows, row)
	}
	for at := w.from; ; {
		at = at.Add(time.Duration(random.Int64N(int64(w.to.Sub(w.from)))))
		if !at.Before(w.to) {
			return w
		}
		w.cuts = append(w.cuts, cut{at, random.IntN(2) == 0, []time.Duration{0, 45 * time.Second, 3 * time.Hour}[random.IntN(3)]})
	}
}

// simulate plays the world, and returns its ledger, its watermark and how many heartbeats
// there were.
func (w *skippedWorld) simulate(t *testing.T, skip bool) (runs []tradeclock.Run, watermark time.Time, beats int) {
	clock := clockwork.NewFakeClockAt(w.from)
	st := memstore.New(clock)
	play := func(until time.Time, crashed bool) {
		t.Run("", func(t *testing.T) { // at whose end the driver closes the scheduler
			d := tradeclocktest.NewDriver(t, w.process(t, clock, st, &beats), clock)
			d.SkipIdle = skip
			if d.Until(until); crashed {
				d.Crash()
			}
		})
	}
	for _, c := range w.cuts {
		if c.at.After(clock.Now()) {
			play(c.at, c.crashed)
			clock.Advance(c.away)
		}
	}
	if clock.Now().Before(w.to) {
		play(w.to, false)
	}
	runs, err := st.Runs(t.Context(), store.Query{Scheduler: "year"})
	require.NoError(t, err)
	for i := range runs {
		runs[i].Token = "" // which is random
	}
	term, err := st.Lead(t.Context(), "year", "the test", time.Hour, time.Time{})
	for held := (*store.HeldError)(nil); errors.As(err, &held); {
		clock.Advance(held.Left)
		term, err = st.Lead(t.Context(), "year", "the test", time.Hour, time.Time{})
		break
	}
	require.NoError(t, err)
	state, err := st.Resume(t.Context(), term)
	require.NoError(t, err)
	return runs, state.Watermark, beats
}

func (w *skippedWorld) process(t *testing.T, clock *clockwork.FakeClock, st *memstore.Store, beats *int) *tradeclock.UnifiedTaskScheduler {
	work := tradeclock.ExecutorFunc(w.execute)
	s, err := tradeclock.New(tradeclock.Config{
		Name: "year", Account: w.Accounts[0], Executor: work, Schedules: tradeclock.FixedSchedules(w.rows...), Ledger: st,
		Heartbeats: (*beatCount)(beats),
		Calendar:   w, Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	for _, account := range w.Accounts[1:] {
		require.NoError(t, s.Enroll(t.Context(), account, work))
	}
	return s
}

// beatCount is a sink that counts.
type beatCount int

func (c *beatCount) Beat(context.Context, tradeclock.Heartbeat) error { *c++; return nil }

// execute takes no time for most runs, minutes for some, and fails for others.
func (w *skippedWorld) execute(ctx context.Context, run tradeclock.Run) error {
	hash := fnv.New32()
	hash.Write([]byte(run.Task + run.Slot + run.Account))
	switch hash.Sum32() % 8 {
	case 0:
		return tradeclock.Sleep(ctx, 150*time.Second)
	case 1:
		return errors.New("the broker refused")
	}
	return nil
}

// TestRule35_SkippingIdleTimeLeavesTheSameLedger simulates made-up schedules on made-up
// exchanges minute by minute and by skipping what is idle, with stops and crashes.
func TestRule35_SkippingIdleTimeLeavesTheSameLedger(t *testing.T) {
	var rows, all, kept int
	for seed := range uint64(24) {
		w := newSkippedWorld(seed)
		want, mark, beats := w.simulate(t, false)
		got, skippedMark, skippedBeats := w.simulate(t, true)
		require.Equal(t, want, got, "seed %d", seed)
		require.Equal(t, mark, skippedMark, "seed %d", seed)
		rows, all, kept = rows+len(want), all+beats, kept+skippedBeats
	}
	assert.Greater(t, rows, 1000)
	assert.Less(t, kept, all/2, "of %d beats", all)
}

// TestRule35_WhatIsWrittenBetweenTwoCallsIsReadInTime edits a row while a driver that
// skips idle time stands.
func TestRule35_WhatIsWrittenBetweenTwoCallsIsReadInTime(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at(8, 0, 0))
	st := memstore.New(clock)
	row := tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("daily 15:00")}
	_, err := st.PutSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, row)
	require.NoError(t, err)
	rec := tradeclocktest.NewRecorder(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Account: "42", Executor: rec, Schedules: st, Ledger: st, Calendar: calendar.AlwaysOpen(time.UTC), Clock: clock,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	d := tradeclocktest.NewDriver(t, s, clock)
	d.SkipIdle = true
	d.Until(at(9, 0, 0))
	row.Task = "prices"
	row.Rule = rule.MustParse("daily 09:10")
	_, err = st.PutSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, row)
	require.NoError(t, err)
	d.Until(at(16, 0, 0))
	assert.Equal(t, []string{"2026-11-23"}, rec.Slots("prices"))
	assert.Equal(t, []string{"2026-11-23"}, rec.Slots("orders"))
	assert.Zero(t, s.Status().ClockSteps)
}

// TestRule35_IdleUntil asks for the next instant at which something can happen.
func TestRule35_IdleUntil(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at(8, 0, 0))
	st := memstore.New(clock)
	rows := []tradeclock.Schedule{
		{Task: "orders", Rule: rule.MustParse("daily 09:10")},
		{Task: "prices", Rule: rule.MustParse("daily 09:50"), Spread: 4 * time.Minute},
		{Task: "report", Rule: rule.MustParse("daily 16:00")},
	}
	s, err := tradeclock.New(tradeclock.Config{
		Account: "42", Executor: tradeclocktest.NewRecorder(clock), Schedules: tradeclock.FixedSchedules(rows...), Ledger: st,
		Calendar: calendar.AlwaysOpen(time.UTC), Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	assert.Equal(t, clock.Now(), s.IdleUntil(), "nothing is known before the first tick")
	var steps []string
	for clock.Now().Before(at(12, 0, 0)) {
		require.NoError(t, s.Tick(t.Context()))
		require.NoError(t, s.Quiesce(t.Context()))
		next := s.IdleUntil()
		if !next.After(clock.Now()) {
			next = s.NextTick()
		}
		steps = append(steps, next.Format("15:04:05"))
		clock.Advance(next.Sub(clock.Now()))
	}
	assert.Equal(t, []string{
		"09:00:00", "09:10:00", "09:11:00", // a minute after a run, what it wrote is read
		"09:50:00", "09:50:10", "09:50:20", "09:50:30", "09:50:38", "09:51:00", // the term is renewed while one waits
		"10:51:00", "11:51:00", "12:51:00",
	}, steps)
}
