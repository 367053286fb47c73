package tradeclock

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// The runs of a wave come between those that are ready, where they belong, and those of
// one that comes after all of them are not made yet.
func TestWavesAmongRunsThatAreReady(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 8, 59, 0, 0, time.UTC))
	none := ExecutorFunc(func(context.Context, Run) error { return nil })
	var rows []Schedule
	for task, text := range map[string]string{"one": "daily 09:01", "two": "daily 09:02", "three": "daily 09:03", "four": "daily 09:04"} {
		rows = append(rows, Schedule{Task: task, Rule: rule.MustParse(text)})
	}
	s, err := New(Config{
		Name: "paper", Account: "42", Executor: none, Schedules: FixedSchedules(rows...), Calendar: calendar.AlwaysOpen(time.UTC),
		Clock: clock, Ledger: NewStore(clock), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, s.Tick(t.Context()))

	s.mu.Lock()
	defer s.mu.Unlock()
	now, a := clock.Now(), s.accounts.byName["42"]
	occurrenceOf := func(task string, minute int) plan.Occurrence {
		return plan.Occurrence{Row: &s.rowFor("42", task).Row, Due: time.Date(2026, 11, 23, 9, minute, 0, 0, time.UTC), Slot: "2026-11-23"}
	}
	waveOf := func(o plan.Occurrence) wave {
		return wave{row: rowOf(o), due: []plan.Occurrence{o}, accts: []*account{a}, planned: now}
	}
	one, three := occurrenceOf("one", 1), occurrenceOf("three", 3)
	s.line([]*pending{s.newPending(a, a.task("one"), rowOf(one), one, false), s.newPending(a, a.task("three"), rowOf(three), three, false)})
	s.queue.waves = []wave{waveOf(occurrenceOf("two", 2)), waveOf(occurrenceOf("four", 4))}

	s.lineUpPreceding(now)

	var ready []string
	for _, p := range s.queue.ready {
		ready = append(ready, p.run.Task)
	}
	assert.Equal(t, []string{"one", "two", "three"}, ready)
	assert.Len(t, s.queue.waves, 1)
}
