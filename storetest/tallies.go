package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var tallyCases = []ledgerCase{
	{"what is claimed, started and settled is counted", testTalliesOfRuns},
	{"what is claimed again, or given back, is counted as what it becomes", testTalliesOfReclaims},
	{"ranges are counted with what they stand for", testTalliesOfRecords},
	{"what is removed is not counted", testTalliesOfRemoved},
	{"queries select and order tallies", testTallyQueries},
	{"each cursor continues behind its tally", testTallyCursors},
}

// checkTallies compares the tallies with a count over the history, if the ledger has both.
func (w *ledgerTest) checkTallies() {
	w.t.Helper()
	tallier, tells := w.ledger.(store.Tallier)
	history, reads := w.ledger.(store.History)
	if !tells || !reads {
		return
	}
	for _, bySlot := range []bool{true, false} {
		want := countOf(w.runs(history, store.Query{}), bySlot)
		got := w.tallies(tallier, store.TallyQuery{BySlot: bySlot})
		for i := range got {
			if i < len(want) && got[i].WorstLateness > want[i].WorstLateness {
				got[i].WorstLateness = want[i].WorstLateness // of a run that is gone
			}
		}
		assert.Equal(w.t, want, got, "the tallies, and what the history has")
	}
}

// countOf counts runs as tallies do.
func countOf(runs []store.Run, bySlot bool) []store.Tally {
	counts := make(map[store.Tally]store.Tally)
	for _, run := range runs {
		tally := store.TallyOf(&run)
		if !bySlot {
			tally.Slot = ""
		}
		sum := counts[tally.Key()]
		tally.Add(sum)
		counts[tally.Key()] = tally
	}
	var all []store.Tally
	for _, tally := range counts {
		all = append(all, tally)
	}
	slices.SortFunc(all, func(a, b store.Tally) int { return a.Compare(&b) })
	return all
}

func (w *ledgerTest) tallies(tallier store.Tallier, q store.TallyQuery) []store.Tally {
	w.t.Helper()
	tallies, err := tallier.Tallies(w.ctx, q)
	require.NoError(w.t, err)
	return tallies
}

// assertTallies holds the tallies of whole sessions to texts such as "2 succeeded", each
// with its class and how many occurrences, if these are more.
func (w *ledgerTest) assertTallies(want ...string) {
	w.t.Helper()
	w.checkTallies()
	got := []string{}
	for _, t := range w.tallies(companion[store.Tallier](w.t, w.ledger), store.TallyQuery{}) {
		text := fmt.Sprintf("%d %v", t.Runs, t.Outcome)
		if t.Class != "" {
			text += ", " + t.Class
		}
		if t.Occurrences != t.Runs {
			text += fmt.Sprintf(", of %d", t.Occurrences)
		}
		got = append(got, text)
	}
	assert.Equal(w.t, want, got)
}

// burst returns the runs of one occurrence for n accounts.
func (w *ledgerTest) burst(n int) []store.Run {
	runs := make([]store.Run, n)
	for i := range runs {
		run := w.newRun("buy_orders", at(9, 1))
		run.Account = fmt.Sprintf("a%02d", i)
		runs[i] = w.identified(run)
	}
	return runs
}

func testTalliesOfRuns(w *ledgerTest) {
	tallier := companion[store.Tallier](w.t, w.ledger)
	term, runs := w.lead("a"), w.burst(8)
	for i := range runs[:7] {
		runs[i].Outcome = store.Armed
	}
	claim := func(some []store.Run) {
		for range 2 { // as after a lost answer
			w.hold(term, some...)
		}
	}
	claim(runs[:7])
	w.assertTallies("7 armed")
	claim(runs)
	w.assertTallies("7 armed", "1 running")
	for i := range runs[:2] {
		runs[i].Outcome, runs[i].Started = store.Running, at(9, 1)
	}
	claim(runs[:2])
	w.claim(term, w.rival(runs[0]), w.rival(runs[1]))
	w.assertTallies("5 armed", "3 running")

	var all []store.Run
	for i, outcome := range []store.Outcome{store.Succeeded, store.Failed, store.Succeeded, store.Skipped, store.TimedOut} {
		run := ended(runs[i+1], outcome)
		run.Started, run.Reason = run.Due.Add(time.Duration(i+1)*time.Second), map[store.Outcome]string{store.Failed: "panic: no"}[outcome]
		all = append(all, run)
	}
	halted := ended(runs[7], store.Skipped)
	halted.Started, halted.Reason = time.Time{}, store.Halt{Actor: "Ana", Reason: "too many"}.Why()
	all = append(all, halted)
	for _, some := range [][]store.Run{all[:2], all, all} {
		w.settle(some...)
	}
	w.settle(ended(runs[1], store.Failed), ended(w.rival(runs[0]), store.Failed)) // too late, and of nobody
	w.assertTallies("1 armed", "1 failed, panic", "1 running", "1 skipped, executor", "1 skipped, halted", "2 succeeded", "1 timed out, timeout")
	late := make(map[store.Outcome]time.Duration)
	for _, t := range w.tallies(tallier, store.TallyQuery{}) {
		late[t.Outcome] = max(late[t.Outcome], t.WorstLateness)
	}
	assert.Equal(w.t, map[store.Outcome]time.Duration{
		store.Armed: 0, store.Running: 0,
		store.Failed: 2 * time.Second, store.Succeeded: 3 * time.Second, store.Skipped: 4 * time.Second, store.TimedOut: 5 * time.Second,
	}, late, "the worst lateness")
}

func testTalliesOfReclaims(w *ledgerTest) {
	companion[store.Tallier](w.t, w.ledger)
	term, runs := w.lead("a"), w.burst(5)
	w.hold(term, runs[:3]...)
	interrupted := ended(runs[0], store.Interrupted)
	interrupted.Reason = "the scheduler has stopped"
	w.settle(interrupted)
	missed := unstarted(runs[3], store.Missed, "its catch-up of 2m0s had passed")
	w.record(term, time.Time{}, missed)
	w.assertTallies("1 interrupted, stopped", "1 missed, late", "2 running")

	again, late := w.rival(runs[0]), w.rival(runs[3])
	late.Outcome = store.Armed
	for range 2 {
		w.reclaim(term, runs[0].Token, again)
		w.reclaim(term, "", late)
	}
	w.reclaim(term, "the token of no run", w.rival(runs[1]))
	w.assertTallies("1 armed", "3 running")

	back, backMissed, gone := again, late, runs[1]
	back.Outcome, back.Reason, back.Finished = interrupted.Outcome, interrupted.Reason, interrupted.Finished
	backMissed.Outcome, backMissed.Reason, backMissed.Finished = missed.Outcome, missed.Reason, missed.Finished
	for range 2 {
		require.NoError(w.t, w.ledger.Release(w.ctx, term, []store.Run{back, backMissed, gone, runs[4]}))
		w.assertTallies("1 interrupted, stopped", "1 missed, late", "1 running")
	}
}

func testTalliesOfRecords(w *ledgerTest) {
	companion[store.Tallier](w.t, w.ledger)
	term := w.lead("a")
	span := func(minute, count int) store.Run {
		return spanning(unstarted(w.newRun("sell_monitor", at(9, minute)), store.Missed, "down"), count)
	}
	for range 2 {
		w.record(term, time.Time{}, span(0, 5), unstarted(w.newRun("sell_monitor", at(9, 30)), store.Skipped, "the calendar says so"))
		w.assertTallies("1 missed, late, of 5", "1 skipped, calendar")
	}
	w.record(term, time.Time{}, span(0, 7), span(10, 3), span(10, 4), unstarted(w.newRun("sell_monitor", at(9, 2)), store.Missed, "down"))
	w.assertTallies("2 missed, late, of 11", "1 skipped, calendar")
	w.record(term, time.Time{}, span(0, 6))
	w.assertTallies("2 missed, late, of 11", "1 skipped, calendar")
}

func testTalliesOfRemoved(w *ledgerTest) {
	companion[store.Tallier](w.t, w.ledger)
	resetter, pruner := companion[store.Resetter](w.t, w.ledger), companion[store.Pruner](w.t, w.ledger)
	term, runs := w.lead("a"), w.burst(4)
	w.hold(term, runs[:3]...)
	w.settle(ended(runs[0], store.Succeeded), ended(runs[1], store.Failed))
	end := at(12, 0).Add(store.MinRetention)
	w.record(term, end,
		unstarted(runs[3], store.Missed, "down"),
		spanning(unstarted(w.newRun("sell_monitor", at(9, 30)), store.Missed, "down"), 20),
		unstarted(w.newRun("sell_monitor", at(11, 0)), store.Skipped, "closed"))
	w.assertTallies("1 failed, error", "1 missed, late", "1 running", "1 succeeded", "1 missed, late, of 20", "1 skipped, calendar")

	require.NoError(w.t, resetter.ResetWatermark(w.ctx, term, at(10, 30), "the clock was wrong", "Ana"))
	w.assertTallies("1 failed, error", "1 missed, late", "1 running", "1 succeeded", "1 missed, late, of 20")
	w.record(term, end)
	for range 2 {
		_, err := pruner.Prune(w.ctx, paper, at(9, 40))
		require.NoError(w.t, err)
		w.assertTallies("1 running", "1 missed, late, of 20")
	}
	w.takeOver("b")
	w.assertTallies("1 running", "1 missed, late, of 20")
}

func testTallyQueries(w *ledgerTest) {
	tallier := companion[store.Tallier](w.t, w.ledger)
	w.historyOf()
	of := func(t store.Tally) string {
		return fmt.Sprintf("%s %s %s %v %d", t.Scheduler, t.Session, t.Task, t.Outcome, t.Runs)
	}
	first, second, third := day.String(), day.AddDays(1).String(), day.AddDays(2).String()
	a, b := paper+" "+first+" buy_orders missed 1", "real "+first+" buy_orders missed 1"
	c, d := paper+" "+second+" buy_orders skipped 1", paper+" "+second+" sell_orders missed 1"
	f, e := paper+" "+third+" buy_orders missed 1", paper+" "+third+" buy_orders skipped 1"
	for _, q := range []struct {
		name  string
		query store.TallyQuery
		want  []string
	}{
		{"all", store.TallyQuery{}, []string{a, b, c, d, f, e}},
		{"of a scheduler", store.TallyQuery{Scheduler: "real"}, []string{b}},
		{"of a task", store.TallyQuery{Task: "sell_orders"}, []string{d}},
		{"of outcomes", store.TallyQuery{Outcomes: []store.Outcome{store.Skipped}}, []string{c, e}},
		{"from a session", store.TallyQuery{From: day.AddDays(1)}, []string{c, d, f, e}},
		{"to a session", store.TallyQuery{To: day}, []string{a, b}},
		{"of one session of a scheduler", store.TallyQuery{Scheduler: paper, From: day, To: day}, []string{a}},
		{"the first", store.TallyQuery{Limit: 2}, []string{a, b}},
	} {
		var got []string
		for _, t := range w.tallies(tallier, q.query) {
			assert.Empty(w.t, t.Slot, q.name)
			got = append(got, of(t))
		}
		assert.Equal(w.t, q.want, got, q.name)
	}
}

func testTallyCursors(w *ledgerTest) {
	tallier := companion[store.Tallier](w.t, w.ledger)
	term := w.lead("a")
	w.historyOf()
	for minute := range 4 {
		w.record(term, time.Time{}, unstarted(w.newRun("sell_monitor", at(10, minute)), store.Missed, "down"))
	}
	for _, bySlot := range []bool{true, false} {
		q := store.TallyQuery{BySlot: bySlot}
		all := w.tallies(tallier, q)
		var paged []store.Tally
		for q.Limit = 2; ; {
			page := w.tallies(tallier, q)
			paged = append(paged, page...)
			if len(page) < q.Limit {
				break
			}
			q.After = &page[len(page)-1]
		}
		assert.Equal(w.t, all, paged)
	}
}
