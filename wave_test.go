package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// After a gap, the newest occurrence of one task may be due after that of another,
// though its oldest was due before. Neither is lost to a watermark that passed it.
func TestRule05_NoneOfSeveralLateOccurrencesIsLost(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	rows := []tradeclock.Schedule{
		row("sell", "every 1m 09:15-15:30", catchUp(5*time.Minute)),
		row("watch", "every 5m 09:15-15:30", catchUp(5*time.Minute)),
	}
	s, d := w.driver(rows...)
	d.Until(at("2026-11-23 09:18:30"))
	require.NoError(t, s.Close(t.Context()))
	started := len(w.rec.Runs())
	w.clock.Advance(4 * time.Minute)
	s = w.scheduler(w.config(rows...))
	tradeclocktest.NewDriver(t, s, w.clock).Tick()

	var told []string
	for _, e := range w.rec.Runs()[started:] {
		told = append(told, e.Run.Task+" "+e.Run.Due.In(kolkata).Format("15:04"))
	}
	assert.ElementsMatch(t, []string{"watch 09:20", "sell 09:22"}, told)
	assert.Equal(t, []string{"09:15 succeeded", "09:20 succeeded"}, became(w.runs("watch")))
}
