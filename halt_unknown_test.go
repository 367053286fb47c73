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

// haltAndLift orders both for one account, and returns their errors.
func haltAndLift(s *tradeclock.UnifiedTaskScheduler, account string) (halt, lift error) {
	ctx := context.Background()
	return s.Halt(ctx, tradeclock.HaltRequest{Account: account, Reason: "loss limit", Actor: "risk"}), s.Lift(ctx, tradeclock.LiftRequest{Account: account, Reason: "all clear", Actor: "risk"})
}

// TestRule30_AHaltOfNobodyIsRefused halts by names that are known to the scheduler, to
// the ledger alone, and to nobody.
func TestRule30_AHaltOfNobodyIsRefused(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	buy := row("buy", "daily 09:00")
	s, d := w.driver(buy)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	for _, account := range []string{"42", "7", ""} {
		halt, lift := haltAndLift(s, account)
		assert.NoError(t, halt, "%q before the first tick", account)
		assert.NoError(t, lift, "%q before the first tick", account)
	}
	d.Tick()
	require.NoError(t, s.Withdraw(t.Context(), "7"))
	d.Tick()
	cfg := w.config(buy)
	standby := w.scheduler(cfg) // which serves 42 alone, and has not resumed from the ledger
	for _, one := range []*tradeclock.UnifiedTaskScheduler{s, standby} {
		for _, account := range []string{"42", "7", ""} {
			halt, lift := haltAndLift(one, account)
			assert.NoError(t, halt, account)
			assert.NoError(t, lift, account)
		}
		halt, lift := haltAndLift(one, "24")
		assert.ErrorIs(t, halt, tradeclock.ErrUnknownAccount)
		assert.EqualError(t, halt, `halt: nothing is halted: unknown account: "24" was never enrolled`)
		assert.ErrorIs(t, lift, tradeclock.ErrUnknownAccount)
		assert.Empty(t, one.Status().Halts)
	}
	audit, err := w.store.Audit(t.Context(), store.AuditQuery{Scheduler: "paper"})
	require.NoError(t, err)
	for _, entry := range audit {
		assert.NotEqual(t, "24", entry.Account)
	}
}

func TestRule30_AHaltWhileTheLedgerIsAway(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	away := errors.New("no route")
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpEnrolments, tradeclocktest.OpHalt} {
		faulty.Fail(op, away)
	}
	err := s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "loss limit", Actor: "risk"})
	assert.ErrorContains(t, err, "it is in force and not stored yet", "42 is served here")
	err = s.Halt(t.Context(), tradeclock.HaltRequest{Account: "7", Reason: "loss limit", Actor: "risk"})
	assert.ErrorContains(t, err, "nothing is halted")
	assert.ErrorIs(t, err, away)
	require.Len(t, s.Status().Halts, 1)
	assert.Equal(t, "42", s.Status().Halts[0].Account)
}

// TestRule30_ALedgerWithoutADirectory goes by what the term has told.
func TestRule30_ALedgerWithoutADirectory(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = noHistory{w.store}
	s, d := w.drive(cfg)
	halt, _ := haltAndLift(s, "24")
	assert.NoError(t, halt, "it cannot be told yet")
	d.Tick()
	halt, lift := haltAndLift(s, "24")
	assert.ErrorIs(t, halt, tradeclock.ErrUnknownAccount)
	assert.ErrorIs(t, lift, tradeclock.ErrUnknownAccount)
}

func TestRule30_AHaltOfAllCancelsAllThatRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	for _, task := range []string{"buy", "watch"} {
		w.rec.Do(task, takes(10*time.Minute))
	}
	s, d := w.driver(row("buy", "daily 09:00"), row("watch", "daily 09:00", atLeastOnce))
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 09:00:00"))
	require.Len(t, s.Status().Running, 4)
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk", Cancel: true}))
	d.Tick()
	assert.Empty(t, s.Status().Running)
	for _, run := range w.runs("") {
		assert.Equal(t, tradeclock.Interrupted, run.Outcome, "%s of %s", run.Task, run.Account)
		assert.Contains(t, run.Reason, "halted: loss limit")
	}
}
