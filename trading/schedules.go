package trading

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// eveningGroup orders the evening's tasks: buy_orders waits for an analysis that
// takes half an hour, and eod_cleanup for both.
const eveningGroup = "evening"

// premarketGroup orders the tasks that change after-market orders before the
// open.
const premarketGroup = "premarket"

// DefaultSchedules returns a row for each of the seven tasks, for all accounts,
// at the times of an Indian exchange. All times are wall times, so that the rows
// hold with any calendar, one that knows no hours too, and on regular and
// shortened sessions only. A service whose calendar knows the hours takes
// SessionSchedules, which moves with them.
//
// Tasks that place or cancel orders are at most once and are never retried. A
// run of theirs that a crash cut off is left for a person to look at. The
// monitors and the analysis are at least once, as a second start of a run does
// no harm to them.
//
//   - premarket_retry and premarket_amo_adjustment may start until 09:10, and
//     their timeout of four minutes ends them before the open at 09:15. They
//     change the same orders, so they wait for each other.
//   - sell_monitor is cut off after two minutes: a hung broker call costs two
//     runs, and not the day. What it was late for by two minutes is missed, as
//     the next minute does the same.
//   - position_monitor may be late by ten minutes. It does not wait for
//     sell_monitor, nor that for it: a slow review must never hold up a stop. At
//     the same minute, sell_monitor starts first.
//   - analysis may start, and a failed attempt be repeated, until 17:00, and ends
//     by 17:30. buy_orders waits for it until 17:35 and is missed after that, so
//     it is never early for its candidates; that they are of this session is for
//     the service to check.
//   - eod_cleanup may be late by three hours, since the next session needs it.
func DefaultSchedules() []tradeclock.Schedule {
	return slices.Concat(premarketSchedules(), monitorSchedules(), eveningSchedules())
}

func premarketSchedules() []tradeclock.Schedule {
	return []tradeclock.Schedule{
		{
			Task:        TaskPremarketRetry,
			Rule:        rule.Daily(rule.At(9, 0)),
			Timeout:     4 * time.Minute,
			CatchUp:     10 * time.Minute,
			Exclusive:   premarketGroup,
			Delivery:    tradeclock.AtMostOnce,
			Description: "Place again the orders for today that failed.",
		},
		{
			Task:        TaskPremarketAMOAdjustment,
			Rule:        rule.After(TaskPremarketRetry, 5*time.Minute),
			Timeout:     4 * time.Minute,
			CatchUp:     5 * time.Minute,
			Exclusive:   premarketGroup,
			Delivery:    tradeclock.AtMostOnce,
			Description: "Set the quantities of after-market orders to the pre-market prices.",
		},
	}
}

func monitorSchedules() []tradeclock.Schedule {
	return []tradeclock.Schedule{
		{
			Task:        TaskSellMonitor,
			Rule:        rule.Every(time.Minute, rule.At(9, 15), rule.At(15, 30)),
			Timeout:     2 * time.Minute,
			CatchUp:     2 * time.Minute,
			Overlap:     tradeclock.OverlapSkip,
			Delivery:    tradeclock.AtLeastOnce,
			Description: "Place the day's sell orders at the first run, and watch them.",
		},
		{
			Task:        TaskPositionMonitor,
			Rule:        rule.Hourly(rule.At(9, 30), rule.At(15, 30)),
			Priority:    1,
			Timeout:     10 * time.Minute,
			CatchUp:     10 * time.Minute,
			Overlap:     tradeclock.OverlapSkip,
			Delivery:    tradeclock.AtLeastOnce,
			Description: "Look for positions to leave and to enter again.",
		},
	}
}

func eveningSchedules() []tradeclock.Schedule {
	return []tradeclock.Schedule{
		{
			Task:        TaskAnalysis,
			Rule:        rule.Daily(rule.At(16, 0)),
			Timeout:     30 * time.Minute,
			CatchUp:     time.Hour,
			Exclusive:   eveningGroup,
			Delivery:    tradeclock.AtLeastOnce,
			Retry:       tradeclock.Retry{Attempts: 3, Backoff: time.Minute, MaxBackoff: 5 * time.Minute},
			Description: "Find the candidates for the next session.",
		},
		{
			Task:        TaskBuyOrders,
			Rule:        rule.Daily(rule.At(16, 5)),
			Timeout:     15 * time.Minute,
			CatchUp:     90 * time.Minute,
			Exclusive:   eveningGroup,
			Delivery:    tradeclock.AtMostOnce,
			Description: "Place the buy orders for the next session.",
		},
		{
			Task:        TaskEODCleanup,
			Rule:        rule.Daily(rule.At(18, 0)),
			Timeout:     15 * time.Minute,
			CatchUp:     3 * time.Hour,
			Exclusive:   eveningGroup,
			Delivery:    tradeclock.AtMostOnce,
			Description: "Cancel what is left of the day's orders and write its report.",
		},
	}
}

// SessionSchedules returns the rows of DefaultSchedules with rules that are
// anchored to the session's open and close in place of wall times. On a regular
// day of the National Stock Exchange of India they are due at the same minutes.
// On a day with other hours they move with these: so they also run on special
// sessions, such as a Muhurat hour in the evening. All policies are the same.
//
// They need a calendar whose sessions have a regular phase. On a session whose
// hours are not announced they do not run, and the ledger says why.
func SessionSchedules() []tradeclock.Schedule {
	rules := map[string]string{
		TaskPremarketRetry:         "daily open-15m",
		TaskPremarketAMOAdjustment: "after premarket_retry 5m",
		TaskSellMonitor:            "every 1m open-close",
		TaskPositionMonitor:        "hourly open+15m-close",
		TaskAnalysis:               "daily close+30m",
		TaskBuyOrders:              "daily close+35m",
		TaskEODCleanup:             "daily close+2h30m",
	}
	rows := DefaultSchedules()
	for i, row := range rows {
		rows[i].Rule = rule.MustParse(rules[row.Task])
		rows[i].Sessions = calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial
	}
	return rows
}
