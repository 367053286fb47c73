package tradeclock_test

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// TestNothingWaitsForTheClockAfterRuns drives a scheduler by Tick. While its run goes
// on, the term is renewed between the ticks, which takes a timer of the clock; once it
// has returned, none is left to go off for nothing.
func TestNothingWaitsForTheClockAfterRuns(t *testing.T) {
	clock := clockwork.NewFakeClockAt(at("2026-11-23 09:14:00"))
	goOn := make(chan struct{})
	store := memstore.New(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Executor: tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error {
			<-goOn
			return nil
		}),
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15")}),
		Ledger:    store,
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
