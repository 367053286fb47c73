package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/store"
)

var finalOutcomes = []store.Outcome{
	store.Succeeded, store.Failed, store.TimedOut, store.Skipped, store.Missed, store.Interrupted,
}

var settleCases = []ledgerCase{
	{"every final outcome is stored, with what came of the run", func(w *ledgerTest) {
		term := w.lead("a")
		for _, outcome := range finalOutcomes {
			run := w.newRun("task "+outcome.String(), at(9, 1))
			w.hold(term, run)
			run = ended(run, outcome)
			run.Term, run.Attempt, run.Reason = term.Number, 3, "it's \"so\"\nand so"
			assert.Equal(w.t, []bool{true}, w.settle(run))
			assertSameRun(w.t, run, w.row(term, run))
		}
	}},
	{"details are kept", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		run = ended(run, store.Succeeded)
		run.Term = term.Number
		run.Details = map[string]any{
			"orders": 12, "value": 10234.55, "dry": true, "symbol": `M&M "A" <é>`, "none": nil,
			"at": at(9, 1), "nested": map[string]any{"list": []any{1, "two", false}},
		}
		w.settle(run)
		assertSameRun(w.t, run, w.row(term, run))
	}},
	{"repeated after a lost answer it is accepted", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		run = ended(run, store.Failed)
		assert.Equal(w.t, []bool{true}, w.settle(run))
		assert.Equal(w.t, []bool{true}, w.settle(run))
		assert.Nil(w.t, w.row(term, run).Late)
	}},
	{"a second outcome is late evidence, and changes nothing", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		first := ended(run, store.TimedOut)
		w.settle(first)
		second := ended(run, store.Succeeded)
		second.Reason, second.Finished, second.Attempt = "after all", at(9, 30), 2
		for range 2 {
			assert.Equal(w.t, []bool{false}, w.settle(second))
			want := first
			want.Term, want.Late = term.Number, lateEvidence(second)
			assertSameRun(w.t, want, w.row(term, run))
		}
	}},
	{"another token is late evidence beside the running row", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		stranger := ended(w.rival(run), store.Succeeded)
		assert.Equal(w.t, []bool{false}, w.settle(stranger))
		row := keptOf(w.t, w.row(term, run))
		assert.Equal(w.t, store.Running, row.Outcome)
		assert.Equal(w.t, lateEvidence(stranger), row.Late)
		assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Failed)))
	}},
	{"a row that was recorded accepts no outcome", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.record(term, time.Time{}, unstarted(run, store.Missed, "too late"))
		assert.Equal(w.t, []bool{false}, w.settle(ended(run, store.Succeeded)))
		row := keptOf(w.t, w.row(term, run))
		assert.Equal(w.t, store.Missed, row.Outcome)
		assert.Equal(w.t, lateEvidence(ended(run, store.Succeeded)), row.Late)
	}},
	{"without a row nothing is accepted or made", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		assert.Equal(w.t, []bool{false}, w.settle(ended(run, store.Succeeded)))
		assert.Empty(w.t, w.resume(term).Ahead)
	}},
	{"no term is needed", func(w *ledgerTest) {
		run := w.newRun("buy_orders", at(9, 1))
		w.hold(w.lead("a"), run)
		term := w.takeOver("b")
		assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Succeeded)))
		interrupted := run
		interrupted.Outcome, interrupted.Reason, interrupted.Finished = store.Interrupted, "its process died", at(9, 5)
		assert.Equal(w.t, []bool{false}, w.settle(interrupted), "the real outcome came first")
		assert.Equal(w.t, store.Succeeded, w.row(term, run).Outcome)
	}},
	{"what comes after a takeover interrupted the run is late evidence", func(w *ledgerTest) {
		run, term := w.interrupted()
		assert.Equal(w.t, []bool{false}, w.settle(ended(run, store.Succeeded)))
		row := keptOf(w.t, w.row(term, run))
		assert.Equal(w.t, store.Interrupted, row.Outcome)
		assert.Equal(w.t, "its process died", row.Reason)
		assert.Equal(w.t, lateEvidence(ended(run, store.Succeeded)), row.Late)
	}},
	{"results are per run and in order", testSettleOrder},
	{"a batch may be of several schedulers", func(w *ledgerTest) {
		run := w.newRun("buy_orders", at(9, 1))
		w.hold(w.lead("a"), run)
		other, err := w.ledger.Lead(w.ctx, "real", "a", ttl, time.Time{})
		assert.NoError(w.t, err)
		same := run
		same.Scheduler = "real"
		same = w.identified(same)
		w.hold(other, same)
		assert.Equal(w.t, []bool{true, true}, w.settle(ended(run, store.Failed), ended(same, store.Succeeded)))
		assert.Equal(w.t, store.Succeeded, w.row(other, same).Outcome)
	}},
	{"an outcome that is not final is refused", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		for _, outcome := range []store.Outcome{store.NoOutcome, store.Running} {
			_, err := w.ledger.Settle(w.ctx, []store.Run{ended(run, outcome)})
			assert.Error(w.t, err)
		}
		assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Succeeded)))
	}},
}

func testSettleOrder(w *ledgerTest) {
	term := w.lead("a")
	running, done, unknown := w.newRun("running", at(9, 1)), w.newRun("done", at(9, 1)), w.newRun("unknown", at(9, 1))
	w.hold(term, running, done)
	w.settle(ended(done, store.Succeeded))
	got := w.settle(
		ended(unknown, store.Succeeded),
		ended(running, store.Failed),
		ended(done, store.Failed),
		ended(done, store.Succeeded),
	)
	assert.Equal(w.t, []bool{false, true, false, true}, got)
	assert.Equal(w.t, store.Failed, w.outcome(term, running))
}
