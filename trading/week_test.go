package trading_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// realService stands for a service at a real broker: it must be started, its
// calls take time, and now and then the broker refuses them.
type realService struct{ diary }

func (r *realService) Start(context.Context, string) error { return nil }
func (r *realService) Stop(context.Context, string) error  { return nil }

var errRefused = errors.New("the broker refused the order")

func (r *realService) SellMonitor(ctx context.Context, run tradeclock.Run) error {
	if run.Due.Minute()%7 == 0 {
		return errRefused
	}
	return tradeclock.Sleep(ctx, 30*time.Second)
}

func (r *realService) BuyOrders(ctx context.Context, run tradeclock.Run) error {
	if run.Session.Weekday() == time.Wednesday {
		return errRefused
	}
	return tradeclock.Sleep(ctx, 4*time.Minute)
}

// TestPaperAndRealServiceHaveTheSameWeek runs both over one week, the weekend
// included: whatever becomes of their runs, the slots are the same.
func TestPaperAndRealServiceHaveTheSameWeek(t *testing.T) {
	paper, failed := runWeek(t, "paper", new(diary))
	assert.Zero(t, failed)
	live, failed := runWeek(t, "real", new(realService))
	assert.Equal(t, 5*56+1, failed, "the broker refused so often")

	assert.Equal(t, weekOfSlots(), paper)
	assert.Equal(t, weekOfSlots(), live)
}

// runWeek returns the slots of each task in a week from a Monday on, and how many
// of them failed.
func runWeek(t *testing.T, name string, service trading.Service) (slots map[string][]string, failed int) {
	t.Helper()
	kolkata := time.FixedZone("IST", 5*3600+1800)
	start := time.Date(2026, time.November, 23, 0, 0, 0, 0, kolkata)
	clock := clockwork.NewFakeClockAt(start)
	ledger := memstore.New(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Name:      name,
		Account:   "alice",
		Executor:  trading.Executor(service),
		Schedules: tradeclock.FixedSchedules(trading.DefaultSchedules()...),
		Ledger:    ledger,
		Calendar:  calendar.Weekdays(kolkata),
		Clock:     clock,
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)

	tradeclocktest.NewDriver(t, s, clock).Until(start.AddDate(0, 0, 7))

	runs, err := ledger.Runs(t.Context(), store.Query{Scheduler: name})
	require.NoError(t, err)
	slots = make(map[string][]string)
	for _, run := range runs {
		switch run.Outcome {
		case tradeclock.Succeeded:
		case tradeclock.Failed:
			failed++
		default:
			t.Errorf("%s %s is %s: %s", run.Task, run.Slot, run.Outcome, run.Reason)
		}
		slots[run.Task] = append(slots[run.Task], run.Slot)
	}
	return slots, failed
}

// weekOfSlots is what five sessions bring up, in the timetable's words.
func weekOfSlots() map[string][]string {
	slots := make(map[string][]string)
	for day := 23; day <= 27; day++ {
		date := fmt.Sprintf("2026-11-%d", day)
		for _, task := range []string{
			trading.TaskPremarketRetry, trading.TaskPremarketAMOAdjustment,
			trading.TaskAnalysis, trading.TaskBuyOrders, trading.TaskEODCleanup,
		} {
			slots[task] = append(slots[task], date)
		}
		for hour := 9; hour <= 15; hour++ {
			slots[trading.TaskPositionMonitor] = append(slots[trading.TaskPositionMonitor], fmt.Sprintf("%sT%02d+05:30", date, hour))
		}
		for minute := 9*60 + 15; minute < 15*60+30; minute++ {
			slot := fmt.Sprintf("%sT%02d:%02d:00+05:30", date, minute/60, minute%60)
			slots[trading.TaskSellMonitor] = append(slots[trading.TaskSellMonitor], slot)
		}
	}
	return slots
}
