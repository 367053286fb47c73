package exchange_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// sevenTasks is what the seven tasks do on a day: the times of the daily ones, and
// those of the two monitors.
func sevenTasks(date string, daily [5]string, sellMonitor []string, positionMonitor string) map[string][]string {
	on := func(times ...string) (lines []string) {
		for _, text := range times {
			lines = append(lines, date+" "+text)
		}
		return lines
	}
	return map[string][]string{
		trading.TaskPremarketRetry:         on(daily[0]),
		trading.TaskPremarketAMOAdjustment: on(daily[1]),
		trading.TaskSellMonitor:            on(sellMonitor...),
		trading.TaskPositionMonitor:        on(positionMonitor),
		trading.TaskAnalysis:               on(daily[2]),
		trading.TaskBuyOrders:              on(daily[3]),
		trading.TaskEODCleanup:             on(daily[4]),
	}
}

// ordinaryDay is that of a day from 09:15 to 15:30.
func ordinaryDay(date string) map[string][]string {
	return sevenTasks(date, [5]string{"09:00", "09:05", "16:00", "16:05", "18:00"}, []string{"09:15-15:29 x375"}, "09:30-15:30 x7")
}

// The seven tasks of a trading service, by the hours of the session, on the days
// that other calendars get wrong.
func TestSevenTasksOnNamedDays(t *testing.T) {
	twoWindows := []string{"09:15-09:59 x45", "11:30-12:29 x60"}
	splitDay := [5]string{"09:00", "09:05", "13:00", "13:05", "15:00"}
	tests := []struct {
		name, date string
		want       map[string][]string
	}{
		{"a Budget Saturday", "2025-02-01", ordinaryDay("2025-02-01")},
		{"a Budget Sunday", "2026-02-01", ordinaryDay("2026-02-01")},
		{"a day without settlement", "2025-09-05", ordinaryDay("2025-09-05")},
		{"a Muhurat hour on a Sunday", "2023-11-12", sevenTasks("2023-11-12",
			[5]string{"18:00", "18:05", "19:45", "19:50", "21:45"}, []string{"18:15-19:14 x60"}, "18:30")},
		{"a Muhurat hour", "2024-11-01", sevenTasks("2024-11-01",
			[5]string{"17:45", "17:50", "19:30", "19:35", "21:30"}, []string{"18:00-18:59 x60"}, "18:15")},
		{"a Muhurat hour at noon", "2025-10-21", sevenTasks("2025-10-21",
			[5]string{"13:30", "13:35", "15:15", "15:20", "17:15"}, []string{"13:45-14:44 x60"}, "14:00")},
		{"a Saturday in two parts", "2024-03-02", sevenTasks("2024-03-02", splitDay, twoWindows, "09:30-12:30 x4")},
		{"another", "2024-05-18", sevenTasks("2024-05-18", splitDay, twoWindows, "09:30-12:30 x4")},
		{"a close that was moved", "2021-02-24", sevenTasks("2021-02-24",
			[5]string{"09:00", "09:05", "17:30", "17:35", "19:30"}, []string{"09:15-16:59 x465"}, "09:30-16:30 x8")},
		{"an election", "2024-11-20", map[string][]string{}},
		{"elections of a city", "2026-01-15", map[string][]string{}},
		{"an ordinary Sunday", "2026-02-08", map[string][]string{}},
	}
	for _, test := range tests {
		t.Run(test.date+", "+test.name, func(t *testing.T) {
			d := newDesk(t, exchange.MustGet("XNSE"), test.date+" 07:00", trading.SessionSchedules()...)
			d.until(test.date + " 23:59")
			assert.Equal(t, test.want, d.timetable())
			assert.True(t, d.scheduler.Status().Healthy(), d.scheduler.Status().Degraded)
		})
	}
}

// At wall times the seven tasks keep out of special sessions, whose hours they
// would not fit, and run on a weekend session at regular hours.
func TestSevenTasksAtWallTimes(t *testing.T) {
	d := newDesk(t, exchange.MustGet("XNSE"), "2025-02-01 07:00", trading.DefaultSchedules()...)
	d.until("2025-02-01 23:59")
	assert.Equal(t, ordinaryDay("2025-02-01"), d.timetable())

	d = newDesk(t, exchange.MustGet("XNSE"), "2025-10-21 07:00", trading.DefaultSchedules()...)
	d.until("2025-10-21 23:59")
	assert.Empty(t, d.timetable())
	assert.Equal(t, "On 2025-10-21, buy_orders for account alice does not run: "+
		"special session: Diwali Laxmi Pujan: Muhurat trading, announced 2025-09-22; "+
		"the next waits for the success of analysis from 2025-10-23 16:00:00 on.", d.explain(trading.TaskBuyOrders, "2025-10-21"))
}

func TestExplainAnswersWithTheCalendarsWords(t *testing.T) {
	d := newDesk(t, exchange.FrozenCalendar(t, "XNSE"), "2026-01-15 10:00", trading.SessionSchedules()...)
	d.Tick()
	for date, want := range map[string]string{
		"2024-11-20": "did not run: closed: Maharashtra assembly election, announced 2024-11-08.",
		"2026-01-15": "does not run: closed: Maharashtra municipal elections, announced 2026-01-12; " +
			"the next waits for the success of analysis from 2026-01-16 16:00:00 on.",
		"2026-01-17": "does not run: closed: Saturday.",
		"2026-01-16": "is to wait for the success of analysis from 2026-01-16 16:00:00 on (after analysis succeeds 5m until close+2h10m).",
		"2026-11-08": "is going to be skipped: the hours of session 2026-11-08 are not known.",
		"2027-01-01": "is going to be skipped: " +
			"calendar XNSE: 2027-01-01 is unknown: the coverage ends on 2026-12-31.",
	} {
		assert.Equal(t, "On "+date+", buy_orders for account alice "+want, d.explain(trading.TaskBuyOrders, date))
	}
}

func TestGridsBeginAnewAfterABreak(t *testing.T) {
	for _, date := range []string{"2024-03-02", "2024-05-18"} {
		d := newDesk(t, exchange.MustGet("XNSE"), date+" 07:00",
			row("bars", "every 15m open-close"), row("long bars", "every 40m open-close"),
			row("warm up", "daily each open-5m"), row("flatten", "daily each close-5m"), row("pre-open", "daily each pre_open+1m"))
		d.until(date + " 14:00")
		assert.Equal(t, map[string][]string{
			"bars":      {date + " 09:15-09:45 x3", date + " 11:30-12:15 x4"},
			"long bars": {date + " 09:15-09:55 x2", date + " 11:30-12:10 x2"},
			"warm up":   {date + " 09:10-11:25 x2"},
			"flatten":   {date + " 09:55-12:25 x2"},
			"pre-open":  {date + " 09:01-11:16 x2"},
		}, d.timetable())
		assert.Equal(t, []string{date + "#1", date + "#2"}, []string{d.runs("flatten")[0].Slot, d.runs("flatten")[1].Slot})
	}
}

// The close of the National Stock Exchange of India becomes three on 2026-08-03,
// and its pre-open changes on 2026-09-07.
func TestErasOfTheIndianMarket(t *testing.T) {
	rows := []tradeclock.Schedule{
		row("limit", "daily pre_open.limit_only"),
		row("close", "daily close"),
		row("post", "daily post_close"),
		rowOn("XNSE.CAS", "cas close", "daily close"),
		rowOn("XNSE.CAS", "auction", "daily closing_auction"),
		rowOn("XNSE.CAS", "after auction", "daily closing_auction.end+1m"),
		rowOn("XNSE.FO", "fo close", "daily close"),
		rowOn("XNSE.FO", "fo monitor", "every 10m close-30m-close"),
	}
	d := newDesk(t, exchange.MustGet("XNSE"), "2026-07-31 08:00", rows...)
	d.until("2026-08-04 00:00")
	assert.Equal(t, map[string][]string{
		"limit":         {"2026-08-01 00:00 skipped", "2026-08-04 00:00 skipped"},
		"close":         {"2026-07-31 15:30", "2026-08-03 15:30"},
		"post":          {"2026-07-31 15:40", "2026-08-03 15:50"},
		"cas close":     {"2026-07-31 15:30", "2026-08-03 15:15"},
		"auction":       {"2026-08-01 00:00 skipped", "2026-08-03 15:15"},
		"after auction": {"2026-08-01 00:00 skipped", "2026-08-03 15:36"},
		"fo close":      {"2026-07-31 15:30", "2026-08-03 15:40"},
		"fo monitor":    {"2026-07-31 15:00-15:20 x3", "2026-08-03 15:10-15:30 x3"},
	}, d.timetable())
	auction := d.runs("auction")[0]
	assert.Equal(t, "session 2026-07-31 has no closing_auction", auction.Reason)
	assert.Equal(t, "2026-07-31", auction.Slot)
	assert.Equal(t, "XNSE.CAS", auction.Calendar)
	assert.Equal(t, exchange.MustGet("XNSE.CAS").Version(), auction.CalendarVersion)

	d = newDesk(t, exchange.MustGet("XNSE"), "2026-09-07 08:00", rows...)
	d.until("2026-09-07 18:00")
	assert.Equal(t, []string{"2026-09-07 09:05"}, d.ran("limit"))
	assert.Equal(t, []string{"2026-09-07 15:36"}, d.ran("after auction"))
}

// The Muhurat session of 2026-11-08 is certain, and its hours are not.
func TestASessionOfUnknownHours(t *testing.T) {
	everyKind := trading.DefaultSchedules()[0]
	everyKind.Sessions = calendar.OnSpecial
	rows := append(trading.SessionSchedules()[1:], everyKind, row("wall monitor", "every 1m 18:00-19:00"),
		tradeclock.Schedule{Task: "regular days", Rule: rule.MustParse("daily 09:00")})
	d := newDesk(t, exchange.FrozenCalendar(t, "XNSE"), "2026-11-08 07:00", rows...)
	d.until("2026-11-08 23:59")
	wall := map[string][]string{
		trading.TaskPremarketRetry:         {"2026-11-08 09:00"},
		trading.TaskPremarketAMOAdjustment: {"2026-11-08 09:05"},
		"wall monitor":                     {"2026-11-08 18:00-18:59 x60"},
	}
	assert.Equal(t, wall, d.timetable(), "the hours may still arrive")

	d.until("2026-11-09 00:05")
	for _, task := range []string{trading.TaskSellMonitor, trading.TaskPositionMonitor, trading.TaskAnalysis, trading.TaskBuyOrders, trading.TaskEODCleanup} {
		wall[task] = []string{"2026-11-09 00:00 skipped"}
		run := d.runs(task)[0]
		assert.Equal(t, "the hours of session 2026-11-08 are not known", run.Reason, task)
		assert.Equal(t, "2026-11-08", run.Slot, task)
	}
	assert.Equal(t, wall, d.timetable())
	assert.Equal(t, "On 2026-11-08, analysis for account alice was due at 00:00:00 and was skipped: "+
		"the hours of session 2026-11-08 are not known.", d.explain(trading.TaskAnalysis, "2026-11-08"))
}

// Nothing is published of 2027: from its first minute on nothing runs but what
// runs every day, each occurrence is accounted for, and the heart beats on.
func TestTheEndOfTheCoverage(t *testing.T) {
	beats := new(tradeclocktest.Beats)
	nse := exchange.FrozenCalendar(t, "XNSE")
	clock := clockwork.NewFakeClockAt(wallClock(t, "2026-12-30 23:59", nse.Location()))
	backup := row("backup", "daily 22:00")
	backup.Sessions = calendar.EveryDay
	d := newDeskOf(t, tradeclock.Config{Calendar: nse, Heartbeats: beats}, clock,
		row("buy", "daily 09:01"), row("monitor", "every 1m 09:15-15:30"), row("square off", "daily close-15m"), backup)
	d.until("2026-12-31 08:00")
	assert.Equal(t, []string{"calendar XNSE ends on 2026-12-31, with 1 session left"}, d.scheduler.Status().Degraded)
	d.until("2027-01-04 00:00")

	assert.Equal(t, map[string][]string{
		"buy": {"2026-12-31 09:01", "2027-01-01 09:01 skipped", "2027-01-02 09:01 skipped", "2027-01-03 09:01 skipped"},
		"monitor": {"2026-12-31 09:15-15:29 x375",
			"2027-01-01 09:15 x375 skipped", "2027-01-02 09:15 x375 skipped", "2027-01-03 09:15 x375 skipped"},
		"square off": {"2026-12-31 15:15", "2027-01-02 00:00 skipped", "2027-01-03 00:00 skipped", "2027-01-04 00:00 skipped"},
		"backup":     {"2026-12-31 22:00", "2027-01-01 22:00", "2027-01-02 22:00", "2027-01-03 22:00"},
	}, d.timetable())
	for _, task := range []string{"buy", "monitor", "square off"} {
		runs := d.runs(task)
		assert.Equal(t, "calendar XNSE: 2027-01-03 is unknown: the coverage ends on 2026-12-31",
			runs[len(runs)-1].Reason, task)
	}
	assert.Equal(t, []string{"tasks are skipped: " +
		"calendar XNSE: 2027-01-04 is unknown: the coverage ends on 2026-12-31"}, d.scheduler.Status().Degraded)
	minutes := make(map[time.Time]bool)
	for _, beat := range beats.All() {
		minutes[beat.At] = true
	}
	assert.Len(t, minutes, 4*24*60+2, "the heart beats each minute")
}

func TestTheStartOfTheCoverage(t *testing.T) {
	d := newDesk(t, exchange.MustGet("XNSE"), "2018-12-31 08:00", row("buy", "daily 09:01"), row("square off", "daily close-15m"))
	d.until("2019-01-01 18:00")
	assert.Equal(t, map[string][]string{
		"buy":        {"2018-12-31 09:01 skipped", "2019-01-01 09:01"},
		"square off": {"2019-01-01 00:00 skipped", "2019-01-01 15:15"},
	}, d.timetable())
	assert.Contains(t, d.runs("buy")[0].Reason, "2018-12-31 is unknown: the coverage begins on 2019-01-01")
	assert.True(t, d.scheduler.Status().Healthy(), "what it does not know is past")
}

// A calendar that was told to guess runs on, and health and each record say so.
func TestGuessingBeyondTheCoverage(t *testing.T) {
	d := newDesk(t, exchange.FrozenCalendar(t, "XNSE").AssumeWeekdays(), "2027-01-01 08:00", row("buy", "daily 09:01"), row("square off", "daily close-15m"))
	d.until("2027-01-01 18:00")
	assert.Equal(t, []string{"calendar XNSE does not know 2027-01-01 and assumes a regular session: " +
		"outside the coverage, which ends on 2026-12-31"}, d.scheduler.Status().Degraded)
	d.until("2027-01-03 18:00")
	assert.Equal(t, map[string][]string{"buy": {"2027-01-01 09:01"}, "square off": {"2027-01-01 15:15"}}, d.timetable())
	assert.Contains(t, d.runs("buy")[0].CalendarVersion, "+assumed")
}

// The process is down from Friday evening to Wednesday morning: what it slept
// through is missed, on the one session of these days.
func TestAStopOverAHoliday(t *testing.T) {
	d := newDesk(t, exchange.MustGet("XNSE"), "2026-11-20 18:00",
		row("buy", "daily 09:01"), row("monitor", "every 1m open-close"), row("square off", "daily close-15m"))
	d.Tick()
	d.clock.Advance(wallClock(t, "2026-11-25 08:00", d.loc).Sub(d.clock.Now()))
	d.until("2026-11-25 10:00")
	assert.Equal(t, map[string][]string{
		"buy":        {"2026-11-23 09:01 missed", "2026-11-25 09:01"},
		"monitor":    {"2026-11-23 09:15 x375 missed", "2026-11-25 09:15-10:00 x46"},
		"square off": {"2026-11-23 15:15 missed"},
	}, d.timetable())
	assert.Equal(t, "On 2026-11-24, buy for account alice did not run: closed: Guru Nanak Jayanti, announced 2025-12-12.",
		d.explain("buy", "2026-11-24"))
}

func TestATriggerOnAHoliday(t *testing.T) {
	d := newDesk(t, exchange.MustGet("XNSE"), "2026-01-15 10:00", row("buy", "daily 09:01"))
	d.Tick()
	order := tradeclock.TriggerRequest{Task: "buy", Account: "alice", Actor: "ops"}
	_, err := d.scheduler.Trigger(t.Context(), order)
	require.ErrorIs(t, err, tradeclock.ErrOutsideSession)
	assert.ErrorContains(t, err, "closed: Maharashtra municipal elections, announced 2026-01-12")
	order.Force = true
	run, err := d.scheduler.Trigger(t.Context(), order)
	require.NoError(t, err)
	assert.Equal(t, ymd("2026-01-15"), run.Session)
}
