package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var (
	heldRunning = store.Claim{Held: true, Outcome: store.Running}
	takenBy     = func(o store.Outcome) store.Claim { return store.Claim{Outcome: o} }
	noRow       = store.Claim{}
)

// claimed returns the row that a claim of the run makes.
func claimed(run store.Run, term store.Term) store.Run {
	run.Outcome, run.Term = store.Running, term.Number
	return run
}

var claimCases = []ledgerCase{
	{"a free slot is held", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		assert.Equal(w.t, []store.Claim{heldRunning}, w.claim(term, run))
		assertSameRun(w.t, claimed(run, term), w.row(term, run))
	}},
	{"a claim repeated after a lost answer is held", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		assert.Equal(w.t, []store.Claim{heldRunning}, w.claim(term, run))
	}},
	{"a second start of a slot is not held", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		assert.Equal(w.t, []store.Claim{takenBy(store.Running)}, w.claim(term, w.rival(run)))
		assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Succeeded)), "the first start has the row still")
	}},
	{"a settled slot is held by nobody", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.hold(term, run)
		w.settle(ended(run, store.Failed))
		want := []store.Claim{takenBy(store.Failed), takenBy(store.Failed)}
		assert.Equal(w.t, want, w.claim(term, run, w.rival(run)))
	}},
	{"a recorded slot is not held", func(w *ledgerTest) {
		term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
		w.record(term, time.Time{}, unstarted(run, store.Skipped, "halted"))
		assert.Equal(w.t, []store.Claim{takenBy(store.Skipped)}, w.claim(term, run))
	}},
	{"a slot is taken under a later term too", func(w *ledgerTest) {
		run := w.newRun("buy_orders", at(9, 1))
		w.hold(w.lead("a"), run)
		assert.Equal(w.t, []store.Claim{takenBy(store.Running)}, w.claim(w.takeOver("b"), w.rival(run)))
	}},
	{"results are per run and in order", testClaimOrder},
	{"account, task and slot make the row", testClaimKeys},
	{"a run at or before the watermark is not held", testClaimWatermark},
	{"a slot in a recorded range is not held", testClaimRange},
	{"odd names are kept", testClaimNames},
	{"every field is kept", testClaimFields},
	{"what was handed over is not shared", testClaimNotShared},
	{"a batch may have any size", testClaimBatches},
	{"of many concurrent starts of a slot one is held", testConcurrentClaims},
}

func testClaimOrder(w *ledgerTest) {
	term := w.lead("a")
	running, done := w.newRun("sell_monitor", at(9, 15)), w.newRun("sell_monitor", at(9, 16))
	w.hold(term, running, done)
	w.settle(ended(done, store.TimedOut))

	free := w.newRun("sell_monitor", at(9, 17))
	batch := []store.Run{w.rival(done), free, w.rival(free), running, w.rival(running), w.newRun("analysis", at(16, 0))}
	want := []store.Claim{
		takenBy(store.TimedOut), heldRunning, takenBy(store.Running),
		heldRunning, takenBy(store.Running), heldRunning,
	}
	assert.Equal(w.t, want, w.claim(term, batch...))
}

func testClaimKeys(w *ledgerTest) {
	term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
	account, nobody, task, slot := run, run, run, run
	account.Account, nobody.Account, task.Task, slot.Slot = "43", "", "sell_orders", "2026-11-24"
	w.hold(term, run, w.identified(account), w.identified(nobody), w.identified(task), w.identified(slot))
}

func testClaimWatermark(w *ledgerTest) {
	term := w.lead("a")
	running, done := w.newRun("early", at(9, 1)), w.newRun("early", at(9, 2))
	w.hold(term, running, done)
	w.settle(ended(done, store.Succeeded))
	w.record(term, at(9, 30))

	before, exactly, after := w.newRun("task", at(9, 29)), w.newRun("task", at(9, 30)), w.newRun("task", at(9, 31))
	backdated, manual := w.newRun("backdated", at(9, 29)), w.newRun("manual", at(9, 29))
	backdated.Backdated, manual.Manual = true, true
	cases := []struct {
		name string
		run  store.Run
		want store.Claim
	}{
		{"before the watermark", before, noRow},
		{"at the watermark", exactly, noRow},
		{"after the watermark", after, heldRunning},
		{"backdated", backdated, heldRunning},
		{"manual", manual, heldRunning},
		{"repeated, of a run that was held before the watermark passed it", running, heldRunning},
		{"of a settled row behind the watermark", w.rival(done), takenBy(store.Succeeded)},
	}
	for _, c := range cases {
		assert.Equal(w.t, c.want, w.claim(term, c.run)[0], c.name)
	}
	assert.Equal(w.t, store.NoOutcome, w.outcome(term, before), "a refused claim makes no row")
}

func testClaimRange(w *ledgerTest) {
	term := w.lead("a")
	first := w.newRun("sell_monitor", at(9, 20))
	w.record(term, time.Time{}, spanning(unstarted(first, store.Missed, "the process was down"), 11))
	backdated, manual := w.newRun("sell_monitor", at(9, 26)), w.newRun("sell_monitor", at(9, 27))
	backdated.Backdated, manual.Manual = true, true
	account := w.newRun("sell_monitor", at(9, 25))
	account.Account = "43"
	cases := []struct {
		name string
		run  store.Run
		held bool
	}{
		{"before the range", w.newRun("sell_monitor", at(9, 19)), true},
		{"its first", first, false},
		{"inside", w.newRun("sell_monitor", at(9, 25)), false},
		{"inside and backdated", backdated, false},
		{"inside and manual", manual, false},
		{"its last", w.newRun("sell_monitor", at(9, 30)), false},
		{"after the range", w.newRun("sell_monitor", at(9, 31)), true},
		{"of another task", w.newRun("position_monitor", at(9, 25)), true},
		{"of another account", w.identified(account), true},
	}
	for _, c := range cases {
		assert.Equal(w.t, c.held, w.claim(term, c.run)[0].Held, c.name)
	}
}

var oddNames = []string{
	"two words", "it's", `"quoted"`, "semi;colon--", "percent%_", `back\slash`, "naïve 任务 🕘", "{\"json\": [1]}", "A", "a",
	strings.Repeat("x", 200), strings.Repeat("é", 100),
}

func testClaimNames(w *ledgerTest) {
	term := w.lead("a")
	var runs []store.Run
	for _, name := range oddNames {
		account, task, slot := w.newRun("task", at(9, 1)), w.newRun(name, at(9, 1)), w.newRun("task", at(9, 1))
		account.Account, slot.Slot = name, name
		runs = append(runs, w.identified(account), w.identified(task), w.identified(slot))
	}
	w.hold(term, runs...)
	for i, claim := range w.claim(term, rivals(w, runs)...) {
		assert.Equal(w.t, takenBy(store.Running), claim, "%s %s %s", runs[i].Account, runs[i].Task, runs[i].Slot)
	}
	for _, run := range runs {
		assertSameRun(w.t, claimed(run, term), w.row(term, run))
	}
	w.enroll(term, at(9, 0), oddNames...)
	var accounts []string
	for _, enrolment := range w.resume(term).Enrolments {
		accounts = append(accounts, enrolment.Account)
	}
	assert.ElementsMatch(w.t, oddNames, accounts)
}

func rivals(w *ledgerTest, runs []store.Run) []store.Run {
	rivals := slices.Clone(runs)
	for i, run := range runs {
		rivals[i] = w.rival(run)
	}
	return rivals
}

// testClaimFields checks that a row keeps what its run said when it was claimed.
func testClaimFields(w *ledgerTest) {
	run := w.newRun("sell_monitor", at(9, 15).Add(123456*time.Microsecond))
	run.Manual, run.Actor = true, "Ana O'Neill"
	run.Backdated, run.Repeating = true, true
	run.Offset = 61*time.Second + 234*time.Millisecond
	run.Calendar, run.CalendarVersion = "XNSE", "2026.3"
	w.hold(w.lead("a"), run)

	term := w.takeOver("b")
	state := w.resume(term)
	require.Len(w.t, state.Unsettled, 1)
	assertSameRun(w.t, claimed(run, store.Term{Number: 1}), state.Unsettled[0])
}

func testClaimNotShared(w *ledgerTest) {
	term, run := w.lead("a"), w.newRun("buy_orders", at(9, 1))
	w.hold(term, run)
	run = ended(run, store.Succeeded)
	run.Details = map[string]any{"orders": 3}
	w.settle(run)
	run.Details["orders"] = 4
	w.row(term, run).Details["orders"] = 5
	assert.EqualValues(w.t, 3, w.row(term, run).Details["orders"])
}

func testClaimBatches(w *ledgerTest) {
	term := w.lead("a")
	for day, size := range []int{0, 1, 1500} {
		var runs, missed []store.Run
		for i := range size {
			run := w.newRun(fmt.Sprintf("task %d", i), at(9, 1).AddDate(0, 0, day))
			other := run
			other.Account = "missed"
			runs, missed = append(runs, run), append(missed, unstarted(w.identified(other), store.Missed, "too late"))
		}
		w.hold(term, runs...)
		for i := range runs {
			runs[i] = ended(runs[i], store.Succeeded)
		}
		assert.NotContains(w.t, w.settle(runs...), false)
		w.record(term, time.Time{}, missed...)
		for _, claim := range w.claim(term, missed...) {
			require.Equal(w.t, takenBy(store.Missed), claim)
		}
	}
	assert.Len(w.t, w.resume(term).Ahead, 2*1501)
}

func testConcurrentClaims(w *ledgerTest) {
	const starts = 8
	term := w.lead("a")
	var batches [starts][]store.Run
	for i := range batches {
		for slot := range 20 {
			batches[i] = append(batches[i], w.newRun("buy_orders", at(9, slot)))
		}
	}
	var claims [starts][]store.Claim
	var errs [starts]error
	var wg sync.WaitGroup
	for i := range starts {
		wg.Go(func() { claims[i], errs[i] = w.ledger.Claim(w.ctx, term, batches[i]) })
	}
	wg.Wait()
	for slot := range 20 {
		held := 0
		for i := range starts {
			require.NoError(w.t, errs[i])
			if claims[i][slot].Held {
				held++
			}
		}
		assert.Equal(w.t, 1, held, "starts of slot %d", slot)
	}
}
