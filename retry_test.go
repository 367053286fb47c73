package tradeclock_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var errRefused = errors.New("refused")

func fails(context.Context, tradeclock.Run) error { return errRefused }

// retry is a policy of so many attempts, 10 seconds apart at first.
func retry(attempts int) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) {
		s.Retry = tradeclock.Retry{Attempts: attempts, Backoff: 10 * time.Second, MaxBackoff: 30 * time.Second}
	}
}

func within(d time.Duration) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Retry.Within = d }
}

func TestRule18_Retries(t *testing.T) {
	cases := []struct {
		name     string
		policies []func(*tradeclock.Schedule)
		starts   []string
	}{
		{"off by default", nil, []string{"09:00:00"}},
		{"attempts", []func(*tradeclock.Schedule){retry(3)}, []string{"09:00:00", "09:00:10", "09:00:30"}},
		{"a capped backoff, within the catch-up", []func(*tradeclock.Schedule){retry(9)},
			[]string{"09:00:00", "09:00:10", "09:00:30", "09:01:00", "09:01:30"}},
		{"within a time of their own", []func(*tradeclock.Schedule){retry(9), within(30 * time.Second)}, []string{"09:00:00", "09:00:10"}},
		{"longer than the catch-up", []func(*tradeclock.Schedule){retry(9), catchUp(time.Second), within(61 * time.Second)},
			[]string{"09:00:00", "09:00:10", "09:00:30", "09:01:00"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("analysis", fails)
			_, d := w.driver(row("analysis", "daily 09:00", c.policies...))
			w.seconds(d, "2026-11-23 09:04:00")

			assert.Equal(t, c.starts, w.starts("analysis"))
			runs := w.runs("analysis")
			require.Len(t, runs, 1)
			assert.Equal(t, tradeclock.Failed, runs[0].Outcome)
			assert.Equal(t, "refused", runs[0].Reason)
			assert.Equal(t, len(c.starts), runs[0].Attempt)
			assert.Equal(t, at("2026-11-23 09:00:00"), runs[0].Started.In(kolkata), "the start of the first attempt")
			for i, e := range w.rec.Runs() {
				assert.Equal(t, i+1, e.Run.Attempt)
				assert.Equal(t, runs[0].ID, e.Run.ID, "all attempts are one run")
			}
		})
	}
}

func TestRule18_AnAttemptSucceeds(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", func(_ context.Context, run tradeclock.Run) error {
		if run.Attempt < 3 {
			panic("not yet")
		}
		return nil
	})
	_, d := w.driver(row("analysis", "daily 09:00", retry(5)))
	w.seconds(d, "2026-11-23 09:01:00")
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("analysis")))
	assert.Equal(t, 3, w.runs("analysis")[0].Attempt)
}

func TestRule18_ASkipIsNotRetried(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", func(context.Context, tradeclock.Run) error { return tradeclock.Skip("nothing to do") })
	_, d := w.driver(row("analysis", "daily 09:00", retry(5)))
	w.seconds(d, "2026-11-23 09:01:00")
	assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))
}

func TestRule18_TheTimeoutIsForEachAttempt(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	var deadlines []string
	w.rec.Do("analysis", func(ctx context.Context, run tradeclock.Run) error {
		deadlines = append(deadlines, run.Deadline.In(kolkata).Format("15:04:05"))
		if run.Attempt == 3 {
			return tradeclock.Sleep(ctx, time.Hour)
		}
		_ = tradeclock.Sleep(ctx, 15*time.Second)
		return errRefused
	})
	_, d := w.driver(row("analysis", "daily 09:00", retry(9), timeout(20*time.Second)))
	w.seconds(d, "2026-11-23 09:03:00")
	assert.Equal(t, []string{"09:00:20", "09:00:45", "09:01:20"}, deadlines)
	run := w.runs("analysis")[0]
	assert.Equal(t, tradeclock.TimedOut, run.Outcome, "an attempt that timed out is not retried")
	assert.Equal(t, 3, run.Attempt)
	assert.Equal(t, at("2026-11-23 09:01:20"), run.Finished.In(kolkata))
}

func TestRule18_NoAttemptWhileHalted(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", fails)
	s, d := w.driver(row("analysis", "daily 09:00", retry(5)))
	w.seconds(d, "2026-11-23 09:00:05")
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "lunch", Actor: "Ana"}))
	w.seconds(d, "2026-11-23 09:02:00")
	assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))
	assert.Equal(t, []string{"09:00 failed"}, became(w.runs("analysis")))
}

// A run that waits for its next attempt does not hold up the end.
func TestRule18_NoAttemptWhileDraining(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", fails)
	s := w.scheduler(w.config(row("analysis", "daily 09:00", retry(5))))
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	w.seconds(d, "2026-11-23 09:00:05")
	require.NoError(t, stop(), "no time passes")
	assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))
	assert.Equal(t, []string{"09:00 failed"}, became(w.runs("analysis")))
}

// lateStart starts a scheduler that last planned at 08:59 on a day later on.
func (w *world) lateStart(until string, rows ...tradeclock.Schedule) *tradeclocktest.Driver {
	s := w.scheduler(w.config(rows...))
	require.NoError(w.t, s.Tick(w.t.Context()))
	require.NoError(w.t, s.Close(w.t.Context()))
	w.clock.Advance(at(until).Sub(w.clock.Now()))
	_, d := w.driver(rows...)
	d.Tick()
	return d
}

// TestRule18_WithinCountsFromTheDueTime: a run that started late has the less time to
// be tried again.
func TestRule18_WithinCountsFromTheDueTime(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", fails)
	d := w.lateStart("2026-11-23 09:01:00", row("analysis", "daily 09:00", catchUp(10*time.Minute), retry(9), within(90*time.Second)))
	w.seconds(d, "2026-11-23 09:05:00")
	assert.Equal(t, []string{"09:01:00", "09:01:10"}, w.starts("analysis"), "the next one would be at 09:01:30")
}

// TestRule19_AWaitThatEndsWithTheCatchUp: a run that may start at the very end of its
// catch-up does not.
func TestRule19_AWaitThatEndsWithTheCatchUp(t *testing.T) {
	for took, want := range map[time.Duration]string{
		2*time.Minute - time.Second: "09:00 succeeded",
		2 * time.Minute:             "09:00 missed",
	} {
		t.Run(took.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("first", takes(took))
			_, d := w.driver(row("first", "daily 09:00", exclusive("orders")), row("second", "daily 09:00", exclusive("orders")))
			w.seconds(d, "2026-11-23 09:03:00")
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("first")))
			require.Equal(t, []string{want}, became(w.runs("second")))
			if want == "09:00 missed" {
				assert.Contains(t, w.runs("second")[0].Reason, "group orders")
			}
		})
	}
}

func TestRule19_CatchUp(t *testing.T) {
	until := func(m rule.Moment) func(*tradeclock.Schedule) {
		return func(s *tradeclock.Schedule) { s.CatchUpUntil = &m }
	}
	closing, err := rule.ParseMoment("close")
	require.NoError(t, err)
	cases := []struct {
		name     string
		rule     string
		policies []func(*tradeclock.Schedule)
		now      string
		became   string
		reason   string
	}{
		{"within the default", "daily 09:00", nil, "09:01:59", "09:00 succeeded", ""},
		{"at the end of the default", "daily 09:00", nil, "09:02:00", "09:00 missed", "its catch-up of 2m0s had passed"},
		{"within its own", "daily 09:00", []func(*tradeclock.Schedule){catchUp(5 * time.Hour)}, "13:59:59", "09:00 succeeded", ""},
		{"at the end of its own", "daily 09:00", []func(*tradeclock.Schedule){catchUp(5 * time.Hour)}, "14:00:00", "09:00 missed", "its catch-up of 5h0m0s had passed"},
		{"before the anchor", "daily 15:00", []func(*tradeclock.Schedule){catchUp(5 * time.Hour), until(closing)}, "15:29:59", "15:00 succeeded", ""},
		{"at the anchor", "daily 15:00", []func(*tradeclock.Schedule){catchUp(5 * time.Hour), until(closing)}, "15:30:00", "15:00 missed", "its catch-up had ended at close"},
		{"before an anchor that comes later", "daily 15:00", []func(*tradeclock.Schedule){until(closing)}, "15:02:00", "15:00 missed", "its catch-up of 2m0s had passed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			rows := []tradeclock.Schedule{row("analysis", c.rule, c.policies...)}
			cfg := w.config(rows...)
			cfg.Calendar = calendar.Weekdays(kolkata, calendar.Hours{Phase: "regular", Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)})
			s := w.scheduler(cfg)
			require.NoError(t, s.Tick(t.Context()))
			require.NoError(t, s.Close(t.Context()))
			w.clock.Advance(at("2026-11-23 " + c.now).Sub(w.clock.Now()))
			tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock).Tick()

			require.Equal(t, []string{c.became}, became(w.runs("analysis")))
			run := w.runs("analysis")[0]
			assert.Equal(t, c.reason, run.Reason)
			if run.Outcome == tradeclock.Succeeded {
				assert.Equal(t, at("2026-11-23 "+c.now).Sub(run.Due), run.Lateness())
			}
		})
	}
}

func TestRule19_OfSeveralLateOnlyTheNewestRuns(t *testing.T) {
	cases := []struct {
		name   string
		rule   string
		now    string
		became []string
	}{
		{"the newest is in time", "every 1m 09:00-15:30", "09:10:30", []string{"09:00 missed x10", "09:10 succeeded"}},
		{"none is in time", "every 1m 09:00-09:05", "09:10:30", []string{"09:00 missed x5"}},
		{"one is due", "every 1m 09:00-15:30", "09:00:30", []string{"09:00 succeeded"}},
		{"hourly", "hourly 09:00-15:00", "12:01:00", []string{"09:00 missed x3", "12:00 succeeded"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.lateStart("2026-11-23 "+c.now, row("sell_monitor", c.rule))
			assert.Equal(t, c.became, became(w.runs("sell_monitor")))
		})
	}
}

func TestRule19_EveryTaskCatchesUpByItself(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.lateStart("2026-11-23 09:01:30", row("analysis", "daily 09:00"), row("buy_orders", "daily 09:01"), row("eod_cleanup", "daily 09:00"))
	assert.ElementsMatch(t, []string{"42 analysis", "42 buy_orders", "42 eod_cleanup"}, w.order())
}

func TestRule19_ARangeIsOfOneSession(t *testing.T) {
	w := newWorld(t, "2026-11-20 08:59:00") // a Friday
	w.lateStart("2026-11-24 08:00:00", row("sell_monitor", "every 1m 09:00-09:05"))
	assert.Equal(t, []string{"09:00 missed x5", "09:00 missed x5"}, became(w.runs("sell_monitor")), "of Friday and of Monday")
}

// No further attempt starts of what is not to run any more. Its wait ends at once, so
// that the account's executor can be stopped.
func TestRule28_RetriesEndWithTheirAccountAndTheirRow(t *testing.T) {
	edit := func(e store.ScheduleEdit) func(*testing.T, *world, *tradeclock.UnifiedTaskScheduler) {
		return func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			_, err := w.store.UpdateSchedule(t.Context(), ops, "", "analysis", 1, e)
			require.NoError(t, err)
		}
	}
	withdraw := func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
		require.NoError(t, s.Withdraw(t.Context(), "42"))
	}
	yes := true
	for _, test := range []struct {
		name    string
		do      func(*testing.T, *world, *tradeclock.UnifiedTaskScheduler)
		says    string
		settled string // when the run has its outcome
		stops   bool   // the executor
	}{
		{"withdrawn", withdraw, "the account was withdrawn", "09:00:30", true},
		{"withdrawn and enrolled again", func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler) {
			withdraw(t, w, s)
			require.NoError(t, s.Enroll(t.Context(), "42", w.rec))
		}, "the account was withdrawn", "09:00:30", true},
		{"halted", func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "lunch", Actor: "Ana"}))
			require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Account: "42", Reason: "back", Actor: "Ana"}))
		}, "halted by Ana: lunch", "09:00:30", false},
		{"halted by another process", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, w.store.Halt(t.Context(), store.Halt{Scheduler: "paper", Account: "42", Reason: "lunch", Actor: "Ana", At: w.clock.Now()}))
		}, "halted by Ana: lunch", "09:01:00", false},
		{"disabled", edit(store.ScheduleEdit{Disabled: &yes}), "its schedule was disabled or removed", "09:01:00", false},
		{"removed", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "", "analysis"))
		}, "its schedule was disabled or removed", "09:01:00", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("analysis", fails)
			_, err := w.store.SeedSchedules(t.Context(), row("analysis", "daily 09:00", retry(9), catchUp(time.Hour), func(s *tradeclock.Schedule) {
				s.Retry.Backoff, s.Retry.MaxBackoff = 20*time.Minute, time.Hour
			}))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			exec := &session{inner: w.rec}
			cfg.Executor = exec
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:00:30")
			require.Equal(t, []string{"09:00 running"}, became(w.runs("analysis")))

			test.do(t, w, s)
			w.seconds(d, "2026-11-23 09:01:00")

			run := w.runs("analysis")[0]
			assert.Equal(t, tradeclock.Failed, run.Outcome)
			assert.Equal(t, "refused; not tried again: "+test.says, run.Reason)
			assert.Equal(t, at("2026-11-23 "+test.settled), run.Finished.In(kolkata))
			assert.Equal(t, test.stops, slices.Contains(exec.said(), "stop 42"))
			w.seconds(d, "2026-11-23 09:25:00")
			assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))
		})
	}
}

// An attempt that goes on while its account leaves and comes back is the last: the
// next would be made with an executor that is about to stop.
func TestRule28_AnAttemptThatOutlivesItsEnrolmentIsTheLast(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", func(ctx context.Context, _ tradeclock.Run) error {
		_ = tradeclock.Sleep(ctx, time.Minute)
		return errRefused
	})
	s, d := w.run(w.config(row("analysis", "daily 09:00", retry(9), catchUp(time.Hour))))
	w.seconds(d, "2026-11-23 09:00:30")
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	require.NoError(t, s.Enroll(t.Context(), "42", w.rec))
	w.seconds(d, "2026-11-23 09:10:00")
	assert.Equal(t, []string{"09:00:00"}, w.starts("analysis"))
	assert.Equal(t, "refused; not tried again: the account was withdrawn", w.runs("analysis")[0].Reason)
}

// The cap of the catch-up is one of its retries too, where these have no time of their
// own; and what a person triggers late is tried again from there.
func TestRule18_RetriesEndWithTheCatchUp(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", fails)
	w.rec.Do("report", fails)
	until := rule.At(9, 1)
	s, d := w.run(w.config(row("report", "daily 08:59:30", retry(9)),
		row("analysis", "daily 09:00", retry(9), func(s *tradeclock.Schedule) { s.CatchUpUntil = &until })))
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "breakfast", Actor: "Ana"}))
	w.seconds(d, "2026-11-23 08:59:50")
	require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Account: "42", Reason: "back", Actor: "Ana"}))
	w.seconds(d, "2026-11-23 09:02:00")
	assert.Equal(t, []string{"09:00:00", "09:00:10", "09:00:30"}, w.starts("analysis"))

	w.seconds(d, "2026-11-23 10:00:00")
	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "report", Account: "42", Actor: "Ana", ForToday: true})
	require.NoError(t, err)
	w.seconds(d, "2026-11-23 10:05:00")
	assert.Equal(t, []string{"10:00:00", "10:00:10", "10:00:30", "10:01:00", "10:01:30"}, w.starts("report"))
	assert.Equal(t, "refused", w.runs("report")[0].Reason)
}
