package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// TestLedger holds a ledger to the contract of store.Ledger, and to those
// of History, Tallier, HaltStore, Directory, RequestStore, OverrideStore, Resetter, Pruner and Auditor where it has them: each
// that it means to have is named by Has, and the others are skipped if it lacks them. It
// calls open for a new and empty ledger in each of its subtests. The ledger must
// tell from the given clock, a *clockwork.FakeClock, when a term expires.
//
//	func TestMyLedger(t *testing.T) {
//		storetest.TestLedger(t, func(t *testing.T, clock clockwork.Clock) store.Ledger {
//			return openMyLedger(t.TempDir(), clock)
//		})
//	}
func TestLedger(t *testing.T, open func(t *testing.T, clock clockwork.Clock) store.Ledger, has ...Companion) {
	t.Run("Companions", func(t *testing.T) {
		testCompanions(t, open(t, clockwork.NewFakeClockAt(at(9, 0))), ledgerCompanions, has)
	})
	groups := []struct {
		name  string
		cases []ledgerCase
	}{
		{"Lead", leadCases},
		{"Fence", fenceCases},
		{"Claim", claimCases},
		{"Armed", armedCases},
		{"Facts", factCases},
		{"Reclaim", reclaimCases},
		{"Release", releaseCases},
		{"Record", recordCases},
		{"Settle", settleCases},
		{"Resume", resumeCases},
		{"Runs", historyCases},
		{"Tallies", tallyCases},
		{"Halts", haltCases},
		{"Requests", requestCases},
		{"Overrides", overrideCases},
		{"Directory", directoryCases},
		{"ResetWatermark", resetCases},
		{"Prune", pruneCases},
		{"Edges", edgeCases},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					w := newLedgerTest(t, open)
					c.test(w)
					w.checkTallies()
				})
			}
		})
	}
}

// ledgerCase is one scenario, which begins with an empty ledger.
type ledgerCase struct {
	name string
	test func(w *ledgerTest)
}

// ledgerTest is a ledger under test, with calls that must succeed.
type ledgerTest struct {
	t      *testing.T
	ctx    context.Context
	clock  *clockwork.FakeClock
	ledger store.Ledger
	tokens int
}

// The names and the term that most scenarios use.
const (
	paper = "paper"
	ttl   = 30 * time.Second
)

func newLedgerTest(t *testing.T, open func(*testing.T, clockwork.Clock) store.Ledger) *ledgerTest {
	clock := clockwork.NewFakeClockAt(at(9, 0))
	return &ledgerTest{t: t, ctx: t.Context(), clock: clock, ledger: open(t, clock)}
}

var day = calendar.Date{Year: 2026, Month: time.November, Day: 23}

// at returns an instant of the day on which the scenarios take place.
func at(hour, minute int) time.Time {
	return time.Date(day.Year, day.Month, day.Day, hour, minute, 0, 0, time.UTC)
}

// newRun returns a run of a task that is due at an instant, with a fresh token.
func (w *ledgerTest) newRun(task string, due time.Time) store.Run {
	run := store.Run{Scheduler: paper, Account: "42", Task: task, Session: day, Due: due}
	run.Slot = due.Format("2006-01-02T15:04:05Z07:00")
	return w.identified(run)
}

// identified gives the run the ID of its names, and a fresh token.
func (w *ledgerTest) identified(run store.Run) store.Run {
	w.tokens++
	run.Token = fmt.Sprintf("token-%d", w.tokens)
	run.ID = store.RunID(run.Scheduler, run.Account, run.Task, run.Slot)
	return run
}

// rival returns another planned start of the run's slot.
func (w *ledgerTest) rival(run store.Run) store.Run { return w.identified(run) }

// unstarted returns the run as Record takes it.
func unstarted(run store.Run, outcome store.Outcome, reason string) store.Run {
	run.Token, run.Outcome, run.Reason = "", outcome, reason
	return run
}

// spanning returns the run as a record of count occurrences a minute apart.
func spanning(run store.Run, count int) store.Run {
	run.Count = count
	run.LastDue = run.Due.Add(time.Duration(count-1) * time.Minute)
	run.LastSlot = run.LastDue.Format("2006-01-02T15:04:05Z07:00")
	return run
}

// ended returns the run with an outcome, as Settle takes it.
func ended(run store.Run, outcome store.Outcome) store.Run {
	run.Outcome = outcome
	run.Started = run.Due.Add(time.Second)
	run.Finished = run.Due.Add(20 * time.Second)
	run.Attempt = 1
	return run
}

func (w *ledgerTest) lead(holder string) store.Term {
	w.t.Helper()
	term, err := w.ledger.Lead(w.ctx, paper, holder, ttl, time.Time{})
	require.NoError(w.t, err)
	return term
}

// takeOver lets the current term expire and makes the next one.
func (w *ledgerTest) takeOver(holder string) store.Term {
	w.t.Helper()
	w.clock.Advance(ttl)
	return w.lead(holder)
}

func (w *ledgerTest) claim(term store.Term, runs ...store.Run) []store.Claim {
	w.t.Helper()
	claims, err := w.ledger.Claim(w.ctx, term, runs)
	require.NoError(w.t, err)
	require.Len(w.t, claims, len(runs), "a claim for each run")
	for i := range claims {
		w.checkTaken(&claims[i])
	}
	return claims
}

// checkTaken holds a claim to saying by what the slot is taken, if it is, and takes
// that out of the claim: testTaken looks at it.
func (w *ledgerTest) checkTaken(claim *store.Claim) {
	w.t.Helper()
	if claim.Held || claim.Outcome == store.NoOutcome {
		assert.Nil(w.t, claim.Taken, "what the slot is taken by")
		return
	}
	if assert.NotNil(w.t, claim.Taken, "what the slot is taken by") {
		assert.Equal(w.t, claim.Outcome, claim.Taken.Outcome, "the outcome of what the slot is taken by")
	}
	claim.Taken = nil
}

// hold claims runs that must all be held.
func (w *ledgerTest) hold(term store.Term, runs ...store.Run) {
	w.t.Helper()
	for i, claim := range w.claim(term, runs...) {
		require.True(w.t, claim.Held, "the claim of %s %s", runs[i].Task, runs[i].Slot)
	}
}

func (w *ledgerTest) reclaim(term store.Term, old string, run store.Run) store.Claim {
	w.t.Helper()
	claim, err := w.ledger.Reclaim(w.ctx, term, old, run)
	require.NoError(w.t, err)
	w.checkTaken(&claim)
	return claim
}

func (w *ledgerTest) record(term store.Term, to time.Time, outcomes ...store.Run) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Record(w.ctx, term, outcomes, to))
}

// settle settles the runs and returns which of them were accepted.
func (w *ledgerTest) settle(runs ...store.Run) []bool {
	w.t.Helper()
	results, err := w.ledger.Settle(w.ctx, runs)
	require.NoError(w.t, err)
	require.Len(w.t, results, len(runs), "a result for each run")
	accepted := make([]bool, len(results))
	for i, result := range results {
		accepted[i] = result.Accepted
	}
	return accepted
}

func (w *ledgerTest) enroll(term store.Term, from time.Time, accounts ...string) {
	w.t.Helper()
	enrolments := make([]store.Enrolment, len(accounts))
	for i, account := range accounts {
		enrolments[i] = store.Enrolment{Account: account, From: from}
	}
	w.enrollAs(term, enrolments...)
}

func (w *ledgerTest) enrollAs(term store.Term, enrolments ...store.Enrolment) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Enroll(w.ctx, term, enrolments))
}

func (w *ledgerTest) resume(term store.Term) store.State {
	w.t.Helper()
	state, err := w.ledger.Resume(w.ctx, term)
	require.NoError(w.t, err)
	return state
}

// row returns the row of the run's slot as Resume tells it, which is possible
// for rows that end later than the watermark or are unsettled.
func (w *ledgerTest) row(term store.Term, run store.Run) store.Run {
	w.t.Helper()
	state := w.resume(term)
	for _, row := range slices.Concat(state.Unsettled, state.Ahead, state.Interrupted) {
		if row.Account == run.Account && row.Task == run.Task && row.Slot == run.Slot {
			return row
		}
	}
	require.Fail(w.t, "no such row", "%s %s", run.Task, run.Slot)
	return store.Run{}
}

// outcome returns the outcome of the row of the run's slot, and changes nothing.
func (w *ledgerTest) outcome(term store.Term, run store.Run) store.Outcome {
	w.t.Helper()
	return w.reclaim(term, "the token of no run", w.rival(run)).Outcome
}

// assertSameRun compares what a store must keep of a run: instants to the
// microsecond, details as JSON, and neither what Claim answers nor the deadline.
func assertSameRun(t *testing.T, want, got store.Run) {
	t.Helper()
	assert.Equal(t, keptOf(t, want), keptOf(t, got))
	for name, instant := range map[string]time.Time{"Due": got.Due, "Started": got.Started, "Finished": got.Finished, "LastDue": got.LastDue, "RerunUntil": got.RerunUntil} {
		assert.Equal(t, time.UTC, instant.Location(), "the location of %s", name)
	}
}

func keptOf(t *testing.T, run store.Run) store.Run {
	t.Helper()
	run.First, run.Resumed, run.Deadline = false, false, time.Time{}
	for _, instant := range []*time.Time{&run.Due, &run.Started, &run.Finished, &run.LastDue, &run.RerunUntil} {
		*instant = toMicrosecond(*instant)
	}
	if run.Late != nil {
		late := *run.Late
		late.Finished = toMicrosecond(late.Finished)
		run.Late = &late
	}
	run.Details = asJSON(t, run.Details)
	return run
}

func toMicrosecond(instant time.Time) time.Time { return instant.UTC().Truncate(time.Microsecond) }

func asJSON(t *testing.T, details map[string]any) map[string]any {
	t.Helper()
	if len(details) == 0 {
		return nil
	}
	text, err := json.Marshal(details)
	require.NoError(t, err)
	var plain map[string]any
	require.NoError(t, json.Unmarshal(text, &plain))
	return plain
}
