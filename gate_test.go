package tradeclock_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// weekTable is a week with a day of each kind, and what is regular around it.
func weekTable() calendar.Table {
	regular := func(start, end calendar.WallTime) []calendar.Hours {
		return []calendar.Hours{{Phase: calendar.PhaseRegular, Start: start, End: end}}
	}
	return calendar.Table{
		Name: "XNSE", Version: "1", Location: kolkata,
		First: day("2026-11-01"), Last: day("2026-12-31"),
		Base: calendar.Weekdays(kolkata, regular(calendar.Wall(9, 15), calendar.Wall(15, 30))...),
		Days: []calendar.TableDay{
			{Date: day("2026-11-24"), Kind: calendar.Closed, Reason: "Guru Nanak Jayanti"},
			{Date: day("2026-11-25"), Kind: calendar.Shortened, Hours: regular(calendar.Wall(9, 15), calendar.Wall(12, 30))},
			{Date: day("2026-11-26"), Kind: calendar.Regular, HoursUnknown: true},
			{Date: day("2026-11-27"), Kind: calendar.Special, Hours: regular(calendar.Wall(18, 0), calendar.Wall(19, 0)), Reason: "Muhurat"},
		},
	}
}

// week is the calendar of weekTable.
func week(t testing.TB) calendar.Calendar { return calendarOf(t, weekTable()) }

func calendarOf(t testing.TB, table calendar.Table) calendar.Calendar {
	t.Helper()
	c, err := calendar.NewTable(table)
	require.NoError(t, err)
	return c
}

// liveCalendar is a calendar that can be replaced by another version, or be made
// to misbehave, while a scheduler uses it.
type liveCalendar struct {
	mu  sync.Mutex
	cal calendar.Calendar
	bad func(d calendar.Date) error // called first, if it is set
}

func (c *liveCalendar) set(cal calendar.Calendar, bad func(d calendar.Date) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cal, c.bad = cal, bad
}

func (c *liveCalendar) now() calendar.Calendar {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cal
}

func (c *liveCalendar) Name() string             { return c.now().Name() }
func (c *liveCalendar) Location() *time.Location { return c.now().Location() }
func (c *liveCalendar) Version() string          { return c.now().(calendar.Versioned).Version() }

func (c *liveCalendar) Session(d calendar.Date) (calendar.Session, error) {
	c.mu.Lock()
	cal, bad := c.cal, c.bad
	c.mu.Unlock()
	if bad != nil {
		if err := bad(d); err != nil {
			return calendar.Session{}, err
		}
	}
	return cal.Session(d)
}

func on(set calendar.SessionSet) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Sessions = set }
}

func TestRule09_AScheduleRunsOnTheKindsThatItNames(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00")
	cfg := w.config(
		row("default", "daily 09:00"),
		row("regular", "daily 09:00", on(calendar.OnRegular)),
		row("shortened", "daily 09:00", on(calendar.OnShortened)),
		row("special", "daily 09:00", on(calendar.OnSpecial)),
		row("any session", "daily 09:00", on(calendar.OnRegular|calendar.OnShortened|calendar.OnSpecial)),
		row("every day", "daily 09:00", on(calendar.EveryDay)),
	)
	cfg.Calendar = week(t)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-30 00:00:00"))

	for task, want := range map[string][]string{
		"default":     {"2026-11-23", "2026-11-25", "2026-11-26"},
		"regular":     {"2026-11-23", "2026-11-26"},
		"shortened":   {"2026-11-25"},
		"special":     {"2026-11-27"},
		"any session": {"2026-11-23", "2026-11-25", "2026-11-26", "2026-11-27"},
		"every day":   {"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"},
	} {
		assert.Equal(t, want, w.rec.Slots(task), task)
		assert.Len(t, w.runs(task), len(want), "%s: a closed day is no skipped run", task)
	}
}

func TestRule09_AWeekendDayCanBeARegularSession(t *testing.T) {
	table := weekTable()
	table.Days = append(table.Days, calendar.TableDay{Date: day("2026-11-28"), Kind: calendar.Regular, Reason: "Budget day"})
	w := newWorld(t, "2026-11-28 08:00:00") // a Saturday
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Calendar = calendarOf(t, table)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-30 00:00:00"))

	assert.Equal(t, []string{"2026-11-28"}, w.rec.Slots("buy"))
}

func TestRule10_PastItsCoverageACalendarIsNotGuessedAt(t *testing.T) {
	table := weekTable()
	table.Last = day("2026-11-27")
	w := newWorld(t, "2026-11-27 20:00:00")
	cfg := w.config(row("buy", "daily 09:00"), row("watch", "every 1m 09:15-15:30"), row("anchored", "daily close-15m"),
		row("anchored watch", "every 1m open-close"), row("backup", "daily 22:00", on(calendar.EveryDay)))
	cfg.Calendar = calendarOf(t, table)
	s, d := w.drive(cfg)

	d.Until(at("2026-11-29 00:00:00")) // through a Saturday, of which it knows nothing

	reason := "calendar XNSE: 2026-11-28: date is outside the calendar's coverage, 2026-11-01 to 2026-11-27"
	for task, want := range map[string]struct{ told, due string }{
		"buy":            {"2026-11-28 skipped", "2026-11-28 09:00:00"},
		"watch":          {"2026-11-28T09:15:00+05:30 skipped x375", "2026-11-28 09:15:00"},
		"anchored":       {"2026-11-28 skipped", "2026-11-29 00:00:00"},
		"anchored watch": {"2026-11-28 skipped", "2026-11-29 00:00:00"},
	} {
		runs := w.runs(task)
		require.Equal(t, []string{want.told}, tell(runs), task)
		assert.Equal(t, at(want.due).UTC(), runs[0].Due, task)
		assert.Equal(t, reason, runs[0].Reason, task)
	}
	assert.Equal(t, []string{"2026-11-27", "2026-11-28"}, w.rec.Slots("backup"))
	assert.Contains(t, s.Status().Degraded[0], "tasks are skipped: calendar XNSE: 2026-11-29: date is outside")
	beat, _ := w.beats.Last()
	assert.Equal(t, at("2026-11-29 00:00:00").UTC(), beat.At, "heartbeats go on")
	assert.NotEmpty(t, beat.Degraded)
}

func TestRule10_AnUnknownDayIsSkippedAtItsDueInstants(t *testing.T) {
	table := weekTable()
	table.Last = day("2026-11-22")
	table.Days = nil
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.config(row("watch", "every 1m 09:15-15:30"))
	cfg.Calendar = calendarOf(t, table)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-23 09:14:30"))
	assert.Empty(t, w.runs("watch"))
	d.Until(at("2026-11-23 09:15:00"))
	assert.Equal(t, []string{"09:15 skipped"}, became(w.runs("watch")))
	d.Until(at("2026-11-23 09:19:00"))
	assert.Equal(t, []string{"09:15 skipped x5"}, became(w.runs("watch")))
}

func TestRule10_ACalendarThatFails(t *testing.T) {
	failing := map[string]func(calendar.Date) error{
		"with an error": func(calendar.Date) error { return errors.New("no file") },
		"with a panic":  func(calendar.Date) error { panic("no file") },
	}
	for name, bad := range failing {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:55:00")
			cal := new(liveCalendar)
			cal.set(withHours(t, "1"), bad)
			cfg := w.config(row("early", "daily 09:00"), row("late", "daily 10:00"), row("anchored", "daily open+1h"))
			cfg.Calendar = cal
			s, d := w.drive(cfg)

			d.Until(at("2026-11-23 09:30:00"))
			require.Len(t, s.Status().Degraded, 1)
			assert.Contains(t, s.Status().Degraded[0], "no file")
			assert.Equal(t, []string{"09:00 skipped"}, became(w.runs("")))
			assert.Contains(t, w.runs("early")[0].Reason, "no file")

			cal.set(withHours(t, "1"), nil)
			d.Until(at("2026-11-23 10:30:00"))
			assert.Empty(t, s.Status().Degraded, "it answers again")
			assert.Equal(t, []string{"09:00 skipped"}, became(w.runs("early")))
			assert.Equal(t, []string{"10:00 succeeded"}, became(w.runs("late")))
			assert.Equal(t, []string{"10:15 succeeded"}, became(w.runs("anchored")))
		})
	}
}

// TestRule10_ACalendarThatHangs moves the clock on from within the call, once the
// scheduler waits for it. Nothing is quiet while the call hangs, so that it ticks
// without a driver.
func TestRule10_ACalendarThatHangs(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	release := make(chan struct{})
	cal := new(liveCalendar)
	hang := sync.OnceFunc(func() {
		w.clock.Advance(2 * time.Second)
		<-release
	})
	cal.set(week(t), func(calendar.Date) error {
		hang()
		return nil
	})
	cfg := w.config(row("buy", "daily 09:00"), row("backup", "daily 09:00", on(calendar.EveryDay)))
	cfg.Calendar = cal
	s := w.scheduler(cfg)

	for range 4 {
		require.NoError(t, s.Tick(t.Context()))
		w.clock.Advance(time.Minute)
	}

	require.NotEmpty(t, s.Status().Degraded)
	assert.Contains(t, s.Status().Degraded[0], "calendar")
	assert.Equal(t, 4, w.beats.Count(), "heartbeats go on")
	close(release)
	require.NoError(t, s.Quiesce(t.Context()))
	items := w.agenda(s, "2026-11-23")
	require.Len(t, items, 2)
	assert.Equal(t, []string{"09:00 succeeded", "09:00 skipped"}, became([]tradeclock.Run{items[0].Run, items[1].Run}))
	assert.Contains(t, items[1].Run.Reason, "calendar")
	assert.Equal(t, 1, w.rec.Count("backup"))
	assert.Equal(t, 0, w.rec.Count("buy"))
	require.NoError(t, s.Close(t.Context()))
}

// rudeCalendar panics wherever a calendar can.
type rudeCalendar struct {
	calendar.Calendar
	rude bool
}

func (c *rudeCalendar) Version() string {
	if c.rude {
		panic("no version")
	}
	return "1"
}

func (c *rudeCalendar) Coverage() (first, last calendar.Date) {
	if c.rude {
		panic("no coverage")
	}
	return day("2026-11-01"), day("2027-12-31")
}

func TestRule10_ACalendarThatPanicsBesidesIsContained(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	cal := &rudeCalendar{Calendar: calendar.Weekdays(kolkata)}
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Calendar = cal
	s, d := w.drive(cfg)
	d.Tick()

	cal.rude = true
	d.Until(at("2026-11-23 09:01:00"))

	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")), "the sessions are known")
	require.Len(t, s.Status().Degraded, 1)
	assert.Contains(t, s.Status().Degraded[0], "panic")
}

func TestRule10_UnknownHoursBlockAnchorsOnly(t *testing.T) {
	w := newWorld(t, "2026-11-26 08:00:00")
	cfg := w.config(row("wall", "daily 09:00"), row("wall watch", "every 1h 09:15-15:30"), row("anchored", "daily close-15m"),
		row("anchored watch", "every 1h open-close"), row("after", "after anchored 5m"))
	cfg.Calendar = week(t)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-26 23:59:00"))
	assert.Equal(t, 1, w.rec.Count("wall"))
	assert.Equal(t, 7, w.rec.Count("wall watch"))
	for _, task := range []string{"anchored", "anchored watch", "after"} {
		assert.Empty(t, w.runs(task), "%s: the hours may still arrive", task)
	}

	d.Until(at("2026-11-27 00:01:00"))
	for _, task := range []string{"anchored", "anchored watch", "after"} {
		runs := w.runs(task)
		require.Equal(t, []string{"2026-11-26 skipped"}, tell(runs), task)
		assert.Equal(t, at("2026-11-27 00:00:00").UTC(), runs[0].Due, task)
		assert.Equal(t, "the hours of session 2026-11-26 are not known", runs[0].Reason, task)
	}
}

// withHours is weekTable with the hours of its 26th.
func withHours(t testing.TB, version string) calendar.Calendar {
	table := weekTable()
	table.Version = version
	table.Days[2] = calendar.TableDay{Date: day("2026-11-26"), Kind: calendar.Regular, Hours: []calendar.Hours{
		{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)},
	}}
	return calendarOf(t, table)
}

func TestRule10_HoursThatArriveLateStillArmAnchors(t *testing.T) {
	for name, version := range map[string]string{"with a new version": "2", "without one": "1"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-26 08:59:00")
			log := new(eventLog)
			cal := new(liveCalendar)
			cal.set(week(t), nil)
			cfg := w.config(row("wall", "daily 09:00"), row("wall watch", "every 1m 09:15-15:30"),
				row("close", "daily close-15m"), row("open", "daily open+1m"), row("just", "daily close-5h30m30s"),
				row("watch", "every 1h open-close"), row("after", "after close 5m"))
			cfg.Calendar = cal
			cfg.Observers = []tradeclock.Observer{log}
			s, d := w.drive(cfg)
			d.Until(at("2026-11-26 10:00:00"))

			cal.set(withHours(t, version), nil)
			d.Until(at("2026-11-27 00:01:00"))

			assert.Equal(t, []string{"15:15 succeeded"}, became(w.runs("close")))
			assert.Equal(t, []string{"15:20 succeeded"}, became(w.runs("after")))
			assert.Equal(t, []string{"09:16 missed"}, became(w.runs("open")), "its catch-up had passed")
			assert.Equal(t, []string{"09:59 succeeded"}, became(w.runs("just")), "within its catch-up")
			assert.Equal(t, []string{"09:15 missed", "10:15 succeeded", "11:15 succeeded", "12:15 succeeded",
				"13:15 succeeded", "14:15 succeeded", "15:15 succeeded"}, became(w.runs("watch")))
			assert.Equal(t, []string{"2026-11-26"}, w.rec.Slots("wall"))
			assert.Equal(t, 375, w.rec.Count("wall watch"))
			assert.Len(t, w.runs("wall watch"), 375)

			require.NoError(t, s.Close(t.Context()))
			for _, e := range eventsOf[tradeclock.RunMissed](log) {
				assert.Contains(t, []string{"open", "watch"}, e.Run.Task, "what was planned already is not missed")
			}
			assert.Empty(t, eventsOf[tradeclock.RunSkipped](log))
		})
	}
}

func TestRule10_HoursThatArriveTogetherWithAnEditStillArmAnchors(t *testing.T) {
	w := newWorld(t, "2026-11-26 09:00:00")
	cal := new(liveCalendar)
	cal.set(week(t), nil)
	_, err := w.store.SeedSchedules(t.Context(), row("open", "daily open+1m"), row("buy", "daily 11:00"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Calendar, cfg.Schedules = cal, w.store
	_, d := w.drive(cfg)
	d.Until(at("2026-11-26 09:59:00"))

	cal.set(withHours(t, "1"), nil)
	w.edit("buy", store.ScheduleEdit{Rule: rule.MustParse("daily 12:00")})
	d.Until(at("2026-11-26 10:01:00"))

	assert.Equal(t, []string{"09:16 missed"}, became(w.runs("open")))
}

func TestRule10_HoursThatArriveAfterTheDateChangeNothing(t *testing.T) {
	for name, version := range map[string]string{"with a new version": "2", "without one": "1"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-26 08:00:00")
			cal := new(liveCalendar)
			cal.set(week(t), nil)
			cfg := w.config(row("close", "daily close-15m"), row("watch", "every 1h open-close"))
			cfg.Calendar = cal
			_, d := w.drive(cfg)
			d.Until(at("2026-11-27 00:01:00"))
			require.Equal(t, []string{"2026-11-26 skipped"}, tell(w.runs("watch")))

			cal.set(withHours(t, version), nil)
			d.Until(at("2026-11-27 08:00:00"))

			assert.Equal(t, []string{"2026-11-26 skipped"}, tell(w.runs("watch")))
			assert.Equal(t, []string{"2026-11-26 skipped"}, tell(w.runs("close")))
		})
	}
}

func TestRule10_ADayThatBecomesKnownIsNotRecordedTwice(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cal := new(liveCalendar)
	cal.set(week(t), func(calendar.Date) error { return errors.New("no file") })
	cfg := w.config(row("watch", "every 1m 09:15-15:30"), row("open", "daily open"))
	cfg.Calendar = cal
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:24:00"))
	require.Equal(t, []string{"09:15 skipped x10"}, became(w.runs("watch")))

	cal.set(week(t), nil)
	d.Until(at("2026-11-23 15:31:00"))

	runs := w.runs("watch")
	assert.Equal(t, "09:15 skipped x10", became(runs)[0])
	assert.Equal(t, 365, w.rec.Count("watch"))
	assert.Len(t, runs, 1+365)
	assert.Equal(t, []string{"09:15 missed"}, became(w.runs("open")))
}

func TestRule10_ACloseThatMovesRunsNothingAgain(t *testing.T) {
	closing := func(hour int, version string) calendar.Calendar {
		table := weekTable()
		table.Version = version
		table.Days = []calendar.TableDay{{Date: day("2026-11-23"), Kind: calendar.Shortened, Hours: []calendar.Hours{
			{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(hour, 0)},
		}}}
		return calendarOf(t, table)
	}
	w := newWorld(t, "2026-11-23 10:00:00")
	cal := new(liveCalendar)
	cal.set(closing(13, "1"), nil)
	cfg := w.config(row("flatten", "daily close-15m"), row("report", "daily close-90s"), row("sweep", "daily close+1h"))
	cfg.Calendar = cal
	_, d := w.drive(cfg)

	d.Until(at("2026-11-23 12:00:00"))
	cal.set(closing(12, "2"), nil) // it has closed at this moment
	d.Until(at("2026-11-23 12:30:00"))
	assert.Equal(t, []string{"11:45 missed"}, became(w.runs("flatten")), "moved into the past, and its catch-up had passed")
	assert.Equal(t, []string{"11:58 succeeded"}, became(w.runs("report")), "moved into the past, within its catch-up")

	cal.set(closing(15, "3"), nil)
	d.Until(at("2026-11-23 18:00:00"))
	assert.Equal(t, []string{"11:45 missed"}, became(w.runs("flatten")))
	assert.Equal(t, []string{"11:58 succeeded"}, became(w.runs("report")))
	assert.Equal(t, []string{"16:00 succeeded"}, became(w.runs("sweep")))
	assert.Equal(t, "3", w.runs("sweep")[0].CalendarVersion)
	assert.Equal(t, 1, w.rec.Count("report"))
}

func TestRule10_ACalendarWarnsBeforeItsCoverageEnds(t *testing.T) {
	table := weekTable() // it ends on 2026-12-31
	for name, cal := range map[string]calendar.Calendar{
		"a table": calendarOf(t, table),
		"another": struct {
			calendar.Calendar
			calendar.Covered
		}{calendarOf(t, table), calendarOf(t, table).(calendar.Covered)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-30 23:58:00")
			cfg := w.config(row("buy", "daily 09:00"))
			cfg.Calendar = cal
			s, d := w.drive(cfg)
			d.Until(at("2026-11-30 23:59:00"))
			assert.Empty(t, s.Status().Degraded, "31 days before")

			d.Until(at("2026-12-01 00:00:00"))
			assert.Equal(t, []string{"calendar XNSE ends on 2026-12-31, with 23 sessions left"}, s.Status().Degraded)

			w.clock.Advance(at("2026-12-31 10:00:00").Sub(w.clock.Now()))
			d.Tick()
			d.Tick()
			assert.Contains(t, s.Status().Degraded, "calendar XNSE ends on 2026-12-31, with 1 session left")
			d.Until(at("2027-01-01 00:00:00"))
			assert.NotContains(t, fmt.Sprint(s.Status().Degraded), "session left")
			assert.Contains(t, fmt.Sprint(s.Status().Degraded), "calendar XNSE: 2027-01-01: date is outside", "it has ended")
		})
	}
}

func TestRule11_AnAnchorThatASessionLacksIsASkippedRun(t *testing.T) {
	muhurat := on(calendar.OnRegular | calendar.OnSpecial)
	tests := []struct {
		name, rule, want string // on 2026-11-27, with the session from 18:00 to 19:00
	}{
		{"crossing the open", "daily close-90m", "skipped: close-1h30m is before the open of session 2026-11-27"},
		{"crossing the close", "daily open+90m", "skipped: open+1h30m is after the close of session 2026-11-27"},
		{"just at the open", "daily close-1h", "18:00 succeeded"},
		{"just at the close", "daily open+1h", "19:00 succeeded"},
		{"after the close", "daily close+30m", "19:30 succeeded"},
		{"before the open", "daily open-15m", "17:45 succeeded"},
		{"no such phase", "daily pre_open", "skipped: session 2026-11-27 has no pre_open"},
		{"no such end", "daily pre_open.end+1m", "skipped: session 2026-11-27 has no pre_open"},
		{"a window that crosses", "every 1m open+90m-close", "skipped: open+1h30m is after the close of session 2026-11-27"},
		{"a window that is inverted", "every 1m open+40m-close-40m", "skipped: end close-40m"},
	}
	table := weekTable()
	table.Days = append(table.Days, calendar.TableDay{Date: day("2026-11-20"), Kind: calendar.Regular, Hours: []calendar.Hours{
		{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 8)},
	}})
	w := newWorld(t, "2026-11-27 00:00:00")
	var rows []tradeclock.Schedule
	for _, test := range tests {
		rows = append(rows, row(test.name, test.rule, muhurat))
	}
	cfg := w.config(rows...)
	cfg.Calendar = calendarOf(t, table)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-28 00:01:00"))

	for _, test := range tests {
		runs := w.runs(test.name)
		require.Len(t, runs, 1, test.name)
		if runs[0].Outcome == tradeclock.Succeeded {
			assert.Equal(t, []string{test.want}, became(runs), test.name)
			continue
		}
		assert.Contains(t, "skipped: "+runs[0].Reason, test.want, test.name)
		assert.Equal(t, at("2026-11-28 00:00:00").UTC(), runs[0].Due, "%s: at the end of the date", test.name)
		assert.Equal(t, 0, w.rec.Count(test.name), test.name)
	}
}

func TestRule12_WithoutACalendarSessionsAreMondayToFriday(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00") // a Monday
	cfg := w.config(row("buy", "daily 00:30"))
	cfg.Calendar, cfg.Location = nil, kolkata
	_, d := w.drive(cfg)

	d.Until(at("2026-12-01 12:00:00"))

	assert.Equal(t, []string{"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01"},
		w.rec.Slots("buy"))
	assert.Len(t, w.runs(""), 7)
	assert.Equal(t, "weekdays", w.runs("buy")[0].Calendar)
}

func TestRule12_WithoutALocationTheyAreOfUTC(t *testing.T) {
	w := newWorldIn(t, time.UTC, "2026-11-20 23:00:00") // a Friday
	cfg := w.config(row("buy", "daily 23:30"))
	cfg.Calendar = nil
	_, d := w.drive(cfg)

	d.For(72 * time.Hour)

	assert.Equal(t, []string{"2026-11-20"}, w.rec.Slots("buy"))
	assert.Equal(t, time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC), w.runs("buy")[0].Due)
}

// A cap of the catch-up that cannot be told ends it at the due time: what is on time
// starts, and nothing starts late. A wall time can always be told.
func TestRule11_ACapThatCannotBeTold(t *testing.T) {
	until := func(m rule.Moment) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.CatchUpUntil = &m }
	}
	opening, closing := rule.AtAnchor("open", 0), rule.AtAnchor("close", 0)
	table := weekTable()
	table.Last = day("2026-11-27")
	const unknown = "its catch-up until open cannot be told, so that it could only be on time: the hours of session 2026-11-26 are not known"
	for _, test := range []struct {
		name   string
		up     string // when the service is up again
		row    tradeclock.Schedule
		became string
		reason string
	}{
		{"on time", "2026-11-26 09:01:00", row("buy", "daily 09:01", until(opening)), "09:01 succeeded", ""},
		{"within the minute", "2026-11-26 09:01:59", row("buy", "daily 09:01", until(opening)), "09:01 succeeded", ""},
		{"late", "2026-11-26 09:02:00", row("buy", "daily 09:01", until(opening)), "09:01 missed", unknown},
		{"hours late", "2026-11-26 20:30:00", row("buy", "daily 09:01", until(opening)), "09:01 missed", unknown},
		{"a shorter catch-up", "2026-11-26 09:01:30", row("buy", "daily 09:01", until(opening), catchUp(30*time.Second)), "09:01 missed",
			"its catch-up of 30s had passed"},
		{"a wall time", "2026-11-26 09:59:59", row("buy", "daily 09:01", until(rule.At(10, 0))), "09:01 succeeded", ""},
		{"after the wall time", "2026-11-26 10:00:00", row("buy", "daily 09:01", until(rule.At(10, 0))), "09:01 missed",
			"its catch-up had ended at 10:00"},
		{"a day without the anchor", "2026-11-24 09:03:00", row("buy", "daily 09:01", on(calendar.EveryDay), until(closing)), "09:01 missed",
			"its catch-up until close cannot be told, so that it could only be on time: session 2026-11-24 has no close"},
		{"a day that is not known", "2026-11-28 09:03:00", row("buy", "daily 09:01", on(calendar.EveryDay), until(closing)), "09:01 missed",
			"its catch-up until close cannot be told, so that it could only be on time: calendar XNSE: 2026-11-28: date is outside the calendar's coverage, 2026-11-01 to 2026-11-27"},
		{"a wall time of a day that is not known", "2026-11-28 09:59:00", row("buy", "daily 09:01", on(calendar.EveryDay), until(rule.At(10, 0))),
			"09:01 succeeded", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.row.CatchUp == 0 {
				test.row.CatchUp = 12 * time.Hour
			}
			w := newWorld(t, test.up[:len("2026-11-26")]+" 08:59:00")
			cfg := w.config(test.row)
			cfg.Calendar = calendarOf(t, table)
			before := w.scheduler(cfg)
			require.NoError(t, before.Tick(t.Context()))
			require.NoError(t, before.Close(t.Context()))
			w.clock.Advance(at(test.up).Sub(w.clock.Now()))
			_, d := w.drive(cfg)
			d.Tick()

			require.Equal(t, []string{test.became}, became(w.runs("buy")))
			assert.Equal(t, test.reason, w.runs("buy")[0].Reason)
		})
	}
}
