package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var recordCases = []ledgerCase{
	{"rows and the watermark are kept", func(w *ledgerTest) {
		term := w.lead("a")
		missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "the process was down"), 11)
		missed.Finished = at(9, 31)
		skipped := unstarted(w.newRun("analysis", at(9, 26)), store.Skipped, "halted by Ana: \"stop\"")
		w.record(term, at(9, 25), missed, skipped)

		assert.Equal(w.t, at(9, 25), w.resume(term).Watermark.UTC())
		missed.Term, skipped.Term = term.Number, term.Number
		assertSameRun(w.t, missed, w.row(term, missed))
		assertSameRun(w.t, skipped, w.row(term, skipped))
	}},
	{"the watermark alone may be moved", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 25))
		state := w.resume(term)
		assert.Equal(w.t, at(9, 25), state.Watermark.UTC())
		assert.Empty(w.t, state.Ahead)
	}},
	{"the watermark never goes back", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 25))
		w.record(term, at(9, 24))
		w.record(term, time.Time{})
		assert.Equal(w.t, at(9, 25), w.resume(term).Watermark.UTC())
		assert.Equal(w.t, at(9, 25), w.resume(w.takeOver("b")).Watermark.UTC())
	}},
	{"outcomes alone leave the watermark", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 30))
		w.record(term, at(9, 25))
		w.record(term, time.Time{}, unstarted(run, store.Missed, "too late"))
		assert.Equal(w.t, at(9, 25), w.resume(term).Watermark.UTC())
		assert.Equal(w.t, store.Missed, w.outcome(term, run))
	}},
	{"a record repeated after a lost answer changes nothing", func(w *ledgerTest) {
		term := w.lead("a")
		missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 11)
		w.record(term, at(9, 15), missed)
		before := w.resume(term)
		w.record(term, at(9, 15), missed)
		assert.Equal(w.t, before, w.resume(term))
	}},
	{"a slot that is taken is left as it is", testRecordTaken},
	{"a higher count extends a record", func(w *ledgerTest) {
		term := w.lead("a")
		missed := unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down")
		for _, count := range []int{1, 4, 6} {
			w.record(term, time.Time{}, spanning(missed, count))
		}
		want := spanning(missed, 6)
		want.Term = term.Number
		assertSameRun(w.t, want, w.row(term, missed))
		assert.False(w.t, w.claim(term, w.newRun("sell_monitor", at(9, 25)))[0].Held, "inside what was added")
		assert.True(w.t, w.claim(term, w.newRun("sell_monitor", at(9, 26)))[0].Held, "after it")
	}},
	{"nothing else extends a record", testRecordNotExtended},
	{"a range whose slot is taken is refused, and never cut short", testRecordTakenRange},
	{"a run in a recorded range is left out", func(w *ledgerTest) {
		term := w.lead("a")
		missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 4)
		w.record(term, time.Time{}, missed)
		inside, after := unstarted(w.newRun("sell_monitor", at(9, 22)), store.Missed, "late"), unstarted(w.newRun("sell_monitor", at(9, 24)), store.Missed, "late")
		w.record(term, time.Time{}, inside, after)
		assert.Len(w.t, w.resume(term).Ahead, 2, "the range, and what comes after it")
		assert.Equal(w.t, "late", w.row(term, after).Reason)
	}},
	{"a record of slots that the batch names twice is one row", func(w *ledgerTest) {
		term := w.lead("a")
		missed := unstarted(w.newRun("buy_orders", at(9, 1)), store.Missed, "first")
		second := missed
		second.Reason = "second"
		w.record(term, time.Time{}, missed, second)
		require.Len(w.t, w.resume(term).Ahead, 1)
		assert.Equal(w.t, "first", w.row(term, missed).Reason)
	}},
}

func testRecordTaken(w *ledgerTest) {
	term := w.lead("a")
	running, done, missed := w.newRun("running", at(9, 1)), w.newRun("done", at(9, 1)), w.newRun("missed", at(9, 1))
	w.hold(term, running, done)
	w.settle(ended(done, store.Succeeded))
	w.record(term, time.Time{}, unstarted(missed, store.Missed, "too late"))

	var again []store.Run
	for _, run := range []store.Run{running, done, missed, w.newRun("free", at(9, 1))} {
		again = append(again, unstarted(run, store.Skipped, "another reason"))
	}
	w.record(term, at(9, 0), again...)
	var outcomes []store.Outcome
	for _, run := range again {
		outcomes = append(outcomes, w.outcome(term, run))
	}
	want := []store.Outcome{store.Running, store.Succeeded, store.Missed, store.Skipped}
	assert.Equal(w.t, want, outcomes)
	assert.Equal(w.t, "too late", w.row(term, missed).Reason)
	assert.Equal(w.t, at(9, 0), w.resume(term).Watermark.UTC(), "the rest of the record is made")
	assert.Equal(w.t, []bool{true}, w.settle(ended(running, store.Succeeded)), "the running row keeps its token")
}

func testRecordNotExtended(w *ledgerTest) {
	term := w.lead("a")
	recorded := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 4)
	started := w.newRun("started", at(9, 20))
	w.hold(term, started)
	skipped := ended(started, store.Skipped)
	skipped.Reason = "nothing to do"
	w.settle(skipped)
	w.record(term, time.Time{}, recorded)

	w.record(term, time.Time{}, spanning(recorded, 3), spanning(unstarted(recorded, store.Skipped, "halted"), 4))
	assert.Equal(w.t, recorded.Reason, w.row(term, recorded).Reason, "what the row accounts for already changes nothing")
	assert.Equal(w.t, 4, w.row(term, recorded).Count)

	cases := []struct {
		name string
		run  store.Run
	}{
		{"another outcome", spanning(unstarted(recorded, store.Skipped, "down"), 6)},
		{"another reason", spanning(unstarted(recorded, store.Missed, "halted"), 6)},
		{"of a run that started", spanning(unstarted(started, store.Skipped, "nothing to do"), 6)},
	}
	for _, c := range cases {
		before := w.row(term, c.run)
		w.refusesRange(term, c.run)
		assert.Equal(w.t, before, w.row(term, c.run), c.name)
	}
	assert.True(w.t, w.claim(term, w.newRun("sell_monitor", at(9, 24)))[0].Held)
}

// refusesRange records a range whose slot is taken, with another record and a
// watermark, and expects that nothing of it is made.
func (w *ledgerTest) refusesRange(term store.Term, run store.Run) {
	w.t.Helper()
	before := w.resume(term)
	beside := unstarted(w.newRun("beside", at(9, 40)), store.Missed, "down")
	err := w.ledger.Record(w.t.Context(), term, []store.Run{beside, run}, at(9, 45))
	var taken *store.TakenError
	require.ErrorAs(w.t, err, &taken)
	require.Len(w.t, taken.Runs, 1)
	assert.Equal(w.t, run.Slot, taken.Runs[0].Slot)
	assert.Equal(w.t, run.Task, taken.Runs[0].Task)
	assert.Equal(w.t, before, w.resume(term))
}

// testRecordTakenRange records a range whose first slot has run, and then each of
// its occurrences by itself, as the caller must: none vanishes.
func testRecordTakenRange(w *ledgerTest) {
	term, done := w.lead("a"), w.newRun("sell_monitor", at(9, 20))
	w.hold(term, done)
	missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 3)
	w.refusesRange(term, missed)
	w.settle(ended(done, store.Succeeded))
	w.refusesRange(term, missed)

	var parts []store.Run
	for minute := 20; minute < 23; minute++ {
		parts = append(parts, unstarted(w.newRun("sell_monitor", at(9, minute)), store.Missed, "down"))
	}
	w.record(term, at(9, 10), parts...)
	var outcomes []store.Outcome
	for _, part := range parts {
		outcomes = append(outcomes, w.outcome(term, part))
	}
	assert.Equal(w.t, []store.Outcome{store.Succeeded, store.Missed, store.Missed}, outcomes)
}
