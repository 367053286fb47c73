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
	"github.com/tradeclock/tradeclock/rule"
)

// TestTimetableAgreesWithThePlan asks for the next occurrence of made-up schedules at
// made-up instants, at due instants and beside them, and compares with the oracle. An
// date that the calendar does not know stands for an occurrence that is skipped.
func TestTimetableAgreesWithThePlan(t *testing.T) {
	var known, unknown int
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 6))
		w := newPlanWorld(seed, random, wholePlans.tasks)
		from, to := w.someRange(random, wholePlans.ranges)
		due := sorted(w.due(from, to))
		for _, task := range w.tasksOf(w.accounts[0]) {
			if task.kind == rule.KindAfter {
				continue
			}
			timetable, err := task.Timetable(w)
			require.NoError(t, err, "%v", w)
			mine := slices.DeleteFunc(slices.Clone(due), func(o planDue) bool { return o.task != task.Task || o.account != w.accounts[0] })
			after := []time.Time{from, from.Add(time.Duration(random.Int64N(int64(to.Sub(from)))))}
			for _, o := range mine[:min(len(mine), 8)] {
				after = append(after, o.due.Add(-time.Nanosecond), o.due)
			}
			for _, at := range after {
				if at.Before(from) {
					continue
				}
				if w.checkTimetable(t, timetable, mine, at, to) {
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
func (w *planWorld) checkTimetable(t *testing.T, timetable *Timetable, mine []planDue, at, to time.Time) bool {
	t.Helper()
	mine = slices.DeleteFunc(slices.Clone(mine), func(o planDue) bool { return !o.due.After(at) })
	next, err := timetable.Next(at)
	if errors.Is(err, calendar.ErrUnknownDate) {
		require.True(t, len(mine) == 0 || mine[0].skipped, "after %v: %v, in %v", at, err, w)
		return false
	}
	if i := slices.IndexFunc(mine, func(o planDue) bool { return !o.skipped }); i >= 0 {
		require.NoError(t, err, "after %v: %v", at, w)
		require.Equal(t, mine[i].due.UTC(), next, "after %v: %v", at, w)
		return true
	}
	if err == nil {
		require.True(t, next.After(to), "after %v: %v, in %v", at, next, w)
	}
	return true
}
