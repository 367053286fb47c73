package tradeclock

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
		for _, task := range w.TasksOf(w.Accounts[0]) {
			if task.Base != "" {
				continue
			}
			timetable, err := scheduleOf(task).Timetable(w)
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
			}
		}
	}
	assert.Greater(t, known, 1_000, "the worlds have something due")
	assert.Greater(t, unknown, 50)
}

// checkTimetable holds an answer to what is due up to an instant, in order, and reports
// whether the calendar knew enough.
func checkTimetable(t *testing.T, w *planworld.World, timetable *Timetable, mine []planworld.Due, at, to time.Time) bool {
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

// scheduleOf is a made-up task as a schedule.
func scheduleOf(t planworld.Task) Schedule {
	s := Schedule{Task: t.Name, Account: t.Account, Rule: t.Rule, Sessions: t.Sessions, Since: t.Since, Disabled: t.Disabled}
	if t.Prior != nil {
		s.Prior = t.Prior.Rule
	}
	return s
}
