package trading_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
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

// diary is a Service that notes which of its methods was called.
type diary struct {
	mu    sync.Mutex
	calls []string
}

func (d *diary) note(method string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, method)
	return nil
}

func (d *diary) PremarketRetry(context.Context, tradeclock.Run) error {
	return d.note("PremarketRetry")
}

func (d *diary) PremarketAMOAdjustment(context.Context, tradeclock.Run) error {
	return d.note("PremarketAMOAdjustment")
}

func (d *diary) SellMonitor(context.Context, tradeclock.Run) error { return d.note("SellMonitor") }

func (d *diary) PositionMonitor(context.Context, tradeclock.Run) error {
	return d.note("PositionMonitor")
}

func (d *diary) Analysis(context.Context, tradeclock.Run) error   { return d.note("Analysis") }
func (d *diary) BuyOrders(context.Context, tradeclock.Run) error  { return d.note("BuyOrders") }
func (d *diary) EODCleanup(context.Context, tradeclock.Run) error { return d.note("EODCleanup") }

// login is a diary that must be started.
type login struct{ diary }

func (l *login) Start(context.Context, string) error { return l.note("Start") }
func (l *login) Stop(context.Context, string) error  { return l.note("Stop") }

func TestEachTaskCallsItsMethod(t *testing.T) {
	methods := map[string]string{
		trading.TaskPremarketRetry:         "PremarketRetry",
		trading.TaskPremarketAMOAdjustment: "PremarketAMOAdjustment",
		trading.TaskSellMonitor:            "SellMonitor",
		trading.TaskPositionMonitor:        "PositionMonitor",
		trading.TaskAnalysis:               "Analysis",
		trading.TaskBuyOrders:              "BuyOrders",
		trading.TaskEODCleanup:             "EODCleanup",
	}
	require.Len(t, methods, reflect.TypeFor[trading.Service]().NumMethod(), "a method has no task")

	for task, method := range methods {
		t.Run(task, func(t *testing.T) {
			service := new(diary)

			err := trading.Executor(service).Execute(t.Context(), tradeclock.Run{Task: task})

			require.NoError(t, err)
			assert.Equal(t, []string{method}, service.calls)
		})
	}
}

func TestAnUnknownTaskIsAnError(t *testing.T) {
	err := trading.Executor(new(diary)).Execute(t.Context(), tradeclock.Run{Task: "buy_margin_preview"})

	assert.ErrorIs(t, err, tradeclock.ErrUnknownTask)
}

func TestTheExecutorListsTheTasksThatHaveSchedules(t *testing.T) {
	lister, ok := trading.Executor(new(diary)).(tradeclock.TaskLister)
	require.True(t, ok)

	var scheduled []string
	for _, row := range trading.DefaultSchedules() {
		scheduled = append(scheduled, row.Task)
	}

	assert.ElementsMatch(t, scheduled, lister.Tasks())
}

func TestOnlyAServiceThatIsAStarterMakesAStarter(t *testing.T) {
	_, ok := trading.Executor(new(diary)).(tradeclock.Starter)
	assert.False(t, ok, "a service without Start")

	service := new(login)
	starter, ok := trading.Executor(service).(tradeclock.Starter)
	require.True(t, ok, "a service with Start")
	require.NoError(t, starter.Start(t.Context(), "alice"))
	require.NoError(t, starter.Stop(t.Context(), "alice"))
	assert.Equal(t, []string{"Start", "Stop"}, service.calls)
}

// previewer is a diary that also tells what is going to be bought, and says who may run what.
type previewer struct{ login }

func (p *previewer) BuyMarginPreview(context.Context, tradeclock.Run) error {
	return p.note("BuyMarginPreview")
}

func (p *previewer) Eligible(_ context.Context, account, task string) error {
	if account == "guest" && task == trading.TaskAnalysis {
		return errors.New("the analysis is for members")
	}
	return nil
}

func TestTheExecutorOfAMarginPreviewerHasOneTaskMore(t *testing.T) {
	service := new(previewer)
	exec := trading.Executor(service)

	require.NoError(t, exec.Execute(t.Context(), tradeclock.Run{Task: trading.TaskBuyMarginPreview}))
	assert.Equal(t, []string{"BuyMarginPreview"}, service.calls)

	var scheduled []string
	for _, row := range trading.MorningSchedules() {
		scheduled = append(scheduled, row.Task)
	}
	mux := new(tradeclock.Mux)
	trading.Handle(mux, service)
	assert.ElementsMatch(t, scheduled, mux.Tasks())
}

// What the service is beside its tasks, a scheduler finds.
func TestWhoMayNotRunTheAnalysisIsSkipped(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 15, 59, 0, 0, kolkata))
	ledger := memstore.New(clock)
	service := new(previewer)
	s, err := tradeclock.New(tradeclock.Config{
		Account: "guest", Executor: trading.Executor(service), Schedules: tradeclock.FixedSchedules(trading.MorningSchedules()...),
		Ledger: ledger, Calendar: calendar.Weekdays(kolkata), Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	tradeclocktest.NewDriver(t, s, clock).For(20 * time.Minute)

	runs, err := ledger.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	assert.Equal(t, "not eligible: the analysis is for members", runs[0].Reason)
	assert.Equal(t, "no success of analysis: it was skipped: not eligible: the analysis is for members", runs[1].Reason)
	assert.Equal(t, []string{"Start"}, service.calls)
	assert.Empty(t, s.Status().Degraded)
}

func TestAServiceMayHaveMoreTasks(t *testing.T) {
	service := new(diary)
	mux := new(tradeclock.Mux)
	trading.Handle(mux, service)
	mux.HandleFunc("buy_margin_preview", func(context.Context, tradeclock.Run) error {
		return service.note("preview")
	})

	require.NoError(t, mux.Execute(t.Context(), tradeclock.Run{Task: trading.TaskBuyOrders}))
	require.NoError(t, mux.Execute(t.Context(), tradeclock.Run{Task: "buy_margin_preview"}))

	assert.Equal(t, []string{"BuyOrders", "preview"}, service.calls)
}

func TestNoServiceIsRefused(t *testing.T) {
	assert.Panics(t, func() { trading.Executor(nil) })
}

func TestHandleNeedsAService(t *testing.T) {
	assert.PanicsWithValue(t, "trading: Handle needs a service", func() { trading.Handle(new(tradeclock.Mux), nil) })
}
