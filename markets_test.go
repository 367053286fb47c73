package tradeclock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var newYork = func() *time.Location {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return loc
}()

// exchange is the table of a market that is open on weekdays, but for some days.
func exchange(name string, loc *time.Location, open, close calendar.WallTime, days ...calendar.TableDay) calendar.Table {
	return calendar.Table{
		Name: name, Version: "1", Location: loc, First: day("2026-01-01"), Last: day("2027-12-31"), Days: days,
		Base: calendar.Weekdays(loc, calendar.Hours{Phase: calendar.PhaseRegular, Start: open, End: close}),
	}
}

func mumbai(days ...calendar.TableDay) calendar.Table {
	return exchange("XNSE", kolkata, calendar.Wall(9, 15), calendar.Wall(15, 30), days...)
}

func nyse(days ...calendar.TableDay) calendar.Table {
	return exchange("XNYS", newYork, calendar.Wall(9, 30), calendar.Wall(16, 0), days...)
}

// finder is what Config.Calendars is set to.
func finder(cals ...calendar.Calendar) func(string) (calendar.Calendar, error) {
	return func(name string) (calendar.Calendar, error) {
		for _, cal := range cals {
			if cal.Name() == name {
				return cal, nil
			}
		}
		return nil, fmt.Errorf("no data for %s", name)
	}
}

func onCalendar(calendar string) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Calendar = calendar }
}

// TestRowsOfTwoMarkets runs the tasks of two exchanges by the hours, the holidays
// and the clocks of each: Thanksgiving is closed in New York, and the day before
// Guru Nanak Jayanti in Mumbai.
func TestRowsOfTwoMarkets(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00")
	cfg := w.config(
		row("square_off", "daily close-15m"),
		row("us_open", "daily open", onCalendar("XNYS")),
		row("us_report", "after us_open 30m"),
		row("us_every", "every 2h open-close", onCalendar("XNYS")),
		row("us_wall", "daily 20:00", onCalendar("XNYS")),
	)
	cfg.Calendar = calendarOf(t, mumbai(calendar.TableDay{Date: day("2026-11-24")}))
	cfg.Calendars = finder(calendarOf(t, nyse(calendar.TableDay{Date: day("2026-11-26")})))
	_, d := w.drive(cfg)
	d.Until(at("2026-11-28 12:00:00"))

	started := func(task string) (times []string) {
		for _, run := range w.runs(task) {
			require.Equal(t, tradeclock.Succeeded, run.Outcome)
			times = append(times, run.Slot+" at "+run.Started.Format("01-02 15:04Z"))
		}
		return times
	}
	assert.Equal(t, []string{
		"2026-11-23 at 11-23 09:45Z", "2026-11-25 at 11-25 09:45Z", "2026-11-26 at 11-26 09:45Z", "2026-11-27 at 11-27 09:45Z",
	}, started("square_off"))
	assert.Equal(t, []string{"2026-11-23 at 11-23 14:30Z", "2026-11-24 at 11-24 14:30Z", "2026-11-25 at 11-25 14:30Z", "2026-11-27 at 11-27 14:30Z"},
		started("us_open"))
	assert.Equal(t, []string{"2026-11-23 at 11-23 15:00Z", "2026-11-24 at 11-24 15:00Z", "2026-11-25 at 11-25 15:00Z", "2026-11-27 at 11-27 15:00Z"},
		started("us_report"), "an after rule is on the calendar of the task which it follows")
	assert.Contains(t, started("us_every"), "2026-11-23T09:30:00-05:00 at 11-23 14:30Z", "slots are those of its zone")
	assert.Equal(t, "2026-11-23 at 11-24 01:00Z", started("us_wall")[0], "and so are wall times")
	assert.Equal(t, "XNYS", w.runs("us_report")[0].Calendar)
	assert.Equal(t, "1", w.runs("us_report")[0].CalendarVersion)
	assert.Equal(t, "XNSE", w.runs("square_off")[0].Calendar)
}

func TestAgendaAndExplainAreOfTheRowsCalendar(t *testing.T) {
	w := newWorld(t, "2026-11-25 08:00:00")
	cfg := w.config(row("square_off", "daily close-15m"), row("us_open", "daily open", onCalendar("XNYS")))
	cfg.Calendar = calendarOf(t, mumbai())
	cfg.Calendars = finder(calendarOf(t, nyse(
		calendar.TableDay{Date: day("2026-11-26"), Reason: "Thanksgiving Day", Announced: day("2025-12-23")})))
	s, d := w.drive(cfg)
	d.Tick()

	items, err := s.Agenda(t.Context(), day("2026-11-25"))
	require.NoError(t, err)
	require.Len(t, items, 2)
	assert.Equal(t, at("2026-11-25 15:15:00").UTC(), items[0].Due)
	assert.Equal(t, at("2026-11-25 20:00:00").UTC(), items[1].Due)

	why, err := s.Explain(t.Context(), "42", "us_open", day("2026-11-26"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-26, us_open for account 42 does not run: closed: Thanksgiving Day, announced 2025-12-23.", why)
	why, err = s.Explain(t.Context(), "42", "us_open", day("2026-11-25"))
	require.NoError(t, err)
	assert.Contains(t, why, "2026-11-25 09:30:00 in America/New_York", "times are those of the market")

	_, err = s.Trigger(t.Context(), tradeclock.TriggerRequest{Account: "42", Task: "us_open", Actor: "ops", ForToday: true})
	require.NoError(t, err)
	w.clock.Advance(0)
	assert.Equal(t, "2026-11-24", w.runs("us_open")[0].Slot, "in New York it is still the day before")
}

func TestRowsThatNameACalendarAreVetted(t *testing.T) {
	tokyo := exchange("XTKS", time.FixedZone("JST", 9*3600), calendar.Wall(9, 0), calendar.Wall(15, 30))
	for _, test := range []struct {
		name string
		rows []tradeclock.Schedule
		want string // of the rows that are quarantined
	}{
		{"one that is not found", []tradeclock.Schedule{row("a", "daily 09:00", onCalendar("XLON"))}, "schedule of a: Calendar: Config.Calendars: no data for XLON"},
		{"the scheduler's own", []tradeclock.Schedule{row("a", "daily open", onCalendar("XNSE"))}, ""},
		{"an anchor that it has not", []tradeclock.Schedule{row("a", "daily pre_open", onCalendar("XNYS"))},
			`schedule of a: Rule: anchor "pre_open": calendar XNYS has no phase pre_open`},
		{"an after rule of another calendar than its base",
			[]tradeclock.Schedule{row("a", "daily open", onCalendar("XNYS")), row("b", "after a 5m", onCalendar("XNSE"))},
			"schedule of b: Calendar: XNSE: the task that b comes after is on calendar XNYS"},
		{"an after rule that inherits through another",
			[]tradeclock.Schedule{row("c", "after b 5m", onCalendar("XNYS")), row("a", "daily open", onCalendar("XNYS")), row("b", "after a 5m")}, ""},
		{"a found one under another name", []tradeclock.Schedule{row("a", "daily open", onCalendar("alias"))},
			"schedule of a: Calendar: Config.Calendars: the calendar that was found for alias is XTKS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:00:00")
			cfg := w.config()
			st := &rowsStore{rows: test.rows}
			cfg.Schedules, cfg.Calendar = st, calendarOf(t, mumbai())
			find := finder(calendarOf(t, nyse()))
			cfg.Calendars = func(name string) (calendar.Calendar, error) {
				if name == "alias" {
					return calendarOf(t, tokyo), nil
				}
				return find(name)
			}
			s, d := w.drive(cfg)
			d.Tick()
			var got []string
			for _, bad := range s.Status().Quarantined {
				got = append(got, bad.Error())
			}
			if test.want == "" {
				assert.Empty(t, got)
			} else {
				assert.Equal(t, []string{test.want}, got)
			}
		})
	}
}

// TestACalendarThatIsFoundLater serves a row as soon as its calendar can be found.
func TestACalendarThatIsFoundLater(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	var there atomic.Bool
	cfg := w.config()
	cfg.Schedules = &rowsStore{rows: []tradeclock.Schedule{row("us", "every 1m 00:00-23:00", onCalendar("XNYS"))}}
	cfg.Calendars = func(name string) (calendar.Calendar, error) {
		if !there.Load() {
			panic("no such file")
		}
		return calendarOf(t, nyse()), nil
	}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:05:00"))
	assert.Contains(t, strings.Join(s.Status().Degraded, "\n"), "no such file")
	why, err := s.Explain(t.Context(), "42", "us", day("2026-11-23"))
	require.NoError(t, err)
	assert.Contains(t, why, "us for account 42 does not run, as its schedule is quarantined: Calendar: ")
	assert.Contains(t, why, "no such file")
	assert.Empty(t, w.runs(""))
	there.Store(true)
	d.Until(at("2026-11-23 11:35:00"))
	assert.Empty(t, s.Status().Quarantined)
	assert.NotEmpty(t, w.runs("us"))
}

func TestNewRefusesAFixedRowWhoseCalendarIsNotFound(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	cfg := w.config(row("a", "daily 09:00", onCalendar("XNYS")), row("b", "daily 09:00", onCalendar("weekdays")))
	_, err := tradeclock.New(cfg)
	require.EqualError(t, err, "tradeclock: field Schedules: schedule of a: Calendar: there is no calendar XNYS beside weekdays")
	cfg.Calendars = finder()
	_, err = tradeclock.New(cfg)
	require.ErrorContains(t, err, "schedule of a: Calendar: no data for XNYS")
	cfg.Calendars = finder(calendarOf(t, nyse()))
	_, err = tradeclock.New(cfg)
	require.NoError(t, err)
}

// TestOneCalendarThatHangsDelaysNoOther has the calendar of one market hang when
// it is asked for further dates, over two nights.
func TestOneCalendarThatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewRealClock()
		clock.Sleep(at("2026-11-23 08:59:00").Sub(clock.Now()))
		w := &world{t: t, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock), beats: new(tradeclocktest.Beats)}
		hang := make(chan struct{})
		us := &liveCalendar{cal: calendarOf(t, nyse())}
		cfg := w.config(row("buy", "daily 09:01"), row("us", "daily open", onCalendar("XNYS")))
		cfg.Clock, cfg.Calendar, cfg.Calendars = clock, calendarOf(t, mumbai()), finder(us)
		s := w.scheduler(cfg)
		ctx, cancel := context.WithDeadline(t.Context(), at("2026-11-25 23:00:00"))
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		clock.Sleep(time.Hour)
		us.set(calendarOf(t, nyse()), func(calendar.Date) error { <-hang; return nil })
		clock.Sleep(at("2026-11-25 22:00:00").Sub(clock.Now()))

		assert.Contains(t, fmt.Sprint(s.Status().Degraded), "calendar XNYS does not answer")
		assert.NotContains(t, fmt.Sprint(s.Status().Degraded), "XNSE")
		require.Len(t, w.runs("buy"), 3)
		for _, run := range w.runs("buy") {
			assert.LessOrEqual(t, run.Lateness(), 2*time.Second, "a tick waits for a calendar for two seconds")
		}
		assert.Equal(t, []string{"2026-11-23 succeeded", "2026-11-24 succeeded", "2026-11-25 succeeded"}, w.outcomesOf("42", "us"),
			"what it had said of the fortnight holds")
		close(hang)
		assert.NoError(t, <-ended)
	})
}

// snapshots is a calendar that answers from memory and is replaced as a whole.
type snapshots struct {
	now     atomic.Value // of calendar.Calendar
	trouble atomic.Pointer[error]
}

func newSnapshots(cal calendar.Calendar) *snapshots {
	s := new(snapshots)
	s.now.Store(cal)
	return s
}

func (s *snapshots) Snapshot() calendar.Calendar { return s.now.Load().(calendar.Calendar) }
func (s *snapshots) Name() string                { return s.Snapshot().Name() }
func (s *snapshots) Location() *time.Location    { return s.Snapshot().Location() }
func (s *snapshots) PhaseNames() []string {
	return s.Snapshot().(calendar.PhaseLister).PhaseNames()
}
func (s *snapshots) Session(d calendar.Date) (calendar.Session, error) {
	return s.Snapshot().Session(d)
}

func (s *snapshots) DataError() error {
	if err := s.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// TestAHolidayAnnouncedInTheMorning closes today's session at 08:00.
func TestAHolidayAnnouncedInTheMorning(t *testing.T) {
	w := newWorld(t, "2026-11-23 07:55:00")
	cal := newSnapshots(calendarOf(t, mumbai()))
	events, log := new(eventLog), new(bytes.Buffer)
	cfg := w.config(row("premarket", "daily 07:57"), row("buy", "daily 09:01"), row("monitor", "every 1m open-close"), row("after_buy", "after buy 5m"))
	cfg.Calendar, cfg.Observers = cal, []tradeclock.Observer{events}
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 08:00:00"))
	holiday := mumbai(calendar.TableDay{Date: day("2026-11-23"), Reason: "Cyclone", Announced: day("2026-11-23")})
	holiday.Version = "2"
	cal.now.Store(calendarOf(t, holiday))
	d.Until(at("2026-11-23 18:00:00"))

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "premarket"), "what ran stays run")
	assert.Empty(t, append(w.runs("buy"), append(w.runs("monitor"), w.runs("after_buy")...)...))
	changes := eventsOf[tradeclock.CalendarChanged](events)
	require.Len(t, changes, 1)
	assert.Equal(t, tradeclock.CalendarChanged{
		Calendar: "XNSE", Version: "2",
		Sessions: []tradeclock.SessionChange{{
			Date:   day("2026-11-23"),
			Before: "regular session, from 2026-11-23T03:45:00Z to 2026-11-23T10:00:00Z",
			After:  "closed: Cyclone, announced 2026-11-23",
		}},
		Tasks: []tradeclock.TaskChange{
			{Task: "buy", Session: day("2026-11-23"), FellAway: 1},
			{Task: "monitor", Session: day("2026-11-23"), FellAway: 375},
			{Task: "after_buy", Session: day("2026-11-23"), FellAway: 1},
		},
	}, changes[0])
	assert.Contains(t, log.String(), "monitor on 2026-11-23: 375 fell away")
	assert.Contains(t, log.String(), "2026-11-23: closed: Cyclone, announced 2026-11-23 (was regular session")
	why, err := s.Explain(t.Context(), "42", "buy", day("2026-11-23"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-23, buy for account 42 does not run: closed: Cyclone, announced 2026-11-23; the next is due at 2026-11-24 09:01:00.", why)

	d.Until(at("2026-11-24 10:00:00"))
	assert.Equal(t, "2", w.runs("buy")[0].CalendarVersion)
}

// TestACalendarThatChangesDuringTheDay moves, adds and drops what is still to come.
func TestACalendarThatChangesDuringTheDay(t *testing.T) {
	special := func(date string, open, close calendar.WallTime) calendar.TableDay {
		return calendar.TableDay{Date: day(date), Kind: calendar.Regular, Hours: []calendar.Hours{{Phase: calendar.PhaseRegular, Start: open, End: close}}}
	}
	for _, test := range []struct {
		name    string
		change  calendar.TableDay // known from 13:00:30 on
		changed []string
		runs    []string // from then to the end of Saturday
	}{
		{
			"the close moves", special("2026-11-27", calendar.Wall(9, 15), calendar.Wall(17, 0)),
			[]string{"late on 2026-11-27: 1 moved, from 2026-11-27T11:15:00Z"}, []string{"late 2026-11-27 at 16:45"},
		},
		{
			"a Saturday appears", special("2026-11-28", calendar.Wall(9, 15), calendar.Wall(15, 30)),
			[]string{"early on 2026-11-28: 1 appeared, from 2026-11-28T03:50:00Z", "late on 2026-11-28: 1 appeared, from 2026-11-28T09:45:00Z"},
			[]string{"late 2026-11-27 at 15:15", "early 2026-11-28 at 09:20", "late 2026-11-28 at 15:15"},
		},
		{
			"the market shuts at noon, which is over", special("2026-11-27", calendar.Wall(9, 15), calendar.Wall(12, 0)),
			[]string{"late on 2026-11-27: 1 moved, from 2026-11-27T06:15:00Z"}, []string{"late 2026-11-27 missed"},
		},
		{
			"the open moves behind what ran", special("2026-11-27", calendar.Wall(13, 30), calendar.Wall(15, 30)), nil, []string{"late 2026-11-27 at 15:15"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-27 09:00:00")
			cal := newSnapshots(calendarOf(t, mumbai()))
			events := new(eventLog)
			cfg := w.config(row("early", "daily open+5m"), row("late", "daily close-15m"))
			cfg.Calendar, cfg.Observers = cal, []tradeclock.Observer{events}
			_, d := w.drive(cfg)
			d.Until(at("2026-11-27 13:00:30"))
			table := mumbai(test.change)
			table.Version = "2"
			cal.now.Store(calendarOf(t, table))
			d.Until(at("2026-11-28 23:59:00"))

			changes := eventsOf[tradeclock.CalendarChanged](events)
			require.Len(t, changes, 1)
			var changed []string
			for _, c := range changes[0].Tasks {
				changed = append(changed, c.String())
			}
			assert.Equal(t, test.changed, changed)
			var runs []string
			for _, run := range w.runs("") {
				switch {
				case run.Outcome != tradeclock.Succeeded:
					runs = append(runs, run.Task+" "+run.Slot+" "+run.Outcome.String())
				case run.Started.After(at("2026-11-27 13:00:30")):
					runs = append(runs, run.Task+" "+run.Slot+" at "+run.Started.In(kolkata).Format("15:04"))
				}
			}
			assert.Equal(t, test.runs, runs)
			assert.Equal(t, []string{"2026-11-27 succeeded"}, w.outcomesOf("42", "early")[:1], "what ran stays run, once")
		})
	}
}

// TestOnlyTheNewestRunsOfWhatACalendarBringsUpLate has a session's hours arrive at
// 10:00, with a new version of the calendar and without one.
func TestOnlyTheNewestRunsOfWhatACalendarBringsUpLate(t *testing.T) {
	for name, version := range map[string]string{"with a new version": "2", "without one": "1"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-26 09:00:00")
			cal := new(liveCalendar)
			cal.set(week(t), nil)
			cfg := w.config(row("watch", "every 1m open-close"))
			cfg.Calendar = cal
			_, d := w.drive(cfg)
			d.Until(at("2026-11-26 09:59:00"))
			w.clock.Advance(time.Minute)
			cal.set(withHours(t, version), nil)
			d.Until(at("2026-11-26 10:02:00"))
			assert.Equal(t, []string{"09:15 missed x45", "10:00 succeeded", "10:01 succeeded", "10:02 succeeded"}, became(w.runs("watch")))
		})
	}
}

// TestAChangeOfYesterdaysSession accounts for what is due today by a session of
// yesterday that nobody knew of.
func TestAChangeOfYesterdaysSession(t *testing.T) {
	w := newWorld(t, "2026-11-22 12:00:00") // a Sunday
	cal := newSnapshots(calendarOf(t, mumbai()))
	cfg := w.config(row("night", "daily 02:00+1d"), row("evening", "daily 18:00"))
	cfg.Calendar = cal
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 01:00:00"))
	table := mumbai(calendar.TableDay{Date: day("2026-11-22"), Kind: calendar.Regular})
	table.Version = "2"
	cal.now.Store(calendarOf(t, table))
	d.Until(at("2026-11-23 03:00:00"))
	assert.Equal(t, []string{"2026-11-22 succeeded"}, w.outcomesOf("42", "night"))
	assert.Equal(t, []string{"2026-11-22 missed"}, w.outcomesOf("42", "evening"))
}

func TestTheStartTellsOfTheCoverage(t *testing.T) {
	for _, test := range []struct {
		now, want string
		degraded  bool
	}{
		{"2027-06-01 09:00:00", `level=INFO msg=calendar scheduler=paper calendar=XNSE version=1 zone=Asia/Kolkata covers_to=2027-12-31 sessions_left=154`, false},
		{"2027-11-22 09:00:00", `level=WARN msg="the calendar's coverage ends soon: newer data are needed by then" scheduler=paper calendar=XNSE version=1 zone=Asia/Kolkata covers_to=2027-12-31 sessions_left=30`, false},
		{"2027-12-06 09:00:00", `condition="calendar XNSE ends on 2027-12-31, with 20 sessions left"`, true},
		{"2028-01-03 09:00:00", `condition="tasks are skipped: calendar XNSE: 2028-01-03`, true},
	} {
		w := newWorld(t, test.now)
		log := new(bytes.Buffer)
		cfg := w.config(row("buy", "daily 09:01"))
		cfg.Calendar = calendarOf(t, mumbai())
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		s, d := w.drive(cfg)
		d.Tick()
		assert.Contains(t, log.String(), test.want)
		assert.Equal(t, test.degraded, !s.Status().Healthy(), "%v", s.Status().Degraded)
	}
}

// TestACalendarInTroubleIsHealth shows what a calendar says of its data.
func TestACalendarInTroubleIsHealth(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	cal := newSnapshots(calendarOf(t, mumbai()))
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Calendar = cal
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:01:00"))
	assert.True(t, s.Status().Healthy())
	trouble := errors.New("XNSE.csv: line 3: inverted hours: the last good data are used")
	cal.trouble.Store(&trouble)
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"calendar XNSE: " + trouble.Error()}, s.Status().Degraded)
	cal.trouble.Store(nil)
	d.Until(at("2026-11-23 09:03:00"))
	assert.True(t, s.Status().Healthy())
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
}

// TestAnAssumedSessionIsHealth runs on days that a calendar was told to guess, and
// says so.
func TestAnAssumedSessionIsHealth(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	table := mumbai()
	table.Last = day("2026-11-22")
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Calendar = guessing{calendarOf(t, table), calendarOf(t, mumbai())}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:01:00"))
	assert.Equal(t, []string{"calendar XNSE does not know 2026-11-23 and assumes a regular session"}, s.Status().Degraded)
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
}

// guessing knows what its first calendar does, and assumes what its other says.
type guessing struct {
	calendar.Calendar
	other calendar.Calendar
}

func (g guessing) Session(d calendar.Date) (calendar.Session, error) {
	if s, err := g.Calendar.Session(d); err == nil {
		return s, nil
	}
	s, err := g.other.Session(d)
	s.Assumed = true
	return s, err
}

// TestAnAnchorThatIsMissingForDaysIsHealth skips a task for want of a phase, session
// after session. A date that nobody knows is told once for all tasks instead. It
// holds rule 15.
func TestAnAnchorThatIsMissingForDaysIsHealth(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00")
	table := mumbai(calendar.TableDay{Date: day("2026-01-02"), Kind: calendar.Special, Hours: []calendar.Hours{
		{Phase: calendar.PhaseClosingAuction, Start: calendar.Wall(15, 15), End: calendar.Wall(15, 35)}}})
	cfg := w.config(row("auction", "daily closing_auction"))
	cfg.Calendar = calendarOf(t, table)
	s, d := w.drive(cfg)
	d.Until(at("2026-11-27 00:00:00"))
	assert.True(t, s.Status().Healthy())
	d.Until(at("2026-11-28 00:00:00"))
	require.Len(t, s.Status().Degraded, 1)
	assert.Contains(t, s.Status().Degraded[0], "auction for account 42 was skipped, missed or failed 5 times in a row or more, last with: session 2026-11-27 has no closing_auction")

	w = newWorld(t, "2028-01-03 00:00:00")
	cfg = w.config(row("buy", "daily 09:00"))
	cfg.Calendar = calendarOf(t, mumbai())
	s, d = w.drive(cfg)
	d.Until(at("2028-01-14 00:00:00"))
	assert.Len(t, s.Status().Degraded, 1, "%v", s.Status().Degraded)
}
