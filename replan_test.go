package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// versions returns the calendars of tables, with the versions 1, 2, 3...
func versions(t *testing.T, tables ...calendar.Table) (cals []calendar.Calendar) {
	t.Helper()
	for i, table := range tables {
		table.Version = fmt.Sprint(i + 1)
		cals = append(cals, calendarOf(t, table))
	}
	return cals
}

// TestACalendarThatChangesBackAndForth closes a day at 10:00 and opens it again at
// 11:00: what had run stays run, and what would have run meanwhile is missed.
func TestACalendarThatChangesBackAndForth(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	closed := mumbai(calendar.TableDay{Date: day("2026-11-23"), Reason: "Cyclone"})
	cals := versions(t, mumbai(), closed, mumbai(), closed, mumbai())
	cal, events := newSnapshots(cals[0]), new(eventLog)
	cfg := w.config(row("buy", "daily open+5m"), row("monitor", "every 1m open-close"), row("check", "after buy 30m"))
	cfg.Calendar, cfg.Observers = cal, []tradeclock.Observer{events}
	_, d := w.drive(cfg)
	for i, change := range []string{"10:00:30", "11:00:30", "11:10:30", "11:11:30"} {
		d.Until(at("2026-11-23 " + change))
		cal.now.Store(cals[i+1])
	}
	d.Until(at("2026-11-23 16:00:00"))

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "check"))
	monitor := w.runs("monitor")
	count := 0
	for _, run := range monitor {
		count += run.Occurrences()
	}
	assert.Equal(t, 375, count, "each of the day's occurrences has one outcome")
	assert.Equal(t, []string{"09:15 succeeded", "10:00 succeeded", "10:01 missed x59", "11:00 succeeded"},
		[]string{became(monitor)[0], became(monitor)[45], became(monitor)[46], became(monitor)[47]})
	for _, missed := range eventsOf[tradeclock.RunMissed](events) {
		assert.Equal(t, "monitor", missed.Run.Task, "nothing else is told as missed: %v", missed.Run.Slot)
	}
	var moved []int
	for _, change := range eventsOf[tradeclock.CalendarChanged](events) {
		moved = append(moved, change.MovedIntoPast)
	}
	assert.Equal(t, []int{0, 60, 0, 1}, moved)
}

// TestACalendarThatMovesTwoRangesIntoThePast records each as a row of its own.
func TestACalendarThatMovesTwoRangesIntoThePast(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	hours := func(open, close int) calendar.Table {
		return mumbai(calendar.TableDay{Date: day("2026-11-23"), Kind: calendar.Regular,
			Hours: []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(open, 0), End: calendar.Wall(close, 0)}}})
	}
	cals := versions(t, hours(14, 15), hours(10, 11), hours(8, 9))
	cal := newSnapshots(cals[0])
	cfg := w.config(row("monitor", "every 20m open+1h-close+1h"))
	cfg.Calendar = cal
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 12:30:30"))
	cal.now.Store(cals[1])
	d.Until(at("2026-11-23 12:40:30"))
	cal.now.Store(cals[2])
	d.Until(at("2026-11-23 16:00:00"))
	assert.Equal(t, []string{"09:00 missed x3", "11:00 missed x3"}, became(w.runs("monitor")))
}

// TestACalendarThatKnowsLessLater tells nothing of a task that ran when the calendar
// still knew the day.
func TestACalendarThatKnowsLessLater(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	unknown := mumbai(calendar.TableDay{Date: day("2026-11-23"), Kind: calendar.Regular, HoursUnknown: true})
	cals := versions(t, mumbai(), unknown)
	cal, events := newSnapshots(cals[0]), new(eventLog)
	cfg := w.config(row("buy", "daily open+5m"), row("late", "daily close-15m"))
	cfg.Calendar, cfg.Observers = cal, []tradeclock.Observer{events}
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 10:00:30"))
	cal.now.Store(cals[1])
	d.Until(at("2026-11-24 00:05:00"))

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
	assert.Equal(t, []string{"2026-11-23 skipped"}, w.outcomesOf("42", "late"))
	skipped := eventsOf[tradeclock.RunSkipped](events)
	require.Len(t, skipped, 1)
	assert.Equal(t, "late", skipped[0].Run.Task)
}

// TestAnAccountThatCameSinceHasAMovedSlot enrols an account between the instant at
// which a slot was due and the one to which a calendar moves it.
func TestAnAccountThatCameSinceHasAMovedSlot(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:00:00")
	longer := calendar.TableDay{Date: day("2026-11-23"), Kind: calendar.Regular,
		Hours: []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(17, 0)}}}
	cals := versions(t, mumbai(), mumbai(longer))
	cal := newSnapshots(cals[0])
	cfg := w.config(row("late", "daily close-15m"))
	cfg.Calendar = cal
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 15:20:00"))
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	cal.now.Store(cals[1])
	d.Until(at("2026-11-23 18:00:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "late"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("7", "late"))
	assert.Equal(t, []string{"15:15 succeeded", "16:45 succeeded"}, became(w.runs("late")))
}

// TestHoursThatArriveWhileAnotherCalendarChanges makes two calendars say something
// new in one minute: neither is to hide the other's.
func TestHoursThatArriveWhileAnotherCalendarChanges(t *testing.T) {
	w := newWorld(t, "2026-11-23 19:00:00") // in New York it is 08:30
	unknown := nyse(calendar.TableDay{Date: day("2026-11-23"), Kind: calendar.Regular, HoursUnknown: true})
	us := new(liveCalendar)
	us.set(calendarOf(t, unknown), nil)
	cals := versions(t, mumbai(), mumbai(calendar.TableDay{Date: day("2026-11-24")}))
	cal := newSnapshots(cals[0])
	cfg := w.config(row("buy", "daily 09:20"), row("us", "daily open+5m", onCalendar("XNYS"), catchUp(time.Hour)))
	cfg.Calendar, cfg.Calendars = cal, finder(us)
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 20:20:30")) // the open is at 20:00
	us.set(calendarOf(t, nyse()), nil)
	cal.now.Store(cals[1])
	d.Until(at("2026-11-23 22:00:00"))
	assert.Equal(t, []string{"20:05 succeeded"}, became(w.runs("us")))
}

type schedulesFunc func() ([]tradeclock.Schedule, error)

func (f schedulesFunc) Schedules(context.Context) ([]tradeclock.Schedule, error) { return f() }

// TestACalendarThatChangesBeforeThereAreRows answers what it says now, and not what
// it said when it was asked first.
func TestACalendarThatChangesBeforeThereAreRows(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	cals := versions(t, mumbai(), mumbai(calendar.TableDay{Date: day("2026-11-23"), Reason: "Cyclone"}))
	cal, there := new(liveCalendar), false
	cal.set(cals[0], nil)
	cfg := w.config()
	cfg.Calendar, cfg.Schedules = cal, schedulesFunc(func() ([]tradeclock.Schedule, error) {
		if !there {
			return nil, errors.New("no connection")
		}
		return []tradeclock.Schedule{row("buy", "daily 09:01")}, nil
	})
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 08:55:00"))
	cal.set(cals[1], nil)
	d.Until(at("2026-11-23 08:57:00"))
	there = true
	d.Until(at("2026-11-23 09:05:00"))
	assert.Empty(t, w.runs("buy"))
}

// TestACalendarThatIsUsedAgainIsLookedAtAgain drops the only row of a market that is
// in trouble, and brings it back.
func TestACalendarThatIsUsedAgainIsLookedAtAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	us := nyse()
	us.Last = day("2026-11-30")
	rows := []tradeclock.Schedule{row("buy", "daily 09:20"), row("us", "daily open", onCalendar("XNYS"))}
	st := &rowsStore{rows: rows}
	cfg := w.config()
	cfg.Schedules, cfg.Calendar, cfg.Calendars = st, calendarOf(t, mumbai()), finder(calendarOf(t, us))
	s, d := w.drive(cfg)
	ends := []string{"calendar XNYS ends on 2026-11-30, with 6 sessions left"}
	d.Until(at("2026-11-23 12:00:00"))
	assert.Equal(t, ends, s.Status().Degraded)
	st.set(rows[0])
	d.Until(at("2026-11-23 12:05:00"))
	assert.Empty(t, s.Status().Degraded)
	st.set(rows...)
	d.Until(at("2026-11-23 12:10:00"))
	assert.Equal(t, ends, s.Status().Degraded)
}

// bursting is a calendar that answers from memory, and panics instead.
type bursting struct{ calendar.Calendar }

func (b bursting) Snapshot() calendar.Calendar { return b }
func (b bursting) Session(calendar.Date) (calendar.Session, error) {
	panic("out of range")
}

func TestASnapshotThatPanicsIsContained(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	until := rule.AtAnchor("close", 0)
	cfg := w.config(row("buy", "daily 09:01", func(s *tradeclock.Schedule) { s.CatchUpUntil = &until }))
	cfg.Calendar = bursting{calendarOf(t, mumbai())}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"2026-11-23 skipped"}, w.outcomesOf("42", "buy"))
	assert.Contains(t, fmt.Sprint(s.Status().Degraded), "the calendar panicked: out of range")
	why, err := s.Explain(t.Context(), "42", "buy", day("2026-11-24"))
	require.NoError(t, err)
	assert.Contains(t, why, "is going to be skipped: calendar XNSE does not know 2026-11-24: the calendar panicked: out of range")
}

// asking is a calendar whose trouble is what the scheduler's own status says.
type asking struct {
	*snapshots
	status func() tradeclock.Status
}

func (a asking) DataError() error {
	if n := a.status().Waiting; n > 0 {
		return fmt.Errorf("%d runs wait", n)
	}
	return nil
}

// TestACalendarMayAskTheScheduler finds no lock held over the calendar's own code.
func TestACalendarMayAskTheScheduler(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	var s *tradeclock.UnifiedTaskScheduler
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Calendar = asking{newSnapshots(calendarOf(t, mumbai())), func() tradeclock.Status { return s.Status() }}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
}

// countingCalendar counts the questions for sessions, and answers from memory or not.
type countingCalendar struct {
	calendar.Calendar
	asked *int
}

func (c countingCalendar) Session(d calendar.Date) (calendar.Session, error) {
	*c.asked++
	return c.Calendar.Session(d)
}

// TestAFilterOfALongPeriodAsksForItsDatesOnce has a calendar that may be slow, which
// is asked for a year once, and for a day each day.
func TestAFilterOfALongPeriodAsksForItsDatesOnce(t *testing.T) {
	w := newWorld(t, "2026-03-02 00:00:00")
	asked := 0
	cfg := w.config(row("report", "daily 18:00 on last session of year"), row("other", "daily 09:00 on first session of year"))
	cfg.Calendar = countingCalendar{calendarOf(t, mumbai()), &asked}
	_, d := w.drive(cfg)
	d.Until(at("2026-03-02 00:05:00"))
	assert.InDelta(t, 365, asked, 40)
	before := asked
	d.Until(at("2026-03-04 00:05:00"))
	assert.LessOrEqual(t, asked-before, 2)
}

// slowly is a calendar that takes a second for each answer.
type slowly struct{ calendar.Calendar }

func (c slowly) Session(d calendar.Date) (calendar.Session, error) {
	clockwork.NewRealClock().Sleep(time.Second)
	return c.Calendar.Session(d)
}

// TestTwoWhoAskASlowCalendarWaitForEachOther has two people look at one day: neither
// is told that the calendar does not know it.
func TestTwoWhoAskASlowCalendarWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, store: memstore.New(clockwork.NewRealClock()), rec: tradeclocktest.NewRecorder(clockwork.NewRealClock())}
		cfg := w.config(row("buy", "daily 09:01"))
		cfg.Clock, cfg.Heartbeats, cfg.Calendar = clockwork.NewRealClock(), nil, slowly{calendarOf(t, mumbai())}
		s := w.scheduler(cfg)
		answers := make(chan []tradeclock.AgendaItem)
		for range 2 {
			go func() {
				items, _ := s.Agenda(t.Context(), day("2026-11-23"))
				answers <- items
			}()
		}
		for range 2 {
			items := <-answers
			require.Len(t, items, 1)
			assert.Empty(t, items[0].Skip)
		}
		require.NoError(t, s.Close(t.Context()))
	})
}

// TestATickWaitsForAllCalendarsOnce has rows name calendars that are found slowly.
func TestATickWaitsForAllCalendarsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewRealClock()
		w := &world{t: t, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock)}
		cfg := w.config()
		cfg.Clock, cfg.Heartbeats = clock, nil
		cfg.Schedules = &rowsStore{rows: []tradeclock.Schedule{
			row("a", "daily 09:00", onCalendar("XLON")), row("b", "daily 09:00", onCalendar("XTKS")), row("c", "daily 09:00", onCalendar("XPAR")),
		}}
		cfg.Calendars = func(string) (calendar.Calendar, error) {
			clock.Sleep(1500 * time.Millisecond)
			return nil, errors.New("no such file")
		}
		s := w.scheduler(cfg)
		began := clock.Now()
		require.NoError(t, s.Tick(t.Context()))
		assert.LessOrEqual(t, clock.Since(began), 2*time.Second)
		assert.Len(t, s.Status().Quarantined, 3)
		require.NoError(t, s.Close(t.Context()))
	})
}

// TestIdleMinuteOfTwoMarketsAllocatesNothing holds a minute without news to no
// allocation, on calendars of the user that answer from memory.
func TestIdleMinuteOfTwoMarketsAllocatesNothing(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	cfg := w.config(row("buy", "daily open+5m"), row("us", "daily open on last session of month", onCalendar("XNYS")))
	cfg.Heartbeats = nil
	cfg.Calendar, cfg.Calendars = newSnapshots(calendarOf(t, mumbai())), finder(newSnapshots(calendarOf(t, nyse())))
	s, d := w.drive(cfg)
	d.Tick()
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(200, func() {
		w.clock.Advance(time.Minute)
		_ = s.Tick(ctx)
	}))
}
