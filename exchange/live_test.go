package exchange

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// buyer is a scheduler that buys at each open of a calendar of a watcher, on the
// watcher's clock.
type buyer struct {
	*tradeclocktest.Driver
	w         *watched
	scheduler *tradeclock.UnifiedTaskScheduler
	ran       *tradeclocktest.Recorder
}

// newBuyer returns a buyer that starts at 08:00 of a date.
func (w *watched) newBuyer(cal calendar.Calendar, day string) *buyer {
	w.t.Helper()
	w.clock.Advance(at(w.t, day, 8, 0).Sub(w.clock.Now()))
	b := &buyer{w: w, ran: tradeclocktest.NewRecorder(w.clock)}
	var err error
	b.scheduler, err = tradeclock.New(tradeclock.Config{
		Name: "desk", Account: "alice", Executor: b.ran, Ledger: memstore.New(w.clock),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy", Rule: rule.MustParse("daily open")}),
		Calendar:  cal, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	b.Driver = tradeclocktest.NewDriver(w.t, b.scheduler, w.clock)
	b.Tick()
	return b
}

// untilNoon runs to noon of a date, and returns how often it has bought.
func (b *buyer) untilNoon(day string) int {
	b.w.t.Helper()
	b.Until(at(b.w.t, day, 12, 0))
	return b.ran.Count("buy")
}

// at returns the instant of a wall time in Mumbai.
func at(t *testing.T, day string, hour, minute int) time.Time {
	t.Helper()
	return calendar.Wall(hour, minute).On(date(t, day), MustGet("XNSE").Location())
}

func TestLiveAssumesWeekdaysBesideOneThatDoesNot(t *testing.T) {
	live := watch(t).live("XNSE")
	guess := live.AssumeWeekdays()
	s, err := guess.Session(date(t, "2047-01-24"))
	require.NoError(t, err)
	assert.True(t, s.Open() && s.Assumed, "a Thursday")
	_, err = live.Session(date(t, "2047-01-24"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "the one that was asked stays as it was")

	first, last := live.Coverage()
	from, to := guess.Coverage()
	assert.Equal(t, []calendar.Date{first, last}, []calendar.Date{from, to})
	assert.Equal(t, live.Version()+"+assumed", guess.Version())
	assert.Same(t, guess.Now(), guess.Snapshot())
	assert.Same(t, live.Now().AssumeWeekdays(), guess.Now())
	assert.Same(t, guess.Now(), guess.AssumeWeekdays().Now(), "to assume twice is to assume")
}

// The scheduler asks at each tick whether there is another version.
func TestAskingForTheVersionAllocatesNothing(t *testing.T) {
	for _, w := range []*watched{watch(t), watch(t, "XNSE.csv", overrideHeader+closedToday)} {
		live := w.live("XNSE.FO")
		for _, c := range []*Live{live, live.AssumeWeekdays()} {
			assert.Zero(t, testing.AllocsPerRun(100, func() {
				_ = c.Snapshot().(calendar.Versioned).Version()
			}), c.Version())
		}
	}
}

func TestSchedulerRunsOnAssumedDaysAndSaysSo(t *testing.T) {
	w := watch(t)
	b := w.newBuyer(w.live("XNSE").AssumeWeekdays(), "2047-01-24")
	assert.Equal(t, 1, b.untilNoon("2047-01-24"))
	wrong := b.scheduler.Status().Degraded
	require.Len(t, wrong, 1)
	assert.Contains(t, wrong[0], "calendar XNSE does not know 2047-01-24 and assumes a regular session")

	b = w.newBuyer(w.live("XNSE"), "2047-01-25")
	assert.Zero(t, b.untilNoon("2047-01-25"), "without the assumption nothing runs")
	assert.Contains(t, b.scheduler.Status().Degraded[0], "tasks are skipped: calendar XNSE: 2047-01-25 is unknown")
}

// The next year as a firm gets it in December: one file, while the service runs.
func TestTheListOfTheNextYearReachesARunningService(t *testing.T) {
	w := watch(t, "XNSE.json", string(FrozenFile))
	live := w.live("XNSE")
	b := w.newBuyer(live, "2026-12-14")
	require.Equal(t, []string{"calendar XNSE ends on 2026-12-31, with 13 sessions left"}, b.scheduler.Status().Degraded)

	list := nseList(t, list2027...)
	w.write("XNSE.2027.nse.json", list[:len(list)/2])
	w.refused("XNSE.2027.nse.json: line ")
	w.write("XNSE.2027.nse.json", list)
	w.taken()
	assert.Equal(t, 1, b.untilNoon("2026-12-14"), "today stays what it is")
	assert.True(t, b.scheduler.Status().Healthy(), b.scheduler.Status().Degraded)
	_, last := live.Coverage()
	assert.Equal(t, date(t, "2027-12-31"), last)

	b = w.newBuyer(live, "2027-01-25")
	assert.Equal(t, 1, b.untilNoon("2027-01-25"))
	assert.Equal(t, 1, b.untilNoon("2027-01-26"), "Republic Day")
	assert.Equal(t, 2, b.untilNoon("2027-01-27"))
	assert.True(t, b.scheduler.Status().Healthy(), b.scheduler.Status().Degraded)
}

// What was assumed is known once there is a list.
func TestTheListOfTheNextYearEndsTheAssumption(t *testing.T) {
	w := watch(t, "XNSE.json", string(FrozenFile))
	b := w.newBuyer(w.live("XNSE").AssumeWeekdays(), "2027-01-26")
	assert.NotEmpty(t, b.scheduler.Status().Degraded)
	w.write("XNSE.2027.nse.json", nseList(t, list2027...))
	w.taken()
	assert.Zero(t, b.untilNoon("2027-01-26"), "the guess was a session, and it is Republic Day")
	assert.Empty(t, b.scheduler.Status().Degraded)
}
