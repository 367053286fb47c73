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
)

// The times of four rules on days of each kind, in the wall times of the market.
func TestTasksOnNamedDaysOfOtherMarkets(t *testing.T) {
	rows := []tradeclock.Schedule{
		row("open", "daily open"), row("square off", "daily close-15m"),
		row("windows", "daily each open+1m"), row("bars", "every 1h open-close"),
	}
	tests := []struct {
		name, calendar, date     string
		open, squareOff, windows string
		bars                     []string
	}{
		{"lunch in Tokyo", "XTKS", "2024-11-01", "09:00", "14:45", "09:01-12:31 x2", []string{"09:00-11:00 x3", "12:30-14:30 x3"}},
		{"a later close in Tokyo", "XTKS", "2024-11-05", "09:00", "15:10", "09:01-12:31 x2", []string{"09:00-11:00 x3", "12:30-14:30 x3"}},
		{"lunch in Hong Kong", "XHKG", "2023-10-10", "09:30", "15:45", "09:31-13:01 x2", []string{"09:30-11:30 x3", "13:00-15:00 x3"}},
		{"a typhoon in the morning", "XHKG", "2023-10-09", "14:00", "15:45", "14:01", []string{"14:00-15:00 x2"}},
		{"no afternoon in Hong Kong", "XHKG", "2024-12-24", "09:30", "11:45", "09:31", []string{"09:30-11:30 x3"}},
		{"exams in Korea", "XKRX", "2025-11-13", "10:00", "16:05", "10:01", []string{"10:00-16:00 x7"}},
		{"a late New Year in Korea", "XKRX", "2025-01-02", "10:00", "15:05", "10:01", []string{"10:00-15:00 x6"}},
		{"lunch in Singapore", "XSES", "2024-12-23", "09:00", "16:45", "09:01-13:01 x2", []string{"09:00-11:00 x3", "13:00-16:00 x4"}},
		{"a half day in Singapore", "XSES", "2024-12-24", "09:00", "11:45", "09:01", []string{"09:00-11:00 x3"}},
		{"a long lunch in Shanghai", "XSHG", "2025-10-09", "09:30", "14:42", "09:31-13:01 x2", []string{"09:30-10:30 x2", "13:00-14:00 x2"}},
		{"the day after Thanksgiving", "XNYS", "2026-11-27", "09:30", "12:45", "09:31", []string{"09:30-12:30 x4"}},
		{"Christmas Eve in Toronto", "XTSE", "2024-12-24", "09:30", "12:45", "09:31", []string{"09:30-12:30 x4"}},
		{"Christmas Eve in London", "XLON", "2024-12-24", "08:00", "12:15", "08:01", []string{"08:00-12:00 x5"}},
		{"Christmas Eve in Sydney", "XASX", "2024-12-24", "10:00", "13:55", "10:01", []string{"10:00-14:00 x5"}},
	}
	for _, test := range tests {
		t.Run(test.calendar+" "+test.date+", "+test.name, func(t *testing.T) {
			d := newDesk(t, exchange.MustGet(test.calendar), test.date+" 07:00", rows...)
			d.until(test.date + " 18:00")
			want := map[string][]string{
				"open": {test.date + " " + test.open}, "square off": {test.date + " " + test.squareOff},
				"windows": {test.date + " " + test.windows},
			}
			for _, bars := range test.bars {
				want["bars"] = append(want["bars"], test.date+" "+bars)
			}
			assert.Equal(t, want, d.timetable())
		})
	}
}

// Whole trading days at other hours are not passed over by the schedules of every day,
// which name no kinds of sessions.
func TestDefaultSchedulesRunOnWholeDaysAtOtherHours(t *testing.T) {
	for _, test := range []struct{ calendar, date, due string }{
		{"XKRX", "2023-11-16", "16:05"}, {"XKRX", "2024-11-14", "16:05"}, {"XKRX", "2025-11-13", "16:05"},
		{"XKRX", "2026-11-19", "16:05"}, {"XKRX", "2027-11-18", "16:05"},
		{"XNSE", "2021-02-24", "16:45"}, {"XNSE.CAS", "2021-02-24", "16:45"}, {"XBOM.FO", "2021-02-24", "16:45"},
	} {
		byDefault := tradeclock.Schedule{Task: "square off", Rule: rule.MustParse("daily close-15m")}
		d := newDesk(t, exchange.MustGet(test.calendar), test.date+" 07:00", byDefault)
		d.until(test.date + " 18:00")
		assert.Equal(t, []string{test.date + " " + test.due}, d.ran("square off"), test.calendar)
	}
}

func TestClosedDaysOfOtherMarkets(t *testing.T) {
	for _, test := range []struct{ calendar, date, want string }{
		{"XHKG", "2023-09-01", "closed: Typhoon Saola"},
		{"XNYS", "2025-01-09", "closed: National Day of Mourning for Jimmy Carter"},
		{"XNYS", "2026-11-26", "closed: Thanksgiving"},
		{"XLON", "2023-05-08", "closed: Coronation of King Charles III"},
		{"XSHG", "2025-10-11", "closed: Saturday"},
	} {
		d := newDesk(t, exchange.MustGet(test.calendar), test.date+" 07:00", row("open", "daily open"), row("bars", "every 1h open-close"))
		d.until(test.date + " 18:00")
		assert.Empty(t, d.timetable())
		assert.Equal(t, "On "+test.date+", bars for account alice does not run: "+test.want+".", d.explain("bars", test.date))
	}
}

// Over the weekend on which its clocks are moved, a market goes on at the same wall
// times, an hour apart in absolute time.
func TestTheWeekendOnWhichTheClocksAreMoved(t *testing.T) {
	tests := []struct {
		name, calendar    string
		before, after     string // the sessions on both sides
		open, squareOff   string
		openUTC, laterUTC string
		nightHours        int // of all nights between, five but for one
	}{
		{"spring in New York", "XNYS", "2026-03-06", "2026-03-09", "09:30", "15:45", "14:30", "13:30", 14},
		{"autumn in New York", "XNYS", "2026-10-30", "2026-11-02", "09:30", "15:45", "13:30", "14:30", 16},
		{"spring in London", "XLON", "2026-03-27", "2026-03-30", "08:00", "16:15", "08:00", "07:00", 14},
		{"autumn in London", "XLON", "2026-10-23", "2026-10-26", "08:00", "16:15", "07:00", "08:00", 16},
		{"autumn in Sydney, over Easter", "XASX", "2026-04-02", "2026-04-07", "10:00", "15:45", "23:00", "00:00", 26},
		{"spring in Sydney", "XASX", "2026-10-02", "2026-10-05", "10:00", "15:45", "00:00", "23:00", 14},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			everyDay := row("night", "hourly 00:30-04:30")
			everyDay.Sessions = calendar.EveryDay
			d := newDesk(t, exchange.MustGet(test.calendar), test.before+" 07:00",
				row("open", "daily open"), row("square off", "daily close-15m"), everyDay)
			d.until(test.after + " 18:00")

			want := func(at string) []string { return []string{test.before + " " + at, test.after + " " + at} }
			assert.Equal(t, want(test.open), d.ran("open"))
			assert.Equal(t, want(test.squareOff), d.ran("square off"))
			opens := d.runs("open")
			assert.Equal(t, test.openUTC, opens[0].Due.Format("15:04"))
			assert.Equal(t, test.laterUTC, opens[1].Due.Format("15:04"))
			assert.Equal(t, test.nightHours, len(d.runs("night")))
			checkNight(t, d)
		})
	}
}

// checkNight wants each slot once and each hour of absolute time, also in the night
// in which an hour of the clocks is skipped or twice.
func checkNight(t *testing.T, d *desk) {
	t.Helper()
	slots := make(map[string]bool)
	var last tradeclock.Run
	for _, run := range d.runs("night") {
		assert.Equal(t, tradeclock.Succeeded, run.Outcome)
		assert.False(t, slots[run.Slot], "%s ran twice", run.Slot)
		slots[run.Slot] = true
		if run.Session == last.Session {
			assert.Equal(t, time.Hour, run.Due.Sub(last.Due))
		}
		last = run
	}
}

// Two markets in one scheduler over the whole of 2025: each session of each has its
// open and its close once, and no slot is claimed twice.
func TestAYearOfTwoMarkets(t *testing.T) {
	nse, nyse := exchange.MustGet("XNSE"), exchange.MustGet("XNYS")
	rows := []tradeclock.Schedule{
		row("india open", "daily open"), row("india close", "daily close"), row("india month", "daily close+30m on last session of month"),
		rowOn("XNYS", "us open", "daily open"), rowOn("XNYS", "us close", "daily close"), rowOn("XNYS", "us week", "daily open on first session of week"),
	}
	for i := range rows {
		rows[i].CatchUp = 10 * time.Minute // the ticks are five minutes apart
	}
	clock := clockwork.NewFakeClockAt(wallClock(t, "2025-01-01 08:00", nse.Location()))
	d := newDeskOf(t, tradeclock.Config{Calendar: nse, Calendars: exchange.Lookup}, clock, rows...)
	for end := wallClock(t, "2026-01-01 09:00", nse.Location()); clock.Now().Before(end); clock.Advance(5 * time.Minute) {
		require.NoError(t, d.scheduler.Tick(t.Context()))
		require.NoError(t, d.scheduler.Quiesce(t.Context()))
	}

	checkSessions(t, nse, d.runs("india open"), d.runs("india close"), 249)
	checkSessions(t, nyse, d.runs("us open"), d.runs("us close"), 250)
	months := d.runs("india month")
	require.Equal(t, 12, len(months))
	for i, run := range months {
		last, err := nse.Last(calendar.Month, calendar.Date{Year: 2025, Month: time.Month(i + 1), Day: 1})
		require.NoError(t, err)
		assert.Equal(t, last.Date, run.Session)
	}
	assert.Equal(t, 52, len(d.runs("us week")), "the first week began in 2024")
	assert.Equal(t, len(d.runs("")), len(d.executed.Runs()), "no slot was executed twice")
	assert.True(t, d.scheduler.Status().Healthy(), d.scheduler.Status().Degraded)
}

// checkSessions holds the runs of two tasks to the sessions of 2025.
func checkSessions(t *testing.T, c *exchange.Sessions, opens, closes []tradeclock.Run, count int) {
	t.Helper()
	sessions, err := c.Sessions(ymd("2025-01-01"), ymd("2025-12-31"))
	require.NoError(t, err)
	require.Equal(t, []int{count, count, count}, []int{len(sessions), len(opens), len(closes)})
	for i, s := range sessions {
		open, end, err := c.OpenClose(s.Date)
		require.NoError(t, err)
		for _, edge := range []struct {
			run tradeclock.Run
			due time.Time
		}{{opens[i], open}, {closes[i], end}} {
			assert.Equal(t, tradeclock.Succeeded, edge.run.Outcome)
			assert.Equal(t, s.Date.String(), edge.run.Slot)
			assert.True(t, edge.run.Due.Equal(edge.due), "%s: due at %s, want %s", s.Date, edge.run.Due, edge.due)
			assert.Equal(t, c.Name(), edge.run.Calendar)
		}
	}
}

// The anchors of a rule are the open and the close of the facts, on each session
// that has them.
func TestAnchorsAreThoseOfTheFacts(t *testing.T) {
	open, end := rule.MustParse("daily open"), rule.MustParse("daily close")
	for _, market := range []struct{ calendar, mic, code string }{{"XNSE.CAS", "XNSE", "CM.CAS"}, {"XTKS", "XTKS", ""}} {
		c, facts := exchange.MustGet(market.calendar), expect(t, market.mic, market.code)
		first, last := c.Coverage()
		sessions := 0
		for d := first; !d.After(last); d = d.AddDays(1) {
			s, err := c.Session(d)
			require.NoError(t, err)
			start, stop, ok := facts.session(t, d).Bounds(calendar.PhaseRegular)
			if !ok {
				_, err := open.Occurrences(s, c.Location())
				assert.Error(t, err, "%s has no open", d)
				continue
			}
			sessions++
			opens, err := open.Occurrences(s, c.Location())
			require.NoError(t, err)
			closes, err := end.Occurrences(s, c.Location())
			require.NoError(t, err)
			assert.Equal(t, []rule.Occurrence{{Due: start, Slot: d.String()}}, opens)
			assert.Equal(t, []rule.Occurrence{{Due: stop, Slot: d.String()}}, closes)
		}
		assert.Greater(t, sessions, 1200)
	}
}
