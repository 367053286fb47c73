package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/store"
)

// repeating returns a run of an hourly or every rule.
func (w *ledgerTest) repeating(due time.Time) store.Run {
	run := w.newRun("sell_monitor", due)
	run.Repeating = true
	return run
}

// assertFacts claims a repeating run and checks what it is told of its session.
func (w *ledgerTest) assertFacts(term store.Term, run store.Run, first, resumed bool) {
	w.t.Helper()
	want := store.Claim{Held: true, Outcome: store.Running, First: first, Resumed: resumed}
	assert.Equal(w.t, want, w.claim(term, run)[0])
}

// factCases test First and Resumed.
var factCases = []ledgerCase{
	{"the first run of a session is the first", func(w *ledgerTest) {
		term, run := w.lead("a"), w.repeating(at(9, 15))
		w.assertFacts(term, run, true, false)
		w.assertFacts(term, run, true, false)
	}},
	{"a repeated claim has the same answer, whatever became of other runs", func(w *ledgerTest) {
		w.hold(w.lead("a"), w.repeating(at(9, 15)))
		term, run, other := w.takeOver("b"), w.repeating(at(9, 16)), w.repeating(at(9, 17))
		w.assertFacts(term, run, true, true)
		w.assertFacts(term, other, true, true)
		w.settle(ended(other, store.Succeeded))
		w.assertFacts(term, run, true, true)
		w.assertFacts(w.takeOver("c"), run, true, true)
	}},
	{"a run that is not repeating is told neither", func(w *ledgerTest) {
		assert.Equal(w.t, heldRunning, w.claim(w.lead("a"), w.newRun("sell_monitor", at(9, 15)))[0])
	}},
	{"only success ends being first", func(w *ledgerTest) {
		term, due := w.lead("a"), at(9, 15)
		for _, outcome := range []store.Outcome{
			store.Failed, store.TimedOut, store.Skipped, store.Interrupted, store.Succeeded,
		} {
			run := w.repeating(due)
			w.assertFacts(term, run, true, false)
			w.settle(ended(run, outcome))
			due = due.Add(time.Minute)
		}
		w.assertFacts(term, w.repeating(due), false, false)
	}},
	{"a missed run ends nothing", func(w *ledgerTest) {
		run := w.repeating(at(9, 15))
		w.record(w.lead("a"), at(9, 15), unstarted(run, store.Missed, "down"))
		w.assertFacts(w.takeOver("b"), w.repeating(at(9, 16)), true, false)
	}},
	{"success is known under a later term, and that it was earlier", func(w *ledgerTest) {
		run := w.repeating(at(9, 15))
		w.hold(w.lead("a"), run)
		w.settle(ended(run, store.Succeeded))
		w.assertFacts(w.takeOver("b"), w.repeating(at(9, 16)), false, true)
	}},
	{"a run that an earlier process never settled had started", func(w *ledgerTest) {
		run := w.repeating(at(9, 15))
		w.hold(w.lead("a"), run)
		term := w.takeOver("b")
		w.assertFacts(term, w.repeating(at(9, 16)), true, true)
		w.settle(ended(run, store.Interrupted))
		w.assertFacts(term, w.repeating(at(9, 17)), true, true)
	}},
	{"the session, the account and the task have facts of their own", func(w *ledgerTest) {
		run := w.repeating(at(9, 15))
		w.hold(w.lead("a"), run)
		w.settle(ended(run, store.Succeeded))
		term := w.takeOver("b")

		account, task, session := w.repeating(at(9, 16)), w.repeating(at(9, 16)), w.repeating(at(9, 16))
		account.Account, task.Task, session.Session = "43", "position_monitor", day.AddDays(1)
		session.Slot = "of the next session"
		for _, other := range []store.Run{account, task, session} {
			w.assertFacts(term, w.identified(other), true, false)
		}
	}},
	{"a reclaimed run had started in an earlier process, and so had those after it", func(w *ledgerTest) {
		run := w.repeating(at(9, 15))
		w.hold(w.lead("a"), run)
		term := w.takeOver("b")
		w.settle(ended(run, store.Interrupted))

		again := w.rival(run)
		want := store.Claim{Held: true, Outcome: store.Running, First: true, Resumed: true}
		assert.Equal(w.t, want, w.reclaim(term, run.Token, again))
		assert.Equal(w.t, want, w.reclaim(term, run.Token, again), "repeated after a lost answer")
		w.assertFacts(term, w.repeating(at(9, 16)), true, true)
	}},
}
