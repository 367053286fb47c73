package memstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/storetest"
)

func TestLedgerConformance(t *testing.T) {
	storetest.TestLedger(t, func(_ *testing.T, clock tradeclock.Clock) store.Ledger { return memstore.New(clock) },
		storetest.Has[store.History](), storetest.Has[store.Tallier](), storetest.Has[store.HaltStore](), storetest.Has[store.Directory](), storetest.Has[store.RequestStore](), storetest.Has[store.OverrideStore](), storetest.Has[store.Resetter](),
		storetest.Has[store.Pruner](), storetest.Has[store.Auditor]())
}

func TestHeartbeatConformance(t *testing.T) {
	storetest.TestHeartbeats(t, func(_ *testing.T, clock tradeclock.Clock) store.HeartbeatSink { return memstore.New(clock) },
		storetest.Has[store.HeartbeatReader]())
}

func TestScheduleConformance(t *testing.T) {
	storetest.TestScheduleStore(t, func(_ *testing.T, clock tradeclock.Clock) store.ScheduleStore { return memstore.New(clock) },
		storetest.Has[store.ScheduleEditor](), storetest.Has[store.ChangeLister]())
}

func TestNewWithoutClockUsesTheRealOne(t *testing.T) {
	row, err := memstore.New(nil).PutSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, store.Schedule{Task: "analysis", Rule: rule.Daily(rule.At(16, 0))})
	require.NoError(t, err)
	assert.False(t, row.Since.IsZero())
}

func TestNothingIsAllocatedInAMinuteWithNothingDue(t *testing.T) {
	ctx, to := t.Context(), time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	st := memstore.New(clockwork.NewFakeClockAt(to))
	term, err := st.Lead(ctx, "paper", "a", time.Minute, time.Time{})
	require.NoError(t, err)
	hb := store.Heartbeat{Scheduler: "paper", Instance: "a", Degraded: []string{"no schedules"}, Running: make([]store.RunningTask, 3)}
	allocs := testing.AllocsPerRun(100, func() {
		to = to.Add(time.Minute)
		_, leadErr := st.Lead(ctx, "paper", "a", time.Minute, time.Time{})
		_, revisionErr := st.Revision(ctx)
		_, haltsErr := st.Halts(ctx, "paper")
		recordErr := st.Record(ctx, term, nil, to)
		beatErr := st.Beat(ctx, hb)
		for _, err := range []error{leadErr, revisionErr, haltsErr, recordErr, beatErr} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	assert.Zero(t, allocs)
}

// A guard that refuses one of several edits refuses all, and is shown what each changes.
func TestAGuardRefusesAllEdits(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC))
	st, by := memstore.New(clock), store.By{Actor: "ops", Reason: "a test"}
	refused := errors.New("not in market hours")
	var shown []string
	st.Guard(func(_ context.Context, e store.RowEdit) error {
		shown = append(shown, e.AuditEntry().Action+" "+e.AuditEntry().Task)
		if e.After.Task == "sell" {
			return refused
		}
		return nil
	})
	daily := rule.Daily(rule.At(16, 0))
	_, err := st.PutSchedule(t.Context(), by, store.Schedule{Task: "sell", Rule: daily})
	require.ErrorIs(t, err, refused)
	_, err = st.PutSchedule(t.Context(), by, store.Schedule{Task: "buy", Rule: daily})
	require.NoError(t, err)
	rows, err := st.Schedules(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, "buy", rows[0].Task)
	assert.Len(t, shown, 2)
}
