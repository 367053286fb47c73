package trading_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

// due returns the due times of a row on a date of the National Stock Exchange of
// India.
func due(t *testing.T, row tradeclock.Schedule, date string) []string {
	t.Helper()
	nse := exchange.MustGet("XNSE")
	d, err := calendar.ParseDate(date)
	require.NoError(t, err)
	session, err := nse.Session(d)
	require.NoError(t, err)
	require.True(t, row.Sessions.Has(session.Kind), "%s on a %s session", row.Task, session.Kind)
	occurrences, err := row.Rule.Occurrences(session, nse.Location())
	require.NoError(t, err)
	var times []string
	for _, o := range occurrences {
		times = append(times, o.Due.In(nse.Location()).Format("2006-01-02 15:04:05")+" "+o.Slot)
	}
	return times
}

// until is the end of what waits for a success, on such a date.
func until(t *testing.T, row tradeclock.Schedule, date string) string {
	t.Helper()
	waits, ok := rule.Awaits(row.Rule)
	require.True(t, ok)
	return due(t, tradeclock.Schedule{Task: row.Task, Sessions: row.Sessions, Rule: rule.Daily(waits.Until)}, date)[0]
}

func TestSessionSchedulesAreTheDefaultsOnARegularDay(t *testing.T) {
	session := byTask(trading.SessionSchedules())
	require.Len(t, session, 7)
	for task, row := range defaults() {
		switch task {
		case trading.TaskPremarketAMOAdjustment:
			assert.Equal(t, row.Rule, session[task].Rule, "it comes after premarket_retry")
			continue
		case trading.TaskBuyOrders:
			assert.Equal(t, until(t, row, "2026-11-23"), until(t, session[task], "2026-11-23"))
			continue
		}
		assert.Equal(t, due(t, row, "2026-11-23"), due(t, session[task], "2026-11-23"), task)
	}
}

func TestSessionSchedulesHaveTheDefaultPolicies(t *testing.T) {
	session := byTask(trading.SessionSchedules())
	for task, row := range defaults() {
		got := session[task]
		assert.Equal(t, calendar.OnRegular|calendar.OnShortened|calendar.OnSpecial, got.Sessions, task)
		got.Rule, got.Sessions = row.Rule, row.Sessions
		assert.Equal(t, row, got)
	}
}

func TestSessionSchedulesAreValidOnAnyExchange(t *testing.T) {
	for _, name := range []string{"XNSE", "XNSE.CAS", "XNSE.FO", "XNYS", "XTKS"} {
		assert.NoError(t, tradeclock.ValidateSchedules(trading.SessionSchedules(), exchange.MustGet(name)), name)
	}
}

func TestSessionSchedulesMoveWithTheHours(t *testing.T) {
	for _, c := range []struct {
		name, date, premarket, analysis, buyUntil, cleanup string
		sellMonitor, positionMonitor                       int
	}{
		{"a Budget Sunday", "2026-02-01", "09:00", "16:00", "17:40", "18:00", 375, 7},
		{"a Muhurat hour", "2025-10-21", "13:30", "15:15", "16:55", "17:15", 60, 1},
		{"a Muhurat hour in the evening", "2023-11-12", "18:00", "19:45", "21:25", "21:45", 60, 1},
		{"a split Saturday", "2024-03-02", "09:00", "13:00", "14:40", "15:00", 45 + 60, 4},
		{"a close that was moved", "2021-02-24", "09:00", "17:30", "19:10", "19:30", 465, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := byTask(trading.SessionSchedules())
			for task, wall := range map[string]string{
				trading.TaskPremarketRetry: c.premarket, trading.TaskAnalysis: c.analysis,
				trading.TaskEODCleanup: c.cleanup,
			} {
				assert.Equal(t, []string{c.date + " " + wall + ":00 " + c.date}, due(t, rows[task], c.date), task)
			}
			assert.Equal(t, c.date+" "+c.buyUntil+":00 "+c.date, until(t, rows[trading.TaskBuyOrders], c.date))
			assert.Len(t, due(t, rows[trading.TaskSellMonitor], c.date), c.sellMonitor)
			assert.Len(t, due(t, rows[trading.TaskPositionMonitor], c.date), c.positionMonitor)
		})
	}
}
