package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

func TestTimetable(t *testing.T) {
	weekdays, always := calendar.Weekdays(kolkata), calendar.AlwaysOpen(newYork)
	exchange := calendarOf(t, mumbai(
		calendar.TableDay{Date: day("2026-11-08"), Kind: calendar.Special, Hours: []calendar.Hours{
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(18, 0), End: calendar.Wall(19, 0)},
		}},
		calendar.TableDay{Date: day("2026-11-15"), Kind: calendar.Special, Hours: []calendar.Hours{
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(18, 0), End: calendar.Wall(23, 0)},
		}},
		calendar.TableDay{Date: day("2026-11-24"), Kind: calendar.Closed, Reason: "Guru Nanak Jayanti"},
		calendar.TableDay{Date: day("2026-11-28"), Kind: calendar.Special, Hours: []calendar.Hours{
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(10, 0)},
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(11, 30), End: calendar.Wall(12, 30)},
		}},
	))
	since := func(text string) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Since = at(text) }
	}
	prior := func(text string) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Prior = rule.MustParse(text) }
	}
	kinds := func(set calendar.SessionSet) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Sessions = set }
	}
	for _, test := range []struct {
		name        string
		cal         calendar.Calendar
		row         tradeclock.Schedule
		after, want string
	}{
		{"later on the day", weekdays, row("buy", "daily 09:00"), "2026-11-23T08:59:59+05:30", "2026-11-23T09:00:00+05:30"},
		{"the instant itself is over", weekdays, row("buy", "daily 09:00"), "2026-11-23T09:00:00+05:30", "2026-11-24T09:00:00+05:30"},
		{"a fraction before it", weekdays, row("buy", "daily 09:00"), "2026-11-23T08:59:59.9+05:30", "2026-11-23T09:00:00+05:30"},
		{"over the weekend", weekdays, row("buy", "daily 09:00"), "2026-11-27T09:00:00+05:30", "2026-11-30T09:00:00+05:30"},
		{"over a holiday", exchange, row("buy", "daily 09:00"), "2026-11-23T12:00:00+05:30", "2026-11-25T09:00:00+05:30"},
		{"asked from another zone", weekdays, row("buy", "daily 00:30"), "2026-11-22T20:00:00-05:00", "2026-11-24T00:30:00+05:30"},
		{"of yesterday's session", weekdays, row("buy", "daily 02:00+1d"), "2026-11-24T01:00:00+05:30", "2026-11-24T02:00:00+05:30"},
		{"of tomorrow's session, before today's", exchange, row("watch", "every 1h open-14h-close", kinds(calendar.OnRegular|calendar.OnSpecial)), "2026-11-15T19:05:00+05:30", "2026-11-15T19:15:00+05:30"},
		{"in the gap of the clocks", always, row("buy", "daily 02:30"), "2026-03-08T00:00:00-05:00", "2026-03-08T03:00:00-04:00"},
		{"first of what the clocks show twice", always, row("buy", "daily 01:30"), "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00"},
		{"not again when they show it twice", always, row("buy", "daily 01:30"), "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		{"an hour later after the clocks", always, row("buy", "daily 09:00"), "2026-10-31T12:00:00-04:00", "2026-11-01T09:00:00-05:00"},
		{"on a special session", exchange, row("buy", "daily open+5m", kinds(calendar.OnRegular|calendar.OnSpecial)), "2026-11-07T00:00:00+05:30", "2026-11-08T18:05:00+05:30"},
		{"not on a special session", exchange, row("buy", "daily open+5m"), "2026-11-07T00:00:00+05:30", "2026-11-09T09:20:00+05:30"},
		{"in each window", exchange, row("buy", "daily each open+5m", kinds(calendar.OnSpecial)), "2026-11-28T09:20:00+05:30", "2026-11-28T11:35:00+05:30"},
		{"within an every rule", exchange, row("watch", "every 1m open-close"), "2026-11-23T09:16:30+05:30", "2026-11-23T09:17:00+05:30"},
		{"after the last of an every rule", exchange, row("watch", "every 1m open-close"), "2026-11-23T15:29:00+05:30", "2026-11-25T09:15:00+05:30"},
		{"on a weekday", weekdays, row("buy", "daily 09:00 on wed"), "2026-11-23T12:00:00+05:30", "2026-11-25T09:00:00+05:30"},
		{"on the last session of the month", weekdays, row("buy", "daily 09:00 on last session of month"), "2026-11-23T12:00:00+05:30", "2026-11-30T09:00:00+05:30"},
		{"on closed days too", weekdays, row("buy", "daily 09:00", kinds(calendar.EveryDay)), "2026-11-27T12:00:00+05:30", "2026-11-28T09:00:00+05:30"},
		{"once, years ahead", weekdays, row("buy", "once 2031-11-24 09:00"), "2026-11-23T12:00:00+05:30", "2031-11-24T09:00:00+05:30"},
		{"not before the row holds", weekdays, row("buy", "daily 09:00", since("2026-11-25 09:00:00")), "2026-11-23T08:00:00+05:30", "2026-11-26T09:00:00+05:30"},
		{"of the rule before the edit", weekdays, row("buy", "hourly 10:00-15:00", prior("daily 09:00"), since("2026-11-23 09:30:00")), "2026-11-23T09:30:00+05:30", "2026-11-24T10:00:00+05:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			timetable, err := view.NewTimetable(test.row, test.cal)
			require.NoError(t, err)
			after, want := instant(t, test.after), instant(t, test.want)

			next, err := timetable.Next(after)

			require.NoError(t, err)
			assert.Equal(t, want.UTC(), next)
		})
	}
}

func TestTimetableWithoutAnswer(t *testing.T) {
	weekdays := calendar.Weekdays(kolkata)
	exchange := calendarOf(t, mumbai(calendar.TableDay{Date: day("2026-11-30"), Kind: calendar.Regular, HoursUnknown: true}))
	off := row("buy", "daily 09:00")
	off.Disabled = true
	for _, test := range []struct {
		name  string
		cal   calendar.Calendar
		row   tradeclock.Schedule
		after string
		want  error
		text  string
	}{
		{"the coverage ends", exchange, row("buy", "daily 09:00"), "2027-12-31T09:00:00+05:30", calendar.ErrUnknownDate,
			"the next occurrence is not known: calendar XNSE: 2028-01-01: date is outside the calendar's coverage, 2026-01-01 to 2027-12-31"},
		{"the hours are not known", exchange, row("buy", "daily open"), "2026-11-27T12:00:00+05:30", calendar.ErrUnknownDate,
			"the next occurrence is not known: the hours of session 2026-11-30 are not known"},
		{"it was due once", weekdays, row("buy", "once 2026-11-24 09:00"), "2026-11-24T09:00:00+05:30", view.ErrNothingDue, "nothing is due"},
		{"it is due on a closed date", weekdays, row("buy", "once 2026-11-28 09:00"), "2026-11-24T09:00:00+05:30", view.ErrNothingDue, "nothing is due"},
		{"it is disabled", weekdays, off, "2026-11-24T09:00:00+05:30", view.ErrNothingDue, "the schedule is disabled: nothing is due"},
		{"no week has such a session", weekdays, row("buy", "daily 09:00 on 6th session of week"), "2026-11-24T09:00:00+05:30", view.ErrNothingDue, "nothing is due"},
	} {
		t.Run(test.name, func(t *testing.T) {
			timetable, err := view.NewTimetable(test.row, test.cal)
			require.NoError(t, err)
			_, err = timetable.Next(instant(t, test.after))
			assert.ErrorIs(t, err, test.want)
			assert.ErrorContains(t, err, test.text)
		})
	}
}

func TestTimetableRefusesWhatItCannotTell(t *testing.T) {
	after := row("sell", "daily 09:00")
	after.Rule = rule.On(rule.After("buy", time.Minute), rule.OnWeekdays(time.Friday))
	exchange := calendarOf(t, mumbai())
	for _, test := range []struct {
		name string
		cal  calendar.Calendar
		row  tradeclock.Schedule
		want string
	}{
		{"an after rule without its task", exchange, after, "timetable of sell: Rule: \"after buy 1m on fri\": no schedule of task \"buy\" that it could come after"},
		{"another calendar", exchange, row("buy", "daily 09:00", onCalendar("XNYS")), "timetable of buy: it is read by calendar XNYS, not XNSE"},
		{"a calendar without a location", calendar.Weekdays(nil), row("buy", "daily 09:00"), "timetable of buy: calendar weekdays has no location"},
		{"no calendar", nil, row("buy", "daily 09:00"), "timetable of buy: a calendar is required"},
		{"no rule", exchange, tradeclock.Schedule{Task: "buy"}, "timetable of buy: Rule: a rule is required"},
		{"an anchor that no session has", calendar.Weekdays(kolkata), row("buy", "daily open"), "timetable of buy: Rule: anchor \"open\": calendar weekdays has no phase regular"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := view.NewTimetable(test.row, test.cal)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

// TestTimetableOfAnAfterRule follows tasks by the rows that hold for an account.
func TestTimetableOfAnAfterRule(t *testing.T) {
	cal := calendarOf(t, mumbai())
	own := func(account string) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.Account = account }
	}
	rows := []tradeclock.Schedule{
		row("buy", "daily 10:00"), row("buy", "daily 11:00", own("42")), row("report", "after sell 5m"), row("sell", "after buy 1h on mon-thu"),
		row("other", "after nobody 1m"), row("round", "after about 1m"), row("about", "after round 1m"), row("far", "daily 09:00", onCalendar("XNYS")),
	}
	next := func(s tradeclock.Schedule) string {
		timetable, err := view.NewTimetable(s, cal, rows...)
		require.NoError(t, err)
		at, err := timetable.Next(instant(t, "2026-11-27T00:00:00+05:30")) // a Friday
		require.NoError(t, err)
		return at.In(kolkata).Format("2006-01-02 15:04")
	}
	assert.Equal(t, "2026-11-27 11:00", next(row("sell", "after buy 1h")))
	assert.Equal(t, "2026-11-27 12:00", next(row("sell", "after buy 1h", own("42"))), "by the account's own row")
	assert.Equal(t, "2026-11-30 11:05", next(row("report", "after sell 5m")), "and through others, with their filters")
	for _, test := range []struct{ rule, want string }{
		{"after round 1m", "a cycle: "},
		{"after other 1m", "no schedule of task \"nobody\""},
		{"after far 1m", "timetable of it: far, which it follows, is read by calendar XNYS, not XNSE"},
	} {
		_, err := view.NewTimetable(row("it", test.rule), cal, rows...)
		assert.ErrorContains(t, err, test.want, test.rule)
	}
}

// TestTimetableLooksBackAndFar asks for the previous occurrence, for those of a range, and for
// one that is years away.
func TestTimetableLooksBackAndFar(t *testing.T) {
	weekdays := calendar.Weekdays(kolkata)
	timetable := func(cal calendar.Calendar, s tradeclock.Schedule) *view.Timetable {
		made, err := view.NewTimetable(s, cal)
		require.NoError(t, err)
		return made
	}
	monday := instant(t, "2026-11-30T09:00:00+05:30")
	buy := timetable(weekdays, row("buy", "daily 09:00,14:00"))
	previous, err := buy.Previous(monday)
	require.NoError(t, err)
	assert.Equal(t, at("2026-11-27 14:00:00").UTC(), previous, "that of the instant itself is not before it")
	previous, err = buy.Previous(monday.Add(time.Nanosecond))
	require.NoError(t, err)
	assert.Equal(t, monday.UTC(), previous)

	due, err := buy.Between(previous.Add(-72*time.Hour), monday)
	require.NoError(t, err)
	assert.Equal(t, []rule.Occurrence{{Due: at("2026-11-27 14:00:00").UTC(), Slot: "2026-11-27@14:00"}, {Due: monday.UTC(), Slot: "2026-11-30@09:00"}}, due)

	leap := timetable(calendar.AlwaysOpen(time.UTC), row("leap", "daily 09:00 on 5th fri of month in feb"))
	next, err := leap.Next(monday)
	require.NoError(t, err)
	assert.Equal(t, "2036-02-29", next.Format(time.DateOnly))
	previous, err = leap.Previous(monday)
	require.NoError(t, err)
	assert.Equal(t, "2008-02-29", previous.Format(time.DateOnly))

	edited := row("buy", "daily 09:00")
	edited.Since = monday
	_, err = timetable(weekdays, edited).Previous(monday.Add(time.Hour))
	assert.ErrorIs(t, err, view.ErrNothingDue, "the row holds from then on")

	exchange := timetable(calendarOf(t, mumbai()), row("buy", "daily 09:00"))
	_, err = exchange.Previous(instant(t, "2026-01-01T00:00:00+05:30"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
	due, err = exchange.Between(instant(t, "2027-12-29T12:00:00+05:30"), instant(t, "2028-01-10T00:00:00+05:30"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
	assert.Len(t, due, 2, "the 30th and 31st are known")
}

// TestTimetableAllocatesNothing holds the next occurrence of a daily wall time to no
// allocation.
func TestTimetableAllocatesNothing(t *testing.T) {
	for name, cal := range map[string]calendar.Calendar{
		"weekdays": calendar.Weekdays(newYork), "exchange": calendarOf(t, nyse()),
	} {
		timetable, err := view.NewTimetable(row("buy", "daily 09:00"), cal)
		require.NoError(t, err)
		next := instant(t, "2026-10-20T12:00:00-04:00")
		assert.Zero(t, testing.AllocsPerRun(100, func() { next, _ = timetable.Next(next) }), name)
		assert.True(t, next.After(instant(t, "2027-01-01T00:00:00-05:00")), "%s: %v", name, next)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, loc := range []*time.Location{kolkata, newYork} {
		b.Run(loc.String(), func(b *testing.B) {
			timetable, err := view.NewTimetable(row("buy", "daily 09:00"), calendar.Weekdays(loc))
			require.NoError(b, err)
			var next time.Time
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%128 == 0 {
					next = time.Date(2026, time.January, 1, 12, 0, 0, 0, loc)
				}
				if next, err = timetable.Next(next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func instant(t testing.TB, text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}
