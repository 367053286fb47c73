// Package trading names the tasks of a trading day, seven and one more, and gives them a type:
// a paper service and a real one implement the same Service, and run on the same
// schedules.
//
//	err = scheduler.Enroll(ctx, "alice", trading.Executor(service))
//
// DefaultSchedules says when each task is due, and with which policies, at wall
// times; SessionSchedules says it by the open and the close of the session, and
// MorningSchedules for a service that buys before the open. They
// are rows to seed a store with: times are data, and change there.
package trading

import (
	"context"

	"github.com/tradeclock/tradeclock"
)

// The names of the tasks, in the order of a day.
const (
	TaskPremarketRetry         = "premarket_retry"
	TaskPremarketAMOAdjustment = "premarket_amo_adjustment"
	TaskSellMonitor            = "sell_monitor"
	TaskPositionMonitor        = "position_monitor"
	TaskAnalysis               = "analysis"
	TaskBuyMarginPreview       = "buy_margin_preview" // of a MarginPreviewer
	TaskBuyOrders              = "buy_orders"
	TaskEODCleanup             = "eod_cleanup"
)

// Service does the work of a trading day for one account. Each method is one
// task, and does one run of it: run.Account is whom it is for, run.Session is
// the trading day, and run.ID is the same however often the run is started, so
// orders that it places take their client order IDs from it.
//
// What a method returns becomes the run's outcome, as an executor's Execute: nil
// is succeeded, tradeclock.Skip says that there was nothing to do and why. The
// context ends with the run's deadline or the scheduler's stop. Methods of
// different tasks are called at the same time.
type Service interface {
	// PremarketRetry places again the orders for this session that failed.
	PremarketRetry(ctx context.Context, run tradeclock.Run) error
	// PremarketAMOAdjustment sets the quantities of the after-market orders
	// (AMO) to the pre-market prices.
	PremarketAMOAdjustment(ctx context.Context, run tradeclock.Run) error
	// SellMonitor places the day's sell orders if run.First is true, and watches
	// them from then on. It may be started again after a crash, and so must not
	// sell what is on its way out already.
	SellMonitor(ctx context.Context, run tradeclock.Run) error
	// PositionMonitor looks for positions to leave and to enter again. It may run
	// beside SellMonitor, and be started again after a crash.
	PositionMonitor(ctx context.Context, run tradeclock.Run) error
	// Analysis finds the candidates for the next session and stores them under
	// run.Session, in place of any from an earlier attempt.
	Analysis(ctx context.Context, run tradeclock.Run) error
	// BuyOrders places the orders for the next session. It takes candidates that
	// were stored under run.Session only, and skips if there are none: yesterday's
	// are stale.
	BuyOrders(ctx context.Context, run tradeclock.Run) error
	// EODCleanup cancels what is left of the day's orders, but not those for the
	// next session, and writes the day's report.
	EODCleanup(ctx context.Context, run tradeclock.Run) error
}

// MarginPreviewer is a Service with one task more, buy_margin_preview: see
// MorningSchedules.
type MarginPreviewer interface {
	Service
	// BuyMarginPreview tells the account what of the candidates under run.Session is going to
	// be bought on the next session, and whether the margin is enough. It places nothing.
	BuyMarginPreview(ctx context.Context, run tradeclock.Run) error
}

// Executor returns the executor of a service's tasks. It is, itself or by Unwrap, a
// tradeclock.TaskLister, and a tradeclock.Starter and a tradeclock.EligibilityChecker if the
// service is one: who may run the analysis, say. It panics if the service is nil.
func Executor(s Service) tradeclock.TaskExecutor {
	mux := new(tradeclock.Mux)
	Handle(mux, s)
	var exec tradeclock.TaskExecutor = mux
	if checker, ok := s.(tradeclock.EligibilityChecker); ok {
		exec = checked{exec, checker}
	}
	if starter, ok := s.(tradeclock.Starter); ok {
		exec = started{exec, starter}
	}
	return exec
}

// Handle registers a service's tasks with a Mux, for a service that has other
// tasks beside these. It panics if the service is nil, or the Mux has one of
// the tasks already.
func Handle(mux *tradeclock.Mux, s Service) {
	if s == nil {
		panic("trading: Handle needs a service")
	}
	mux.HandleFunc(TaskPremarketRetry, s.PremarketRetry)
	mux.HandleFunc(TaskPremarketAMOAdjustment, s.PremarketAMOAdjustment)
	mux.HandleFunc(TaskSellMonitor, s.SellMonitor)
	mux.HandleFunc(TaskPositionMonitor, s.PositionMonitor)
	mux.HandleFunc(TaskAnalysis, s.Analysis)
	mux.HandleFunc(TaskBuyOrders, s.BuyOrders)
	mux.HandleFunc(TaskEODCleanup, s.EODCleanup)
	if previewer, ok := s.(MarginPreviewer); ok {
		mux.HandleFunc(TaskBuyMarginPreview, previewer.BuyMarginPreview)
	}
}

// started is the executor of a service that must be started first.
type started struct {
	tradeclock.TaskExecutor
	tradeclock.Starter
}

// Unwrap returns what else it is.
func (s started) Unwrap() tradeclock.TaskExecutor { return s.TaskExecutor }

// checked is that of a service that says who may run its tasks.
type checked struct {
	tradeclock.TaskExecutor
	tradeclock.EligibilityChecker
}

// Unwrap returns what else it is.
func (c checked) Unwrap() tradeclock.TaskExecutor { return c.TaskExecutor }
