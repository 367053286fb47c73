package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// diesUnanswered lets the active scheduler do what is asked, and die before it can answer;
// another comes once others have done something. It returns the answer that the other gives.
func (w *world) diesUnanswered(cfg tradeclock.Config, first func(d *tradeclocktest.Driver) request.Request, meanwhile func(tradeclock.Ledger)) request.Request {
	w.t.Helper()
	store := tradeclocktest.NewFaulty(w.store)
	cfg.Ledger = store
	s, d := w.drive(cfg)
	d.Tick()
	store.Fail(tradeclocktest.OpAnswer, errors.New("out of reach"))
	asked := first(d)
	d.For(20 * time.Second)
	require.True(w.t, w.answer(asked).Open())
	s.Crash()
	w.clock.Advance(35 * time.Second)
	cfg.Ledger = w.store
	meanwhile(w.store)
	_, d = w.drive(cfg)
	d.For(time.Minute)
	return w.answer(asked)
}

// TestRule37_WhatWasUndoneSinceIsNotDoneAgain: who took the request dies before the answer,
// and somebody undoes what it did before another takes it.
func TestRule37_WhatWasUndoneSinceIsNotDoneAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	answer := w.diesUnanswered(w.config(row("buy", "daily 16:05")), func(*tradeclocktest.Driver) request.Request {
		return w.ask(wanting(request.Halt, ""))
	}, func(ledger tradeclock.Ledger) {
		halts := ledger.(store.HaltStore)
		stored, err := halts.Halts(t.Context(), "paper")
		require.NoError(t, err)
		require.Len(t, stored, 1)
		for range store.DefaultAuditLimit { // after which a page of the audit has nothing of it
			require.NoError(t, halts.Lift(t.Context(), store.Halt{Scheduler: "paper", Account: "42", Actor: "Ben", At: w.clock.Now()}))
			require.NoError(t, halts.Halt(t.Context(), store.Halt{Scheduler: "paper", Account: "42", Actor: "Ben", Reason: "again", At: w.clock.Now()}))
		}
		require.NoError(t, halts.Lift(t.Context(), store.Halt{Scheduler: "paper", Account: "42", Actor: "Ben", At: w.clock.Now()}))
	})
	assert.Equal(t, request.Done, answer.Answer, answer.Text)
	halts, err := w.store.Halts(t.Context(), "paper")
	require.NoError(t, err)
	assert.Empty(t, halts, "Ben has lifted it")
}

// TestRule36_WhatWasTakenBackSinceIsNotSaidAgain does so with a word about an occurrence.
func TestRule36_WhatWasTakenBackSinceIsNotSaidAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	cfg := w.config(row("buy", "daily 16:05"))
	answer := w.diesUnanswered(cfg, func(*tradeclocktest.Driver) request.Request {
		skip := wanting(request.Skip, "buy")
		skip.Session = day("2026-11-23")
		return w.ask(skip)
	}, func(ledger tradeclock.Ledger) {
		said, err := ledger.(store.OverrideStore).Overrides(t.Context(), store.OverrideQuery{})
		require.NoError(t, err)
		require.Len(t, said, 1)
		term, err := ledger.Lead(t.Context(), "paper", "Ben's", time.Second, time.Time{})
		require.NoError(t, err)
		require.NoError(t, ledger.(store.OverrideStore).Revoke(t.Context(), term, said[0]))
		require.NoError(t, ledger.Resign(t.Context(), term))
	})
	assert.Equal(t, request.Done, answer.Answer, answer.Text)
	said, err := w.store.Overrides(t.Context(), store.OverrideQuery{})
	require.NoError(t, err)
	assert.Empty(t, said)
}

// TestRule37_ACancelThatWasDoneIsAnsweredSo by the next holder, which finds the run that has
// ended in the ledger.
func TestRule37_ACancelThatWasDoneIsAnsweredSo(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:04:50")
	w.rec.Do("buy", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 10*time.Minute) })
	answer := w.diesUnanswered(w.config(row("buy", "daily 10:05")), func(d *tradeclocktest.Driver) request.Request {
		d.Until(at("2026-11-23 10:05:10"))
		return w.ask(wanting(request.Cancel, "buy"))
	}, func(tradeclock.Ledger) {})
	assert.Equal(t, request.Done, answer.Answer, answer.Text)
	assert.Equal(t, "run 2026-11-23 has ended", answer.Text)
	assert.Equal(t, w.runs("buy")[0].ID, answer.RunID)
}

// TestRule37_AHaltHoldsAsOfWhenItWasAsked: both a halt and a lift wait for somebody who takes
// them.
func TestRule37_AHaltHoldsAsOfWhenItWasAsked(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	cfg := w.config(row("buy", "daily 16:05"))
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Close(t.Context()))
	halt := w.ask(wanting(request.Halt, ""))
	w.clock.Advance(time.Second)
	lift := w.ask(wanting(request.Lift, ""))
	w.clock.Advance(time.Second)
	s, d = w.drive(cfg)
	d.For(time.Minute)
	assert.Equal(t, request.Done, w.answer(halt).Answer, w.answer(halt).Text)
	assert.Equal(t, request.Done, w.answer(lift).Answer, w.answer(lift).Text)
	assert.Empty(t, s.Status().Halts)
}

// TestRule37_ALiftKnowsOfTheHaltThatAnotherProcessStored a moment ago.
func TestRule37_ALiftKnowsOfTheHaltThatAnotherProcessStored(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	_, d := w.run(w.config(row("buy", "daily 16:05")))
	d.Until(at("2026-11-23 10:00:10"))
	h := store.Halt{Scheduler: "paper", Account: "42", Actor: "Ben", Reason: "looks odd", At: w.clock.Now()}
	require.NoError(t, w.store.Halt(t.Context(), h))
	w.clock.Advance(time.Second)
	lift := w.ask(wanting(request.Lift, ""))
	d.For(10 * time.Second)
	assert.Equal(t, "it is lifted", w.answer(lift).Text)
	halts, err := w.store.Halts(t.Context(), "paper")
	require.NoError(t, err)
	assert.Empty(t, halts)
}
