package tradeclock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// TestRule07_TwoEditsOfOneMorning edits the kind of a rule before and after nine in the
// morning of Tokyo, which are two dates in UTC: what held when the session began goes on
// to hold.
func TestRule07_TwoEditsOfOneMorning(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	day := func(hour, minute int) time.Time { return time.Date(2026, time.November, 24, hour, minute, 0, 0, tokyo) }
	was := tradeclock.Schedule{Task: "buy", Rule: rule.MustParse("daily 08:30"), Version: 1}
	edited := func(text string, now time.Time) tradeclock.Schedule {
		next := was
		next.Rule = rule.MustParse(text)
		was = next.Edited(was, now)
		return was
	}
	assert.Equal(t, "daily 08:30", edited("hourly 09:30-14:30", day(8, 50)).Prior.String())
	again := edited("hourly 09:30-13:30", day(9, 2))
	assert.Equal(t, "daily 08:30", again.Prior.String(), "it is the same session")
	assert.Equal(t, day(9, 2).UTC(), again.Since)

	assert.Nil(t, edited("hourly 09:30-12:30", day(8, 45).AddDate(0, 0, 1)).Prior, "on the next day the hourly rule has taken effect")
	assert.Equal(t, "hourly 09:30-12:30", edited("daily 08:30", day(8, 50).AddDate(0, 0, 1)).Prior.String())
}

// TestRule25_OtherSessionsHoldFromTheEditOn names other sessions for a task after its time
// on a Saturday, while nobody is active: it does not run for the time before the edit.
func TestRule25_OtherSessionsHoldFromTheEditOn(t *testing.T) {
	w := newWorld(t, "2026-11-28 09:00:30")
	_, err := w.store.PutSchedule(t.Context(), ops, row("buy", "daily 09:01"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Close(t.Context()))

	w.clock.Advance(45 * time.Second)
	every := calendar.EveryDay
	_, err = w.store.UpdateSchedule(t.Context(), ops, "", "buy", 1, store.ScheduleEdit{Sessions: &every})
	require.NoError(t, err)
	_, d = w.drive(cfg)
	d.Until(at("2026-11-29 09:02:00"))
	require.Len(t, w.runs("buy"), 1, "Sunday's alone")
	assert.Equal(t, day("2026-11-29"), w.runs("buy")[0].Session)
}

// TestRule06_WhatFollowsATaskThatIsDisabledWhileNobodyIsActive disables a task between its
// time and that of the one which follows it.
func TestRule06_WhatFollowsATaskThatIsDisabledWhileNobodyIsActive(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	for _, r := range []tradeclock.Schedule{row("first", "daily 09:00"), row("second", "after first 5m", catchUp(30*time.Minute))} {
		_, err := w.store.PutSchedule(t.Context(), ops, r)
		require.NoError(t, err)
	}
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:04:30"))
	require.NoError(t, s.Close(t.Context()))

	w.clock.Advance(90 * time.Second)
	_, err := w.store.UpdateSchedule(t.Context(), ops, "", "first", 1, store.ScheduleEdit{Disabled: ptr(true)})
	require.NoError(t, err)
	w.clock.Advance(10 * time.Second)
	_, d = w.drive(cfg)
	d.Tick()
	assert.Equal(t, []string{"09:05 succeeded"}, became(w.runs("second")))
}

// TestRule25_WhatWasDueBeforeAnEditThatIsReadLater edits rows after the last tick and
// before the next one, which is late: what came due in between by the rule of before is
// run, or recorded.
func TestRule25_WhatWasDueBeforeAnEditThatIsReadLater(t *testing.T) {
	text := func(rule rule.Rule) store.ScheduleEdit { return store.ScheduleEdit{Rule: rule} }
	parse := rule.MustParse
	for name, test := range map[string]struct {
		rule string
		edit store.ScheduleEdit
		want []string // by 09:04
	}{
		"another time of day":       {"daily 09:01", text(parse("daily 09:30")), []string{"09:01 succeeded"}},
		"a time that has come too":  {"daily 09:01", text(parse("daily 09:02:45")), []string{"09:02 succeeded"}},
		"another kind":              {"daily 09:01", text(parse("every 1m 09:00-10:00")), []string{"09:01 succeeded"}},
		"another kind that repeats": {"every 1m 09:00-10:00", text(parse("daily 15:00")), []string{"09:01 missed", "09:02 succeeded", "09:03 succeeded", "09:04 succeeded"}},
		"another grid":              {"every 1m 09:00-10:00", text(parse("every 20m 09:00-10:00")), []string{"09:01 missed", "09:02 succeeded"}},
		"other sessions":            {"daily 09:01", store.ScheduleEdit{Sessions: ptr(calendar.EveryDay)}, []string{"09:01 succeeded"}},
		"another catch-up alone":    {"daily 09:01", store.ScheduleEdit{CatchUp: ptr(time.Hour)}, []string{"09:01 succeeded"}},
		"disabled":                  {"daily 09:01", store.ScheduleEdit{Disabled: ptr(true)}, []string{"09:01 skipped"}},
		"an occurrence yet to come": {"daily 09:02:45", text(parse("daily 09:30")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, err := w.store.PutSchedule(t.Context(), ops, row("task", test.rule, catchUp(5*time.Minute)))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			_, d := w.drive(cfg)
			d.Tick()

			w.clock.Advance(150 * time.Second) // the host sleeps
			_, err = w.store.UpdateSchedule(t.Context(), ops, "", "task", 1, test.edit)
			require.NoError(t, err)
			w.clock.Advance(30 * time.Second)
			d.Until(at("2026-11-23 09:04:00"))
			assert.Equal(t, test.want, became(w.runs("task")))
		})
	}
}

// TestRule25_AnOwnRowThatIsReadLater gives an account a row of its own after the time of
// the shared one, and before the next tick.
func TestRule25_AnOwnRowThatIsReadLater(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, err := w.store.PutSchedule(t.Context(), ops, row("task", "daily 09:01", catchUp(5*time.Minute)))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	_, d := w.drive(cfg)
	d.Tick()

	w.clock.Advance(90 * time.Second)
	own := row("task", "daily 09:30")
	own.Account = "42"
	_, err = w.store.PutSchedule(t.Context(), ops, own)
	require.NoError(t, err)
	w.clock.Advance(30 * time.Second)
	d.Until(at("2026-11-23 09:31:00"))
	assert.Equal(t, []string{"09:01 succeeded"}, became(w.runs("task")))
}

// TestRule25_EditsThatAreReadAfterTheirTime edits a row before its new time, and the poll
// of that time fails, or is still to come while another row is due each five seconds: the
// occurrence runs within its catch-up once the edit has been read.
func TestRule25_EditsThatAreReadAfterTheirTime(t *testing.T) {
	for name, op := range map[string]tradeclocktest.Op{"the revision": tradeclocktest.OpRevision, "the changes": tradeclocktest.OpChanges} {
		t.Run(name+" cannot be read", func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, err := w.store.PutSchedule(t.Context(), ops, row("buy", "daily 09:30"))
			require.NoError(t, err)
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config()
			cfg.Schedules = faulty
			_, d := w.drive(cfg)
			d.Until(at("2026-11-23 09:04:00"))
			w.clock.Advance(30 * time.Second)
			_, err = w.store.UpdateSchedule(t.Context(), ops, "", "buy", 1, store.ScheduleEdit{Rule: rule.MustParse("daily 09:05")})
			require.NoError(t, err)
			added := row("added", "daily 09:05")
			_, err = w.store.PutSchedule(t.Context(), ops, added)
			require.NoError(t, err)

			faulty.Fail(op, errors.New("away"))
			d.For(30 * time.Second)
			faulty.Heal()
			d.Until(at("2026-11-23 09:31:00"))
			assert.Equal(t, []string{"09:05 succeeded"}, became(w.runs("buy")))
			assert.Equal(t, []string{"09:05 succeeded"}, became(w.runs("added")))
		})
	}
	t.Run("another row is due more often", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 09:00:00")
		for _, r := range []tradeclock.Schedule{row("buy", "daily 15:00"), row("fine", "every 5s 09:00-10:00")} {
			_, err := w.store.PutSchedule(t.Context(), ops, r)
			require.NoError(t, err)
		}
		cfg := w.config()
		cfg.Schedules = w.store
		_, d := w.drive(cfg)
		d.Until(at("2026-11-23 09:04:10"))
		_, err := w.store.UpdateSchedule(t.Context(), ops, "", "buy", 1, store.ScheduleEdit{Rule: rule.MustParse("daily 09:04:30")})
		require.NoError(t, err)
		d.Until(at("2026-11-23 09:06:00"))
		assert.Equal(t, []string{"09:04 succeeded"}, became(w.runs("buy")))
	})
}

// TestRule25_TwoEditsWhileTheHostSleeps edits a row twice before it is read: whether it was
// to run between the two is not known.
func TestRule25_TwoEditsWhileTheHostSleeps(t *testing.T) {
	moved := func(text string) store.ScheduleEdit { return store.ScheduleEdit{Rule: rule.MustParse(text)} }
	off, on := store.ScheduleEdit{Disabled: ptr(true)}, store.ScheduleEdit{Disabled: ptr(false)}
	for name, test := range map[string]struct {
		edits []store.ScheduleEdit
		want  []string
	}{
		"to a later time, and a later one": {[]store.ScheduleEdit{moved("daily 09:30"), moved("daily 09:40")}, []string{"09:40 succeeded"}},
		"disabled, and enabled again":      {[]store.ScheduleEdit{off, on}, []string{"09:05 skipped"}},
		"moved, and disabled":              {[]store.ScheduleEdit{moved("daily 09:30"), off}, []string{"09:05 skipped"}},
		"moved once":                       {[]store.ScheduleEdit{moved("daily 09:30")}, []string{"09:30 succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, err := w.store.PutSchedule(t.Context(), ops, row("buy", "daily 09:05", catchUp(time.Hour)))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			_, d := w.drive(cfg)
			d.Tick()
			for i, edit := range test.edits {
				w.clock.Advance(4*time.Minute/time.Duration(len(test.edits)) + time.Duration(i)*2*time.Minute)
				_, err = w.store.UpdateSchedule(t.Context(), ops, "", "buy", int64(i+1), edit)
				require.NoError(t, err)
			}
			w.clock.Advance(at("2026-11-23 09:08:00").Sub(w.clock.Now()))
			d.Until(at("2026-11-23 09:45:00"))
			assert.Equal(t, test.want, became(w.runs("buy")))
		})
	}
}

// TestRule19_AMonitorThatBecomesDailyIsOneForTheRestOfTheDay restarts half an hour after
// such an edit: of the occurrences of the rule that still holds only the newest runs.
func TestRule19_AMonitorThatBecomesDailyIsOneForTheRestOfTheDay(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:30")
	_, err := w.store.PutSchedule(t.Context(), ops, row("watch", "every 5m 09:15-15:30", catchUp(4*time.Hour)))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:20:30"))
	_, err = w.store.UpdateSchedule(t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Rule: rule.MustParse("daily 09:42")})
	require.NoError(t, err)
	d.Until(at("2026-11-23 09:21:30"))
	require.NoError(t, s.Close(t.Context()))

	w.clock.Advance(25 * time.Minute)
	_, d = w.drive(cfg)
	d.Tick()
	assert.Equal(t, []string{"09:15 succeeded", "09:20 succeeded", "09:25 missed x4", "09:45 succeeded"}, became(w.runs("watch")))
	d.Until(at("2026-11-24 09:43:00"))
	assert.Equal(t, "09:42 succeeded", became(w.runs("watch"))[len(w.runs("watch"))-1])
}

// TestRule38_AGuardRefusesAnEdit: who may touch what, and in which hours, a service says.
func TestRule38_AGuardRefusesAnEdit(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	errHours := errors.New("order tasks are edited after the close alone")
	var asked []store.RowEdit
	w.store.Guard(func(_ context.Context, e store.RowEdit) error {
		asked = append(asked, e)
		orders := strings.HasPrefix(e.Before.Task+e.After.Task, "buy")
		if local := e.At.In(kolkata); orders && e.Actor != "chief" && local.Hour() < 16 {
			return errHours
		}
		return nil
	})
	_, err := w.store.PutSchedule(t.Context(), ops, row("watch", "daily 11:00"))
	require.NoError(t, err)
	_, err = w.store.PutSchedule(t.Context(), ops, row("buy", "daily 11:00"))
	require.ErrorIs(t, err, errHours)
	err = w.store.ChangeSchedules(t.Context(), ops, store.ScheduleChanges{Rows: []tradeclock.Schedule{row("sell", "daily 11:00"), row("buy", "daily 11:00")}})
	require.ErrorIs(t, err, errHours)
	rows, err := w.store.Schedules(t.Context())
	require.NoError(t, err)
	assert.Len(t, rows, 1, "of edits that are made together none is made")
	_, err = w.store.PutSchedule(t.Context(), store.By{Actor: "chief", Reason: "today alone"}, row("buy", "daily 11:00"))
	require.NoError(t, err)
	last := asked[len(asked)-1]
	assert.Nil(t, last.Before.Rule)
	assert.Equal(t, int64(1), last.After.Version)
	require.ErrorIs(t, w.store.DeleteSchedule(t.Context(), ops, "", "buy"), errHours)
	audit, err := w.store.Audit(t.Context(), store.AuditQuery{})
	require.NoError(t, err)
	assert.Len(t, audit, 2, "what was refused is not in the audit")
}
