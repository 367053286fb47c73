package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var releaseCases = []ledgerCase{
	{"the slot of a claim that was given back is free", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		w.release(term, run)
		assert.Empty(w.t, w.resume(term).Ahead)
		assert.Equal(w.t, []bool{false}, w.settle(ended(run, store.Succeeded)), "nothing is left to settle")
		again := w.rival(run)
		w.hold(term, again)
		assertSameRun(w.t, claimed(again, term), w.row(term, again))
	}},
	{"repeated after a lost answer it changes nothing", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		w.release(term, run)
		w.release(term, run)
		again := w.rival(run)
		w.hold(term, again)
		w.release(term, run)
		assert.Equal(w.t, store.Running, w.outcome(term, run), "of another start of the slot")
	}},
	{"a claim that was never made is none to give back", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.release(term, run)
		w.hold(term, run)
	}},
	{"a claim of an older term is given back under the current one, and is not left unsettled", func(w *ledgerTest) {
		run := w.newRun("buy_orders", at(9, 1))
		w.hold(w.lead("a"), run)
		term := w.takeOver("b")
		require.Len(w.t, w.resume(term).Unsettled, 1)
		w.release(term, run)
		assert.Empty(w.t, w.resume(term).Unsettled)
		w.hold(term, w.rival(run))
	}},
	{"a run that was settled is left", func(w *ledgerTest) {
		term := w.lead("a")
		for _, outcome := range finalOutcomes {
			run := w.newRun("task "+outcome.String(), at(9, 1))
			w.hold(term, run)
			run = ended(run, outcome)
			run.Term = term.Number
			w.settle(run)
			given := run
			given.Outcome = store.NoOutcome
			w.release(term, given)
			assertSameRun(w.t, run, w.row(term, run))
		}
	}},
	{"only those runs of a batch are freed that are held", func(w *ledgerTest) {
		term := w.lead("a")
		held, other := w.newRun("held", at(9, 1)), w.newRun("held", at(9, 2))
		recorded := w.newRun("recorded", at(9, 1))
		w.hold(term, held, other)
		w.record(term, time.Time{}, unstarted(recorded, store.Missed, "too late"))
		unheld := w.rival(other)
		withoutToken := recorded
		withoutToken.Token = ""
		w.release(term, held, unheld, w.newRun("of no row", at(9, 1)), withoutToken)
		assert.Equal(w.t, []store.Claim{heldRunning, takenBy(store.Running), takenBy(store.Missed)},
			w.claim(term, w.rival(held), w.rival(other), w.rival(recorded)))
	}},
	{"a row that was taken over stands again", testRestored},
	{"a run that was to run again is interrupted again", func(w *ledgerTest) {
		old, term := w.interrupted()
		again := w.rival(old)
		require.True(w.t, w.reclaim(term, old.Token, again).Held)
		back := again
		back.Outcome, back.Reason, back.Finished, back.RerunUntil = store.Interrupted, "its process died", at(9, 16), at(9, 40)
		w.release(term, back)
		w.release(term, back)
		next := w.takeOver("c")
		assert.Empty(w.t, w.resume(next).Unsettled)
		require.Len(w.t, w.resume(next).Interrupted, 1)
		back.Term = term.Number
		assertSameRun(w.t, back, w.resume(next).Interrupted[0])
		assert.True(w.t, w.reclaim(next, again.Token, w.rival(old)).Held)
	}},
	{"what never started is no fact of its session", func(w *ledgerTest) {
		first := w.lead("a")
		run := w.repeating(at(9, 15))
		w.hold(first, run)
		w.release(first, run)
		second := w.takeOver("b")
		w.assertFacts(second, w.repeating(at(9, 16)), true, false)
		w.assertFacts(w.takeOver("c"), w.repeating(at(9, 17)), true, true)
	}},
	{"a claim says by what its slot is taken", testTaken},
}

func (w *ledgerTest) release(term store.Term, runs ...store.Run) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Release(w.ctx, term, runs))
}

func testRestored(w *ledgerTest) {
	term := w.lead("a")
	for _, outcome := range []store.Outcome{store.Missed, store.Skipped} {
		run := unstarted(w.newRun("buy_orders "+outcome.String(), at(9, 1)), outcome, "too late")
		run.Finished = at(9, 5)
		w.record(term, time.Time{}, run)
		manual := w.rival(run)
		manual.Manual, manual.Actor = true, "ops"
		manual.Started = at(9, 30)
		require.True(w.t, w.reclaim(term, "", manual).Held)
		back := manual
		back.Outcome, back.Reason, back.Finished, back.Started = outcome, "too late", at(9, 5), time.Time{}
		w.release(term, back)
		run.Term = term.Number
		assertSameRun(w.t, run, w.row(term, run))
		assert.True(w.t, w.reclaim(term, "", w.rival(run)).Held, "it never started")
	}
}

func testTaken(w *ledgerTest) {
	term := w.lead("a")
	settled, spanned := w.newRun("buy_orders", at(9, 1)), w.newRun("sell_monitor", at(9, 20))
	w.hold(term, settled)
	done := ended(settled, store.Failed)
	done.Reason = "the broker said no"
	w.settle(done)
	w.record(term, time.Time{}, spanning(unstarted(spanned, store.Missed, "down"), 5))

	later := w.rival(settled)
	later.Session, later.Due = day.AddDays(1), at(33, 1)
	within := w.newRun("sell_monitor", at(9, 22))
	claims, err := w.ledger.Claim(w.ctx, term, []store.Run{later, within})
	require.NoError(w.t, err)
	require.Len(w.t, claims, 2)
	for i, want := range []store.Run{
		{Session: day, Due: settled.Due, Outcome: store.Failed, Reason: "the broker said no", Finished: done.Finished},
		{Session: day, Due: spanned.Due, Outcome: store.Missed, Reason: "down"},
	} {
		if assert.NotNil(w.t, claims[i].Taken) {
			assertSameRun(w.t, want, *claims[i].Taken)
		}
	}
}
