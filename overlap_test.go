package tradeclock_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
)

func TestRule16_Overlap(t *testing.T) {
	cases := []struct {
		policy tradeclock.Overlap
		starts []string
		became []string
	}{
		{tradeclock.OverlapSkip,
			[]string{"09:00:00", "09:03:00"},
			[]string{"09:00 succeeded", "09:01 skipped", "09:02 skipped", "09:03 running"}},
		{tradeclock.OverlapQueue, // the newest of those that wait is the one that runs
			[]string{"09:00:00", "09:02:30"},
			[]string{"09:00 succeeded", "09:01 missed", "09:02 running"}},
		{tradeclock.OverlapCancel,
			[]string{"09:00:00", "09:01:00", "09:02:00", "09:03:00"},
			[]string{"09:00 interrupted", "09:01 interrupted", "09:02 interrupted", "09:03 running"}},
		{tradeclock.OverlapAllow,
			[]string{"09:00:00", "09:01:00", "09:02:00", "09:03:00"},
			[]string{"09:00 succeeded", "09:01 running", "09:02 running", "09:03 running"}},
	}
	for _, c := range cases {
		t.Run(c.policy.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("analysis", takes(150*time.Second))
			_, d := w.driver(row("analysis", "every 1m 09:00-09:10", overlap(c.policy)))
			for _, until := range []string{"09:00:00", "09:01:00", "09:02:00", "09:02:30", "09:03:00"} {
				w.seconds(d, "2026-11-23 "+until)
			}
			assert.Equal(t, c.starts, w.starts("analysis"))
			assert.Equal(t, c.became, became(w.runs("analysis"))[:len(c.became)])
		})
	}
}

func TestRule16_SkippedOverlapSaysWhy(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", takes(90*time.Second))
	_, d := w.driver(row("analysis", "every 1m 09:00-09:10"))
	w.seconds(d, "2026-11-23 09:01:00")
	assert.Equal(t, "the run of 2026-11-23T09:00:00+05:30 had not finished", w.runs("analysis")[1].Reason)
}

func TestRule16_ACancelledRunSaysWhy(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", takes(90*time.Second))
	_, d := w.driver(row("analysis", "every 1m 09:00-09:10", overlap(tradeclock.OverlapCancel)))
	w.seconds(d, "2026-11-23 09:01:00")
	assert.Contains(t, w.runs("analysis")[0].Reason, "the next occurrence took its place")
}

// A run that does not heed its cancellation is waited for, and no second one is
// started beside it.
func TestRule16_ACancelledRunThatGoesOnIsWaitedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	stuck := w.latch()
	w.rec.Do("analysis", stuck.task)
	_, d := w.driver(row("analysis", "every 1m 09:00-09:10", overlap(tradeclock.OverlapCancel)))
	w.seconds(d, "2026-11-23 09:02:30")
	assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))

	w.rec.Do("analysis", nil)
	stuck.release()
	d.For(time.Second)

	assert.Equal(t, []string{"09:00:00", "09:02:30"}, w.starts("analysis"))
	assert.Equal(t, []string{"09:00 succeeded", "09:01 missed", "09:02 succeeded"}, became(w.runs("analysis")))
}

func TestRule16_TimeoutSettlesAtOnce(t *testing.T) {
	for name, heeds := range map[string]bool{"heeded": true, "ignored": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			var deadline time.Time
			var cause error
			stuck := w.latch()
			w.rec.Do("analysis", func(ctx context.Context, run tradeclock.Run) error {
				deadline = run.Deadline
				if heeds {
					cause = tradeclock.Sleep(ctx, time.Hour)
					return cause
				}
				stuck.wait(ctx)
				return nil
			})
			_, d := w.driver(row("analysis", "daily 09:00", timeout(90*time.Second), retry(3)))
			w.seconds(d, "2026-11-23 09:01:29")
			assert.Equal(t, tradeclock.Running, w.runs("analysis")[0].Outcome)
			w.seconds(d, "2026-11-23 09:01:30")

			run := w.runs("analysis")[0]
			assert.Equal(t, tradeclock.TimedOut, run.Outcome)
			assert.Equal(t, "it took longer than its timeout of 1m30s", run.Reason)
			assert.Equal(t, at("2026-11-23 09:01:30"), run.Finished.In(kolkata))
			assert.Equal(t, at("2026-11-23 09:01:30"), deadline.In(kolkata))
			if heeds {
				assert.ErrorIs(t, cause, tradeclock.ErrTimeout)
			}

			stuck.release()
			w.seconds(d, "2026-11-23 09:03:00")
			assert.Len(t, w.starts("analysis"), 1, "it is not retried")
			assert.Equal(t, run, w.runs("analysis")[0], "what comes later changes nothing")
		})
	}
}

// A run that goes on after its timeout keeps its task and its group, and gives
// back its place.
func TestRule16_AnOverdueRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	stuck := w.latch()
	w.rec.Do("sell_monitor", stuck.task)
	cfg := w.config(
		row("sell_monitor", "every 1m 09:00-09:03", timeout(30*time.Second), exclusive("orders")),
		row("buy_orders", "daily 09:01", exclusive("orders")),
		row("analysis", "daily 09:00:10"))
	cfg.MaxConcurrent = 1
	s, d := w.run(cfg)

	w.seconds(d, "2026-11-23 09:00:29")
	assert.Empty(t, w.starts("analysis"))
	w.seconds(d, "2026-11-23 09:00:30")
	assert.Equal(t, []string{"09:00:30"}, w.starts("analysis"), "the place is free")

	w.seconds(d, "2026-11-23 09:02:30")
	running := s.Status().Running
	require.Len(t, running, 1)
	assert.True(t, running[0].Overdue)
	assert.Equal(t, []string{"09:00 timed out", "09:01 skipped", "09:02 skipped"}, became(w.runs("sell_monitor")))
	assert.Equal(t, "the run of 2026-11-23T09:00:00+05:30 had not finished (it is overdue)", w.runs("sell_monitor")[1].Reason)
	assert.Empty(t, w.starts("buy_orders"), "the group is not free")

	stuck.release()
	w.seconds(d, "2026-11-23 09:02:31")
	assert.Equal(t, []string{"09:02:30"}, w.starts("buy_orders"))
	assert.Empty(t, s.Status().Running)
}

func TestRule17_AGroupGoesInOrder(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	order := []string{"premarket_retry", "analysis", "buy_orders", "eod_cleanup"}
	for _, task := range order {
		w.rec.Do(task, takes(20*time.Second))
	}
	_, d := w.driver(
		row("buy_orders", "daily 09:00", exclusive("orders"), priority(2)),
		row("premarket_retry", "daily 09:00", exclusive("orders")),
		row("eod_cleanup", "daily 09:00:30", exclusive("orders"), priority(-5)),
		row("analysis", "daily 09:00", exclusive("orders"), priority(1)),
		row("sell_monitor", "daily 09:00"))

	w.seconds(d, "2026-11-23 09:02:00")

	assert.Equal(t, []string{"09:00:00"}, w.starts("premarket_retry"))
	assert.Equal(t, []string{"09:00:20"}, w.starts("analysis"))
	assert.Equal(t, []string{"09:00:40"}, w.starts("buy_orders"))
	assert.Equal(t, []string{"09:01:00"}, w.starts("eod_cleanup"))
	assert.Equal(t, []string{"09:00:00"}, w.starts("sell_monitor"), "it is in no group")
}

func TestRule17_GroupsAreAnAccountsOwn(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("buy_orders", takes(20*time.Second))
	s, d := w.driver(row("buy_orders", "daily 09:00", exclusive("orders")))
	require.NoError(t, s.Enroll(t.Context(), "43", w.rec))
	w.seconds(d, "2026-11-23 09:01:00")
	assert.Equal(t, []string{"09:00:00", "09:00:00"}, w.starts("buy_orders"))
}

// A run that failed, panicked or ended its goroutine lets its group go.
func TestRule17_AGroupIsLetGo(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", func(context.Context, tradeclock.Run) error { panic("no data") })
	_, d := w.driver(row("analysis", "daily 09:00", exclusive("orders")), row("buy_orders", "daily 09:00", exclusive("orders")))
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, []string{"42 analysis", "42 buy_orders"}, w.order())
}
