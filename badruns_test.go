package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// inARow is what health says of a task whose runs went wrong for long.
const inARow = " was skipped, missed or failed 5 times in a row or more, last with: "

func hasNothing(context.Context, tradeclock.Run) error { return tradeclock.Skip("no signal") }

func isRejected(context.Context, tradeclock.Run) error { return errors.New("rejected") }

// eachNight starts a scheduler on each of some sessions from 2026-11-23 on, at 08:55 or
// another time, and stops it in the night. It calls each before the stop.
func (w *world) eachNight(sessions int, up string, each func(i int, s *tradeclock.UnifiedTaskScheduler), rows ...tradeclock.Schedule) {
	w.t.Helper()
	date := day("2026-11-23")
	for i := range sessions {
		for date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
			date = date.AddDays(1)
		}
		w.clock.Advance(at(date.String() + " " + up).Sub(w.clock.Now()))
		s, d := w.driver(rows...)
		d.Tick()
		d.Until(at(date.String() + " 23:00:00"))
		each(i+1, s)
		require.NoError(w.t, s.Close(w.t.Context()))
		date = date.AddDays(1)
	}
}

func TestRule15_BadRunsInARowAcrossRestarts(t *testing.T) {
	for _, test := range []struct {
		name, up string
		do       func(context.Context, tradeclock.Run) error
		last     string
	}{
		{"skipped", "08:55:00", hasNothing, "no signal"},
		{"failed", "08:55:00", isRejected, "rejected"},
		{"missed", "10:00:00", isRejected, "its catch-up of 2m0s had passed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-20 08:00:00")
			w.rec.Do("buy", test.do)
			first, d := w.driver(row("buy", "daily 09:01")) // a Friday: what comes next is accounted for
			d.Until(at("2026-11-20 08:55:00"))
			stop(t, first)
			long := "buy for account 42" + inARow + test.last
			w.eachNight(7, test.up, func(i int, s *tradeclock.UnifiedTaskScheduler) {
				bad := i // Friday's was missed too, as nobody was there
				assert.Equal(t, bad+1 >= 5, strings.Contains(fmt.Sprint(s.Status().Degraded), long), "%d: %v", i, s.Status().Degraded)
			}, row("buy", "daily 09:01"))

			w.clock.Advance(8 * time.Hour)
			s, d := w.driver(row("buy", "daily 09:01"))
			d.Tick()
			assert.Contains(t, s.Status().Degraded, long, "the next process knows before anything is due")
			w.rec.Do("buy", func(context.Context, tradeclock.Run) error { return nil })
			d.Until(at("2026-12-02 09:01:00"))
			assert.Empty(t, s.Status().Degraded, "a success ends it")
		})
	}
}

func TestRule15_ASuccessOfAnEarlierProcessEndsTheRow(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	do := isRejected
	w.rec.Do("buy", func(ctx context.Context, run tradeclock.Run) error { return do(ctx, run) })
	w.eachNight(9, "08:55:00", func(i int, s *tradeclock.UnifiedTaskScheduler) {
		do = isRejected
		if i == 4 {
			do = func(context.Context, tradeclock.Run) error { return nil } // on the fifth
		}
		assert.Empty(t, s.Status().Degraded, "%d", i)
	}, row("buy", "daily 09:01"))
}

func TestRule15_WhatWasAskedForIsNotBad(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	s, d := w.driver(row("buy", "daily 09:01"), row("watch", "every 1m 09:00-09:30"))
	d.Tick()
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "holiday of the desk", Actor: "ana"}))
	for range 8 {
		d.For(24 * time.Hour)
	}
	assert.Empty(t, s.Status().Degraded)
	stop(t, s)
	next, d := w.driver(row("buy", "daily 09:01"), row("watch", "every 1m 09:00-09:30"))
	d.Tick()
	assert.Empty(t, next.Status().Degraded)
}

func TestRule15_AMissedOrderIsToldUntilTheSessionIsOver(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	rows := []tradeclock.Schedule{row("buy", "daily 09:01"), row("watch", "daily 09:01", atLeastOnce), row("sell", "daily 16:00")}
	first, d := w.driver(rows...)
	d.Tick()
	stop(t, first)
	w.clock.Advance(time.Hour)
	const told = "buy for account 42 has missed a run: 2026-11-23, its catch-up of 2m0s had passed"
	s, d := w.driver(rows...)
	d.Tick()
	assert.Equal(t, []string{told}, s.Status().Degraded)
	stop(t, s)

	s, d = w.driver(rows...)
	d.Tick()
	assert.Equal(t, []string{told}, s.Status().Degraded, "the next process tells it too")
	d.Until(at("2026-11-23 23:59:00"))
	assert.Equal(t, []string{told}, s.Status().Degraded)
	d.Until(at("2026-11-24 00:00:00"))
	assert.Empty(t, s.Status().Degraded)
	stop(t, s)
	s, d = w.driver(rows...)
	d.Tick()
	assert.Empty(t, s.Status().Degraded, "nor does the next one")
}

func TestRule15_AMissedOrderThatIsTriggeredIsMissedNoMore(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	first, d := w.driver(row("buy", "daily 09:01"))
	d.Tick()
	stop(t, first)
	w.clock.Advance(time.Hour)
	s, d := w.driver(row("buy", "daily 09:01"))
	d.Tick()
	require.Len(t, s.Status().Degraded, 1)
	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ana", ForToday: true})
	require.NoError(t, err)
	d.Tick()
	assert.Empty(t, s.Status().Degraded)
}

// TestRule15_ManyAccountsAreOneLine has a task that isRejected for all of them, with the
// beginning of the row in an earlier process.
func TestRule15_ManyAccountsAreOneLine(t *testing.T) {
	const accounts = 250
	w := newWorld(t, "2026-11-23 08:55:00")
	w.rec.Do("buy", isRejected)
	ledger := tradeclocktest.NewFaulty(w.store)
	start := func() (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
		cfg := w.config(row("buy", "every 1m 09:00-12:00"))
		cfg.Account, cfg.Executor, cfg.Ledger = "", nil, ledger
		s, d := w.drive(cfg)
		for i := range accounts {
			require.NoError(t, s.Enroll(t.Context(), fmt.Sprintf("a%03d", i), w.rec))
		}
		return s, d
	}
	s, d := start()
	d.Until(at("2026-11-23 09:03:00"))
	assert.Empty(t, s.Status().Degraded, "four times")
	stop(t, s)

	s, d = start()
	before := ledger.Calls(tradeclocktest.OpRuns)
	d.Until(at("2026-11-23 09:04:00"))
	assert.LessOrEqual(t, ledger.Calls(tradeclocktest.OpRuns)-before, 2*100+1, "no more is read than that")
	d.Until(at("2026-11-23 09:08:00"))
	assert.Equal(t, []string{"buy for 250 accounts (a000, a001, a002 and 247 more)" + inARow + "rejected"}, s.Status().Degraded)
	w.rec.Do("buy", func(context.Context, tradeclock.Run) error { return nil })
	d.Until(at("2026-11-23 09:10:00"))
	assert.Empty(t, s.Status().Degraded)
}

func TestRule15_AStandbyTellsOfNoRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	w.rec.Do("buy", isRejected)
	s, d := w.driver(row("buy", "every 1m 09:00-12:00"))
	d.Until(at("2026-11-23 09:05:00"))
	require.Len(t, s.Status().Degraded, 1)
	w.clock.Advance(31 * time.Second)
	other := w.scheduler(w.config(row("buy", "every 1m 09:00-12:00")))
	require.NoError(t, other.Tick(t.Context()))
	d.Tick()
	assert.Empty(t, s.Status().Degraded)
	assert.Equal(t, tradeclock.StateStandby, s.Status().State)
	require.NoError(t, other.Quiesce(t.Context()))
	assert.Equal(t, []string{"buy for account 42" + inARow + "rejected"}, other.Status().Degraded, "who took over tells it")
	require.NoError(t, other.Close(t.Context()))
}

func TestRule15_ADisabledOrWithdrawnTaskIsForgotten(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	for _, task := range []string{"buy", "sell"} {
		w.rec.Do(task, isRejected)
		_, err := w.store.PutSchedule(t.Context(), ops, row(task, "every 1m 09:00-09:05"))
		require.NoError(t, err)
	}
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:05:00"))
	require.Len(t, s.Status().Degraded, 2)
	_, err := w.store.UpdateSchedule(t.Context(), ops, "", "buy", 1, store.ScheduleEdit{Disabled: ptr(true)})
	require.NoError(t, err)
	d.For(time.Minute)
	assert.Equal(t, []string{"sell for account 42" + inARow + "rejected"}, s.Status().Degraded)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	d.For(time.Minute)
	assert.Empty(t, s.Status().Degraded)
}
