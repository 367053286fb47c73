package storetest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// testEditsSayByWhom has each way of editing refuse what says not by whom or why, and
// change nothing.
func testEditsSayByWhom(w *editorTest) {
	row := w.put(schedule("buy_orders", "daily 09:01"))
	for _, by := range []store.By{{}, {Actor: "Ana"}, {Reason: "a test"}} {
		_, err := w.store.PutSchedule(w.ctx, by, schedule("buy_orders", "daily 09:05"))
		require.Error(w.t, err, "put")
		_, err = w.store.UpdateSchedule(w.ctx, by, "", "buy_orders", row.Version, store.ScheduleEdit{Rule: rule.MustParse("daily 09:05")})
		require.Error(w.t, err, "update")
		require.Error(w.t, w.store.DeleteSchedule(w.ctx, by, "", "buy_orders"), "delete")
		changes := store.ScheduleChanges{Rows: []store.Schedule{schedule("sell_orders", "daily 09:05")}}
		require.Error(w.t, w.store.ChangeSchedules(w.ctx, by, changes), "change")
	}
	w.assertRows(row)
}

// testEditsAreKept looks for each edit in the audit, with the row before and after.
func testEditsAreKept(w *editorTest) {
	auditor := companion[store.Auditor](w.t, w.store)
	by := store.By{Actor: "Ana", Reason: "as agreed"}
	_, err := w.store.SeedSchedules(w.ctx, schedule("seeded", "daily 09:00"))
	require.NoError(w.t, err)
	added, err := w.store.PutSchedule(w.ctx, by, schedule("buy_orders", "daily 09:01"))
	require.NoError(w.t, err)
	w.clock.Advance(time.Minute)
	edited, err := w.store.UpdateSchedule(w.ctx, by, "", "buy_orders", 1, store.ScheduleEdit{Rule: rule.MustParse("daily 09:05")})
	require.NoError(w.t, err)
	moved := edited
	moved.Rule = rule.MustParse("daily 09:07")
	require.NoError(w.t, w.store.ChangeSchedules(w.ctx, by, store.ScheduleChanges{
		Rows: []store.Schedule{moved}, Removed: []store.ScheduleKey{{Task: "seeded"}},
	}))
	require.NoError(w.t, w.store.DeleteSchedule(w.ctx, by, "", "buy_orders"))

	entries, err := auditor.Audit(w.ctx, store.AuditQuery{Scheduler: paper})
	require.NoError(w.t, err)
	slices.Reverse(entries)
	var told []string
	for i, e := range entries {
		told = append(told, e.Action+" "+e.Task+" by "+e.Actor+": "+e.Reason)
		assert.True(w.t, i == 0 || e.ID > entries[i-1].ID, "IDs grow")
	}
	require.Equal(w.t, []string{
		"add seeded by seed: a default row was missing", "add buy_orders by Ana: as agreed", "edit buy_orders by Ana: as agreed",
		"remove seeded by Ana: as agreed", "edit buy_orders by Ana: as agreed", "remove buy_orders by Ana: as agreed",
	}, told)
	assert.Equal(w.t, at(9, 1), entries[2].At.UTC())
	w.assertRow(added, entries[2].Before)
	w.assertRow(edited, entries[2].After)
	assert.Empty(w.t, entries[1].Before)
	assert.Empty(w.t, entries[5].After)
	assert.Equal(w.t, []store.FieldChange{{Field: "rule", Before: `"daily 09:01"`, After: `"daily 09:05"`}}, entries[2].Changed())

	page, err := auditor.Audit(w.ctx, store.AuditQuery{Limit: 2, Before: entries[4].ID})
	require.NoError(w.t, err)
	require.Len(w.t, page, 2)
	assert.Equal(w.t, []int64{entries[3].ID, entries[2].ID}, []int64{page[0].ID, page[1].ID})
}

func (w *editorTest) assertRow(want store.Schedule, text json.RawMessage) {
	w.t.Helper()
	var got store.Schedule
	require.NoError(w.t, json.Unmarshal(text, &got))
	assert.Equal(w.t, keptScheduleOf(want), keptScheduleOf(got))
}
