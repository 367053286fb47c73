package tradeclock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// TestRunInSynctest lets Run go through a day on the real clock, which a bubble
// makes fast: nothing waits for anything but that clock, and nothing is left at
// the end, or the bubble would report it. It holds rules 1, 4, 26 and 31.
func TestRunInSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewRealClock()
		clock.Sleep(at("2026-11-23 08:55:10").Sub(clock.Now()))
		w := &world{
			t:     t,
			store: memstore.New(clock),
			rec:   tradeclocktest.NewRecorder(clock),
			beats: new(tradeclocktest.Beats),
		}
		cfg := w.config(trading.DefaultSchedules()...)
		cfg.Clock = clock
		s := w.scheduler(cfg)
		for _, row := range trading.DefaultSchedules() {
			w.rec.Do(row.Task, func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 20*time.Second) })
		}
		ctx, cancel := context.WithDeadline(t.Context(), at("2026-11-23 18:05:30"))
		defer cancel()

		require.NoError(t, s.Run(ctx))

		assertAllSucceeded(t, accounted(t, w.runs(""), occurrencesOf("2026-11-23")))
		for _, e := range w.rec.Runs() {
			assert.Zero(t, e.Run.Lateness().Truncate(time.Second), "%s %s started late", e.Run.Task, e.Run.Slot)
		}
		first, last := at("2026-11-23 08:55:00"), at("2026-11-23 18:05:00")
		assert.Equal(t, 2+int(last.Sub(first)/time.Minute), w.beats.Count(), "one at the start, at each minute and at the end")
		assert.Equal(t, tradeclock.StateStopped, s.Status().State)
	})
}

// TestStopInSynctest ends Run while a task goes on that takes longer than the
// drain. It holds rule 26.
func TestStopInSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewRealClock()
		w := &world{t: t, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock), beats: new(tradeclocktest.Beats)}
		clock.Sleep(at("2026-11-23 15:59:00").Sub(clock.Now()))
		cfg := w.config(row("analysis", "daily 16:00"))
		cfg.Clock = clock
		s := w.scheduler(cfg)
		w.rec.Do("analysis", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, time.Hour) })
		ctx, cancel := context.WithDeadline(t.Context(), at("2026-11-23 16:01:00"))
		defer cancel()

		require.NoError(t, s.Run(ctx))

		assert.Equal(t, at("2026-11-23 16:01:00").Add(tradeclock.DefaultDrainTimeout), clock.Now().In(kolkata))
		require.Len(t, w.runs(""), 1)
		assert.Equal(t, tradeclock.Interrupted, w.runs("")[0].Outcome)
	})
}

// TestDriverInSynctest drives a scheduler on a fake clock in a bubble, by Tick and
// by Run: both do the same.
func TestDriverInSynctest(t *testing.T) {
	drivers := map[string]func(*testing.T, *world) *tradeclocktest.Driver{
		"ticks": func(_ *testing.T, w *world) *tradeclocktest.Driver {
			_, d := w.driver(trading.DefaultSchedules()...)
			return d
		},
		"run": func(t *testing.T, w *world) *tradeclocktest.Driver {
			d, stop := tradeclocktest.StartDriver(t, w.scheduler(w.config(trading.DefaultSchedules()...)), w.clock)
			t.Cleanup(func() { assert.NoError(t, stop()) })
			return d
		},
	}
	for name, driver := range drivers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := busyWorld(t, at("2026-11-23 08:55:00"))

				driver(t, w).Until(at("2026-11-23 18:05:00"))

				assertAllSucceeded(t, accounted(t, w.runs(""), occurrencesOf("2026-11-23")))
				assertBeatsEveryMinute(t, w, "2026-11-23 08:55:00", "2026-11-23 18:05:00")
			})
		})
	}
}
