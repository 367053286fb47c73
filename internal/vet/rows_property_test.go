package vet

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/planworld"
	"github.com/tradeclock/tradeclock/store"
)

// TestVettedRowsAreDueAsTheOracleSays vets the rows of made-up worlds, none of which may be
// refused: what is due for each account, by the rows that hold for it and those that they
// are linked with, is what the oracle says.
func TestVettedRowsAreDueAsTheOracleSays(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 5))
		w := planworld.New(seed, random, planworld.Whole)
		from, to := w.SomeRange(random)
		var schedules []store.Schedule
		for _, task := range w.Tasks {
			schedules = append(schedules, task.Schedule())
		}
		view := NewCalendar(w, w.Location())
		rows, bad := Rows(schedules, func(string) (*Calendar, error) { return view, nil }, func(string) error { return nil })
		require.Empty(t, bad, "world %v", w)

		p := plan.NewBy(PlannedRows(rows), func(calendar.Calendar) calendar.Calendar { return w })
		w.Same(t, w.Due(from, to), dueFor(w.Accounts, p.Between(from, to)), "what is due")
	}
}

// dueFor multiplies a plan by the accounts that its rows hold for.
func dueFor(accounts []string, planned []plan.Occurrence) (all []planworld.Due) {
	for _, o := range planned {
		for _, account := range accounts {
			if r := RowOf(o); r.Run.HoldsFor(account) {
				all = append(all, planworld.Due{At: o.Due.UTC(), Account: account, Task: r.Task, Slot: o.Slot, Session: o.Session, Skipped: o.Skip != ""})
			}
		}
	}
	return planworld.Sorted(all)
}
