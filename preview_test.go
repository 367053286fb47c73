package tradeclock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// own is a row of an account of its own.
func own(account string) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Account = account }
}

func disabled(s *tradeclock.Schedule) { s.Disabled = true }

var previewCases = []struct {
	name    string
	changes store.ScheduleChanges
	// some of what is to be told: "2026-11-24 buy_orders 16:05 -> 16:10"
	want []string
}{
	{"nothing", store.ScheduleChanges{}, nil},
	{"the same again", put(row("buy_orders", "daily 16:05")), nil},
	{"later today", put(row("buy_orders", "daily 16:10")), []string{
		"2026-11-23 buy_orders 16:05 -> 16:10", "2026-11-24 buy_orders 16:05 -> 16:10", "2026-11-25 buy_orders 16:05 -> 16:10",
	}},
	{"what ran already", put(row("premarket_retry", "daily 10:30")), []string{
		"2026-11-24 premarket_retry 09:00 -> 10:30", "2026-11-24 premarket_amo_adjustment 09:05 -> 10:35",
	}},
	{"to a time that is past", put(row("buy_orders", "daily 09:50")), []string{
		"2026-11-23 buy_orders 16:05 -> ", "2026-11-24 buy_orders 16:05 -> 09:50",
	}},
	{"fewer", put(row("sell_monitor", "every 5m 09:15-15:30", atLeastOnce)), []string{"2026-11-23 sell_monitor 10:01 -> "}},
	{"another kind, after the first", put(row("position_monitor", "every 30m 09:30-15:30")), []string{
		"2026-11-24 position_monitor 09:30 -> ", "2026-11-24 position_monitor  -> 09:30",
	}},
	{"another kind, before the first", put(row("buy_orders", "hourly 16:05-18:05")), []string{
		"2026-11-23 buy_orders 16:05 -> ", "2026-11-23 buy_orders  -> 16:05", "2026-11-23 buy_orders  -> 18:05",
	}},
	{"disabled", put(row("buy_orders", "daily 16:05", disabled)), []string{"2026-11-23 buy_orders 16:05 -> "}},
	{"removed", remove("eod_cleanup", ""), []string{"2026-11-23 eod_cleanup 18:00 -> "}},
	{"a new task", put(row("report", "daily 17:00 on last session of week")), []string{"2026-11-27 report  -> 17:00"}},
	{"a row of one account", put(row("buy_orders", "daily 16:30", own("42"))), []string{"2026-11-23 buy_orders for account 42 16:05 -> 16:30"}},
	{"the base of what follows, for one account", put(row("premarket_retry", "daily 08:45", own("42"))), []string{
		"2026-11-24 premarket_retry for account 42 09:00 -> 08:45", "2026-11-24 premarket_amo_adjustment for account 42 09:05 -> 08:50",
	}},
	{"several", store.ScheduleChanges{
		Rows:    []tradeclock.Schedule{row("analysis", "daily 16:02"), row("buy_orders", "after analysis 3m")},
		Removed: []store.ScheduleKey{{Task: "eod_cleanup"}},
	}, []string{"2026-11-24 analysis 16:00 -> 16:02", "2026-11-23 eod_cleanup 18:00 -> "}},
}

func put(rows ...tradeclock.Schedule) store.ScheduleChanges {
	return store.ScheduleChanges{Rows: rows}
}

func remove(task, account string) store.ScheduleChanges {
	return store.ScheduleChanges{Removed: []store.ScheduleKey{{Task: task, Account: account}}}
}

// TestRule38_APreviewIsWhatThenRuns previews edits in the middle of a day, makes them, and
// compares what runs in the next sessions with what would have run, changed as it was told.
func TestRule38_APreviewIsWhatThenRuns(t *testing.T) {
	for _, test := range previewCases {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:50:00")
			_, err := w.store.SeedSchedules(t.Context(), tradingWeekRows()...)
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			v := w.view(cfg)
			s, d := w.drive(cfg)
			defer stop(t, s)
			d.Until(at("2026-11-23 10:00:00"))

			expected := make(map[string]time.Time) // by task and slot
			for _, date := range []string{"2026-11-23", "2026-11-24", "2026-11-25"} {
				for _, item := range planOf(t, v, date, view.PlanQuery{Limit: 1000}) {
					expected[item.Task+" "+item.Slot] = item.Due
				}
			}
			preview, err := v.Preview(t.Context(), test.changes, 3)
			require.NoError(t, err)
			if test.name != "a new task" {
				assert.Equal(t, day("2026-11-25").String(), preview.Through.String())
			}
			var told []string
			for _, c := range preview.Changes {
				key := store.ScheduleKey{Task: c.Task, Account: c.Account}
				told = append(told, fmt.Sprintf("%v %v %s -> %s", c.Session, key, wallOf(c.Before), wallOf(c.After)))
				delete(expected, c.Task+" "+c.Slot)
				if !c.After.IsZero() {
					expected[c.Task+" "+c.Slot] = c.After
				}
			}
			if test.name == "a new task" {
				preview, err = v.Preview(t.Context(), test.changes, 5)
				require.NoError(t, err)
				require.Len(t, preview.Changes, 1)
				told = append(told, fmt.Sprintf("%v %s  -> %s", preview.Changes[0].Session, preview.Changes[0].Task, wallOf(preview.Changes[0].After)))
			}
			assert.Subset(t, told, test.want)
			if test.want == nil {
				assert.Empty(t, told)
			}

			require.NoError(t, w.store.ChangeSchedules(t.Context(), ops, test.changes))
			d.Until(at("2026-11-25 23:00:00"))
			ran := make(map[string]time.Time)
			for _, run := range w.runs("") {
				require.Equal(t, 1, run.Occurrences())
				ran[run.Task+" "+run.Slot] = run.Due
			}
			assert.Equal(t, expected, ran)
		})
	}
}

func wallOf(instant time.Time) string {
	if instant.IsZero() {
		return ""
	}
	return instant.In(kolkata).Format("15:04")
}

// TestRule38_APreviewKeepsAccountsAndFollowersApart compares the plan after an edit with that
// of before, changed as it was told, of two accounts.
func TestRule38_APreviewKeepsAccountsAndFollowersApart(t *testing.T) {
	for _, test := range []struct {
		name     string
		rows     []tradeclock.Schedule
		changes  store.ScheduleChanges
		accounts []string // that the edit is about
		want     []string
	}{
		{
			"a slot that only an account with a row of its own has used",
			[]tradeclock.Schedule{row("report", "daily 16:00 on fri"), row("report", "daily 09:30", own("7"))},
			put(row("report", "daily 11:00")), []string{"42"},
			[]string{"report  -> 11:00"},
		},
		{
			"what follows a disabled task that moves to a time that is past",
			[]tradeclock.Schedule{row("close", "daily 16:00"), row("report", "after close 5m")},
			put(row("close", "daily 09:00", disabled)), []string{"42", "7"},
			[]string{"close 16:00 -> ", "report 16:05 -> "},
		},
		{
			"what follows a task of which an account has a row of its own",
			[]tradeclock.Schedule{row("close", "daily 16:00"), row("close", "daily 17:00", own("7")), row("report", "after close 5m")},
			put(row("close", "daily 16:30")), []string{"42"},
			[]string{"close 16:00 -> 16:30", "report 16:05 -> 16:35"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:50:00")
			_, err := w.store.SeedSchedules(t.Context(), test.rows...)
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			v := w.view(cfg)
			s, d := w.drive(cfg)
			defer stop(t, s)
			require.NoError(t, s.Enroll(t.Context(), "7", cfg.Executor))
			d.Until(at("2026-11-23 10:00:00"))
			dueIn := func() map[string]time.Time {
				due := make(map[string]time.Time)
				for _, item := range planOf(t, v, "2026-11-23", view.PlanQuery{Limit: 1000}) {
					if item.Due.After(w.clock.Now()) {
						due[item.Account+" "+item.Task] = item.Due
					}
				}
				return due
			}
			expected := dueIn()
			preview, err := v.Preview(t.Context(), test.changes, 1)
			require.NoError(t, err)
			var told []string
			for _, c := range preview.Changes {
				told = append(told, fmt.Sprintf("%s %s -> %s", store.ScheduleKey{Task: c.Task, Account: c.Account}, wallOf(c.Before), wallOf(c.After)))
				for _, account := range test.accounts {
					delete(expected, account+" "+c.Task)
					if !c.After.IsZero() {
						expected[account+" "+c.Task] = c.After
					}
				}
			}
			assert.Equal(t, test.want, told)
			require.NoError(t, w.store.ChangeSchedules(t.Context(), ops, test.changes))
			assert.Equal(t, expected, dueIn())
		})
	}
}

func TestRule38_APreviewRefusesWhatTheStoreWould(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	v := w.view(w.seeded())
	revision, err := w.store.Revision(t.Context())
	require.NoError(t, err)
	for name, changes := range map[string]store.ScheduleChanges{
		"no rule":              put(tradeclock.Schedule{Task: "report"}),
		"after nothing":        put(row("report", "after nothing 5m")),
		"what another follows": remove("premarket_retry", ""),
		"no such anchor":       put(row("report", "daily lunch.end")),
		"no such calendar":     put(row("report", "daily 09:00", func(s *tradeclock.Schedule) { s.Calendar = "XNYS" })),
	} {
		var wrong *store.QuarantineError
		_, err := v.Preview(t.Context(), changes, 0)
		require.ErrorAs(t, err, &wrong, name)
		assert.Len(t, wrong.Rows, 1, name)
	}
	_, err = v.Preview(t.Context(), remove("report", ""), 0)
	assert.ErrorIs(t, err, store.ErrNoSchedule)
	stale := put(row("buy_orders", "daily 16:10"))
	stale.Revision = "another"
	_, err = v.Preview(t.Context(), stale, 0)
	assert.ErrorIs(t, err, store.ErrSchedulesChanged)
	after, err := w.store.Revision(t.Context())
	require.NoError(t, err)
	assert.Equal(t, revision, after, "nothing is written")
}

func TestRule38_APreviewTellsOfCollisions(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	orders := func(s *tradeclock.Schedule) { s.Exclusive = "orders" }
	_, err := w.store.SeedSchedules(t.Context(), row("buy", "daily 09:01", orders), row("sell", "daily 09:10", orders),
		row("other", "daily 09:01"), row("square_off", "daily 15:00", orders, own("42")))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	v := w.view(cfg)
	preview, err := v.Preview(t.Context(), put(row("sell", "daily 09:01:30", orders)), 2)
	require.NoError(t, err)
	var told []string
	for _, c := range preview.Collisions {
		told = append(told, fmt.Sprintf("%s %s %s with %s in %s", calendar.DateOf(c.Due.In(kolkata)), c.Task, wallOf(c.Due), c.With, c.Exclusive))
	}
	assert.Equal(t, []string{"2026-11-23 sell 09:01 with buy in orders", "2026-11-24 sell 09:01 with buy in orders"}, told)

	preview, err = v.Preview(t.Context(), put(row("sell", "daily 15:00", orders, own("42"))), 1)
	require.NoError(t, err)
	require.Len(t, preview.Collisions, 1)
	assert.Equal(t, "square_off", preview.Collisions[0].With)
}

// TestRule38_APreviewTellsOfOverrides: of an account that has a word of its own, the rows are
// not the last.
func TestRule38_APreviewTellsOfOverrides(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	_, err := w.store.SeedSchedules(t.Context(), row("report", "daily 16:00"), row("report", "daily 16:00", own("7")), row("close", "daily 17:00"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	v := w.view(cfg)
	s, d := w.drive(cfg)
	defer stop(t, s)
	require.NoError(t, s.Enroll(t.Context(), "7", cfg.Executor))
	d.Until(at("2026-11-23 10:00:00"))
	for _, account := range []string{"42", "7"} {
		for session, instead := range map[string]time.Time{"2026-11-23": at("2026-11-23 17:30:00"), "2026-11-24": {}} {
			_, err = s.Override(t.Context(), tradeclock.OverrideRequest{Task: "report", Account: account, Session: day(session), At: instead, Reason: "late data", Actor: "ana"})
			require.NoError(t, err)
		}
	}
	preview, err := v.Preview(t.Context(), put(row("report", "daily 16:30")), 3)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"report for account 42: slot 2026-11-23 was moved by ana: late data, and goes by that",
		"report for account 42: slot 2026-11-24 was skipped by ana: late data, and goes by that",
	}, preview.Notes)
	preview, err = v.Preview(t.Context(), put(row("close", "daily 17:30")), 3)
	require.NoError(t, err)
	assert.Empty(t, preview.Notes)
}
