package tradeclock_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// agendaOf lists what becomes of a task through days, as "date time slot", with the
// reason of what is skipped.
func agendaOf(t *testing.T, s *tradeclock.UnifiedTaskScheduler, task, from, to string) (told []string) {
	t.Helper()
	for date := day(from); !date.After(day(to)); date = date.AddDays(1) {
		items, err := s.Agenda(t.Context(), date)
		require.NoError(t, err)
		for _, item := range items {
			if item.Task != task {
				continue
			}
			text := item.Due.In(kolkata).Format("2006-01-02 15:04")
			if item.Slot != date.String() {
				text += " " + item.Slot
			}
			if item.Skip != "" {
				text += " " + item.Skip
			}
			told = append(told, text)
		}
	}
	return told
}

// outcomes tells each run as "time slot outcome", with the reason if there is one.
func outcomes(runs []tradeclock.Run) (told []string) {
	for _, r := range runs {
		text := fmt.Sprintf("%s %s %v", r.Due.In(kolkata).Format("15:04"), r.Slot, r.Outcome)
		if r.Reason != "" {
			text += ": " + r.Reason
		}
		told = append(told, text)
	}
	return told
}

// A year whose months end on weekends, holidays, a short day and a special Saturday.
func monthEnds() calendar.Table {
	regular := func(start, end calendar.WallTime) []calendar.Hours {
		return []calendar.Hours{{Phase: calendar.PhaseRegular, Start: start, End: end}}
	}
	table := mumbai(
		calendar.TableDay{Date: day("2026-03-31"), Reason: "Mahavir Jayanti"},
		calendar.TableDay{Date: day("2026-05-28"), Reason: "Bakri Id"},
		calendar.TableDay{Date: day("2026-05-29"), Reason: "made up"},
		calendar.TableDay{Date: day("2026-06-30"), Kind: calendar.Shortened, Hours: regular(calendar.Wall(9, 15), calendar.Wall(12, 0))},
		calendar.TableDay{Date: day("2026-10-31"), Kind: calendar.Special, Hours: regular(calendar.Wall(18, 0), calendar.Wall(19, 0))},
		calendar.TableDay{Date: day("2026-02-28"), Kind: calendar.Regular, Reason: "a budget on a Saturday", Hours: regular(calendar.Wall(9, 15), calendar.Wall(15, 30))},
	)
	table.Last = day("2026-12-30")
	return table
}

func TestRule06_TheLastSessionOfEachMonth(t *testing.T) {
	w := newWorld(t, "2026-01-01 00:00:00")
	cfg := w.config(
		row("report", "daily close+30m on last session of month"),
		row("any kind", "daily close+30m on last session of month", on(calendar.OnRegular|calendar.OnShortened|calendar.OnSpecial)),
		row("regular", "daily 17:00 on last session of month", on(calendar.OnRegular)),
		row("quarter", "daily 09:00 on 2nd session of quarter"),
		row("year", "daily 09:00 on 2nd last session of year"),
	)
	cfg.Calendar = calendarOf(t, monthEnds())
	s, d := w.drive(cfg)
	d.Tick()

	unsure := " whether 2026-12-30 is the last session of month depends on 2026-12-31: " +
		"calendar XNSE: 2026-12-31: date is outside the calendar's coverage, 2026-01-01 to 2026-12-30"
	assert.Equal(t, []string{
		"2026-01-30 16:00", "2026-02-28 16:00", "2026-03-30 16:00", "2026-04-30 16:00", "2026-05-27 16:00", "2026-06-30 12:30",
		"2026-07-31 16:00", "2026-08-31 16:00", "2026-09-30 16:00", "2026-10-30 16:00", "2026-11-30 16:00", "2026-12-30 16:00" + unsure,
	}, agendaOf(t, s, "report", "2026-01-01", "2026-12-30"))
	assert.Equal(t, []string{"2026-10-31 19:30"}, agendaOf(t, s, "any kind", "2026-10-01", "2026-10-31"))
	assert.Equal(t, []string{"2026-06-29 17:00"}, agendaOf(t, s, "regular", "2026-06-01", "2026-06-30"))
	assert.Equal(t, []string{"2026-01-02 09:00", "2026-04-02 09:00", "2026-07-02 09:00", "2026-10-02 09:00"},
		agendaOf(t, s, "quarter", "2026-01-01", "2026-12-30"))
	for _, told := range agendaOf(t, s, "year", "2026-01-01", "2026-12-30") {
		assert.Regexp(t, `^2026-12-(29|30) 09:00 .* is the 2nd last session of year depends on 2026-12-31`, told)
	}
	assert.Len(t, agendaOf(t, s, "year", "2026-12-28", "2026-12-30"), 2)
}

// TestRule10_AFilterThatCannotBeToldIsNotGuessed drives past the end of a
// calendar's coverage.
func TestRule10_AFilterThatCannotBeToldIsNotGuessed(t *testing.T) {
	table := mumbai()
	table.Last = day("2026-11-26") // a Thursday
	w := newWorld(t, "2026-11-25 00:00:00")
	cfg := w.config(row("first", "daily 09:00 on first session of week"), row("last", "daily 09:00 on last session of week"),
		row("friday", "daily 09:00 on fri"), row("monday", "daily 09:00 on mon"), row("watch", "every 1m open-close on last session of week"))
	cfg.Calendar = calendarOf(t, table)
	_, d := w.drive(cfg)
	d.Until(at("2026-11-28 00:00:00"))

	outside := ": date is outside the calendar's coverage, 2026-01-01 to 2026-11-26"
	unsure := "whether 2026-11-26 is the last session of week depends on 2026-11-29: calendar XNSE: 2026-11-29" + outside
	assert.Empty(t, w.runs("first"))
	assert.Empty(t, w.runs("monday"))
	assert.Equal(t, []string{"09:00 2026-11-27 skipped: calendar XNSE: 2026-11-27" + outside},
		outcomes(w.runs("friday")))
	require.NotEmpty(t, w.runs("last"))
	assert.Equal(t, "09:00 2026-11-26 skipped: "+unsure, outcomes(w.runs("last"))[0])
	require.NotEmpty(t, w.runs("watch"))
	assert.Equal(t, "2026-11-26T09:15:00+05:30 skipped x375", tell(w.runs("watch"))[0])
	assert.Equal(t, unsure, w.runs("watch")[0].Reason)
	assert.Empty(t, w.rec.Runs())
}

// TestRule10_AFilterIsToldOnceTheCalendarKnows asks a calendar again that failed
// to answer for the days after.
func TestRule10_AFilterIsToldOnceTheCalendarKnows(t *testing.T) {
	w := newWorld(t, "2026-11-26 08:00:00") // a Thursday
	cal := &liveCalendar{cal: calendarOf(t, mumbai(calendar.TableDay{Date: day("2026-11-27")}))}
	cal.set(cal.cal, func(d calendar.Date) error {
		if d.After(day("2026-11-26")) {
			return errors.New("no answer")
		}
		return nil
	})
	cfg := w.config(row("early", "daily 08:30 on last session of week"), row("late", "daily 09:00 on last session of week"))
	cfg.Calendar = cal
	_, d := w.drive(cfg)
	d.Until(at("2026-11-26 08:45:00"))
	cal.set(cal.cal, nil)
	d.Until(at("2026-11-26 10:00:00"))

	assert.Equal(t, []string{"2026-11-26 skipped"}, tell(w.runs("early")))
	assert.Equal(t, []string{"2026-11-26 succeeded"}, tell(w.runs("late")))
}

func TestRule06_FiltersThroughTwoWeeks(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00") // a Monday
	cfg := w.config(
		row("weekdays", "daily 09:00 on tue,thu-fri"),
		row("hours", "hourly 10:00-12:00 on last session of week"),
		row("every", "every 2h open-close on first session of week"),
		row("follower", "after every 10m"),
		row("filtered follower", "after hours 24h on fri"),
		row("own filter", "after weekdays 5m on 2nd session of week"),
		row("fewer kinds", "after shortened 5m", on(calendar.OnRegular)),
		row("shortened", "daily 09:00 on last session of week"),
	)
	cfg.Calendar = calendarOf(t, mumbai(
		calendar.TableDay{Date: day("2026-11-27"), Kind: calendar.Shortened, Hours: []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(12, 15)}}},
		calendar.TableDay{Date: day("2026-11-30")},
		calendar.TableDay{Date: day("2026-12-04")},
	))
	_, d := w.drive(cfg)
	d.Until(at("2026-12-06 00:00:00"))

	everyMonday := []string{"2026-11-23T09:15:00+05:30", "2026-11-23T11:15:00+05:30", "2026-11-23T13:15:00+05:30", "2026-11-23T15:15:00+05:30"}
	everyTuesday := []string{"2026-12-01T09:15:00+05:30", "2026-12-01T11:15:00+05:30", "2026-12-01T13:15:00+05:30", "2026-12-01T15:15:00+05:30"}
	hoursOfFriday := []string{"2026-11-27T10+05:30", "2026-11-27T11+05:30", "2026-11-27T12+05:30"}
	for task, want := range map[string][]string{
		"weekdays":          {"2026-11-24", "2026-11-26", "2026-11-27", "2026-12-01", "2026-12-03"},
		"hours":             append(hoursOfFriday, "2026-12-03T10+05:30", "2026-12-03T11+05:30", "2026-12-03T12+05:30"),
		"every":             append(everyMonday, everyTuesday...),
		"follower":          append(everyMonday, everyTuesday...),
		"filtered follower": hoursOfFriday,
		"own filter":        {"2026-11-24"},
		"shortened":         {"2026-11-27", "2026-12-03"},
		"fewer kinds":       {"2026-12-03"},
	} {
		assert.Equal(t, want, w.rec.Slots(task), task)
		assert.Len(t, w.runs(task), len(want), "%s: a day that a filter leaves out is no skipped run", task)
	}
}

// splitSaturday is a calendar with two windows on a Saturday, as on the days of a
// switch to the disaster-recovery site.
func splitSaturday(t *testing.T) calendar.Calendar {
	window := func(start, end calendar.WallTime) calendar.Hours {
		return calendar.Hours{Phase: calendar.PhaseRegular, Start: start, End: end}
	}
	return calendarOf(t, mumbai(calendar.TableDay{
		Date: day("2026-11-28"), Kind: calendar.Special, Reason: "switch to the disaster-recovery site",
		Hours: []calendar.Hours{window(calendar.Wall(9, 15), calendar.Wall(10, 0)), window(calendar.Wall(11, 30), calendar.Wall(12, 30))},
	}))
}

// TestRule11_EachWindowOfASplitDay holds rules 6 and 11.
func TestRule11_EachWindowOfASplitDay(t *testing.T) {
	anySession := on(calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial)
	w := newWorld(t, "2026-11-28 00:00:00")
	cfg := w.config(
		row("each", "daily each open+5m", anySession),
		row("echo", "after each 10m", anySession),
		row("first", "daily first close-5m", anySession),
		row("last", "daily last open", anySession),
		row("crossed", "daily each close-50m", anySession),
	)
	cfg.Calendar = splitSaturday(t)
	_, d := w.drive(cfg)
	d.Until(at("2026-11-30 12:00:00"))

	assert.Equal(t, []string{
		"09:20 2026-11-28#1 succeeded", "11:35 2026-11-28#2 succeeded", "09:20 2026-11-30#1 succeeded",
	}, outcomes(w.runs("each")))
	assert.Equal(t, []string{
		"09:30 2026-11-28#1 succeeded", "11:45 2026-11-28#2 succeeded", "09:30 2026-11-30#1 succeeded",
	}, outcomes(w.runs("echo")))
	assert.Equal(t, []string{"09:55 2026-11-28 succeeded"}, outcomes(w.runs("first")))
	assert.Equal(t, []string{"11:30 2026-11-28 succeeded", "09:15 2026-11-30 succeeded"}, outcomes(w.runs("last")))
	assert.Equal(t, []string{
		"11:40 2026-11-28#2 succeeded",
		"00:00 2026-11-28#1 skipped: window 1: each close-50m is before the open of session 2026-11-28",
	}, outcomes(w.runs("crossed")))
}

// Of the windows that a service was down for, each runs that is still within its
// catch-up.
func TestRule19_EachWindowCatchesUpByItself(t *testing.T) {
	w := newWorld(t, "2026-11-28 09:00:00")
	cfg := w.config(row("report", "daily each close", on(calendar.OnSpecial), catchUp(4*time.Hour),
		func(s *tradeclock.Schedule) { s.Overlap = tradeclock.OverlapQueue }))
	cfg.Calendar = splitSaturday(t)
	_, d := w.drive(cfg)
	d.Tick()
	w.clock.Advance(4 * time.Hour)
	d.Tick()
	d.Until(at("2026-11-28 13:05:00"))

	assert.Equal(t, []string{"2026-11-28#1 succeeded", "2026-11-28#2 succeeded"}, tell(w.runs("report")))
}

func TestRule07_EditsOfFiltersAndWindows(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // edited on Monday, 2026-11-23, at 10:00
		want     []string
	}{
		{"a filter that the day passes", "daily 09:00", "daily 10:30 on mon", []string{"2026-11-23"}},
		{"a filter taken away", "daily 09:00 on mon", "daily 10:30", []string{"2026-11-23", "2026-11-24"}},
		{"another filter", "daily 09:00 on mon", "daily 10:30 on first session of week", []string{"2026-11-23"}},
		{"a filter that ends the day", "hourly 09:30-12:30", "hourly 09:30-12:30 on tue",
			[]string{"2026-11-23T09+05:30", "2026-11-24T09+05:30", "2026-11-24T10+05:30", "2026-11-24T11+05:30", "2026-11-24T12+05:30"}},
		{"a filter that begins a day", "daily 09:00 on tue", "daily 10:30 on mon", []string{"2026-11-23"}},
		{"from the day to each window", "daily open", "daily each close-4h", []string{"2026-11-23", "2026-11-24#1"}},
		{"from each window to the day", "daily each open", "daily 11:00", []string{"2026-11-23#1", "2026-11-24"}},
		{"from each window to another moment of each", "daily each open", "daily each close-4h", []string{"2026-11-23#1", "2026-11-24#1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			_, err := w.store.PutSchedule(t.Context(), ops, row("task", test.old))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules, cfg.Calendar = w.store, calendarOf(t, mumbai())
			_, d := w.drive(cfg)
			d.Until(at("2026-11-23 10:00:00"))

			w.edit("task", store.ScheduleEdit{Rule: rule.MustParse(test.new)})
			d.Until(at("2026-11-24 13:00:00"))

			assert.Equal(t, test.want, w.rec.Slots("task"))
			assert.Len(t, w.runs("task"), len(test.want))
		})
	}
}

func TestFiltersThatAScheduleCannotHave(t *testing.T) {
	everyDay := row("report", "daily 20:00 on last session of month", on(calendar.EveryDay))
	assert.ErrorContains(t, everyDay.Validate(), "Sessions: every-day does not say which sessions count for last session of month: want the kinds, as in regular,shortened")
	assert.NoError(t, row("report", "daily 20:00 on sat,sun", on(calendar.EveryDay)).Validate())

	until := rule.AtAnchor("close", 0).In(rule.EachWindow)
	each := row("report", "daily 20:00", func(s *tradeclock.Schedule) { s.CatchUpUntil = &until })
	assert.ErrorContains(t, each.Validate(), "CatchUpUntil: each close may be several moments")
}
