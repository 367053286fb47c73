package tradeclock_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// login is an executor that must be started. Its values cannot be compared.
type login struct {
	tradeclock.ExecutorFunc
	start func(ctx context.Context) error
}

// Start logs in.
func (l login) Start(ctx context.Context, _ string) error { return l.start(ctx) }

// Stop does nothing.
func (l login) Stop(context.Context, string) error { return nil }

func TestRule28_AnExecutorNeedNotBeComparable(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("watch", "every 1m 09:00-09:03"))
	exec := login{w.rec.Execute, func(context.Context) error { return nil }}
	require.NoError(t, s.Enroll(t.Context(), "7", exec))
	d.Until(at("2026-11-23 09:00:30"))
	require.NoError(t, s.Withdraw(t.Context(), "7"))
	require.NoError(t, s.Enroll(t.Context(), "7", exec))
	d.Until(at("2026-11-23 09:03:00"))
	assert.Equal(t, []string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded"}, became(w.runsOf("7")))
}

func TestRule31_HealthForgetsWhatRunsNoMore(t *testing.T) {
	for name, test := range map[string]struct {
		end func(w *world, s *tradeclock.UnifiedTaskScheduler) error
	}{
		"the account is withdrawn": {func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			return errors.Join(s.Withdraw(w.t.Context(), "fails"), s.Withdraw(w.t.Context(), "locked out"))
		}},
		"the task is removed": {func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			return errors.Join(s.Withdraw(w.t.Context(), "locked out"), w.store.DeleteSchedule(w.t.Context(), ops, "", "watch"))
		}},
		"the task is disabled": {func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			disabled := true
			_, err := w.store.UpdateSchedule(w.t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Disabled: &disabled})
			return errors.Join(s.Withdraw(w.t.Context(), "locked out"), err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			_, err := w.store.SeedSchedules(t.Context(), row("watch", "every 1m 09:00-15:30"), row("report", "daily 16:00"))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			s, d := w.drive(cfg)
			refused := errors.New("refused")
			fails := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return refused })
			require.NoError(t, s.Enroll(t.Context(), "fails", fails))
			require.NoError(t, s.Enroll(t.Context(), "locked out", login{fails, func(context.Context) error { return refused }}))
			d.Until(at("2026-11-23 09:10:00"))
			require.Len(t, s.Status().Degraded, 2, "the test needs a failing task and a failing start")

			require.NoError(t, test.end(w, s))
			d.Until(at("2026-11-23 09:12:00"))
			assert.Empty(t, s.Status().Degraded)
		})
	}
}

// orders makes calls at once, of which the first hangs in the store's op. It
// returns their errors once the store answers again.
func orders(t *testing.T, s *tradeclock.UnifiedTaskScheduler, st *tradeclocktest.Faulty, op tradeclocktest.Op, calls ...func() error) error {
	t.Helper()
	st.Hang(op)
	errs := make([]error, len(calls))
	var begun atomic.Int64
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() {
			begun.Add(1)
			errs[i] = call()
		})
		for st.Hanging(op) == 0 || begun.Load() <= int64(i) {
			runtime.Gosched()
		}
	}
	require.NoError(t, s.Quiesce(t.Context()))
	st.Heal(op)
	all.Wait()
	return errors.Join(errs...)
}

func TestRule29_TriggersAtOnceWaitForEachOther(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("report", "daily 16:00"))
	cfg.Ledger = st
	s, d := w.drive(cfg)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 09:00:00"))
	trigger := func(account string) func() error {
		return func() error {
			_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "report", Account: account, Actor: "ops"})
			return err
		}
	}
	require.NoError(t, orders(t, s, st, tradeclocktest.OpClaim, trigger("42"), trigger("7")))
	d.Tick()
	assert.Len(t, w.rec.Runs(), 2)
}

func TestRule30_HaltsAtOnceWaitForEachOther(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("report", "daily 16:00"))
	cfg.Ledger = st
	s, d := w.drive(cfg)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 09:00:00"))
	halt := func(account string) func() error {
		return func() error {
			return s.Halt(t.Context(), tradeclock.HaltRequest{Account: account, Reason: "loss limit", Actor: "risk"})
		}
	}
	require.NoError(t, orders(t, s, st, tradeclocktest.OpHalt, halt("42"), halt("7")))
	stored, err := w.store.Halts(t.Context(), "paper")
	require.NoError(t, err)
	assert.Len(t, stored, 2)
}

func TestRule29_ATriggerThatIsOvertakenDoesNotStart(t *testing.T) {
	for name, test := range map[string]struct {
		overtake func(s *tradeclock.UnifiedTaskScheduler) error
		want     error
	}{
		"by a halt": {func(s *tradeclock.UnifiedTaskScheduler) error {
			return s.Halt(context.Background(), tradeclock.HaltRequest{Account: "42", Reason: "loss limit", Actor: "risk"})
		}, tradeclock.ErrHalted},
		"by a withdrawal": {func(s *tradeclock.UnifiedTaskScheduler) error {
			return s.Withdraw(context.Background(), "42")
		}, tradeclock.ErrUnknownAccount},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			st := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("report", "daily 16:00"))
			cfg.Ledger = st
			s, d := w.drive(cfg)
			d.Until(at("2026-11-23 09:00:00"))
			st.Hang(tradeclocktest.OpClaim)
			answered := make(chan error, 1)
			go func() {
				_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "report", Account: "42", Actor: "ops"})
				answered <- err
			}()
			for st.Hanging(tradeclocktest.OpClaim) == 0 {
				runtime.Gosched()
			}
			require.NoError(t, test.overtake(s))
			st.Heal(tradeclocktest.OpClaim)
			require.ErrorIs(t, <-answered, test.want)
			d.For(time.Minute)

			assert.Empty(t, w.rec.Runs())
			assert.Empty(t, w.runs("report"), "a trigger that failed stands for nothing")
		})
	}
}

func TestRule20_WhatRanUnclaimedIsKeptAcrossATerm(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:08", atLeastOnce))
	cfg.Ledger = st
	w.rec.Do("watch", func(ctx context.Context, run tradeclock.Run) error {
		if run.Slot == "2026-11-23T09:02:00+05:30" {
			return tradeclock.Sleep(ctx, 150*time.Second)
		}
		return nil
	})
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpSettle, tradeclocktest.OpRecord} {
		st.Fail(op, errors.New("out of reach"))
	}
	d.Until(at("2026-11-23 09:05:00"))
	other, err := w.store.Lead(t.Context(), "paper", "other", time.Minute, time.Time{})
	require.NoError(t, err, "the first term has expired")
	require.NoError(t, w.store.Resign(t.Context(), other))
	st.Heal()
	d.Until(at("2026-11-23 09:10:00"))

	assert.Equal(t, []string{
		"09:00 succeeded", "09:01 succeeded", "09:02 succeeded", "09:03 missed x2", "09:05 succeeded", "09:06 succeeded", "09:07 succeeded",
	}, became(w.runs("watch")))
	assert.Equal(t, 6, w.rec.Count("watch"))
}

func TestRule20_WhatWasMissedWithoutATermIsPlannedAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:12"))
	cfg.Ledger = st
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	st.Fail(tradeclocktest.OpClaim, errors.New("out of reach"))
	st.Fail(tradeclocktest.OpRelease, errors.New("out of reach"))
	d.Until(at("2026-11-23 09:01:00"))
	st.Fail(tradeclocktest.OpLead, errors.New("out of reach"))
	d.Until(at("2026-11-23 09:02:30"))
	other, err := w.store.Lead(t.Context(), "paper", "other", time.Hour, time.Time{})
	require.NoError(t, err, "the first term has expired")
	st.Heal(tradeclocktest.OpLead)
	d.Until(at("2026-11-23 09:03:30"))
	st.Heal()
	d.Until(at("2026-11-23 09:07:30"))
	require.NoError(t, w.store.Resign(t.Context(), other))
	d.Until(at("2026-11-23 09:15:00"))

	assert.Equal(t, []string{"09:00 succeeded", "09:01 missed x6", "09:07 succeeded", "09:08 succeeded", "09:09 succeeded", "09:10 succeeded", "09:11 succeeded"}, became(w.runs("watch")))
}
