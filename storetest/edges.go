package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

// edgeCases test where one rule of the contract ends and the next begins: what is due
// at an instant and not after it, and what differs in one thing alone.
var edgeCases = []ledgerCase{
	{"a term of the same number, by another holder, is refused", func(w *ledgerTest) {
		term := w.lead("a")
		term.Holder = "b"
		_, err := w.ledger.Claim(w.ctx, term, []store.Run{w.newRun("buy_orders", at(9, 1))})
		assert.ErrorIs(w.t, err, store.ErrDeposed)
	}},
	{"a range covers whatever is due at its first and at its last instant", func(w *ledgerTest) {
		term, missed := w.lead("a"), unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down")
		w.record(term, time.Time{}, spanning(missed, 3))
		for _, repeating := range []bool{true, false} {
			for _, due := range []time.Time{at(9, 20), at(9, 22)} {
				run := w.newRun("sell_monitor", due)
				run.Slot, run.Repeating = "of another rule", repeating
				assert.Equal(w.t, store.Claim{Outcome: store.Missed}, w.claim(term, w.identified(run))[0])
			}
		}
	}},
	{"an earlier range that comes later uncovers none", func(w *ledgerTest) {
		term := w.lead("a")
		for _, due := range []time.Time{at(10, 0), at(9, 20)} {
			w.record(term, time.Time{}, spanning(unstarted(w.newRun("sell_monitor", due), store.Missed, "down"), 3))
		}
		assert.False(w.t, w.claim(term, w.newRun("sell_monitor", at(10, 1)))[0].Held)
	}},
	{"a range is recorded though it begins within another", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, time.Time{}, spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 3))
		second := spanning(unstarted(w.newRun("sell_monitor", at(9, 22)), store.Skipped, "halted"), 2)
		w.record(term, time.Time{}, second)
		assert.False(w.t, w.claim(term, w.newRun("sell_monitor", at(9, 23)))[0].Held)
		assert.Equal(w.t, store.Skipped, w.outcome(term, second))
	}},
	{"a range of two is not claimed again", func(w *ledgerTest) {
		term := w.lead("a")
		missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 2)
		w.record(term, time.Time{}, missed)
		assert.False(w.t, w.reclaim(term, "", w.rival(missed)).Held)
	}},
	{"a record has no token, whatever it is handed with", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 20))
		missed := run
		missed.Outcome, missed.Reason = store.Missed, "too late"
		w.record(term, time.Time{}, missed)
		assert.Empty(w.t, w.row(term, run).Token)
		assert.Equal(w.t, []bool{false}, w.settle(ended(run, store.Missed)))
	}},
	{"no token settles no record", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 20))
		w.record(term, time.Time{}, unstarted(run, store.Missed, "too late"))
		assert.Equal(w.t, []bool{false}, w.settle(unstarted(run, store.Missed, "too late")))
	}},
	{"another token settles nothing, with the same outcome too", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 20))
		w.hold(term, run)
		w.settle(ended(run, store.Succeeded))
		other := ended(w.rival(run), store.Succeeded)
		assert.Equal(w.t, []bool{false}, w.settle(other))
		assert.NotNil(w.t, w.row(term, run).Late)
	}},
	{"what came late is kept when the run is claimed again", func(w *ledgerTest) {
		run, term := w.interrupted()
		late := ended(run, store.Succeeded)
		w.settle(late)
		again := w.rival(run)
		require.True(w.t, w.reclaim(term, run.Token, again).Held)
		assert.Equal(w.t, lateEvidence(late), keptOf(w.t, w.row(term, again)).Late)
	}},
	{"manual and late planned runs of a repeating rule need no watermark", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 30))
		manual, backdated := w.repeating(at(9, 20)), w.repeating(at(9, 21))
		manual.Manual, backdated.Backdated = true, true
		w.hold(term, manual)
		w.hold(term, backdated)
		assert.False(w.t, w.claim(term, w.repeating(at(9, 30)))[0].Held, "at the watermark")
	}},
	{"runs are resumed in order", func(w *ledgerTest) {
		term := w.lead("a")
		for _, due := range []time.Time{at(9, 25), at(9, 20), at(9, 30)} {
			for _, task := range []string{"b", "a", "c"} {
				w.hold(term, w.newRun(task, due))
				w.record(term, time.Time{}, unstarted(w.newRun(task, due.Add(time.Hour)), store.Missed, "down"))
			}
		}
		state := w.resume(w.takeOver("b"))
		assert.Equal(w.t, []string{"a", "b", "c", "a", "b", "c", "a", "b", "c"}, tasksOf(state.Unsettled))
		assert.Equal(w.t, []string{"a", "b", "c", "a", "b", "c", "a", "b", "c"}, tasksOf(state.Ahead))
	}},
	{"a range that begins at the watermark and goes on is ahead", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 20), spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 2))
		assert.Equal(w.t, []string{"sell_monitor"}, tasksOf(w.resume(term).Ahead))
	}},
	{"only the present term can be resigned", func(w *ledgerTest) {
		old := w.lead("a")
		require.NoError(w.t, w.ledger.Resign(w.ctx, old))
		term := w.lead("a")
		other := term
		other.Holder = "b"
		require.NoError(w.t, w.ledger.Resign(w.ctx, old))
		require.NoError(w.t, w.ledger.Resign(w.ctx, other))
		assert.Equal(w.t, term, w.lead("a"))
	}},
	{"one account is withdrawn, and no other", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 0))
		w.enroll(term, at(9, 0), "42", "43")
		w.withdraw(term, "42", at(9, 30))
		w.assertEnrolled(term, store.Enrolment{Account: "42", From: at(9, 30), Withdrawn: at(9, 30)},
			store.Enrolment{Account: "43", From: at(9, 0)})
	}},
	{"what is due when pruning ends can be claimed", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		term, end := w.lead("a"), at(9, 0).Add(-store.MinRetention)
		w.record(term, at(9, 0))
		_, err := pruner.Prune(w.ctx, paper, end)
		require.NoError(w.t, err)
		for _, repeating := range []bool{true, false} {
			run := w.newRun("sell_monitor", end)
			run.Backdated, run.Repeating, run.Slot = true, repeating, run.Slot+map[bool]string{true: " again"}[repeating]
			w.hold(term, w.identified(run))
		}
	}},
	{"halts are listed by account", func(w *ledgerTest) {
		halts := companion[store.HaltStore](w.t, w.ledger)
		accounts := []string{"", "1", "2", "3", "4", "5", "6", "7"}
		w.enroll(w.lead("a"), at(9, 0), accounts...)
		for i := range accounts {
			account := accounts[(i*5+3)%len(accounts)]
			require.NoError(w.t, halts.Halt(w.ctx, store.Halt{Scheduler: paper, Account: account, At: at(9, 0)}))
		}
		listed, err := halts.Halts(w.ctx, paper)
		require.NoError(w.t, err)
		var got []string
		for _, h := range listed {
			got = append(got, h.Account)
		}
		assert.Equal(w.t, accounts, got)
	}},
	{"what a repeating rule is told of the runs that the task had before", testFactsOfSingles},
	{"a watermark that is set back takes enrolments and ranges with it", testResetEdges},
}

// testFactsOfSingles has a daily task edited to a repeating one within a session.
func testFactsOfSingles(w *ledgerTest) {
	term := w.lead("a")
	tell := func(task string, first, resumed bool) {
		w.t.Helper()
		run := w.newRun(task, at(10, 0))
		run.Repeating = true
		w.assertFacts(term, run, first, resumed)
	}
	single := func(task string) store.Run { return w.newRun(task, at(9, 20)) }
	for task, outcome := range map[string]store.Outcome{"failed": store.Failed, "succeeded": store.Succeeded} {
		run := single(task)
		w.hold(term, run)
		w.settle(ended(run, outcome))
	}
	yesterday := single("yesterday")
	yesterday.Session = day.AddDays(-1)
	w.hold(term, yesterday, single("going on"), single("of an earlier term"))
	w.settle(ended(yesterday, store.Succeeded))
	w.record(term, time.Time{}, unstarted(single("recorded"), store.Missed, "down"))
	for _, task := range []string{"recorded", "yesterday"} { // another account has had one today
		other := single(task)
		other.Account = "43"
		w.hold(term, w.identified(other))
	}
	late, earlier := single("a late one of yesterday"), single("a late one of yesterday")
	earlier.Session, earlier.Slot = day.AddDays(-1), "of yesterday"
	w.hold(term, late, w.identified(earlier))
	w.settle(ended(late, store.Succeeded))
	if pruner, ok := w.ledger.(store.Pruner); ok {
		w.record(term, at(9, 0))
		_, err := pruner.Prune(w.ctx, paper, at(9, 0).Add(-store.MinRetention))
		require.NoError(w.t, err)
	}
	tell("a late one of yesterday", false, false)
	tell("failed", true, false)
	tell("succeeded", false, false)
	tell("going on", true, false)

	term = w.takeOver("b")
	tell("of an earlier term", true, true)
	tell("recorded", true, false)
	tell("yesterday", true, false)
}

func testResetEdges(w *ledgerTest) {
	resetter := companion[store.Resetter](w.t, w.ledger)
	term := w.lead("a")
	w.record(term, at(9, 30), spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 4))
	w.enroll(term, at(9, 25), "42")
	require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 20), "wrong clock", "Ana"))
	state := w.resume(term)
	assert.True(w.t, state.Watermark.Before(at(9, 20)), "the range begins at the instant, and is planned again")
	require.Len(w.t, state.Enrolments, 1)
	assert.True(w.t, state.Enrolments[0].From.Before(at(9, 20)))
	w.hold(term, w.newRun("sell_monitor", at(9, 20)))
}
