package storetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var resumeCases = []ledgerCase{
	{"a new ledger is empty", func(w *ledgerTest) {
		state := w.resume(w.lead("a"))
		assert.True(w.t, state.Watermark.IsZero())
		assert.Empty(w.t, state.Enrolments)
		assert.Empty(w.t, state.Unsettled)
		assert.Empty(w.t, state.Ahead)
	}},
	{"an account that the last term served is accounted for up to the watermark", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		w.record(term, at(9, 30))
		w.assertEnrolled(w.takeOver("b"), store.Enrolment{Account: "42", From: at(9, 30)})
	}},
	{"an account that only an earlier term served is accounted for up to the next one's start", testServedEarlier},
	{"an account that began after the watermark is owed nothing from before", func(w *ledgerTest) {
		term := w.lead("a")
		w.record(term, at(9, 0))
		w.enroll(term, at(9, 1), "42")
		w.assertEnrolled(w.takeOver("b"), store.Enrolment{Account: "42", From: at(9, 1)})
	}},
	{"a withdrawn account is accounted for up to when it was withdrawn", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		w.record(term, at(9, 20))
		w.withdraw(term, "42", at(9, 21))
		w.withdraw(term, "42", at(9, 21))
		w.withdraw(term, "never enrolled", at(9, 21))
		w.record(term, at(9, 30))
		want := store.Enrolment{Account: "42", From: at(9, 21), Withdrawn: at(9, 21)}
		w.assertEnrolled(w.takeOver("b"), want)
		w.assertEnrolled(w.takeOver("c"), want)
	}},
	{"a withdrawn account may be accounted for up to before it was withdrawn", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		gone := store.Enrolment{Account: "42", From: at(9, 10), Withdrawn: at(9, 21)}
		require.NoError(w.t, w.ledger.Withdraw(w.ctx, term, gone))
		w.record(term, at(9, 30))
		w.assertEnrolled(w.takeOver("b"), gone)
	}},
	{"an account that came back is as it was told, until it is accounted for", testReturned},
	{"an account that came back may be withdrawn again", func(w *ledgerTest) {
		term := w.lead("a")
		w.enrollAs(term, store.Enrolment{Account: "42", From: at(9, 10), Withdrawn: at(9, 10), Returned: at(9, 20)})
		w.withdraw(term, "42", at(9, 25))
		w.record(term, at(9, 30))
		w.assertEnrolled(w.takeOver("b"), store.Enrolment{Account: "42", From: at(9, 25), Withdrawn: at(9, 25)})
	}},
	{"what an account that came back has since its own start is ahead", testAheadOfReturned},
	{"enrolling ends a withdrawal", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		w.withdraw(term, "42", at(9, 10))
		w.enroll(term, at(9, 20), "42")
		w.record(term, at(9, 30))
		w.assertEnrolled(w.takeOver("b"), store.Enrolment{Account: "42", From: at(9, 30)})
	}},
	{"an account may be withdrawn and enrolled under different terms", func(w *ledgerTest) {
		w.enroll(w.lead("a"), at(9, 0), "42")
		w.withdraw(w.takeOver("b"), "42", at(9, 10))
		term := w.takeOver("c")
		w.enroll(term, at(9, 20), "42")
		w.record(term, at(9, 30))
		w.assertEnrolled(w.takeOver("d"), store.Enrolment{Account: "42", From: at(9, 30)})
	}},
	{"many accounts are enrolled in batches, and no account is one too", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0))
		w.enroll(term, at(9, 0), "42", "43", "")
		w.enroll(term, at(9, 0), "42", "44")
		var accounts []string
		for _, enrolment := range w.resume(w.takeOver("b")).Enrolments {
			accounts = append(accounts, enrolment.Account)
		}
		assert.ElementsMatch(w.t, []string{"42", "43", "44", ""}, accounts)
	}},
	{"runs of older terms that were never settled are unsettled", testUnsettled},
	{"rows that end later than the watermark are ahead", testAhead},
	{"runs that were interrupted and may run again are told", testInterrupted},
	{"it is safe to repeat", func(w *ledgerTest) {
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42", "43")
		w.hold(term, w.newRun("buy_orders", at(9, 1)), w.newRun("sell_monitor", at(9, 15)))
		w.record(term, at(9, 10), unstarted(w.newRun("analysis", at(16, 0)), store.Missed, "too late"))
		next := w.takeOver("b")
		assert.Equal(w.t, w.resume(next), w.resume(next))
	}},
	{"instants are kept to the microsecond and in UTC", func(w *ledgerTest) {
		to := at(9, 30).Add(987654 * time.Microsecond)
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		w.withdraw(term, "42", to)
		w.record(term, to)
		state := w.resume(w.takeOver("b"))
		assert.Equal(w.t, to, toMicrosecond(state.Watermark))
		assert.Equal(w.t, time.UTC, state.Watermark.Location())
		require.Len(w.t, state.Enrolments, 1)
		assert.Equal(w.t, to, toMicrosecond(state.Enrolments[0].Withdrawn))
		assert.Equal(w.t, time.UTC, state.Enrolments[0].Withdrawn.Location())
	}},
}

func (w *ledgerTest) withdraw(term store.Term, account string, at time.Time) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Withdraw(w.ctx, term, store.Enrolment{Account: account, From: at, Withdrawn: at}))
}

// assertEnrolled checks the enrolments that the holder of a term resumes from,
// which are given by account.
func (w *ledgerTest) assertEnrolled(term store.Term, want ...store.Enrolment) {
	w.t.Helper()
	var got []store.Enrolment
	for _, e := range w.resume(term).Enrolments {
		got = append(got, store.Enrolment{
			Account: e.Account, From: e.From.UTC(), Withdrawn: e.Withdrawn.UTC(), Returned: e.Returned.UTC(),
		})
	}
	assert.ElementsMatch(w.t, want, got)
}

func testServedEarlier(w *ledgerTest) {
	first := w.lead("a")
	w.enroll(first, at(9, 0), "left early", "left late", "stays")
	w.record(first, at(9, 10))

	second := w.takeOver("b")
	w.enroll(second, at(9, 10), "left late", "stays")
	w.record(second, at(9, 20))

	w.takeOver("c") // it died before it served anyone

	fourth := w.takeOver("d")
	w.enroll(fourth, at(9, 20), "stays")
	w.record(fourth, at(9, 30))

	w.assertEnrolled(w.takeOver("e"),
		store.Enrolment{Account: "left early", From: at(9, 10)},
		store.Enrolment{Account: "left late", From: at(9, 20)},
		store.Enrolment{Account: "stays", From: at(9, 30)},
	)
}

func testReturned(w *ledgerTest) {
	back := store.Enrolment{Account: "back", From: at(9, 9), Withdrawn: at(9, 10), Returned: at(9, 20)}
	late := store.Enrolment{Account: "late", From: at(8, 0), Returned: at(9, 20)}
	first := w.lead("a")
	w.enroll(first, at(9, 0), "back", "late", "stays")
	w.withdraw(first, "back", at(9, 10))
	w.enrollAs(first, back, late)
	w.enrollAs(first, back, late)
	w.record(first, at(9, 30))
	stays := store.Enrolment{Account: "stays", From: at(9, 30)}
	w.assertEnrolled(first, back, late, stays)
	w.assertEnrolled(w.takeOver("b"), back, late, stays)

	second := w.takeOver("c")
	w.enroll(second, at(9, 25), "back", "late")
	w.record(second, at(9, 40))
	want := []store.Enrolment{{Account: "back", From: at(9, 40)}, {Account: "late", From: at(9, 40)}, stays}
	w.assertEnrolled(w.takeOver("d"), want...)
}

func testAheadOfReturned(w *ledgerTest) {
	of := func(account, task string, due time.Time) store.Run {
		run := w.newRun(task, due)
		run.Account, run.ID = account, store.RunID(run.Scheduler, account, task, run.Slot)
		return run
	}
	term := w.lead("a")
	manual := of("back", "manual", at(9, 13))
	manual.Manual = true
	running := of("back", "unsettled", at(9, 14))
	w.hold(term, of("back", "after", at(9, 11)), of("back", "at", at(9, 10)), of("away", "away", at(9, 11)),
		of("stays", "stays", at(9, 11)), of("back", "later", at(9, 31)), manual)
	settled := ended(running, store.Succeeded)
	w.hold(term, running)
	w.record(term, at(9, 30),
		unstarted(of("back", "missed", at(9, 12)), store.Missed, "down"),
		spanning(unstarted(of("back", "range across it", at(9, 5)), store.Missed, "down"), 10),
		spanning(unstarted(of("back", "range up to it", at(9, 5)), store.Missed, "down"), 6),
		spanning(unstarted(of("back", "range across the watermark", at(9, 20)), store.Missed, "down"), 20),
		spanning(unstarted(of("earlier", "range across its own", at(9, 8)), store.Missed, "down"), 3),
	)
	w.enroll(term, at(9, 0), "stays")
	w.enrollAs(term,
		store.Enrolment{Account: "back", From: at(9, 10), Withdrawn: at(9, 10), Returned: at(9, 20)},
		store.Enrolment{Account: "earlier", From: at(9, 9), Returned: at(9, 20)},
		store.Enrolment{Account: "away", From: at(9, 10), Withdrawn: at(9, 10)})
	want := []string{"after", "missed", "range across it", "range across the watermark", "range across its own", "later", "manual"}
	assert.ElementsMatch(w.t, append([]string{"unsettled"}, want...), tasksOf(w.resume(term).Ahead))

	next := w.takeOver("b")
	assert.ElementsMatch(w.t, []string{"range across it", "range across the watermark", "range across its own", "missed"},
		tasksOf(w.resume(next).Ahead), "what is unsettled is not")
	w.settle(settled)
	assert.Contains(w.t, tasksOf(w.resume(next).Ahead), "unsettled")

	w.enroll(next, at(9, 25), "back", "earlier")
	assert.ElementsMatch(w.t, []string{"range across the watermark"}, tasksOf(w.resume(next).Ahead))
}

func testUnsettled(w *ledgerTest) {
	first := w.lead("a")
	behind, ahead, manual := w.newRun("behind", at(9, 1)), w.newRun("ahead", at(9, 30)), w.newRun("manual", at(9, 2))
	settled := w.newRun("settled", at(9, 3))
	manual.Manual = true
	w.hold(first, behind, ahead, manual, settled)
	w.settle(ended(settled, store.Succeeded))
	w.record(first, at(9, 10))
	assert.Empty(w.t, w.resume(first).Unsettled, "runs of the current term")

	second := w.takeOver("b")
	own := w.newRun("own", at(9, 31))
	w.hold(second, own)
	assert.ElementsMatch(w.t, []string{"behind", "ahead", "manual"}, tasksOf(w.resume(second).Unsettled))
	assert.ElementsMatch(w.t, []string{"own"}, tasksOf(w.resume(second).Ahead))

	third := w.takeOver("c")
	assert.ElementsMatch(w.t, []string{"behind", "ahead", "manual", "own"}, tasksOf(w.resume(third).Unsettled))
	w.settle(ended(behind, store.Interrupted), ended(ahead, store.Interrupted))
	assert.ElementsMatch(w.t, []string{"manual", "own"}, tasksOf(w.resume(third).Unsettled))
	assert.ElementsMatch(w.t, []string{"ahead"}, tasksOf(w.resume(third).Ahead))
}

func testInterrupted(w *ledgerTest) {
	first := w.lead("a")
	w.record(first, at(9, 10))
	for task, until := range map[string]time.Time{"later": at(9, 40), "at the watermark": at(9, 30), "over": at(9, 29), "never": {}} {
		run := w.newRun(task, at(9, 20))
		w.hold(first, run)
		run = ended(run, store.Interrupted)
		run.RerunUntil = until
		w.settle(run)
	}
	w.record(first, at(9, 30))
	next := w.takeOver("b")
	state := w.resume(next)
	assert.Equal(w.t, []string{"later"}, tasksOf(state.Interrupted))
	assert.Empty(w.t, state.Unsettled)
	require.Len(w.t, state.Interrupted, 1)
	old := state.Interrupted[0]
	assert.Equal(w.t, at(9, 40), toMicrosecond(old.RerunUntil))

	again := w.rival(old)
	assert.True(w.t, w.reclaim(next, old.Token, again).Held)
	assert.Empty(w.t, w.resume(next).Interrupted, "it runs again")
	w.settle(ended(again, store.Succeeded))
	assert.Empty(w.t, w.resume(w.takeOver("c")).Interrupted, "it has run again")
}

func testAhead(w *ledgerTest) {
	term := w.lead("a")
	for _, outcome := range finalOutcomes {
		run := w.newRun(outcome.String(), at(9, 31))
		w.hold(term, run)
		w.settle(ended(run, outcome))
	}
	manual := w.newRun("manual", at(9, 31))
	manual.Manual = true
	w.hold(term, manual, w.newRun("running", at(9, 31)), w.newRun("before", at(9, 29)), w.newRun("at", at(9, 30)))
	w.record(term, at(9, 30),
		unstarted(w.newRun("recorded", at(9, 31)), store.Skipped, "closed"),
		spanning(unstarted(w.newRun("range that ends later", at(9, 20)), store.Missed, "down"), 12),
		spanning(unstarted(w.newRun("range that ends with it", at(9, 20)), store.Missed, "down"), 11),
	)
	want := []string{"running", "recorded", "range that ends later", "manual"}
	for _, outcome := range finalOutcomes {
		want = append(want, outcome.String())
	}
	assert.ElementsMatch(w.t, want, tasksOf(w.resume(term).Ahead))

	next := w.takeOver("b")
	want = slices.DeleteFunc(want, func(task string) bool { return task == "running" || task == "manual" })
	assert.ElementsMatch(w.t, want, tasksOf(w.resume(next).Ahead))
}

func tasksOf(runs []store.Run) []string {
	var tasks []string
	for _, run := range runs {
		tasks = append(tasks, run.Task)
	}
	return tasks
}
