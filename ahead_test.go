package tradeclock_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// What comes is told while there is time to do something about it.

// muhuratTable is a calendar with a Muhurat hour on a Sunday, 2026-11-08, and a
// disaster-recovery Saturday, 2026-12-05, whose hours are not known.
func muhuratTable() calendar.Table {
	table := weekTable()
	table.First = day("2026-01-01")
	hour := []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(18, 0), End: calendar.Wall(19, 0)}}
	table.Days = []calendar.TableDay{
		{Date: day("2026-11-08"), Kind: calendar.Special, Hours: hour, Reason: "Muhurat trading"},
		{Date: day("2026-12-05"), Kind: calendar.Special, HoursUnknown: true, Reason: "Drill"},
	}
	return table
}

// driveLogged is drive with the text of the log.
func (w *world) driveLogged(cal calendar.Calendar, rows ...tradeclock.Schedule) (*tradeclock.UnifiedTaskScheduler, *bytes.Buffer, func(string)) {
	w.t.Helper()
	log := new(bytes.Buffer)
	cfg := w.config(rows...)
	cfg.Calendar = cal
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	s, d := w.drive(cfg)
	return s, log, func(until string) { d.Until(at(until)) }
}

// put stores a row.
func (w *world) put(r tradeclock.Schedule) {
	w.t.Helper()
	_, err := w.store.PutSchedule(w.t.Context(), ops, r)
	require.NoError(w.t, err)
}

func TestRule10_HoursThatAreNotKnownAreToldBeforeTheSession(t *testing.T) {
	everySession := on(calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial)
	w := newWorld(t, "2026-11-04 23:58:00")
	cal := new(liveCalendar)
	cal.set(calendarOf(t, muhuratTable()), nil)
	s, log, until := w.driveLogged(cal, row("wall", "daily 09:00", everySession), row("square off", "daily close-15m", everySession),
		row("report", "after square_off 5m", everySession), row("square_off", "daily close-20m", everySession),
		row("weekly", "daily close on mon", everySession), row("visit", "once 2026-12-05 close"), row("off", "daily close", everySession, func(r *tradeclock.Schedule) { r.Disabled = true }))
	const told = "calendar XNSE: 2026-12-05 is a special session: Drill, whose hours are not known: tasks that need them: report, square off, square_off"
	until("2026-11-04 23:59:00")
	assert.Empty(t, s.Status().Degraded, "31 days before")
	until("2026-11-05 00:00:00")
	assert.Equal(t, []string{told}, s.Status().Degraded)
	until("2026-11-05 00:05:00")
	assert.Equal(t, 1, strings.Count(log.String(), told), "once")
	assert.Equal(t, []string{strings.Replace(told, "need them: report, square off, square_off", "do not run on it: visit", 1)}, s.Status().Notices,
		"the others run on special sessions")

	w.clock.Advance(at("2026-12-05 23:58:00").Sub(w.clock.Now()))
	until("2026-12-05 23:59:00")
	assert.Contains(t, s.Status().Degraded, told, "on the day itself, too: the hours may still arrive")
	until("2026-12-06 00:01:00")
	assert.NotContains(t, s.Status().Degraded, told)
}

func TestRule10_HoursThatArriveEndTheWarning(t *testing.T) {
	w := newWorld(t, "2026-11-25 08:00:00")
	cal := new(liveCalendar)
	cal.set(week(t), nil)
	s, _, until := w.driveLogged(cal, row("anchored", "daily open"))
	until("2026-11-25 08:01:00")
	assert.Equal(t, []string{"calendar XNSE: 2026-11-26 is a regular session, whose hours are not known: tasks that need them: anchored"}, s.Status().Degraded)
	assert.NotContains(t, strings.Join(s.Status().Notices, "\n"), "2026-11-26", "tasks run on a regular session")
	cal.set(withHours(t, "2"), nil)
	until("2026-11-25 08:02:00")
	assert.Empty(t, s.Status().Degraded)
}

func TestRule10_ASpecialSessionOnWhichTasksDoNotRunIsToldBefore(t *testing.T) {
	w := newWorld(t, "2026-10-08 23:58:00")
	s, log, until := w.driveLogged(calendarOf(t, muhuratTable()), row("buy", "daily 09:01"), row("monitor", "every 1m open-close"),
		row("muhurat", "daily open", on(calendar.OnSpecial)), row("both", "daily open", on(calendar.OnRegular|calendar.OnSpecial)),
		row("backup", "daily 22:00", on(calendar.EveryDay)), row("halves", "daily 10:00", on(calendar.OnShortened)),
		row("late", "daily close-90m", on(calendar.OnSpecial)), row("sundays", "daily 10:00 on sun"), row("mondays", "daily 10:00 on mon"),
		row("trip", "once 2026-11-08 10:00"), row("later trip", "once 2026-11-09 10:00"),
		row("off", "daily 10:00", func(r *tradeclock.Schedule) { r.Disabled = true }))
	const told = "calendar XNSE: 2026-11-08 is a special session: Muhurat trading: tasks that do not run on it: buy, monitor, sundays, trip"
	until("2026-10-08 23:59:00")
	assert.Empty(t, s.Status().Notices, "31 days before")
	until("2026-10-09 00:05:00")
	assert.Equal(t, []string{told}, s.Status().Notices)
	assert.Equal(t, 1, strings.Count(log.String(), told), "once")
	assert.True(t, s.Status().Healthy(), "it may be as it was meant")
	why, err := s.Explain(t.Context(), "42", "buy", day("2026-11-08"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-08, buy for account 42 does not run: special session: Muhurat trading.", why)

	w.clock.Advance(at("2026-11-08 23:58:00").Sub(w.clock.Now()))
	until("2026-11-08 23:59:00")
	assert.Contains(t, s.Status().Notices, told)
	until("2026-11-09 00:01:00")
	assert.NotContains(t, strings.Join(s.Status().Notices, "\n"), "2026-11-08")
}

func TestRule10_WhatIsToldOfASessionFollowsTheRows(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	cfg := w.config()
	cfg.Calendar = calendarOf(t, muhuratTable())
	w.put(row("wall", "daily 09:00", on(calendar.OnSpecial)))
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 08:01:00"))
	assert.Equal(t, []string{"calendar XNSE: 2026-12-05 is a special session: Drill, whose hours are not known: no task needs them"}, s.Status().Notices)
	assert.True(t, s.Status().Healthy())

	w.put(row("wall", "daily 09:00"))
	d.Until(at("2026-11-23 08:03:00"))
	assert.Equal(t, []string{"calendar XNSE: 2026-12-05 is a special session: Drill, whose hours are not known: tasks that do not run on it: wall"}, s.Status().Notices)

	w.put(row("wall", "daily open", on(calendar.OnSpecial)))
	d.Until(at("2026-11-23 08:05:00"))
	assert.Empty(t, s.Status().Notices)
	assert.Equal(t, []string{"calendar XNSE: 2026-12-05 is a special session: Drill, whose hours are not known: tasks that need them: wall"}, s.Status().Degraded)
}

// A calendar that fails from now on knows the next weeks still, as it was asked for
// them before. It is told once it is asked for another day, and not on the first that
// it cannot answer.
func TestRule10_ACalendarThatFailsIsToldBeforeItsAnswersAreNeeded(t *testing.T) {
	for name, bad := range map[string]func(calendar.Date) error{
		"with an error": func(calendar.Date) error { return errors.New("the licence has run out") },
		"with a panic":  func(calendar.Date) error { panic("the licence has run out") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-02-02 08:00:00")
			cal := new(liveCalendar)
			cal.set(calendar.Weekdays(kolkata), nil)
			s, log, until := w.driveLogged(unversioned{cal}, row("buy", "daily 09:01"))
			until("2026-02-02 10:00:00")
			require.True(t, s.Status().Healthy())

			cal.set(calendar.Weekdays(kolkata), bad)
			for now := at("2026-02-03 00:00:00"); s.Status().Healthy(); now = now.AddDate(0, 0, 1) {
				until(now.Format(time.DateTime))
				require.True(t, now.Before(at("2026-02-18 00:00:00")), "still green")
			}
			assert.Contains(t, s.Status().Degraded[0], "are going to be skipped: calendar weekdays does not know 2026-")
			assert.Contains(t, s.Status().Degraded[0], "the licence has run out")
			assert.Equal(t, 1, strings.Count(log.String(), "degraded"))
			require.NotEmpty(t, w.runs("buy"))

			cal.set(calendar.Weekdays(kolkata), nil)
			w.clock.Advance(time.Minute)
			require.NoError(t, s.Tick(t.Context()))
			assert.True(t, s.Status().Healthy(), "it answers again")
		})
	}
}

// unversioned is a calendar and no more: without a version, a coverage and a snapshot.
type unversioned struct{ calendar.Calendar }

func TestRule31_NextTellsWhatIsFarAhead(t *testing.T) {
	table := muhuratTable()
	table.Last = day("2028-12-31")
	known := calendarOf(t, table)
	tests := []struct {
		name string
		cal  calendar.Calendar
		rows []tradeclock.Schedule
		want string
	}{
		{"once in spring", known, []tradeclock.Schedule{row("a", "once 2027-04-01 09:15")}, "2027-04-01 09:15:00"},
		{"once in many years", calendar.Weekdays(kolkata), []tradeclock.Schedule{row("a", "once 2036-04-01 09:15")}, "2036-04-01 09:15:00"},
		{"once past the coverage", week(t), []tradeclock.Schedule{row("a", "once 2027-04-01 09:15")}, "2027-04-01 09:15:00"},
		{"the last session of the year", known, []tradeclock.Schedule{row("a", "daily close+1h on last session of year")}, "2026-12-31 16:30:00"},
		{"the first session of the year", known, []tradeclock.Schedule{row("a", "daily 09:00 on first session of year")}, "2027-01-01 09:00:00"},
		{"the first of two", known, []tradeclock.Schedule{row("a", "daily 09:00 on first session of year"), row("b", "once 2026-12-30 12:00")}, "2026-12-30 12:00:00"},
		{"the night after it", known, []tradeclock.Schedule{row("a", "daily 02:00+1d on last session of year")}, "2027-01-01 02:00:00"},
		{"the evening before it", known, []tradeclock.Schedule{row("a", "daily open-10h on first session of year")}, "2026-12-31 23:15:00"},
		{"what follows one that is far", known, []tradeclock.Schedule{row("a", "once 2027-04-01 09:15"), row("b", "after a 5m"),
			row("off", "once 2027-03-01 09:15", func(r *tradeclock.Schedule) { r.Disabled = true })}, "2027-04-01 09:15:00"},
		{"a kind of session that does not come", known, []tradeclock.Schedule{row("a", "daily 09:00", on(calendar.OnShortened))}, ""},
		{"past the coverage nothing is guessed", week(t), []tradeclock.Schedule{row("a", "daily 09:00 on 2nd session of year")}, ""},
		{"never", known, []tradeclock.Schedule{row("a", "once 2026-01-01 09:15")}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-09 10:00:00")
			cfg := w.config(test.rows...)
			cfg.Calendar = test.cal
			s, d := w.drive(cfg)
			d.Until(at("2026-11-09 10:01:00"))
			var want time.Time
			if test.want != "" {
				want = at(test.want).UTC()
			}
			assert.Equal(t, want, s.Status().Next)
			beat, _ := w.beats.Last()
			assert.Equal(t, want, beat.Next)
		})
	}
}

// What is far ahead follows the edits of rows and calendars, and becomes what is near.
func TestRule31_NextFollowsWhatIsFarAhead(t *testing.T) {
	w := newWorld(t, "2026-11-09 10:00:00")
	table := muhuratTable()
	table.Last = day("2027-12-31")
	cal := new(liveCalendar)
	cal.set(calendarOf(t, table), nil)
	cfg := w.config()
	cfg.Calendar, cfg.Schedules = cal, w.store
	w.put(row("a", "daily 09:00 on last session of year"))
	s, d := w.drive(cfg)
	next := func(until string) string {
		d.Until(at(until))
		return s.Status().Next.In(kolkata).Format("2006-01-02 15:04")
	}
	assert.Equal(t, "2026-12-31 09:00", next("2026-11-09 10:01:00"))

	table.Version = "2"
	table.Days = append(table.Days, calendar.TableDay{Date: day("2026-12-31"), Reason: "Storm"})
	cal.set(calendarOf(t, table), nil)
	assert.Equal(t, "2026-12-30 09:00", next("2026-11-09 10:02:00"))

	w.put(row("a", "daily 10:00 on last session of year"))
	assert.Equal(t, "2026-12-30 10:00", next("2026-11-09 10:04:00"))

	w.clock.Advance(at("2026-12-30 09:58:00").Sub(w.clock.Now()))
	assert.Equal(t, "2026-12-30 10:00", next("2026-12-30 09:59:00"))
	assert.Equal(t, "2027-12-31 10:00", next("2026-12-30 10:00:00"))
}
