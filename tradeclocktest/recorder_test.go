package tradeclocktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func runOf(task, slot string) tradeclock.Run { return tradeclock.Run{Task: task, Slot: slot} }

func TestRecorder(t *testing.T) {
	clock := clockwork.NewFakeClockAt(noon)
	recorder := tradeclocktest.NewRecorder(clock)
	refused := errors.New("the broker refused")
	recorder.Do("buy_orders", func(context.Context, tradeclock.Run) error {
		clock.Advance(time.Minute)
		return refused
	})
	recorder.Do("analysis", func(context.Context, tradeclock.Run) error { panic("no data") })

	assert.Equal(t, refused, recorder.Execute(t.Context(), runOf("buy_orders", "one")))
	assert.NoError(t, recorder.Execute(t.Context(), runOf("sell_monitor", "one")))
	assert.PanicsWithValue(t, "no data", func() { _ = recorder.Execute(t.Context(), runOf("analysis", "one")) })
	recorder.Do("buy_orders", nil)
	assert.NoError(t, recorder.Execute(t.Context(), runOf("buy_orders", "two")))

	later := noon.Add(time.Minute)
	want := []tradeclocktest.Execution{
		{Run: runOf("buy_orders", "one"), Start: noon, End: later, Err: refused},
		{Run: runOf("sell_monitor", "one"), Start: later, End: later},
		{Run: runOf("analysis", "one"), Start: later, End: later, Panicked: true},
		{Run: runOf("buy_orders", "two"), Start: later, End: later},
	}
	assert.Equal(t, want, recorder.Runs())
	assert.Equal(t, []string{"one", "two"}, recorder.Slots("buy_orders"))
	assert.Equal(t, 2, recorder.Count("buy_orders"))
	assert.Zero(t, recorder.Count("eod_cleanup"))
}

func TestRecorderTellsWhatGoesOn(t *testing.T) {
	recorder := tradeclocktest.NewRecorder(clockwork.NewFakeClockAt(noon))
	recorder.Do("analysis", func(context.Context, tradeclock.Run) error {
		runs := recorder.Runs()
		require.Len(t, runs, 1)
		assert.Equal(t, noon, runs[0].Start)
		assert.Zero(t, runs[0].End)
		return nil
	})
	require.NoError(t, recorder.Execute(t.Context(), runOf("analysis", "one")))
	assert.Equal(t, 1, recorder.Count("analysis"))
}

func TestRecorderWrap(t *testing.T) {
	var mux tradeclock.Mux
	mux.HandleFunc("buy_orders", func(context.Context, tradeclock.Run) error { return tradeclock.Skip("no cash") })
	recorder := tradeclocktest.NewRecorder(clockwork.NewFakeClockAt(noon))
	executor := tradeclock.Chain(&mux, recorder.Wrap)

	assert.EqualError(t, executor.Execute(t.Context(), runOf("buy_orders", "one")), "skipped: no cash")
	assert.ErrorIs(t, executor.Execute(t.Context(), runOf("unknown", "one")), tradeclock.ErrUnknownTask)
	require.Len(t, recorder.Runs(), 2)
	assert.EqualError(t, recorder.Runs()[0].Err, "skipped: no cash")
	inner, ok := executor.(interface {
		Unwrap() tradeclock.TaskExecutor
	})
	require.True(t, ok)
	assert.Same(t, &mux, inner.Unwrap())
}

func TestBeats(t *testing.T) {
	var beats tradeclocktest.Beats
	_, ok := beats.Last()
	assert.False(t, ok)

	hb := tradeclock.Heartbeat{Instance: "one", Degraded: []string{"no schedules"}}
	require.NoError(t, beats.Beat(t.Context(), hb))
	hb.Degraded[0] = "changed"
	require.NoError(t, beats.Beat(t.Context(), tradeclock.Heartbeat{Instance: "two"}))

	assert.Equal(t, 2, beats.Count())
	last, ok := beats.Last()
	assert.True(t, ok)
	assert.Equal(t, "two", last.Instance)
	assert.Equal(t, []string{"no schedules"}, beats.All()[0].Degraded)
	assert.Equal(t, "one", beats.All()[0].Instance)
}
