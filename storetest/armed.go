package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var heldArmed = store.Claim{Held: true, Outcome: store.Armed}

// armedCases are of runs that are claimed before they are due.
var armedCases = []ledgerCase{
	{"an armed run has a row that says so, and no start", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.newRun("buy_orders", at(9, 1)))
		assert.Equal(w.t, []store.Claim{heldArmed}, w.claim(term, run))
		assert.Equal(w.t, []store.Claim{heldArmed}, w.claim(term, run), "repeated after a lost answer")
		run.Term = term.Number
		assertSameRun(w.t, run, w.row(term, run))
	}},
	{"armed and running runs may be claimed in one batch", func(w *ledgerTest) {
		term := w.lead("a")
		runs := []store.Run{w.newRun("now", at(9, 0)), armed(w.newRun("soon", at(9, 1))), armed(w.repeating(at(9, 2))), w.repeating(at(9, 0))}
		want := []store.Claim{heldRunning, heldArmed, {Held: true, Outcome: store.Armed, First: true}, {Held: true, Outcome: store.Running, First: true}}
		assert.Equal(w.t, want, w.claim(term, runs...))
		assert.Equal(w.t, want, w.claim(term, runs...))
	}},
	{"its slot is taken", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.newRun("buy_orders", at(9, 1)))
		w.hold(term, run)
		assert.Equal(w.t, []store.Claim{takenBy(store.Armed)}, w.claim(term, w.rival(run)))
		assert.Equal(w.t, takenBy(store.Armed), w.reclaim(term, run.Token, w.rival(run)))
		w.record(term, at(9, 1), unstarted(run, store.Missed, "too late"))
		assert.Equal(w.t, store.Armed, w.outcome(term, run))
	}},
	{"a run that is armed behind the watermark is not held", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 30))
		assert.Equal(w.t, noRow, w.claim(term, armed(w.newRun("buy_orders", at(9, 30))))[0])
	}},
	{"it begins when it is claimed as running, also once the watermark has passed it", testBegins},
	{"only a running run of its token begins it", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.newRun("buy_orders", at(9, 1)))
		w.hold(term, run)
		w.claim(term, claimed(w.rival(run), term))
		w.claim(term, run)
		assert.Equal(w.t, store.Armed, w.outcome(term, run))
	}},
	{"it is settled with its start", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.newRun("buy_orders", at(9, 1)))
		w.hold(term, run)
		run = ended(run, store.Succeeded)
		assert.Equal(w.t, []bool{true}, w.settle(run))
		assert.Equal(w.t, []bool{true}, w.settle(run), "repeated after a lost answer")
		run.Term = term.Number
		assertSameRun(w.t, run, w.row(term, run))
	}},
	{"it is told whether it is the first when it starts", testArmedFirst},
	{"it is told anew when it is claimed as running", func(w *ledgerTest) {
		term := w.lead("a")
		runs := []store.Run{armed(w.repeating(at(9, 15))), armed(w.repeating(at(9, 16))), armed(w.repeating(at(9, 17)))}
		w.hold(term, runs...)
		first := ended(runs[0], store.Succeeded)
		first.First = true
		w.settle(first)
		runs[1].Outcome, runs[2].Outcome, runs[2].First = store.Running, store.Running, true
		want := []store.Claim{{Held: true, Outcome: store.Running}, {Held: true, Outcome: store.Running, First: true}}
		assert.Equal(w.t, want, w.claim(term, runs[1:]...), "which says of the last that it was the first when it started")
		assert.Equal(w.t, want, w.claim(term, runs[1:]...), "repeated after a lost answer")
	}},
	{"it can be given back, and its slot is free", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.newRun("buy_orders", at(9, 1)))
		w.hold(term, run)
		run.Outcome = store.NoOutcome
		w.release(term, run)
		w.release(term, run)
		assert.Empty(w.t, w.resume(term).Ahead)
		w.hold(term, w.rival(run))
	}},
	{"it is no fact of its session once it was given back", func(w *ledgerTest) {
		term, run := w.lead("a"), armed(w.repeating(at(9, 15)))
		w.hold(term, run)
		w.release(term, run)
		w.assertFacts(w.takeOver("b"), w.repeating(at(9, 16)), true, false)
	}},
	{"it is unsettled under a later term, which may give it back or settle it", testArmedUnsettled},
	{"how long a term was trusted at most is told of those that left runs", testTrusted},
}

// armed returns the run as it is claimed ahead.
func armed(run store.Run) store.Run {
	run.Outcome = store.Armed
	return run
}

func testBegins(w *ledgerTest) {
	term := w.lead("a")
	run, other := armed(w.newRun("buy_orders", at(9, 1))), armed(w.newRun("sell_orders", at(9, 1)))
	w.hold(term, run, other)
	w.record(term, at(9, 2))
	run.Outcome, run.Started, run.Attempt = store.Running, at(9, 1), 1
	assert.Equal(w.t, []store.Claim{heldRunning}, w.claim(term, run))
	assert.Equal(w.t, []store.Claim{heldRunning}, w.claim(term, run), "repeated after a lost answer")
	run.Term = term.Number
	assertSameRun(w.t, run, w.row(w.takeOver("b"), run))
	assert.Equal(w.t, store.Armed, w.outcome(w.takeOver("c"), other))
}

// testArmedFirst arms two runs of a session, of which the earlier succeeds before the other
// starts.
func testArmedFirst(w *ledgerTest) {
	term := w.lead("a")
	first, second := armed(w.repeating(at(9, 15))), armed(w.repeating(at(9, 16)))
	for _, claim := range w.claim(term, first, second) {
		assert.Equal(w.t, store.Claim{Held: true, Outcome: store.Armed, First: true}, claim)
	}
	first, second = ended(first, store.Succeeded), ended(second, store.Failed)
	first.First = true
	w.settle(first)
	w.settle(second)
	assert.True(w.t, w.row(term, first).First)
	assert.False(w.t, w.row(term, second).First)
	w.assertFacts(term, w.repeating(at(9, 17)), false, false)
	w.assertFacts(w.takeOver("b"), w.repeating(at(9, 18)), false, true)
}

func testArmedUnsettled(w *ledgerTest) {
	first := w.lead("a")
	given, kept := armed(w.newRun("given back", at(9, 1))), armed(w.newRun("kept", at(9, 1)))
	w.hold(first, given, kept)
	require.Len(w.t, w.resume(first).Ahead, 2, "under its own term")
	term := w.takeOver("b")
	state := w.resume(term)
	require.Len(w.t, state.Unsettled, 2)
	assert.Empty(w.t, state.Ahead)
	assert.Equal(w.t, store.Armed, state.Unsettled[0].Outcome)

	w.release(term, given)
	kept.Outcome, kept.Reason, kept.Finished = store.Interrupted, "it may not have started", at(9, 2)
	assert.Equal(w.t, []bool{true}, w.settle(kept))
	assert.Empty(w.t, w.resume(term).Unsettled)
	kept.Term = first.Number
	assertSameRun(w.t, kept, w.row(term, kept))
}

func testTrusted(w *ledgerTest) {
	lead := func(holder string, until time.Time) store.Term {
		term, err := w.ledger.Lead(w.ctx, paper, holder, ttl, until)
		require.NoError(w.t, err)
		return term
	}
	for _, until := range []time.Time{at(9, 1), at(9, 5), at(9, 3), {}} { // its clock was set back
		w.hold(lead("a", until), w.newRun("buy_orders", until.Add(time.Minute)))
	}
	w.clock.Advance(ttl)
	lead("left nothing", at(9, 7))
	w.hold(w.takeOver("said nothing"), w.newRun("buy_orders", at(9, 9)))
	w.clock.Advance(ttl)
	state := w.resume(lead("b", at(9, 20)))
	require.Len(w.t, state.Trusted, 1)
	assert.Equal(w.t, at(9, 5), state.Trusted[1])
}
