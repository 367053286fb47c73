package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/store"
)

var reclaimCases = []ledgerCase{
	{"an interrupted run is replaced", func(w *ledgerTest) {
		old, term := w.interrupted()
		run := w.rival(old)
		assert.Equal(w.t, heldRunning, w.reclaim(term, old.Token, run))
		assertSameRun(w.t, claimed(run, term), w.row(term, run))
		assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Succeeded)))
	}},
	{"repeated after a lost answer it is held", func(w *ledgerTest) {
		old, term := w.interrupted()
		run := w.rival(old)
		w.reclaim(term, old.Token, run)
		assert.Equal(w.t, heldRunning, w.reclaim(term, old.Token, run))
	}},
	{"a second start with the same old token is not held", func(w *ledgerTest) {
		old, term := w.interrupted()
		w.reclaim(term, old.Token, w.rival(old))
		assert.Equal(w.t, takenBy(store.Running), w.reclaim(term, old.Token, w.rival(old)))
	}},
	{"with another token than the row's it is not held", func(w *ledgerTest) {
		old, term := w.interrupted()
		for _, token := range []string{"another", ""} {
			assert.Equal(w.t, takenBy(store.Interrupted), w.reclaim(term, token, w.rival(old)))
		}
		assert.Equal(w.t, store.Interrupted, w.outcome(term, old))
	}},
	{"the old token settles nothing any more", func(w *ledgerTest) {
		old, term := w.interrupted()
		run := w.rival(old)
		w.reclaim(term, old.Token, run)
		assert.Equal(w.t, []bool{false}, w.settle(ended(old, store.Succeeded)))
		row := w.row(term, run)
		assert.Equal(w.t, store.Running, row.Outcome)
		assert.Equal(w.t, lateEvidence(ended(old, store.Succeeded)), keptOf(w.t, row).Late)
	}},
	{"a slot without a row is not held and gets none", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		assert.Equal(w.t, noRow, w.reclaim(term, "", run))
		assert.Empty(w.t, w.resume(term).Ahead)
	}},
	{"a run that never started is replaced", func(w *ledgerTest) {
		term := w.lead("a")
		for _, outcome := range []store.Outcome{store.Missed, store.Skipped} {
			run := w.newRun("buy_orders "+outcome.String(), at(9, 1))
			w.record(term, time.Time{}, unstarted(run, outcome, "too late"))
			assert.Equal(w.t, heldRunning, w.reclaim(term, "", run))
			assertSameRun(w.t, claimed(run, term), w.row(term, run))
		}
	}},
	{"a run that never started is replaced behind the watermark too", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.record(term, at(9, 30), unstarted(run, store.Missed, "too late"))
		assert.Equal(w.t, heldRunning, w.reclaim(term, "", run))
	}},
	{"a record of several occurrences is not replaced, as the others would be lost", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("sell_monitor", at(9, 20))
		w.record(term, time.Time{}, spanning(unstarted(run, store.Missed, "down"), 5))
		assert.Equal(w.t, takenBy(store.Missed), w.reclaim(term, "", run))
		assert.Equal(w.t, 5, w.row(term, run).Count)
	}},
	{"a run that is running is not replaced", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		assert.Equal(w.t, takenBy(store.Running), w.reclaim(term, run.Token, w.rival(run)))
	}},
	{"a run that ended otherwise is not replaced", func(w *ledgerTest) {
		term := w.lead("a")
		for _, outcome := range []store.Outcome{
			store.Succeeded, store.Failed, store.TimedOut, store.Skipped,
		} {
			run := w.newRun("task "+outcome.String(), at(9, 1))
			w.hold(term, run)
			w.settle(ended(run, outcome))
			for _, token := range []string{run.Token, ""} {
				assert.Equal(w.t, takenBy(outcome), w.reclaim(term, token, w.rival(run)), "old token %q", token)
			}
		}
	}},
}

// interrupted returns a run that a first process left unsettled, and the term of
// the second, which has settled it as interrupted.
func (w *ledgerTest) interrupted() (store.Run, store.Term) {
	w.t.Helper()
	run := w.newRun("sell_monitor", at(9, 15))
	w.hold(w.lead("a"), run)
	term := w.takeOver("b")
	interrupted := run
	interrupted.Outcome, interrupted.Reason, interrupted.Finished = store.Interrupted, "its process died", at(9, 16)
	assert.Equal(w.t, []bool{true}, w.settle(interrupted))
	return run, term
}

// lateEvidence returns what is kept of an outcome that came too late.
func lateEvidence(run store.Run) *store.LateOutcome {
	return &store.LateOutcome{Outcome: run.Outcome, Reason: run.Reason, Finished: toMicrosecond(run.Finished)}
}
