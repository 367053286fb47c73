package tradeclock_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// A sink that takes no heartbeat, and does not know Park, as a user's may be.
type deafSink struct{ heard chan struct{} }

func (d deafSink) Beat(context.Context, tradeclock.Heartbeat) error {
	<-d.heard
	return nil
}

func TestRule31_ADeafSinkIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	sink := deafSink{make(chan struct{})}
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
	cfg.Heartbeats = sink
	s, d := w.run(cfg)

	d.Until(at("2026-11-23 09:25:00"))

	assert.Equal(t, 5, w.rec.Count("sell_monitor"))
	assert.Contains(t, s.Status().Degraded[0], "heartbeats are not received")
	close(sink.heard)
}

func TestRule33_ADeafObserverIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	heard := make(chan struct{})
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
	cfg.Observers = []tradeclock.Observer{tradeclock.ObserverFunc(func(tradeclock.Event) { <-heard })}
	_, d := w.run(cfg)

	d.For(15 * time.Minute)

	assert.Equal(t, 5, w.rec.Count("sell_monitor"))
	close(heard)
}

// TestNothingWaitsForTheClockAfterRuns drives a scheduler by Tick. While its run goes
// on, the term is renewed between the ticks, which takes a timer of the clock; once it
// has returned, none is left to go off for nothing.
func TestNothingWaitsForTheClockAfterRuns(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:14:00"))
	goOn := make(chan struct{})
	st := memstore.New(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Executor: tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
			<-goOn
			return nil
		}),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15")}),
		Ledger:    st,
		Calendar:  calendar.Weekdays(kolkata),
		Clock:     clock,
	})
	require.NoError(t, err)
	require.NoError(t, s.Tick(t.Context()))
	clock.Advance(time.Minute)
	require.NoError(t, s.Tick(t.Context()))
	ended, end := context.WithCancel(t.Context())
	end() // so that to block until somebody waits is to ask whether anybody does
	require.Len(t, s.Status().Running, 1)
	require.NoError(t, clock.BlockUntilContext(ended, 1), "the term is kept while the run goes on")
	close(goOn)
	require.NoError(t, s.Quiesce(t.Context()))
	require.Error(t, clock.BlockUntilContext(ended, 1), "and nothing is to be kept after it")
	require.NoError(t, s.Close(t.Context()))
}
