package storetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var historyCases = []ledgerCase{
	{"queries select and order runs", testQueries},
	{"each cursor continues where its run is", testCursors},
	{"a run tells all that became of it", testHistoryFields},
	{"what is handed out is not shared", func(w *ledgerTest) {
		history := companion[store.History](w.t, w.ledger)
		run := w.newRun("buy_orders", at(9, 1))
		w.hold(w.lead("a"), run)
		run = ended(run, store.Succeeded)
		run.Details = map[string]any{"orders": "three"}
		w.settle(run)
		w.settle(ended(run, store.Failed))
		for range 2 {
			runs := w.runs(history, store.Query{})
			require.Len(w.t, runs, 1)
			assert.Equal(w.t, "three", runs[0].Details["orders"])
			assert.Equal(w.t, store.Failed, runs[0].Late.Outcome)
			runs[0].Details["orders"], runs[0].Late.Outcome = "four", store.Missed
		}
	}},
}

func (w *ledgerTest) runs(history store.History, q store.Query) []store.Run {
	w.t.Helper()
	runs, err := history.Runs(w.ctx, q)
	require.NoError(w.t, err)
	return runs
}

// historyOf fills the ledger with runs of three days, two accounts and two
// schedulers, and names them by their reasons.
func (w *ledgerTest) historyOf() {
	w.t.Helper()
	term := w.lead("a")
	other, err := w.ledger.Lead(w.ctx, "real", "a", ttl, time.Time{})
	require.NoError(w.t, err)
	add := func(reason string, term store.Term, account, task string, days int, outcome store.Outcome) {
		run := w.newRun(task, at(9, 1).AddDate(0, 0, days))
		run.Scheduler, run.Account, run.Session = term.Scheduler, account, day.AddDays(days)
		run = unstarted(w.identified(run), outcome, reason)
		require.NoError(w.t, w.ledger.Record(w.ctx, term, []store.Run{run}, time.Time{}))
	}
	add("f", term, "43", "buy_orders", 2, store.Missed)
	add("e", term, "42", "buy_orders", 2, store.Skipped)
	add("c", term, "42", "buy_orders", 1, store.Skipped)
	add("d", term, "42", "sell_orders", 1, store.Missed)
	add("a", term, "42", "buy_orders", 0, store.Missed)
	add("b", other, "43", "buy_orders", 0, store.Missed)
}

func testQueries(w *ledgerTest) {
	history := companion[store.History](w.t, w.ledger)
	w.historyOf()
	slot := at(9, 1).AddDate(0, 0, 1).Format("2006-01-02T15:04:05Z07:00")
	cases := []struct {
		name  string
		query store.Query
		want  string
	}{
		{"all, by due time, then account, then task", store.Query{}, "abcdef"},
		{"of a scheduler", store.Query{Scheduler: "real"}, "b"},
		{"of an account", store.Query{Account: "43"}, "bf"},
		{"of a task", store.Query{Task: "sell_orders"}, "d"},
		{"of a slot", store.Query{Slot: slot}, "cd"},
		{"of an outcome", store.Query{Outcomes: []store.Outcome{store.Skipped}}, "ce"},
		{"of outcomes", store.Query{Outcomes: []store.Outcome{store.Skipped, store.Missed}}, "abcdef"},
		{"from a session", store.Query{From: day.AddDays(1)}, "cdef"},
		{"to a session", store.Query{To: day.AddDays(1)}, "abcd"},
		{"of one session", store.Query{From: day.AddDays(1), To: day.AddDays(1)}, "cd"},
		{"of several together", store.Query{Scheduler: paper, Account: "42", Task: "buy_orders", From: day.AddDays(1)}, "ce"},
		{"the newest first", store.Query{NewestFirst: true}, "fedcba"},
		{"the earliest of all", store.Query{Limit: 2}, "ab"},
		{"the latest of all", store.Query{NewestFirst: true, Limit: 2}, "fe"},
		{"the latest of some", store.Query{Account: "42", NewestFirst: true, Limit: 3}, "edc"},
		{"fewer than the limit", store.Query{Task: "sell_orders", Limit: 3}, "d"},
		{"of a name that has none", store.Query{Account: "4"}, ""},
	}
	for _, c := range cases {
		got := ""
		for _, run := range w.runs(history, c.query) {
			got += run.Reason
		}
		assert.Equal(w.t, c.want, got, c.name)
	}
}

// testCursors reads the history in pages of each size, in both orders, and expects each
// run once and in its place.
func testCursors(w *ledgerTest) {
	history := companion[store.History](w.t, w.ledger)
	w.historyOf()
	for want, query := range map[string]store.Query{
		"abcdef": {}, "fedcba": {NewestFirst: true}, "acde": {Account: "42"}, "edca": {Scheduler: paper, Account: "42", NewestFirst: true},
	} {
		for size := range len(want) + 1 {
			page, got := query, ""
			for page.Limit = size + 1; ; {
				runs := w.runs(history, page)
				for _, run := range runs {
					got += run.Reason
				}
				if len(runs) < page.Limit {
					break
				}
				page.After = runs[len(runs)-1].Cursor()
			}
			assert.Equal(w.t, want, got, "in pages of %d", page.Limit)
		}
	}
}

func testHistoryFields(w *ledgerTest) {
	history := companion[store.History](w.t, w.ledger)
	term := w.lead("a")
	run := w.newRun("sell_monitor", at(9, 15))
	run.Repeating, run.Calendar, run.CalendarVersion = true, "XNSE", "2026.3"
	w.hold(term, run)
	run = ended(run, store.Failed)
	run.Term, run.Reason, run.Details = term.Number, "no quotes", map[string]any{"symbols": 4}
	w.settle(run)
	late := ended(run, store.Succeeded)
	w.settle(late)
	run.Late = lateEvidence(late)
	missed := spanning(unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "down"), 11)
	missed.Term = term.Number
	w.record(term, at(9, 40), missed)

	runs := w.runs(history, store.Query{})
	require.Len(w.t, runs, 2)
	assertSameRun(w.t, run, runs[0])
	assert.True(w.t, runs[0].First, "as its claim was told")
	assertSameRun(w.t, missed, runs[1])
}

var haltCases = []ledgerCase{
	{"halts are in force until they are lifted", testHalts},
	{"a halt of an account that was never enrolled is refused", testHaltOfNobody},
	{"who halted and who lifted is kept", func(w *ledgerTest) {
		halts, auditor := companion[store.HaltStore](w.t, w.ledger), companion[store.Auditor](w.t, w.ledger)
		w.enroll(w.lead("a"), at(9, 0), "42")
		require.NoError(w.t, halts.Halt(w.ctx, store.Halt{Scheduler: paper, Account: "42", Reason: "too many orders", Actor: "Ana", At: at(9, 30)}))
		lift := store.Halt{Scheduler: paper, Account: "42", Reason: "checked", Actor: "Ben", At: at(9, 40)}
		require.NoError(w.t, halts.Lift(w.ctx, lift))
		require.NoError(w.t, halts.Lift(w.ctx, lift))
		want := []store.AuditEntry{
			{Action: "halt", Account: "42", Actor: "Ana", Reason: "too many orders", At: at(9, 30)},
			{Action: "lift", Account: "42", Actor: "Ben", Reason: "checked", At: at(9, 40)},
		}
		assert.Equal(w.t, want, w.audit(auditor))
	}},
}

func (w *ledgerTest) audit(auditor store.Auditor) []store.AuditEntry {
	w.t.Helper()
	entries, err := auditor.Audit(w.ctx, store.AuditQuery{Scheduler: paper})
	require.NoError(w.t, err)
	slices.Reverse(entries)
	for i := range entries {
		entries[i].ID = 0
		entries[i].At = toMicrosecond(entries[i].At)
	}
	return entries
}

func testHalts(w *ledgerTest) {
	halts := companion[store.HaltStore](w.t, w.ledger)
	inForce := func(want ...store.Halt) {
		w.t.Helper()
		got, err := halts.Halts(w.ctx, paper)
		require.NoError(w.t, err)
		for i := range got {
			got[i].At = toMicrosecond(got[i].At)
		}
		assert.ElementsMatch(w.t, want, got)
	}
	one := store.Halt{Scheduler: paper, Account: "42", Reason: "too many orders", Actor: "Ana", At: at(9, 30)}
	all := store.Halt{Scheduler: paper, Reason: "it's \"wild\"", Actor: "Ben", At: at(9, 31)}
	other := store.Halt{Scheduler: "real", Account: "42", Reason: "another name", Actor: "Ana", At: at(9, 32)}

	inForce()
	w.enroll(w.lead("a"), at(9, 0), "42")
	other.Serving = true // by a scheduler that the ledger knows nothing of yet
	for _, h := range []store.Halt{one, all, all, other} {
		require.NoError(w.t, halts.Halt(w.ctx, h))
	}
	inForce(one, all)

	replaced := one
	replaced.Reason, replaced.At = "another reason", at(9, 35)
	require.NoError(w.t, halts.Halt(w.ctx, replaced))
	inForce(replaced, all)

	for range 2 {
		require.NoError(w.t, halts.Lift(w.ctx, store.Halt{Scheduler: paper, Actor: "Ben", Reason: "calm", At: at(9, 40)}))
		inForce(replaced)
	}
	require.NoError(w.t, halts.Lift(w.ctx, store.Halt{Scheduler: "unknown", Account: "42", Serving: true}))
	inForce(replaced)
}

// testHaltOfNobody halts and lifts by names that were never enrolled, and by one that
// was withdrawn.
func testHaltOfNobody(w *ledgerTest) {
	halts := companion[store.HaltStore](w.t, w.ledger)
	term := w.lead("a")
	w.enroll(term, at(9, 0), "42", "7")
	w.withdraw(term, "7", at(9, 10))
	for _, h := range []store.Halt{{Scheduler: paper, Account: "24"}, {Scheduler: "real", Account: "42"}, {Scheduler: paper, Account: "4"}} {
		h.Reason, h.Actor, h.At = "too many orders", "Ana", at(9, 30)
		assert.ErrorIs(w.t, halts.Halt(w.ctx, h), store.ErrUnknownAccount, "%q of %s", h.Account, h.Scheduler)
		assert.ErrorIs(w.t, halts.Lift(w.ctx, h), store.ErrUnknownAccount, "%q of %s", h.Account, h.Scheduler)
	}
	withdrawn := store.Halt{Scheduler: paper, Account: "7", Reason: "too many orders", Actor: "Ana", At: at(9, 30)}
	require.NoError(w.t, halts.Halt(w.ctx, withdrawn))
	got, err := halts.Halts(w.ctx, paper)
	require.NoError(w.t, err)
	require.Len(w.t, got, 1)
	assert.Equal(w.t, "7", got[0].Account)
}

var resetCases = []ledgerCase{
	{"the watermark goes back, and what never started later with it", testReset},
	{"a range goes as a whole, and the watermark to before it", testResetRange},
	{"it is safe to repeat", func(w *ledgerTest) {
		resetter := companion[store.Resetter](w.t, w.ledger)
		term := w.lead("a")
		w.record(term, at(12, 0))
		for range 2 {
			require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 30), "the clock was wrong", "Ana"))
			assert.Equal(w.t, at(9, 30), w.resume(term).Watermark.UTC())
		}
	}},
	{"who did it is kept", func(w *ledgerTest) {
		resetter, auditor := companion[store.Resetter](w.t, w.ledger), companion[store.Auditor](w.t, w.ledger)
		term := w.lead("a")
		w.record(term, at(12, 0))
		require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 30), "the clock was wrong", "Ana"))
		want := store.AuditEntry{Action: "reset", Actor: "Ana", Reason: "the clock was wrong", At: at(9, 0)}
		assert.Contains(w.t, w.audit(auditor), want)
	}},
	{"the watermark is never set forward, past what nobody claimed", func(w *ledgerTest) {
		resetter := companion[store.Resetter](w.t, w.ledger)
		term := w.lead("a")
		w.record(term, at(9, 30))
		require.Error(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 31), "impatience", "Ana"))
		assert.Equal(w.t, at(9, 30), w.resume(term).Watermark.UTC())
	}},
	{"an account is accounted for no further than the watermark", func(w *ledgerTest) {
		resetter := companion[store.Resetter](w.t, w.ledger)
		term := w.lead("a")
		w.enroll(term, at(9, 0), "42")
		w.record(term, at(12, 0))
		next := w.takeOver("b")
		require.NoError(w.t, resetter.ResetWatermark(w.ctx, next, at(9, 30), "the clock was wrong", "Ana"))
		w.assertEnrolled(next, store.Enrolment{Account: "42", From: at(9, 30)})
	}},
	{"when an account was away stays as it is", func(w *ledgerTest) {
		resetter := companion[store.Resetter](w.t, w.ledger)
		term := w.lead("a")
		w.enroll(term, at(9, 0), "away", "back")
		w.record(term, at(12, 0))
		w.withdraw(term, "away", at(11, 0))
		w.enrollAs(term, store.Enrolment{Account: "back", From: at(11, 0), Withdrawn: at(11, 0), Returned: at(11, 1)})
		require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 30), "the clock was wrong", "Ana"))
		w.assertEnrolled(term,
			store.Enrolment{Account: "away", From: at(9, 30), Withdrawn: at(11, 0)},
			store.Enrolment{Account: "back", From: at(9, 30), Withdrawn: at(11, 0), Returned: at(11, 1)})
	}},
}

func testReset(w *ledgerTest) {
	resetter := companion[store.Resetter](w.t, w.ledger)
	term := w.lead("a")
	done, running := w.newRun("done", at(11, 0)), w.newRun("running", at(11, 0))
	w.hold(term, done, running)
	w.settle(ended(done, store.Skipped))
	late, exactly, early := w.newRun("late", at(9, 31)), w.newRun("exactly", at(9, 30)), w.newRun("early", at(9, 29))
	span := w.newRun("range", at(10, 0))
	w.record(term, at(12, 0),
		unstarted(late, store.Missed, "down"),
		unstarted(exactly, store.Missed, "down"),
		unstarted(early, store.Missed, "down"),
		spanning(unstarted(span, store.Skipped, "closed"), 20),
	)
	require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 30), "the clock was wrong", "Ana"))

	assert.Equal(w.t, at(9, 30), w.resume(term).Watermark.UTC(), "every range that it removed begins later")
	assert.ElementsMatch(w.t, []string{"done", "running"}, tasksOf(w.resume(term).Ahead), "what started stays")
	assert.Equal(w.t, store.Missed, w.outcome(term, exactly))
	assert.Equal(w.t, store.Missed, w.outcome(term, early))
	w.hold(term, w.rival(late), w.rival(span), w.newRun("range", at(10, 5)), w.newRun("new", at(9, 31)))
}

func testResetRange(w *ledgerTest) {
	resetter := companion[store.Resetter](w.t, w.ledger)
	term := w.lead("a")
	w.enroll(term, at(9, 0), "42")
	done, single := w.newRun("done", at(9, 25)), unstarted(w.newRun("single", at(9, 25)), store.Missed, "down")
	w.hold(term, done)
	w.settle(ended(done, store.Succeeded))
	span := func(task string, minute, count int) store.Run {
		return spanning(unstarted(w.newRun(task, at(9, minute)), store.Missed, "down"), count)
	}
	w.record(term, at(12, 0), single, span("over", 6, 25), span("later", 20, 20), span("earlier", 10, 22), span("exactly", 30, 2))
	require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(9, 30), "the clock was wrong", "Ana"))

	mark := at(9, 10).Add(-time.Second)
	assert.Equal(w.t, mark, w.resume(term).Watermark.UTC(), "before the earliest range that goes on beyond")
	w.assertEnrolled(term, store.Enrolment{Account: "42", From: mark})
	assert.ElementsMatch(w.t, []string{"over", "single", "done"}, tasksOf(w.resume(term).Ahead), "what ended by then stays")
	w.hold(term,
		w.newRun("later", at(9, 20)), w.newRun("later", at(9, 25)), w.newRun("later", at(9, 39)),
		w.newRun("earlier", at(9, 10)), w.newRun("earlier", at(9, 31)),
		w.newRun("exactly", at(9, 30)), w.newRun("exactly", at(9, 31)))
	assert.False(w.t, w.claim(term, w.newRun("over", at(9, 30)))[0].Held, "the last of the range that stays")
}

var pruneCases = []ledgerCase{
	{"final rows that are due before are removed for ever", testPrune},
	{"what may still be needed is not pruned", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		term, run := w.lead("a"), w.newRun("task", at(9, 1))
		w.record(term, at(9, 30).Add(store.MinRetention), unstarted(run, store.Missed, "down"))
		_, err := pruner.Prune(w.ctx, paper, at(9, 30).Add(time.Second))
		require.Error(w.t, err, "later than is allowed by a second")
		assert.Equal(w.t, store.Missed, w.outcome(term, run))
		removed, err := pruner.Prune(w.ctx, paper, at(9, 30))
		require.NoError(w.t, err)
		assert.Equal(w.t, 1, removed)
	}},
	{"nothing is pruned from a new ledger", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		run := w.newRun("task", at(9, 1))
		w.record(w.lead("a"), time.Time{}, unstarted(run, store.Missed, "down"))
		_, err := pruner.Prune(w.ctx, paper, at(9, 2))
		assert.Error(w.t, err)
	}},
	{"a session that goes on knows its first runs", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		term, first := w.lead("a"), w.repeating(at(0, 0).AddDate(0, 0, -1))
		w.hold(term, first)
		w.settle(ended(first, store.Succeeded))
		last := w.repeating(first.Due.Add(store.MinRetention - time.Minute))
		watermark := last.Due.Add(-time.Minute)
		w.record(term, watermark)
		_, err := pruner.Prune(w.ctx, paper, watermark.Add(-store.MinRetention))
		require.NoError(w.t, err)
		w.assertFacts(w.takeOver("b"), last, false, true)
	}},
	{"the floor outlives a term, and does not come down", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		w.record(w.lead("a"), at(12, 0).Add(store.MinRetention))
		for _, before := range []time.Time{at(11, 0), at(10, 0)} {
			_, err := pruner.Prune(w.ctx, paper, before)
			require.NoError(w.t, err)
		}
		run := w.newRun("task", at(10, 59))
		run.Backdated = true
		assert.Equal(w.t, noRow, w.claim(w.takeOver("b"), run)[0])
	}},
	{"a range is kept while any of it is due later", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		term := w.lead("a")
		w.record(term, at(12, 0).Add(store.MinRetention), spanning(unstarted(w.newRun("task", at(9, 50)), store.Missed, "down"), 20))
		_, err := pruner.Prune(w.ctx, paper, at(10, 0))
		require.NoError(w.t, err)
		for _, due := range []time.Time{at(9, 55), at(10, 5)} {
			run := w.newRun("task", due)
			run.Backdated = true
			assert.False(w.t, w.claim(term, run)[0].Held)
		}
	}},
	{"what an account that came back has since its own start is kept", func(w *ledgerTest) {
		pruner := companion[store.Pruner](w.t, w.ledger)
		term := w.lead("a")
		w.record(term, at(12, 0).Add(store.MinRetention),
			unstarted(w.newRun("before", at(9, 30)), store.Missed, "down"),
			unstarted(w.newRun("since", at(9, 31)), store.Missed, "down"),
			spanning(unstarted(w.newRun("across", at(9, 29)), store.Missed, "down"), 3))
		w.enrollAs(term, store.Enrolment{Account: "42", From: at(9, 30), Withdrawn: at(9, 30), Returned: at(9, 40)})
		removed, err := pruner.Prune(w.ctx, paper, at(10, 0))
		require.NoError(w.t, err)
		assert.Equal(w.t, 1, removed)
		assert.ElementsMatch(w.t, []string{"since", "across"}, tasksOf(w.resume(w.takeOver("b")).Ahead))

		w.enroll(w.takeOver("c"), at(9, 40), "42")
		removed, err = pruner.Prune(w.ctx, paper, at(10, 0))
		require.NoError(w.t, err)
		assert.Equal(w.t, 2, removed)
	}},
}

func testPrune(w *ledgerTest) {
	pruner := companion[store.Pruner](w.t, w.ledger)
	term := w.lead("a")
	done, running, exactly := w.newRun("done", at(9, 59)), w.newRun("running", at(9, 1)), w.newRun("exactly", at(10, 0))
	missed := unstarted(w.newRun("missed", at(9, 2)), store.Missed, "down")
	w.hold(term, done, running, exactly)
	w.settle(ended(done, store.Succeeded), ended(exactly, store.Succeeded))
	w.record(term, at(10, 0).Add(store.MinRetention), missed)

	removed, err := pruner.Prune(w.ctx, paper, at(10, 0))
	require.NoError(w.t, err)
	assert.Equal(w.t, 2, removed)
	removed, err = pruner.Prune(w.ctx, paper, at(10, 0))
	require.NoError(w.t, err)
	assert.Zero(w.t, removed)

	assert.Equal(w.t, store.Succeeded, w.outcome(term, exactly), "due at the instant, not before it")
	for _, gone := range []store.Run{done, missed} {
		again := w.rival(gone)
		again.Backdated = true
		assert.Equal(w.t, noRow, w.claim(term, again)[0], "what was removed is never claimed again")
	}
	backdated, manual := w.newRun("backdated", at(10, 0)), w.newRun("manual", at(9, 30))
	backdated.Backdated, manual.Manual = true, true
	w.hold(term, backdated, manual)
	assert.Equal(w.t, []bool{true}, w.settle(ended(running, store.Succeeded)), "a running row stays")
}
