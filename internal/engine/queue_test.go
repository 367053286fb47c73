package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// The runs of a wave come between those that are ready, where they belong, and those of
// one that comes after all of them are not made yet.
func TestWavesAmongRunsThatAreReady(t *testing.T) {
	e, now := New(Config{}), time.Date(2026, 11, 23, 8, 59, 0, 0, time.UTC)
	a := &Account{Name: "42"}
	e.Accounts.Enrol(a, true, now.Add(-time.Hour))
	occurrenceOf := func(task string, minute int) plan.Occurrence {
		r := newRow(task, "daily 09:01", calendar.AlwaysOpen(time.UTC), Handling{CatchUp: 2 * time.Minute})
		return plan.Occurrence{Row: r.Row, Due: time.Date(2026, 11, 23, 9, minute, 0, 0, time.UTC), Slot: "2026-11-23"}
	}
	waveOf := func(o plan.Occurrence) wave {
		return wave{row: RowOf(o), due: []plan.Occurrence{o}, accts: []*Account{a}, planned: now}
	}
	runOf := func(o plan.Occurrence) *Run { return e.newRun(a, a.task(RowOf(o).Task()), RowOf(o), o, false) }
	e.line([]*Run{runOf(occurrenceOf("one", 1)), runOf(occurrenceOf("three", 3))}, now)
	e.queue.waves = []wave{waveOf(occurrenceOf("two", 2)), waveOf(occurrenceOf("four", 4))}

	e.lineUpPreceding(now)

	var ready []string
	for _, p := range e.queue.ready {
		ready = append(ready, p.Row.Task())
	}
	assert.Equal(t, []string{"one", "two", "three"}, ready)
	assert.Len(t, e.queue.waves, 1)
}
