package tradeclock_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
)

// The contracts that Memory shares with other stores are tested by the suites in
// tradeclocktest. Here is what it promises beyond them.

var memoryStart = time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)

func leadingMemory(t *testing.T) (*tradeclock.Memory, tradeclock.Term) {
	t.Helper()
	memory := tradeclock.NewMemory(clockwork.NewFakeClockAt(memoryStart))
	term, err := memory.Lead(t.Context(), "paper", "a", time.Minute)
	require.NoError(t, err)
	return memory, term
}

func TestMemoryWithoutClockUsesTheRealOne(t *testing.T) {
	memory := tradeclock.NewMemory(nil)
	row, err := memory.PutSchedule(t.Context(), tradeclock.Schedule{Task: "analysis", Rule: rule.Daily(rule.At(16, 0))})
	require.NoError(t, err)
	assert.False(t, row.Since.IsZero())
}

func TestMemoryAllocatesNothingInAMinuteWithNothingDue(t *testing.T) {
	memory, term := leadingMemory(t)
	ctx, to := t.Context(), memoryStart
	hb := tradeclock.Heartbeat{Scheduler: "paper", Instance: "a", Degraded: []string{"no schedules"}, Running: make([]tradeclock.RunningTask, 3)}
	allocs := testing.AllocsPerRun(100, func() {
		to = to.Add(time.Minute)
		_, leadErr := memory.Lead(ctx, "paper", "a", time.Minute)
		_, revisionErr := memory.Revision(ctx)
		_, haltsErr := memory.Halts(ctx, "paper")
		recordErr := memory.Record(ctx, term, nil, to)
		beatErr := memory.Beat(ctx, hb)
		for _, err := range []error{leadErr, revisionErr, haltsErr, recordErr, beatErr} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	assert.Zero(t, allocs)
}
