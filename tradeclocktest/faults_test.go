package tradeclocktest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/storetest"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// A store without faults is held to the same contracts as the one it wraps.
func TestFaultyPassesOn(t *testing.T) {
	open := func(clock tradeclock.Clock) *tradeclocktest.Faulty {
		return tradeclocktest.NewFaulty(memstore.New(clock))
	}
	storetest.TestLedger(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.Ledger { return open(clock) })
	storetest.TestScheduleStore(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.ScheduleStore { return open(clock) })
	storetest.TestHeartbeats(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.HeartbeatSink { return open(clock) })
}

// everyCall makes each call of a store once, under a term that must be current.
func everyCall(st tradeclocktest.Store, term store.Term) map[tradeclocktest.Op]func(ctx context.Context) error {
	return map[tradeclocktest.Op]func(ctx context.Context) error{
		tradeclocktest.OpSchedules: func(ctx context.Context) error { _, err := st.Schedules(ctx); return err },
		tradeclocktest.OpRevision:  func(ctx context.Context) error { _, err := st.Revision(ctx); return err },
		tradeclocktest.OpChanges:   func(ctx context.Context) error { _, err := st.Changes(ctx, "0"); return err },
		tradeclocktest.OpLead: func(ctx context.Context) error {
			_, err := st.Lead(ctx, term.Scheduler, term.Holder, time.Minute, time.Time{})
			return err
		},
		tradeclocktest.OpResign: func(ctx context.Context) error { return st.Resign(ctx, store.Term{}) },
		tradeclocktest.OpResume: func(ctx context.Context) error { _, err := st.Resume(ctx, term); return err },
		tradeclocktest.OpEnroll: func(ctx context.Context) error { return st.Enroll(ctx, term, nil) },
		tradeclocktest.OpWithdraw: func(ctx context.Context) error {
			return st.Withdraw(ctx, term, store.Enrolment{Account: "42", From: noon, Withdrawn: noon})
		},
		tradeclocktest.OpClaim: func(ctx context.Context) error { _, err := st.Claim(ctx, term, nil); return err },
		tradeclocktest.OpReclaim: func(ctx context.Context) error {
			_, err := st.Reclaim(ctx, term, "", tradeclock.Run{})
			return err
		},
		tradeclocktest.OpRelease: func(ctx context.Context) error { return st.Release(ctx, term, nil) },
		tradeclocktest.OpRecord:  func(ctx context.Context) error { return st.Record(ctx, term, nil, time.Time{}) },
		tradeclocktest.OpSettle:  func(ctx context.Context) error { _, err := st.Settle(ctx, nil); return err },
		tradeclocktest.OpRuns: func(ctx context.Context) error {
			_, err := st.Runs(ctx, store.Query{})
			return err
		},
		tradeclocktest.OpTallies: func(ctx context.Context) error {
			_, err := st.Tallies(ctx, store.TallyQuery{})
			return err
		},
		tradeclocktest.OpSchedulers: func(ctx context.Context) error { _, err := st.Schedulers(ctx); return err },
		tradeclocktest.OpEnrolments: func(ctx context.Context) error {
			_, err := st.Enrolments(ctx, store.EnrolmentQuery{Scheduler: "paper"})
			return err
		},
		tradeclocktest.OpHalts: func(ctx context.Context) error { _, err := st.Halts(ctx, "paper"); return err },
		tradeclocktest.OpHalt:  func(ctx context.Context) error { return st.Halt(ctx, store.Halt{}) },
		tradeclocktest.OpLift:  func(ctx context.Context) error { return st.Lift(ctx, store.Halt{}) },
		tradeclocktest.OpAsk: func(ctx context.Context) error {
			_, err := st.Ask(ctx, request.Request{Scheduler: "paper", Kind: request.Trigger, Account: "42", Task: "buy", Actor: "Ana"})
			return err
		},
		tradeclocktest.OpTake:   func(ctx context.Context) error { _, err := st.Take(ctx, term); return err },
		tradeclocktest.OpAnswer: func(ctx context.Context) error { return st.Answer(ctx, term, request.Request{ID: "none"}) },
		tradeclocktest.OpRequests: func(ctx context.Context) error {
			_, err := st.Requests(ctx, request.Query{})
			return err
		},
		tradeclocktest.OpResetWatermark: func(ctx context.Context) error {
			return st.ResetWatermark(ctx, term, time.Time{}, "test", "Ana")
		},
		tradeclocktest.OpPrune: func(ctx context.Context) error {
			_, err := st.Prune(ctx, term.Scheduler, time.Time{}.Add(-store.MinRetention))
			return err
		},
		tradeclocktest.OpBeat: func(ctx context.Context) error { return st.Beat(ctx, tradeclock.Heartbeat{}) },
		tradeclocktest.OpHeartbeats: func(ctx context.Context) error {
			_, err := st.Heartbeats(ctx, "paper")
			return err
		},
	}
}

func openFaulty(t *testing.T) (*tradeclocktest.Faulty, store.Term) {
	memory := memstore.New(clockwork.NewFakeClockAt(noon))
	term, err := memory.Lead(t.Context(), "paper", "a", time.Minute, time.Time{})
	require.NoError(t, err)
	return tradeclocktest.NewFaulty(memory), term
}

func TestFaultyEveryCall(t *testing.T) {
	broken := errors.New("the disk is full")
	faulty, term := openFaulty(t)
	for op, call := range everyCall(faulty, term) {
		require.NoError(t, call(t.Context()), "%s without a fault", op)
		faulty.Fail(op, broken)
		assert.ErrorIs(t, call(t.Context()), broken, "%s that fails", op)
		faulty.LoseAnswer(op)
		assert.ErrorIs(t, call(t.Context()), tradeclocktest.ErrLostAnswer, "%s whose answer is lost", op)
		faulty.Hang(op)
		ended, end := context.WithCancelCause(t.Context())
		end(broken)
		assert.ErrorIs(t, call(ended), broken, "%s that hangs until its context ends", op)
		faulty.Heal(op)
		assert.NoError(t, call(t.Context()), "%s that is healed", op)
		assert.Equal(t, 5, faulty.Calls(op), "calls of %s", op)
	}
}

func TestFaultyFailureDoesNothing(t *testing.T) {
	faulty, term := openFaulty(t)
	faulty.Fail(tradeclocktest.OpRecord, errors.New("broken"))
	require.Error(t, faulty.Record(t.Context(), term, nil, noon))
	state, err := faulty.Resume(t.Context(), term)
	require.NoError(t, err)
	assert.Zero(t, state.Watermark)
}

func TestFaultyLostAnswerIsMade(t *testing.T) {
	faulty, term := openFaulty(t)
	run := tradeclock.Run{Scheduler: "paper", Task: "buy_orders", Slot: "2026-11-23", Due: noon, Token: "one"}
	faulty.LoseAnswer(tradeclocktest.OpClaim)
	claims, err := faulty.Claim(t.Context(), term, []tradeclock.Run{run})
	require.ErrorIs(t, err, tradeclocktest.ErrLostAnswer)
	assert.Nil(t, claims)

	faulty.Heal()
	run.Token = "two"
	claims, err = faulty.Claim(t.Context(), term, []tradeclock.Run{run})
	require.NoError(t, err)
	require.Len(t, claims, 1)
	assert.False(t, claims[0].Held, "the slot was taken by the call whose answer was lost")
}

func TestFaultyFaultsAreByCall(t *testing.T) {
	faulty, term := openFaulty(t)
	faulty.Fail(tradeclocktest.OpSchedules, errors.New("broken"))
	faulty.Fail(tradeclocktest.OpBeat, errors.New("broken"))
	assert.NoError(t, faulty.Record(t.Context(), term, nil, noon))
	faulty.Heal(tradeclocktest.OpBeat)
	assert.NoError(t, faulty.Beat(t.Context(), tradeclock.Heartbeat{}))
	_, err := faulty.Schedules(t.Context())
	assert.Error(t, err)
	faulty.Heal()
	_, err = faulty.Schedules(t.Context())
	assert.NoError(t, err)
}

func TestFaultyHang(t *testing.T) {
	broken := errors.New("broken")
	cases := []struct {
		name string
		end  func(f *tradeclocktest.Faulty, cancel context.CancelCauseFunc)
		want error
		made bool
	}{
		{"healed", func(f *tradeclocktest.Faulty, _ context.CancelCauseFunc) { f.Heal() }, nil, true},
		{"until its context ends", func(_ *tradeclocktest.Faulty, cancel context.CancelCauseFunc) { cancel(broken) }, broken, false},
		{"and then fails", func(f *tradeclocktest.Faulty, _ context.CancelCauseFunc) { f.Fail(tradeclocktest.OpRecord, broken) }, broken, false},
		{"and then loses its answer", func(f *tradeclocktest.Faulty, _ context.CancelCauseFunc) { f.LoseAnswer(tradeclocktest.OpRecord) }, tradeclocktest.ErrLostAnswer, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faulty, term := openFaulty(t)
				faulty.Hang(tradeclocktest.OpRecord)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				answer := make(chan error, 1)
				go func() { answer <- faulty.Record(ctx, term, nil, noon) }()
				synctest.Wait()
				assert.Equal(t, 1, faulty.Hanging(tradeclocktest.OpRecord))
				assert.Empty(t, answer)

				c.end(faulty, cancel)
				assert.Equal(t, c.want, <-answer)
				assert.Zero(t, faulty.Hanging(tradeclocktest.OpRecord))
				state, err := faulty.Resume(t.Context(), term)
				require.NoError(t, err)
				assert.Equal(t, c.made, state.Watermark.Equal(noon))
			})
		})
	}
}
