package storetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

// fencedWrites are the calls that a term that is not current must not make.
var fencedWrites = []struct {
	name string
	call func(w *ledgerTest, term store.Term, held store.Run) error
}{
	{"Enroll", func(w *ledgerTest, term store.Term, _ store.Run) error {
		return w.ledger.Enroll(w.ctx, term, []store.Enrolment{{Account: "7", From: at(9, 0)}})
	}},
	{"Withdraw", func(w *ledgerTest, term store.Term, _ store.Run) error {
		return w.ledger.Withdraw(w.ctx, term, store.Enrolment{Account: "42", From: at(9, 0), Withdrawn: at(9, 0)})
	}},
	{"Claim", func(w *ledgerTest, term store.Term, _ store.Run) error {
		_, err := w.ledger.Claim(w.ctx, term, []store.Run{w.newRun("sell_monitor", at(9, 20))})
		return err
	}},
	{"Claim repeated", func(w *ledgerTest, term store.Term, held store.Run) error {
		_, err := w.ledger.Claim(w.ctx, term, []store.Run{held})
		return err
	}},
	{"Reclaim", func(w *ledgerTest, term store.Term, _ store.Run) error {
		_, err := w.ledger.Reclaim(w.ctx, term, "", w.newRun("analysis", at(16, 0)))
		return err
	}},
	{"Release", func(w *ledgerTest, term store.Term, held store.Run) error {
		return w.ledger.Release(w.ctx, term, []store.Run{held})
	}},
	{"Record outcomes", func(w *ledgerTest, term store.Term, _ store.Run) error {
		missed := unstarted(w.newRun("sell_monitor", at(9, 20)), store.Missed, "too late")
		return w.ledger.Record(w.ctx, term, []store.Run{missed}, time.Time{})
	}},
	{"Record the watermark", func(w *ledgerTest, term store.Term, _ store.Run) error {
		return w.ledger.Record(w.ctx, term, nil, at(9, 30))
	}},
	{"ResetWatermark", func(w *ledgerTest, term store.Term, _ store.Run) error {
		resetter, ok := w.ledger.(store.Resetter)
		if !ok {
			return store.ErrDeposed
		}
		return resetter.ResetWatermark(w.ctx, term, at(8, 0), "wrong clock", "operator")
	}},
}

// endings are the ways in which a term is not, or no longer, current. Each
// returns the current term last, or none if another is still to be made.
var endings = []struct {
	name string
	end  func(w *ledgerTest, term store.Term) (ended, current store.Term)
}{
	{"after a takeover", func(w *ledgerTest, term store.Term) (ended, current store.Term) {
		return term, w.takeOver("b")
	}},
	{"after it resigned", func(w *ledgerTest, term store.Term) (ended, current store.Term) {
		w.resign(term)
		return term, store.Term{}
	}},
	{"of a number that was never granted", func(_ *ledgerTest, term store.Term) (ended, current store.Term) {
		return store.Term{Scheduler: paper, Holder: "a", Number: 2}, term
	}},
	{"of a scheduler that never led", func(_ *ledgerTest, term store.Term) (ended, current store.Term) {
		return store.Term{Scheduler: "real", Holder: "a", Number: 1}, term
	}},
	{"of the zero term", func(_ *ledgerTest, term store.Term) (ended, current store.Term) {
		return store.Term{}, term
	}},
}

var fenceCases = makeFenceCases()

func makeFenceCases() []ledgerCase {
	var cases []ledgerCase
	for _, write := range fencedWrites {
		for _, ending := range endings {
			cases = append(cases, ledgerCase{write.name + " " + ending.name, func(w *ledgerTest) {
				term := w.lead("a")
				held := w.newRun("sell_monitor", at(9, 15))
				w.hold(term, held)
				w.enroll(term, at(9, 0), "42")
				w.record(term, at(9, 10), unstarted(w.newRun("analysis", at(16, 0)), store.Missed, "too late"))
				ended, current := ending.end(w, term)
				require.ErrorIs(w.t, write.call(w, ended, held), store.ErrDeposed)
				if current.Number == 0 {
					current = w.lead("b")
				}
				w.assertUntouched(current, held)
			}})
		}
	}
	return cases
}

// assertUntouched checks that the ledger is as the fence cases set it up.
func (w *ledgerTest) assertUntouched(current store.Term, held store.Run) {
	w.t.Helper()
	state := w.resume(current)
	assert.Equal(w.t, at(9, 10), state.Watermark.UTC())
	require.Len(w.t, state.Enrolments, 1)
	assert.Equal(w.t, "42", state.Enrolments[0].Account)
	assert.Zero(w.t, state.Enrolments[0].Withdrawn)
	var rows []string
	for _, row := range slices.Concat(state.Unsettled, state.Ahead) {
		rows = append(rows, row.Task+" "+row.Outcome.String())
	}
	assert.ElementsMatch(w.t, []string{"sell_monitor running", "analysis missed"}, rows)
	assert.Equal(w.t, []bool{true}, w.settle(ended(held, store.Succeeded)), "the row carries its token still")
}
