package exchange_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/trading"
)

// watchedDesk is a desk whose calendars follow the files of a directory, of which
// the people of the desk edit one.
type watchedDesk struct {
	*desk
	file    string
	watcher *exchange.Watcher
	changes *changes
}

// changes is an observer that keeps the changes of calendars.
type changes struct {
	mu  sync.Mutex
	all []tradeclock.CalendarChanged
}

// Observe keeps the event if it is the change of a calendar.
func (c *changes) Observe(e tradeclock.Event) {
	if change, ok := e.(tradeclock.CalendarChanged); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, change)
	}
}

// newWatchedDesk returns a desk on XNSE, as it is in the frozen data, at a wall time
// of Mumbai, and a file of overrides, XNSE.csv, without any.
func newWatchedDesk(t *testing.T, start string, rows ...tradeclock.Schedule) *watchedDesk {
	t.Helper()
	return newWatchedDeskOf(t, "XNSE.csv", start, rows...)
}

// newWatchedDeskOf is newWatchedDesk with a file of another name.
func newWatchedDeskOf(t *testing.T, file, start string, rows ...tradeclock.Schedule) *watchedDesk {
	t.Helper()
	d := &watchedDesk{file: filepath.Join(t.TempDir(), file), changes: new(changes)}
	header := "date,status,phase,start,end,name,source,announced\n"
	require.NoError(t, os.WriteFile(d.file, []byte(header), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(d.file), "XNSE.json"), exchange.FrozenFile, 0o600))
	clock := clockwork.NewFakeClockAt(wallClock(t, start, exchange.MustGet("XNSE").Location()))
	var err error
	d.watcher, err = exchange.NewWatcher(exchange.WatcherConfig{Path: filepath.Dir(d.file), Clock: clock, Logger: quiet})
	require.NoError(t, err)
	nse, err := d.watcher.Calendar("XNSE")
	require.NoError(t, err)
	d.desk = newDeskOf(t, tradeclock.Config{Calendar: nse, Calendars: d.watcher.Lookup, Observers: []tradeclock.Observer{d.changes}}, clock, rows...)
	d.Tick()
	return d
}

// add adds lines to the file.
func (d *watchedDesk) add(lines ...string) {
	d.t.Helper()
	f, err := os.OpenFile(d.file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(d.t, err)
	defer f.Close()
	for _, line := range lines {
		_, err = f.WriteString(line + "\n")
		require.NoError(d.t, err)
	}
}

// announce adds lines to the file and has it read.
func (d *watchedDesk) announce(lines ...string) {
	d.t.Helper()
	d.add(lines...)
	require.NoError(d.t, d.watcher.Refresh())
}

// told returns what was told of the changes: those of sessions and of tasks.
func (d *watchedDesk) told() (lines []string) {
	d.t.Helper()
	require.NoError(d.t, d.scheduler.Quiesce(d.t.Context()))
	d.changes.mu.Lock()
	defer d.changes.mu.Unlock()
	for _, change := range d.changes.all {
		for _, session := range change.Sessions {
			lines = append(lines, change.Calendar+" "+session.String())
		}
		for _, c := range change.Tasks {
			lines = append(lines, c.String())
		}
	}
	return lines
}

// fewTasks are enough to tell what moves on a day.
func fewTasks() []tradeclock.Schedule {
	return []tradeclock.Schedule{
		row("buy", "daily 09:01"), row("monitor", "every 1m open-close"), row("square off", "daily close-15m"),
	}
}

const regularMonday = "regular session, from 2026-11-23T03:45:00Z to 2026-11-23T10:00:00Z"

func TestAHolidayAnnouncedAtEightStopsTodaysTasks(t *testing.T) {
	d := newWatchedDesk(t, "2026-11-23 07:00", trading.SessionSchedules()...)
	d.until("2026-11-23 08:00")
	d.announce("2026-11-23,closed,,,,Cyclone,NSE circular of the day,2026-11-23")
	d.until("2026-11-23 23:59")

	assert.Empty(t, d.timetable())
	assert.Empty(t, d.executed.Runs(), "nothing starts")
	assert.Equal(t, []string{
		"XNSE 2026-11-23: closed: Cyclone, announced 2026-11-23 (was " + regularMonday + ")",
		"premarket_retry on 2026-11-23: 1 fell away", "premarket_amo_adjustment on 2026-11-23: 1 fell away",
		"sell_monitor on 2026-11-23: 375 fell away", "position_monitor on 2026-11-23: 7 fell away",
		"analysis on 2026-11-23: 1 fell away", "buy_orders on 2026-11-23: 1 fell away", "eod_cleanup on 2026-11-23: 1 fell away",
	}, d.told())
	assert.Equal(t, "On 2026-11-23, sell_monitor for account alice does not run: closed: Cyclone, announced 2026-11-23.",
		d.explain(trading.TaskSellMonitor, "2026-11-23"))
	assert.True(t, d.scheduler.Status().Healthy(), d.scheduler.Status().Degraded)

	d.until("2026-11-25 09:01") // after a holiday that was known
	require.Len(t, d.runs(""), 1)
	assert.Equal(t, d.watcher.Set().Names(), exchange.Names())
	nse, err := d.watcher.Set().Calendar("XNSE")
	require.NoError(t, err)
	assert.Equal(t, nse.Version(), d.runs("")[0].CalendarVersion, "the record has the version with the holiday")
}

// One override that arrives before the day, while it goes on, and after it.
func TestAnOverrideBeforeDuringAndAfterTheDay(t *testing.T) {
	whole := map[string][]string{
		"buy": {"2026-11-23 09:01"}, "monitor": {"2026-11-23 09:15-15:29 x375"}, "square off": {"2026-11-23 15:15"},
	}
	shut := "XNSE 2026-11-23: closed: Storm (was " + regularMonday + ")"
	tests := []struct {
		name, at string
		ran      map[string][]string
		told     []string
		explain  string
	}{
		{"before the day", "2026-11-20 18:00", map[string][]string{},
			[]string{shut, "buy on 2026-11-23: 1 fell away", "monitor on 2026-11-23: 375 fell away", "square off on 2026-11-23: 1 fell away"},
			"did not run: closed: Storm."},
		{"while it goes on", "2026-11-23 12:00", map[string][]string{"buy": {"2026-11-23 09:01"}, "monitor": {"2026-11-23 09:15-12:00 x166"}},
			[]string{shut, "monitor on 2026-11-23: 209 fell away", "square off on 2026-11-23: 1 fell away"},
			"did not run: closed: Storm."},
		{"in the evening", "2026-11-23 20:00", whole, []string{shut}, "was due at 15:15:00 and succeeded (started at 15:15:00)."},
		{"two days after it", "2026-11-25 08:00", whole, []string{shut}, "was due at 15:15:00 and succeeded (started at 15:15:00)."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newWatchedDesk(t, "2026-11-20 17:00", fewTasks()...)
			d.until(test.at)
			d.announce("2026-11-23,closed,,,,Storm,,")
			d.until("2026-11-25 08:05")
			assert.Equal(t, test.ran, d.timetable())
			assert.Equal(t, test.told, d.told())
			assert.Equal(t, "On 2026-11-23, square off for account alice "+test.explain, d.explain("square off", "2026-11-23"))
		})
	}
}

// A session that was unknown until it was over: what it would have brought up is
// missed, and nothing runs late.
func TestASessionThatIsToldOfTheDayAfter(t *testing.T) {
	d := newWatchedDesk(t, "2026-11-24 08:00", fewTasks()...)
	d.until("2026-11-25 08:00")
	assert.Empty(t, d.timetable())
	d.announce("2026-11-24,regular,,,,Trading after all,,")
	d.until("2026-11-25 08:05")
	assert.Empty(t, d.executed.Runs())
	assert.Equal(t, map[string][]string{
		"buy": {"2026-11-24 09:01 missed"}, "monitor": {"2026-11-24 09:15 x375 missed"}, "square off": {"2026-11-24 15:15 missed"},
	}, d.timetable())
}

// The close moves at 14:50 of the day itself. What ran stays run.
func TestACloseThatMovesOnTheDay(t *testing.T) {
	tests := []struct {
		name, line string
		want       map[string][]string
		told       []string
	}{
		{"an outage, and trading goes on until 17:00", "2026-11-23,special,,09:15,17:00,Outage,,2026-11-23",
			map[string][]string{
				"buy": {"2026-11-23 09:01"}, "monitor": {"2026-11-23 09:15-16:59 x465"},
				"square off": {"2026-11-23 16:45"}, "report": {"2026-11-23 17:30"},
			},
			[]string{
				"XNSE 2026-11-23: regular session: Outage, announced 2026-11-23, from 2026-11-23T03:45:00Z to 2026-11-23T11:30:00Z (was " + regularMonday + ")",
				"monitor on 2026-11-23: 90 appeared, from 2026-11-23T10:00:00Z",
				"square off on 2026-11-23: 1 moved, from 2026-11-23T11:15:00Z", "report on 2026-11-23: 1 moved, from 2026-11-23T12:00:00Z",
			}},
		{"an early close at 15:00, and close-15m is five minutes past", "2026-11-23,early_close,,,15:00,Storm,,",
			map[string][]string{
				"buy": {"2026-11-23 09:01"}, "monitor": {"2026-11-23 09:15-14:59 x345"},
				"square off": {"2026-11-23 14:45 late by 5m0s"}, "report": {"2026-11-23 15:30"},
			},
			[]string{
				"XNSE 2026-11-23: shortened session (early close): Storm, from 2026-11-23T03:45:00Z to 2026-11-23T09:30:00Z (was " + regularMonday + ")",
				"monitor on 2026-11-23: 30 fell away",
				"square off on 2026-11-23: 1 moved, from 2026-11-23T09:15:00Z", "report on 2026-11-23: 1 moved, from 2026-11-23T10:00:00Z",
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows := append(fewTasks(), row("report", "daily close+30m"))
			rows[2].CatchUp = 10 * time.Minute // a position must not stay open
			d := newWatchedDesk(t, "2026-11-23 08:00", rows...)
			d.until("2026-11-23 14:49")
			before := d.runs("monitor")
			d.clock.Advance(time.Minute)
			d.announce(test.line)
			d.until("2026-11-23 20:00")
			assert.Equal(t, test.want, d.timetable())
			assert.Equal(t, test.told, d.told())
			assert.Equal(t, before, d.runs("monitor")[:len(before)], "what ran stays run")
			assert.Equal(t, len(d.runs("")), len(d.executed.Runs()))
		})
	}
}

// The closed Tuesday of this week is deleted from the file on Wednesday, as if it were
// over: the third session of the week is still Thursday's, and the weekly task runs.
func TestADeletedDayOfThisWeekStillCounts(t *testing.T) {
	const closed = "2026-12-01,closed,,,,Storm,,"
	weekly := row("weekly", "daily 09:30 on 3rd session of week")
	d := newWatchedDesk(t, "2026-11-30 07:00", weekly)
	d.announce(closed, "2026-12-10,closed,,,,Election,,")
	d.until("2026-12-02 10:00")
	written, err := os.ReadFile(d.file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(d.file, []byte(strings.Replace(string(written), closed+"\n", "", 1)), 0o600))
	require.ErrorContains(t, d.watcher.Refresh(), "an entry of 2026-12-01 is gone")
	d.until("2026-12-02 10:05")
	assert.Contains(t, strings.Join(d.scheduler.Status().Degraded, "\n"), "an entry of 2026-12-01 is gone", "and health says so")
	d.until("2026-12-04 18:00")
	assert.Equal(t, map[string][]string{"weekly": {"2026-12-03 09:30"}}, d.timetable())
}

func TestMuhuratHoursThatArriveInTheMorning(t *testing.T) {
	d := newWatchedDesk(t, "2026-11-08 07:00", trading.SessionSchedules()...)
	d.until("2026-11-08 09:30")
	require.Empty(t, d.timetable())
	d.announce(
		"2026-11-08,special,pre_open,17:45,18:00,Diwali Laxmi Pujan: Muhurat trading,NSE circular,2026-11-08",
		"2026-11-08,special,regular,18:00,19:00,,,",
	)
	d.until("2026-11-09 00:05")
	assert.Equal(t, sevenTasks("2026-11-08",
		[5]string{"17:45", "17:50", "19:30", "19:35", "21:30"}, []string{"18:00-18:59 x60"}, "18:15"), d.timetable())
	assert.Contains(t, d.told(), "XNSE 2026-11-08: special session: Diwali Laxmi Pujan: Muhurat trading, announced 2026-11-08, "+
		"from 2026-11-08T12:30:00Z to 2026-11-08T13:30:00Z (was special session: Diwali Laxmi Pujan: Muhurat trading, announced 2025-12-12)")
	assert.Contains(t, d.told(), "sell_monitor on 2026-11-08: 60 appeared, from 2026-11-08T12:30:00Z")
}

// A closure of 08:00 is withdrawn at 10:00: what is left of the day runs, and what
// was due meanwhile is missed.
func TestAClosureThatIsWithdrawn(t *testing.T) {
	d := newWatchedDesk(t, "2026-11-23 07:00", fewTasks()...)
	d.until("2026-11-23 08:00")
	d.announce("2026-11-23,closed,,,,Storm,,")
	d.until("2026-11-23 09:59")
	assert.Empty(t, d.timetable())
	d.clock.Advance(time.Minute)
	d.announce("2026-11-23,withdrawn,,,,,,")
	d.until("2026-11-23 18:00")
	assert.Equal(t, map[string][]string{
		"buy":        {"2026-11-23 09:01 missed"},
		"monitor":    {"2026-11-23 09:15 x45 missed", "2026-11-23 10:00-15:29 x330"},
		"square off": {"2026-11-23 15:15"},
	}, d.timetable())
	assert.Equal(t, exchange.FrozenCalendar(t, "XNSE").Version(), d.runs("square off")[0].CalendarVersion, "the data are what they were")
}

// A slip of the pen changes nothing but health, until it is mended.
func TestABadFileLeavesTheTasksAsTheyAre(t *testing.T) {
	d := newWatchedDesk(t, "2026-11-23 07:00", fewTasks()...)
	d.announce("2026-11-25,closed,,,,Storm,,")
	d.until("2026-11-23 08:00")
	good, err := os.ReadFile(d.file)
	require.NoError(t, err)
	d.add("2026-11-23,closed,,09:15,12:00,Storm,,")
	assert.ErrorContains(t, d.watcher.Refresh(), "XNSE.csv: line 3: ")
	d.until("2026-11-23 12:00")
	assert.Equal(t, []string{"2026-11-23 09:01"}, d.ran("buy"))
	require.Len(t, d.scheduler.Status().Degraded, 1)
	assert.Contains(t, d.scheduler.Status().Degraded[0], "calendar XNSE: calendars in ")
	assert.Contains(t, d.scheduler.Status().Degraded[0], "XNSE.csv: line 3: ")

	require.NoError(t, os.WriteFile(d.file, append(good, "2026-11-23,early_close,,,13:00,Storm,,\n"...), 0o600))
	require.NoError(t, d.watcher.Refresh())
	d.until("2026-11-25 18:00")
	assert.True(t, d.scheduler.Status().Healthy(), d.scheduler.Status().Degraded)
	assert.Equal(t, map[string][]string{
		"buy": {"2026-11-23 09:01"}, "monitor": {"2026-11-23 09:15-12:59 x225"}, "square off": {"2026-11-23 12:45"},
	}, d.timetable(), "the 25th stays closed")
}

// The days of 2027 are published at the last moment, and a few hours after it.
func TestTheDaysOfTheNextYearArrive(t *testing.T) {
	rows := append(fewTasks(), row("wall monitor", "every 1m 09:15-15:30"))
	tests := []struct {
		name, at string
		want     map[string][]string // of Friday, 2027-01-01
	}{
		{"in time", "2026-12-31 20:00", map[string][]string{
			"buy": {"2027-01-01 09:01"}, "monitor": {"2027-01-01 09:15-15:29 x375"},
			"wall monitor": {"2027-01-01 09:15-15:29 x375"}, "square off": {"2027-01-01 15:15"},
		}},
		{"too late for some", "2027-01-01 10:00", map[string][]string{
			"buy":          {"2027-01-01 09:01 skipped"},
			"monitor":      {"2027-01-01 09:15 x45 missed", "2027-01-01 10:00-15:29 x330"},
			"wall monitor": {"2027-01-01 09:15 x45 skipped", "2027-01-01 10:00-15:29 x330"}, "square off": {"2027-01-01 15:15"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newWatchedDesk(t, "2026-12-31 18:00", rows...)
			assert.Equal(t, []string{"calendar XNSE ends on 2026-12-31, with 1 session left"}, d.scheduler.Status().Degraded)
			d.Until(wallClock(t, test.at, d.loc).Add(-time.Minute))
			d.clock.Advance(time.Minute)
			m := exchange.Frozen(t)
			m.To = ymd("2027-12-31")
			data, err := json.Marshal(m)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(d.file), "XNSE.json"), data, 0o600))
			require.NoError(t, d.watcher.Refresh())
			d.until("2027-01-01 18:00")
			assert.Equal(t, test.want, d.timetable())
			assert.True(t, d.scheduler.Status().Healthy(), d.scheduler.Status().Degraded)
		})
	}
}

// A row names a segment, for which there is a file of its own.
func TestARowOfASegmentFollowsItsFile(t *testing.T) {
	d := newWatchedDeskOf(t, "XNSE.FO.csv", "2026-11-23 07:00",
		row("shares", "daily close-15m"), rowOn("XNSE.FO", "futures", "daily close-15m"), rowOn("XNYS", "us", "daily close-15m"))
	d.until("2026-11-23 14:00")
	d.announce("2026-11-23,early_close,,,15:00,Outage of the derivatives system,,")
	d.until("2026-11-24 03:00")
	assert.Equal(t, map[string][]string{
		"shares": {"2026-11-23 15:15"}, "futures": {"2026-11-23 14:45"}, "us": {"2026-11-24 02:15"},
	}, d.timetable())
	assert.Equal(t, []string{
		"XNSE.FO 2026-11-23: shortened session (early close): Outage of the derivatives system, from 2026-11-23T03:45:00Z to 2026-11-23T09:30:00Z " +
			"(was regular session, from 2026-11-23T03:45:00Z to 2026-11-23T10:10:00Z)",
		"futures on 2026-11-23: 1 moved, from 2026-11-23T09:15:00Z",
	}, d.told())
}

// The watcher runs beside the scheduler on the same clock, and nobody calls
// Refresh.
func TestAWatcherThatRunsBesideTheScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newWatchedDesk(t, "2026-11-23 14:00", fewTasks()...)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.watcher.Run(ctx) }()
		synctest.Wait()
		d.AtEach = func(time.Time) { synctest.Wait() } // for the watcher to have read

		d.until("2026-11-23 14:50")
		d.add("2026-11-23,early_close,,,15:10,Storm,,")
		d.until("2026-11-23 14:52")
		assert.Equal(t, []string{
			"XNSE 2026-11-23: shortened session (early close): Storm, from 2026-11-23T03:45:00Z to 2026-11-23T09:40:00Z (was " + regularMonday + ")",
			"monitor on 2026-11-23: 20 fell away", "square off on 2026-11-23: 1 moved, from 2026-11-23T09:25:00Z",
		}, d.told())
		d.add("2026-11-25,closed")
		d.until("2026-11-23 16:00")
		assert.Equal(t, map[string][]string{
			"monitor": {"2026-11-23 14:01-15:09 x69"}, "square off": {"2026-11-23 14:55"},
		}, d.timetable())
		require.Len(t, d.scheduler.Status().Degraded, 1)
		assert.Contains(t, d.scheduler.Status().Degraded[0], "XNSE.csv: line 3: ")

		cancel()
		assert.NoError(t, <-ended)
	})
}
