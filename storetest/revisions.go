package storetest

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// scheduleRevision returns the store's revision, or "" if it tells none.
func scheduleRevision(t *testing.T, st store.ScheduleStore) string {
	t.Helper()
	reviser, ok := st.(store.Reviser)
	if !ok {
		return ""
	}
	revision, err := reviser.Revision(t.Context())
	require.NoError(t, err)
	return revision
}

func testRevision(w *editorTest) {
	companion[store.Reviser](w.t, w.store)
	seen := map[string]string{scheduleRevision(w.t, w.store): "the empty store"}
	changed := func(what string) {
		w.t.Helper()
		revision := scheduleRevision(w.t, w.store)
		assert.NotContains(w.t, seen, revision, what)
		seen[revision] = what
		assert.Equal(w.t, revision, scheduleRevision(w.t, w.store), "without an edit")
	}
	row := w.put(schedule("buy_orders", "daily 09:01"))
	changed("a new row")
	priority := 1
	row = w.update(row, store.ScheduleEdit{Priority: &priority})
	changed("an update")
	w.put(row)
	changed("a replaced row")
	w.seed(schedule("analysis", "daily 16:00"))
	changed("a seed")
	require.NoError(w.t, w.store.DeleteSchedule(w.ctx, ops, "", "buy_orders"))
	changed("a deleted row")
	assert.Zero(w.t, w.seed(schedule("analysis", "daily 17:00")))
	assert.Contains(w.t, seen, scheduleRevision(w.t, w.store), "a seed that added nothing")
}

// testChanges makes edits, and holds what the store lists as changed since each
// revision before to what it has in the end.
func testChanges(w *editorTest) {
	lister := companion[store.ChangeLister](w.t, w.store)
	type state struct {
		revision string
		rows     []store.Schedule
	}
	var states []state
	note := func() {
		rows, err := w.store.Schedules(w.ctx)
		require.NoError(w.t, err)
		states = append(states, state{scheduleRevision(w.t, w.store), rows})
	}
	row := w.put(schedule("buy_orders", "daily 09:01"))
	note()
	priority := 1
	row = w.update(row, store.ScheduleEdit{Priority: &priority})
	note()
	w.put(fullSchedule())
	w.seed(schedule("analysis", "daily 16:00"), schedule("monitor", "after analysis 5m"))
	note()
	require.NoError(w.t, w.store.DeleteSchedule(w.ctx, ops, "", "buy_orders"))
	note()
	w.put(row)
	require.NoError(w.t, w.store.DeleteSchedule(w.ctx, ops, "", "monitor"))
	note()
	now := states[len(states)-1]
	for i, was := range states {
		changes, err := lister.Changes(w.ctx, was.revision)
		require.NoError(w.t, err)
		assert.Equal(w.t, now.revision, changes.Revision)
		assert.ElementsMatch(w.t, keptSchedules(now.rows), keptSchedules(changed(was.rows, changes)), "since revision %d of %d", i+1, len(states))
	}
	none, err := lister.Changes(w.ctx, now.revision)
	require.NoError(w.t, err)
	assert.Equal(w.t, store.ScheduleChanges{Revision: now.revision}, none)
}

// changed returns rows after the changes that a store listed.
func changed(rows []store.Schedule, changes store.ScheduleChanges) []store.Schedule {
	byKey := make(map[store.ScheduleKey]store.Schedule)
	for _, row := range slices.Concat(rows, changes.Rows) {
		byKey[row.Key()] = row
	}
	for _, key := range changes.Removed {
		delete(byKey, key)
	}
	return slices.Collect(maps.Values(byKey))
}

func testUnknownRevisions(t *testing.T, st store.ScheduleStore) {
	lister := companion[store.ChangeLister](t, st)
	for _, revision := range []string{"", "another store's", "-1", "1000000000"} {
		_, err := lister.Changes(t.Context(), revision)
		assert.ErrorIs(t, err, store.ErrRevisionUnknown, revision)
	}
}

// testSince makes edits at different times and checks Since and Prior.
func testSince(w *editorTest) {
	priority, disabled, enabled, spread := 1, true, false, time.Minute
	fo, ny, days := "XNSE.FO", "XNYS", calendar.EveryDay
	daily, hourly := rule.MustParse("daily 09:30"), rule.MustParse("hourly 09:30-15:30")
	later, every := rule.MustParse("hourly 10:30-15:30"), rule.MustParse("every 5m 09:15-15:30")
	steps := []struct {
		name  string
		at    time.Time
		edit  store.ScheduleEdit
		since time.Time
		prior string
	}{
		{"another field", at(9, 1), store.ScheduleEdit{Priority: &priority}, at(9, 0), ""},
		{"a spread", at(9, 1), store.ScheduleEdit{Spread: &spread}, at(9, 0), ""},
		{"the same rule", at(9, 2), store.ScheduleEdit{Rule: rule.MustParse("daily 09:01")}, at(9, 0), ""},
		{"a rule of the same kind", at(9, 3), store.ScheduleEdit{Rule: daily}, at(9, 3), ""},
		{"disabling", at(9, 4), store.ScheduleEdit{Disabled: &disabled}, at(9, 4), ""},
		{"disabling again", at(9, 5), store.ScheduleEdit{Disabled: &disabled}, at(9, 4), ""},
		{"enabling", at(9, 6), store.ScheduleEdit{Disabled: &enabled}, at(9, 6), ""},
		{"a rule of another kind", at(9, 7), store.ScheduleEdit{Rule: hourly}, at(9, 7), "daily 09:30"},
		{"then another field", at(9, 8), store.ScheduleEdit{Priority: &priority}, at(9, 7), "daily 09:30"},
		{"then the new kind edited on the same day", at(9, 9), store.ScheduleEdit{Rule: later}, at(9, 9), "daily 09:30"},
		{"then a third kind on the same day", at(9, 10), store.ScheduleEdit{Rule: every}, at(9, 10), "daily 09:30"},
		{"then back to the kind that holds", at(9, 11), store.ScheduleEdit{Rule: daily}, at(9, 11), ""},
		{"away again", at(9, 12), store.ScheduleEdit{Rule: hourly}, at(9, 12), "daily 09:30"},
		{"the new kind edited on a later day", at(33, 0), store.ScheduleEdit{Rule: later}, at(33, 0), ""},
		{"another kind on that day", at(33, 1), store.ScheduleEdit{Rule: every}, at(33, 1), "hourly 10:30-15:30"},
		{"disabling on a day after that", at(57, 0), store.ScheduleEdit{Disabled: &disabled}, at(57, 0), ""},
		{"a calendar", at(57, 1), store.ScheduleEdit{Calendar: &fo}, at(57, 1), ""},
		{"sessions", at(57, 1).Add(time.Second), store.ScheduleEdit{Sessions: &days}, at(57, 1).Add(time.Second), ""},
		{"the same sessions", at(57, 1).Add(2 * time.Second), store.ScheduleEdit{Sessions: &days}, at(57, 1).Add(time.Second), ""},
		{"the same calendar", at(57, 2), store.ScheduleEdit{Calendar: &fo}, at(57, 1).Add(time.Second), ""},
		{"a rule of another kind", at(57, 3), store.ScheduleEdit{Rule: daily}, at(57, 3), "every 5m 09:15-15:30"},
		{"then another calendar on the same day", at(57, 4), store.ScheduleEdit{Calendar: &ny}, at(57, 4), "every 5m 09:15-15:30"},
		{"a second time", at(81, 0), store.ScheduleEdit{Rule: rule.MustParse("daily 09:30,14:00")}, at(81, 0), "daily 09:30 as date,14:00"},
		{"then one of them moved", at(81, 1), store.ScheduleEdit{Rule: rule.MustParse("daily 09:45,14:00")}, at(81, 1), "daily 09:45 as date,14:00"},
		{"one of them alone on a later day", at(105, 0), store.ScheduleEdit{Rule: rule.MustParse("daily 14:00")}, at(105, 0), "daily 14:00 as 14:00"},
	}
	row := w.put(schedule("monitor", "daily 09:01"))
	for _, step := range steps {
		w.clock.Advance(step.at.Sub(w.clock.Now()))
		row = w.update(row, step.edit)
		got := keptScheduleOf(row)
		assert.Equal(w.t, step.since, got.Since, step.name)
		assert.Equal(w.t, step.prior, got.prior, step.name)
		w.assertRows(row)
	}
}

func testConcurrentUpdates(w *editorTest) {
	const editors = 8
	row := w.put(schedule("buy_orders", "daily 09:01"))
	errs := make([]error, editors)
	var wg sync.WaitGroup
	for i := range editors {
		wg.Go(func() {
			_, errs[i] = w.store.UpdateSchedule(w.ctx, ops, "", "buy_orders", row.Version, store.ScheduleEdit{Priority: &i})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		var conflict *store.ConflictError
		if err == nil {
			made++
		} else if !errors.As(err, &conflict) {
			assert.NoError(w.t, err)
		}
	}
	assert.Equal(w.t, 1, made)
}

// testTogether makes changes of several rows, which are refused together where one is.
func testTogether(w *editorTest) {
	base, follower := w.put(schedule("premarket_retry", "daily 09:00")), w.put(schedule("amo_adjustment", "after premarket_retry 5m"))
	moved, added := schedule("premarket_retry", "daily 09:02"), schedule("buy_orders", "daily 09:01")
	bad := schedule("sell_orders", "after analysis 5m")
	gone := store.ScheduleKey{Task: "amo_adjustment"}
	before := scheduleRevision(w.t, w.store)
	for name, changes := range map[string]store.ScheduleChanges{
		"a bad row":                {Rows: []store.Schedule{moved, added, bad}},
		"a row twice":              {Rows: []store.Schedule{added, added}},
		"what another comes after": {Rows: []store.Schedule{added}, Removed: []store.ScheduleKey{{Task: "premarket_retry"}}},
	} {
		assert.Error(w.t, w.store.ChangeSchedules(w.ctx, ops, changes), name)
	}
	err := w.store.ChangeSchedules(w.ctx, ops, store.ScheduleChanges{Rows: []store.Schedule{added}, Removed: []store.ScheduleKey{{Task: "analysis"}}})
	require.ErrorIs(w.t, err, store.ErrNoSchedule)
	err = w.store.ChangeSchedules(w.ctx, ops, store.ScheduleChanges{Rows: []store.Schedule{added}, Revision: "another"})
	require.ErrorIs(w.t, err, store.ErrSchedulesChanged)
	w.assertRows(base, follower)
	assert.Equal(w.t, before, scheduleRevision(w.t, w.store), "a refusal changes nothing")

	w.clock.Advance(time.Minute)
	changes := store.ScheduleChanges{Rows: []store.Schedule{moved, added}, Removed: []store.ScheduleKey{gone}, Revision: before}
	require.NoError(w.t, w.store.ChangeSchedules(w.ctx, ops, changes))
	moved.Since, moved.Version = at(9, 1), 2
	added.Since, added.Version = at(9, 1), 1
	w.assertRows(moved, added)
	if before != "" {
		require.ErrorIs(w.t, w.store.ChangeSchedules(w.ctx, ops, changes), store.ErrSchedulesChanged, "they were made already")
	}
	require.NoError(w.t, w.store.ChangeSchedules(w.ctx, ops, store.ScheduleChanges{Removed: []store.ScheduleKey{added.Key()}}))
	w.assertRows(moved)
}
