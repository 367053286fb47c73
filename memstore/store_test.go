package memstore_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func TestLedgerConformance(t *testing.T) {
	tradeclocktest.TestLedger(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.Ledger { return memstore.New(clock) },
		tradeclocktest.Has[tradeclock.History](), tradeclocktest.Has[tradeclock.HaltStore](), tradeclocktest.Has[tradeclock.Directory](), tradeclocktest.Has[tradeclock.RequestStore](), tradeclocktest.Has[tradeclock.Resetter](),
		tradeclocktest.Has[tradeclock.Pruner](), tradeclocktest.Has[tradeclock.Auditor]())
}

func TestHeartbeatConformance(t *testing.T) {
	tradeclocktest.TestHeartbeats(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.HeartbeatSink { return memstore.New(clock) },
		tradeclocktest.Has[tradeclock.HeartbeatReader]())
}

func TestScheduleConformance(t *testing.T) {
	tradeclocktest.TestScheduleStore(t, func(_ *testing.T, clock tradeclock.Clock) tradeclock.ScheduleStore { return memstore.New(clock) },
		tradeclocktest.Has[tradeclock.ScheduleEditor](), tradeclocktest.Has[tradeclock.ChangeLister]())
}

func TestNewWithoutClockUsesTheRealOne(t *testing.T) {
	row, err := memstore.New(nil).PutSchedule(t.Context(), tradeclock.By{Actor: "ops", Reason: "a test"}, tradeclock.Schedule{Task: "analysis", Rule: rule.Daily(rule.At(16, 0))})
	require.NoError(t, err)
	assert.False(t, row.Since.IsZero())
}

func TestNothingIsAllocatedInAMinuteWithNothingDue(t *testing.T) {
	ctx, to := t.Context(), time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	store := memstore.New(clockwork.NewFakeClockAt(to))
	term, err := store.Lead(ctx, "paper", "a", time.Minute, time.Time{})
	require.NoError(t, err)
	hb := tradeclock.Heartbeat{Scheduler: "paper", Instance: "a", Degraded: []string{"no schedules"}, Running: make([]tradeclock.RunningTask, 3)}
	allocs := testing.AllocsPerRun(100, func() {
		to = to.Add(time.Minute)
		_, leadErr := store.Lead(ctx, "paper", "a", time.Minute, time.Time{})
		_, revisionErr := store.Revision(ctx)
		_, haltsErr := store.Halts(ctx, "paper")
		recordErr := store.Record(ctx, term, nil, to)
		beatErr := store.Beat(ctx, hb)
		for _, err := range []error{leadErr, revisionErr, haltsErr, recordErr, beatErr} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	assert.Zero(t, allocs)
}
