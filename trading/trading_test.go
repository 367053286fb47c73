package trading_test

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
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
