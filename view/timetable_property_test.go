package view_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/planworld"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// TestTimetableAgreesWithThePlan asks for the next occurrence of made-up schedules at
// made-up instants, at due instants and beside them, and compares with the oracle. An
// date that the calendar does not know stands for an occurrence that is skipped.
func TestTimetableAgreesWithThePlan(t *testing.T) {
	var known, unknown int
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 6))
		w := planworld.New(seed, random, planworld.Whole)
		from, to := w.SomeRange(random)
		due := w.Due(from, to)
		tasks := w.TasksOf(w.Accounts[0])
		var rows []store.Schedule
		for _, task := range tasks {
			rows = append(rows, task.Schedule())
		}
		for i, task := range tasks {
			timetable, err := view.NewTimetable(rows[i], w, rows...)
			require.NoError(t, err, "%v", w)
			mine := slices.DeleteFunc(slices.Clone(due), func(o planworld.Due) bool { return o.Task != task.Name || o.Account != w.Accounts[0] })
			after := []time.Time{from, from.Add(time.Duration(random.Int64N(int64(to.Sub(from)))))}
			for _, o := range mine[:min(len(mine), 8)] {
				after = append(after, o.At.Add(-time.Nanosecond), o.At)
			}
			for _, at := range after {
				if at.Before(from) {
					continue
				}
				if checkTimetable(t, w, timetable, mine, at, to) {
					known++
				} else {
					unknown++
				}
				checkPrevious(t, w, timetable, mine, from, at)
			}
			checkBetween(t, w, timetable, mine, from, to)
		}
	}
	assert.Greater(t, known, 1_000, "the worlds have something due")
	assert.Greater(t, unknown, 50)
}

// checkTimetable holds an answer to what is due up to an instant, in order, and reports
// whether the calendar knew enough.
func checkTimetable(t *testing.T, w *planworld.World, timetable *view.Timetable, mine []planworld.Due, at, to time.Time) bool {
	t.Helper()
	mine = slices.DeleteFunc(slices.Clone(mine), func(o planworld.Due) bool { return !o.At.After(at) })
	next, err := timetable.Next(at)
	if errors.Is(err, calendar.ErrUnknownDate) {
		require.True(t, len(mine) == 0 || mine[0].Skipped, "after %v: %v, in %v", at, err, w)
		return false
	}
	if i := slices.IndexFunc(mine, func(o planworld.Due) bool { return !o.Skipped }); i >= 0 {
		require.NoError(t, err, "after %v: %v", at, w)
		require.Equal(t, mine[i].At.UTC(), next, "after %v: %v", at, w)
		return true
	}
	if err == nil {
		require.True(t, next.After(to), "after %v: %v, in %v", at, next, w)
	}
	return true
}

// checkPrevious holds the answer of what was due before an instant to what is due from an
// earlier one on, in order.
func checkPrevious(t *testing.T, w *planworld.World, timetable *view.Timetable, mine []planworld.Due, from, at time.Time) {
	t.Helper()
	mine = slices.DeleteFunc(slices.Clone(mine), func(o planworld.Due) bool { return !o.At.Before(at) })
	previous, err := timetable.Previous(at)
	i := len(mine) - 1
	for ; i >= 0 && mine[i].Skipped; i-- {
	}
	switch {
	case errors.Is(err, calendar.ErrUnknownDate):
		require.True(t, len(mine) == 0 || i < len(mine)-1 || anySkippedAt(mine, mine[i].At), "before %v: %v, in %v", at, err, w)
	case i >= 0:
		require.NoError(t, err, "before %v: %v", at, w)
		require.Equal(t, mine[i].At.UTC(), previous, "before %v: %v", at, w)
	case err == nil:
		require.False(t, previous.After(from), "before %v: %v, in %v", at, previous, w)
	}
}

func anySkippedAt(due []planworld.Due, at time.Time) bool {
	return slices.ContainsFunc(due, func(o planworld.Due) bool { return o.Skipped && o.At.Equal(at) })
}

// checkBetween holds what is due in a range to the oracle, up to what is not known.
func checkBetween(t *testing.T, w *planworld.World, timetable *view.Timetable, mine []planworld.Due, from, to time.Time) {
	t.Helper()
	var want []rule.Occurrence
	for _, o := range mine {
		if !o.Skipped {
			want = append(want, rule.Occurrence{Due: o.At.UTC(), Slot: o.Slot})
		}
	}
	due, err := timetable.Between(from, to)
	if err != nil {
		require.ErrorIs(t, err, calendar.ErrUnknownDate)
		require.LessOrEqual(t, len(due), len(want))
		want = want[:len(due)]
	}
	require.ElementsMatch(t, want, due, "%v", w)
}
