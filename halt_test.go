package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func TestRule30_HaltOfOneAccountAndOfAll(t *testing.T) {
	for _, test := range []struct {
		account string
		reason  string
		want    []string // of account 42
		other   []string // of account 7
		state   tradeclock.SchedulerState
	}{
		{"42", "user's stop", []string{"09:00 succeeded", "09:01 skipped", "09:02 skipped", "09:03 succeeded"},
			[]string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded", "09:03 succeeded"}, tradeclock.StateActive},
		{"", "loss limit", []string{"09:00 succeeded", "09:01 skipped", "09:02 skipped", "09:03 succeeded"},
			[]string{"09:00 succeeded", "09:01 skipped", "09:02 skipped", "09:03 succeeded"}, tradeclock.StateHalted},
	} {
		t.Run(test.reason, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			s, d := w.driver(row("watch", "every 1m 09:00-09:04"))
			require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
			d.Until(at("2026-11-23 09:00:20"))
			require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: test.account, Reason: test.reason, Actor: "risk"}))
			d.Until(at("2026-11-23 09:02:20"))
			assert.Equal(t, test.state, s.Status().State)
			require.Len(t, s.Status().Halts, 1)
			assert.Equal(t, store.Halt{
				Scheduler: "paper", Account: test.account, Reason: test.reason, Actor: "risk", At: at("2026-11-23 09:00:20").UTC(),
			}, s.Status().Halts[0])
			require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Account: test.account, Reason: "all clear", Actor: "risk"}))
			d.Until(at("2026-11-23 09:05:00"))

			assert.Equal(t, test.want, became(w.runsOf("42")))
			assert.Equal(t, test.other, became(w.runsOf("7")))
			assert.Equal(t, "halted by risk: "+test.reason, w.runsOf("42")[1].Reason)
			assert.Equal(t, tradeclock.StateActive, s.Status().State)
			audit, err := w.store.Audit(t.Context(), store.AuditQuery{Scheduler: "paper"})
			require.NoError(t, err)
			require.Len(t, audit, 2)
			assert.Equal(t, "lift", audit[0].Action)
			assert.Equal(t, "all clear", audit[0].Reason)
		})
	}
}

func TestRule30_HaltNeedsAReasonAndAnActor(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("watch", "every 1m 09:00-09:04"))
	d.Tick()
	assert.Error(t, s.Halt(t.Context(), tradeclock.HaltRequest{Actor: "risk"}))
	assert.Error(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit"}))
	assert.Error(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear"}))
	assert.Empty(t, s.Status().Halts)
}

// TestRule30_HaltOfAnAccountThatIsServedAsksNobody: the switch works while the ledger
// cannot say who was ever enrolled.
func TestRule30_HaltOfAnAccountThatIsServedAsksNobody(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:04"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpEnrolments, errors.New("disk gone"))
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "loss limit", Actor: "risk"}))
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, []string{"09:00 skipped"}, became(w.runs("watch")))
}

func TestRule30_HaltOutlivesARestart(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	rows := []tradeclock.Schedule{row("watch", "every 1m 09:00-09:04")}
	first, d := w.driver(rows...)
	d.Tick()
	require.NoError(t, first.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
	stop(t, first)
	second, d := w.driver(rows...)
	d.Until(at("2026-11-23 09:01:00"))
	assert.Empty(t, w.rec.Runs())
	assert.Equal(t, []string{"09:00 skipped", "09:01 skipped"}, became(w.runs("watch")))
	assert.Equal(t, tradeclock.StateHalted, second.Status().State)
}

func TestRule30_HaltCancelsWhatRunsIfAsked(t *testing.T) {
	goesOn, ends := []string{"09:00 succeeded"}, []string{"09:00 interrupted"}
	for _, test := range []struct {
		name    string
		account string
		cancel  bool
		want    []string // of account 42
		other   []string // of account 7
	}{
		{"asked of one", "42", true, ends, goesOn},
		{"not asked of one", "42", false, goesOn, goesOn},
		{"asked of all", "", true, ends, ends},
		{"not asked of all", "", false, goesOn, goesOn},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("buy", takes(time.Minute))
			s, d := w.driver(row("buy", "daily 09:00"))
			require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
			d.Until(at("2026-11-23 09:00:00"))
			require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: test.account, Reason: "loss limit", Actor: "risk", Cancel: test.cancel}))
			d.Until(at("2026-11-23 09:01:00"))
			assert.Equal(t, test.want, became(w.runsOf("42")))
			assert.Equal(t, test.other, became(w.runsOf("7")))
			if test.cancel {
				assert.Contains(t, w.runsOf("42")[0].Reason, "halted: loss limit")
			}
		})
	}
}

// TestRule20_WhatAHaltCutOffIsNotRunAgain, though it is delivered at least once and the
// halt is lifted within its catch-up: somebody wanted it to end.
func TestRule20_WhatAHaltCutOffIsNotRunAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	slow := w.latch()
	w.rec.Do("monitor", func(ctx context.Context, _ tradeclock.Run) error {
		slow.wait(ctx)
		return context.Cause(ctx)
	})
	s, d := w.driver(row("monitor", "daily 09:00", atLeastOnce, catchUp(time.Hour)))
	w.seconds(d, "2026-11-23 09:00:10")
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk", Cancel: true}))
	w.seconds(d, "2026-11-23 09:00:20")
	require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}))
	slow.release() // it takes its time to end
	d.Until(at("2026-11-23 09:05:00"))
	assert.Equal(t, []string{"09:00 interrupted"}, became(w.runs("monitor")))
	assert.Equal(t, 1, w.rec.Count("monitor"))
}

func TestRule30_HaltOfAnotherProcessIsReadBeforeEachBatch(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("first", func(ctx context.Context, _ tradeclock.Run) error {
		return w.store.Halt(ctx, store.Halt{Scheduler: "paper", Reason: "loss limit", Actor: "another process"})
	})
	cfg := w.config(row("first", "daily 09:00"), row("second", "daily 09:00", func(s *tradeclock.Schedule) { s.Priority = 1 }))
	cfg.MaxConcurrent = 1 // so that the second is claimed once the first has returned
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("first")))
	require.Equal(t, []string{"09:00 skipped"}, became(w.runs("second")))
	assert.Equal(t, "halted by another process: loss limit", w.runs("second")[0].Reason)
}

func TestRule30_HaltThatIsNotStoredIsInForceAndStoredLater(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*tradeclocktest.Faulty)
	}{
		{"an error", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpHalt, errors.New("disk full")) }},
		{"a lost answer", func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpHalt) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("watch", "every 1m 09:00-09:10"))
			cfg.Ledger = faulty
			s, d := w.drive(cfg)
			d.Tick()
			test.fault(faulty)
			require.ErrorContains(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}), "it is in force and not stored yet")
			d.Until(at("2026-11-23 09:01:00"))
			assert.Equal(t, []string{"09:00 skipped", "09:01 skipped"}, became(w.runs("watch")))

			faulty.Heal()
			d.Until(at("2026-11-23 09:02:00"))
			stored, err := w.store.Halts(t.Context(), "paper")
			require.NoError(t, err)
			require.Len(t, stored, 1)
			assert.Equal(t, "loss limit", stored[0].Reason)
			require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}))
			d.Until(at("2026-11-23 09:03:00"))
			assert.Equal(t, []string{"09:00 skipped", "09:01 skipped", "09:02 skipped", "09:03 succeeded"}, became(w.runs("watch")))
		})
	}
}

func TestRule30_LiftThatFailsLeavesTheHalt(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:10"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
	faulty.Fail(tradeclocktest.OpLift, errors.New("disk full"))
	require.ErrorContains(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}), "it stays in force until the ledger is read without it")
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, []string{"09:00 skipped"}, became(w.runs("watch")))
}

func TestRule30_HaltsThatCannotBeRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*tradeclocktest.Faulty)
		says  string
	}{
		{"an error", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpHalts, errors.New("disk gone")) }, "disk gone"},
		{"a hang", func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpHalts) }, "no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:30")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("orders", "daily 09:00"), row("monitor", "daily 09:00", atLeastOnce))
			cfg.Ledger = faulty
			s, d := w.run(cfg)
			test.fault(faulty)
			w.seconds(d, "2026-11-23 09:00:05")
			assert.Empty(t, w.runs("orders"), "what runs at most once waits for them")
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("monitor")))
			assert.Contains(t, s.Status().Degraded, "the halts cannot be read: ledger's halts: "+test.says)
			faulty.Heal()
			w.seconds(d, "2026-11-23 09:01:00")
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("orders")))
			assert.Empty(t, s.Status().Degraded)
		})
	}
}
