package trading

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// eveningGroup orders the evening's tasks: eod_cleanup waits for an analysis, and for
// buy_orders, that have not ended.
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
//     by 17:30.
//   - buy_orders is due five minutes after it has succeeded, and is skipped if it did
//     not, or so late that this would not be before 17:40: no order is placed without candidates of this session.
//   - eod_cleanup comes by the clock, whatever became of them. It may be late by three
//     hours, since the next session needs it.
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
			Rule:        rule.AfterSuccessUntil(TaskAnalysis, 5*time.Minute, rule.At(17, 40)),
			Timeout:     15 * time.Minute,
			CatchUp:     20 * time.Minute,
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

// MorningSchedules returns the rows of a service that buys before the open, for all
// accounts: what the analysis of one evening has found is bought on the next session, at
// 09:01, and what failed is tried again at 09:03. In the evening buy_margin_preview tells
// what is going to be bought, five minutes after the analysis has succeeded. The other
// times and policies are those of DefaultSchedules.
//
// The service is a MarginPreviewer. Its BuyOrders takes the candidates of the session before
// run.Session, and skips if there are none.
//
//   - buy_orders, premarket_retry and premarket_amo_adjustment change the same orders, so
//     they wait for each other, and their timeouts end them before the open at 09:15.
//   - buy_margin_preview is skipped as buy_orders is there. It places
//     nothing, so a second start does no harm.
func MorningSchedules() []tradeclock.Schedule {
	var rows []tradeclock.Schedule
	for _, row := range DefaultSchedules() {
		switch row.Task {
		case TaskBuyOrders:
			rows = append(rows, previewSchedule(row))
			row.Rule, row.Exclusive = rule.Daily(rule.At(9, 1)), premarketGroup
			row.Timeout, row.CatchUp = 4*time.Minute, 5*time.Minute
			row.Description = "Place the buy orders of this session."
		case TaskPremarketRetry:
			row.Rule, row.CatchUp = rule.Daily(rule.At(9, 3)), 7*time.Minute
		case TaskPremarketAMOAdjustment:
			row.CatchUp = 2 * time.Minute
		}
		rows = append(rows, row)
	}
	return rows
}

// previewSchedule returns the row of buy_margin_preview, in the place of that of buy_orders.
func previewSchedule(buy tradeclock.Schedule) tradeclock.Schedule {
	buy.Task, buy.Delivery = TaskBuyMarginPreview, tradeclock.AtLeastOnce
	buy.Description = "Tell what is going to be bought on the next session, and whether the margin is enough."
	return buy
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
		TaskBuyOrders:              "after analysis succeeds 5m until close+2h10m",
		TaskEODCleanup:             "daily close+2h30m",
	}
	rows := DefaultSchedules()
	for i, row := range rows {
		rows[i].Rule = rule.MustParse(rules[row.Task])
		rows[i].Sessions = calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial
	}
	return rows
}
