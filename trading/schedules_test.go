package trading_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

func defaults() map[string]tradeclock.Schedule { return byTask(trading.DefaultSchedules()) }

func byTask(schedules []tradeclock.Schedule) map[string]tradeclock.Schedule {
	rows := make(map[string]tradeclock.Schedule)
	for _, row := range schedules {
		rows[row.Task] = row
	}
	return rows
}

func TestDefaultSchedulesAreValidWithACalendarThatKnowsNoHours(t *testing.T) {
	require.NoError(t, tradeclock.ValidateSchedules(trading.DefaultSchedules(), calendar.Weekdays(time.UTC)))
}

func TestDefaultTimes(t *testing.T) {
	want := map[string]string{
		trading.TaskPremarketRetry:         "daily 09:00",
		trading.TaskPremarketAMOAdjustment: "after premarket_retry 5m",
		trading.TaskSellMonitor:            "every 1m 09:15-15:30",
		trading.TaskPositionMonitor:        "hourly 09:30-15:30",
		trading.TaskAnalysis:               "daily 16:00",
		trading.TaskBuyOrders:              "after analysis succeeds 5m until 17:40",
		trading.TaskEODCleanup:             "daily 18:00",
	}

	got := make(map[string]string)
	for task, row := range defaults() {
		got[task] = row.Rule.String()
	}

	assert.Equal(t, want, got)
}

func TestTasksThatPlaceOrdersRunAtMostOnceAndAreNotRetried(t *testing.T) {
	for _, task := range []string{
		trading.TaskPremarketRetry,
		trading.TaskPremarketAMOAdjustment,
		trading.TaskBuyOrders,
		trading.TaskEODCleanup,
	} {
		row := defaults()[task]
		assert.Equal(t, tradeclock.AtMostOnce, row.Delivery, task)
		assert.Zero(t, row.Retry, task)
	}
}

func TestMonitorsRunAtLeastOnceAndDoNotOverlap(t *testing.T) {
	for _, task := range []string{trading.TaskSellMonitor, trading.TaskPositionMonitor} {
		row := defaults()[task]
		assert.Equal(t, tradeclock.AtLeastOnce, row.Delivery, task)
		assert.Equal(t, tradeclock.OverlapSkip, row.Overlap, task)
		assert.Empty(t, row.Exclusive, "%s must not wait for another task", task)
	}
}

func TestEveryTaskIsBounded(t *testing.T) {
	for task, row := range defaults() {
		assert.Positive(t, row.Timeout, task)
		assert.Positive(t, row.CatchUp, task)
	}
}

func TestPremarketTasksEndBeforeTheOpen(t *testing.T) {
	const open = 9*time.Hour + 15*time.Minute
	due := map[string]time.Duration{
		trading.TaskPremarketRetry:         9 * time.Hour,
		trading.TaskPremarketAMOAdjustment: 9*time.Hour + 5*time.Minute,
	}
	for task, at := range due {
		row := defaults()[task]
		assert.Less(t, at+row.CatchUp+row.Timeout, open, task)
		assert.Equal(t, defaults()[trading.TaskPremarketRetry].Exclusive, row.Exclusive, task)
	}
}

func TestBuyOrdersWaitForTheLatestAnalysis(t *testing.T) {
	analysis, buy, cleanup := defaults()[trading.TaskAnalysis], defaults()[trading.TaskBuyOrders], defaults()[trading.TaskEODCleanup]
	waits, ok := rule.Awaits(buy.Rule)
	require.True(t, ok)
	assert.Equal(t, trading.TaskAnalysis, waits.Task)

	analysisEnds := 16*time.Hour + analysis.CatchUp + analysis.Timeout
	until := time.Duration(waits.Until.Wall) * time.Second
	assert.Greater(t, until, analysisEnds+waits.Delay)
	assert.LessOrEqual(t, until+buy.CatchUp, 18*time.Hour, "eod_cleanup comes after it")
	assert.Equal(t, cleanup.Exclusive, buy.Exclusive)
}

func TestTheMorningBuysBeforeTheOpen(t *testing.T) {
	rows := byTask(trading.MorningSchedules())
	require.NoError(t, tradeclock.ValidateSchedules(trading.MorningSchedules(), calendar.Weekdays(time.UTC)))
	want := map[string]string{
		trading.TaskBuyOrders:              "daily 09:01",
		trading.TaskPremarketRetry:         "daily 09:03",
		trading.TaskPremarketAMOAdjustment: "after premarket_retry 5m",
		trading.TaskSellMonitor:            "every 1m 09:15-15:30",
		trading.TaskPositionMonitor:        "hourly 09:30-15:30",
		trading.TaskAnalysis:               "daily 16:00",
		trading.TaskBuyMarginPreview:       "after analysis succeeds 5m until 17:40",
		trading.TaskEODCleanup:             "daily 18:00",
	}
	got := make(map[string]string)
	for task, row := range rows {
		got[task] = row.Rule.String()
		assert.NotEmpty(t, row.Description, task)
	}
	assert.Equal(t, want, got)

	const open = 9*time.Hour + 15*time.Minute
	for task, minute := range map[string]time.Duration{trading.TaskBuyOrders: 1, trading.TaskPremarketRetry: 3, trading.TaskPremarketAMOAdjustment: 8} {
		row := rows[task]
		assert.Less(t, 9*time.Hour+minute*time.Minute+row.CatchUp+row.Timeout, open, task)
		assert.Equal(t, "premarket", row.Exclusive, task)
		assert.Equal(t, tradeclock.AtMostOnce, row.Delivery, task)
	}
	assert.Equal(t, tradeclock.AtLeastOnce, rows[trading.TaskBuyMarginPreview].Delivery)
}

// The policies that the documentation of DefaultSchedules names, row by row.
func TestDefaultPolicies(t *testing.T) {
	want := map[string]tradeclock.Schedule{
		trading.TaskPremarketRetry:         {Timeout: 4 * time.Minute, CatchUp: 10 * time.Minute, Exclusive: "premarket"},
		trading.TaskPremarketAMOAdjustment: {Timeout: 4 * time.Minute, CatchUp: 5 * time.Minute, Exclusive: "premarket"},
		trading.TaskSellMonitor:            {Timeout: 2 * time.Minute, CatchUp: 2 * time.Minute, Delivery: tradeclock.AtLeastOnce},
		trading.TaskPositionMonitor: {
			Timeout: 10 * time.Minute, CatchUp: 10 * time.Minute, Delivery: tradeclock.AtLeastOnce, Priority: 1, // after sell_monitor
		},
		trading.TaskAnalysis: {
			Timeout: 30 * time.Minute, CatchUp: time.Hour, Exclusive: "evening", Delivery: tradeclock.AtLeastOnce,
			Retry: tradeclock.Retry{Attempts: 3, Backoff: time.Minute, MaxBackoff: 5 * time.Minute},
		},
		trading.TaskBuyOrders:  {Timeout: 15 * time.Minute, CatchUp: 20 * time.Minute, Exclusive: "evening"},
		trading.TaskEODCleanup: {Timeout: 15 * time.Minute, CatchUp: 3 * time.Hour, Exclusive: "evening"},
	}
	for task, row := range defaults() {
		assert.NotEmpty(t, row.Description, task)
		policies := want[task]
		policies.Task, policies.Rule, policies.Description = row.Task, row.Rule, row.Description
		assert.Equal(t, policies, row, task)
	}
	assert.Len(t, defaults(), len(want))
}
