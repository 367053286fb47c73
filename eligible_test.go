package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
)

var errNoPlan = errors.New("its plan has no analysis")

// members lets the analysis run for those who have paid for it.
type members struct {
	tradeclock.TaskExecutor
	eligible func(ctx context.Context, account, task string) error
}

func (m members) Eligible(ctx context.Context, account, task string) error {
	return m.eligible(ctx, account, task)
}

// paid is what is asked of whom: account 7 has not paid for the analysis.
func paid(_ context.Context, account, task string) error {
	if account == "7" && task == "analysis" {
		return errNoPlan
	}
	return nil
}

func TestRule15_WhoMayNotRunATaskIsSkippedWithTheReason(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:59:00")
	exec := tradeclock.Wrap(members{w.rec, paid}, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
		return next.Execute(ctx, run)
	})
	cfg := w.config(row("analysis", "daily 16:00"), row("report", "daily 16:00"))
	cfg.Executor = exec
	s, d := w.drive(cfg)
	require.NoError(t, s.Enroll(t.Context(), "7", exec))
	d.Until(at("2026-11-30 17:00:00"))

	became := make(map[string]int)
	for _, r := range w.runs("") {
		became[r.Account+" "+r.Task+" "+r.Outcome.String()+" "+r.Reason]++
	}
	assert.Equal(t, map[string]int{
		"42 analysis succeeded ": 6, "42 report succeeded ": 6, "7 report succeeded ": 6,
		"7 analysis skipped not eligible: its plan has no analysis": 6,
	}, became)
	assert.Empty(t, s.Status().Degraded, "nothing is wrong")
	assert.Equal(t, 6, w.rec.Count("analysis"), "it is not called for who may not run it")
}

func TestRule29_WhoMayNotRunATaskIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		account  string
		eligible func(ctx context.Context, account, task string) error
		want     error
		text     string
	}{
		"may not":  {"7", paid, tradeclock.ErrIneligible, "the account may not run the task: its plan has no analysis"},
		"may":      {"42", paid, nil, ""},
		"a panic":  {"42", func(context.Context, string, string) error { panic("no plan") }, nil, "whether the account may run the task is not known"},
		"a nobody": {"9", paid, tradeclock.ErrUnknownAccount, ""},
		"a hang": {"42", func(ctx context.Context, _, _ string) error {
			return tradeclock.Sleep(ctx, time.Hour)
		}, nil, "whether the account may run the task is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 12:00:00")
			cfg := w.config(row("analysis", "daily 16:00"))
			exec := members{w.rec, test.eligible}
			cfg.Executor = exec
			s, d := w.run(cfg)
			require.NoError(t, s.Enroll(t.Context(), "7", exec))
			d.For(time.Minute)
			done := make(chan struct{})
			var err error
			go func() {
				defer close(done)
				_, err = s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "analysis", Account: test.account, Actor: "Ana"})
			}()
			w.advanceUntil(s, done)
			switch {
			case test.want != nil:
				assert.ErrorIs(t, err, test.want)
			case test.text == "":
				assert.NoError(t, err)
			}
			if test.text != "" {
				assert.ErrorContains(t, err, test.text)
			}
			if test.want == tradeclock.ErrIneligible {
				assert.ErrorIs(t, err, errNoPlan)
			}
		})
	}
}

func TestRule15_AnEligibilityThatPanicsIsAFailedRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:59:00")
	cfg := w.config(row("analysis", "daily 16:00"))
	cfg.Executor = members{w.rec, func(context.Context, string, string) error { panic("no plan") }}
	_, d := w.drive(cfg)
	d.For(2 * time.Minute)
	require.Len(t, w.runs("analysis"), 1)
	assert.Equal(t, tradeclock.Failed, w.runs("analysis")[0].Outcome)
	assert.Contains(t, w.runs("analysis")[0].Reason, "panic")
	assert.Zero(t, w.rec.Count("analysis"))
}
