package tradeclock_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	exchanges "github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/view"
)

// fared tells what became of a task's runs: when each was due, and why it did not run.
func (w *world) fared(task string) []string {
	w.t.Helper()
	var told []string
	for _, r := range w.runs(task) {
		text := fmt.Sprintf("%s %s, %s", r.Slot, r.Due.In(kolkata).Format(time.TimeOnly), r.Outcome)
		if r.Reason != "" {
			text += ": " + r.Reason
		}
		told = append(told, text)
	}
	return told
}

// ends is a task that takes a while and returns an error, or none.
func ends(after time.Duration, err error) func(context.Context, tradeclock.Run) error {
	return func(ctx context.Context, _ tradeclock.Run) error {
		if slept := tradeclock.Sleep(ctx, after); slept != nil {
			return slept
		}
		return err
	}
}

// A chained run is due when what it waits for has succeeded, and is skipped if that came to
// anything else, or not in time.
func TestRule06_AChainIsDueWhenWhatItWaitsForSucceeds(t *testing.T) {
	const due = "2026-11-23 "
	for _, test := range []struct {
		name     string
		analysis string
		does     func(context.Context, tradeclock.Run) error
		buy      string
		want     string
	}{
		{"succeeds", "daily 16:00", ends(30*time.Minute, nil), "after analysis succeeds", "16:30:00, succeeded"},
		{"succeeds at once", "daily 16:00", ends(0, nil), "after analysis succeeds", "16:00:00, succeeded"},
		{"within a second", "daily 16:00", ends(1500*time.Millisecond, nil), "after analysis succeeds", "16:00:02, succeeded"},
		{"with a delay", "daily 16:00", ends(30*time.Minute, nil), "after analysis succeeds 5m", "16:35:00, succeeded"},
		{"in time", "daily 16:00", ends(30*time.Minute, nil), "after analysis succeeds 5m until 16:36", "16:35:00, succeeded"},
		{"fails", "daily 16:00", ends(time.Minute, errRefused), "after analysis succeeds", "16:00:00, skipped: no success of analysis: it failed: refused"},
		{"panics", "daily 16:00", func(context.Context, tradeclock.Run) error { panic("no data") }, "after analysis succeeds",
			"16:00:00, skipped: no success of analysis: it failed: panic: no data"},
		{"skips", "daily 16:00", ends(time.Minute, tradeclock.Skip("no prices")), "after analysis succeeds",
			"16:00:00, skipped: no success of analysis: it was skipped: no prices"},
		{"takes too long", "daily 16:00", ends(2*time.Hour, nil), "after analysis succeeds until 17:30", "16:00:00, skipped: no success of analysis by 17:30:00"},
		{"not before the end", "daily 16:00", ends(30*time.Minute, nil), "after analysis succeeds until 16:30", "16:00:00, skipped: no success of analysis by 16:30:00"},
		{"too late with the delay", "daily 16:00", ends(30*time.Minute, nil), "after analysis succeeds 1h until 17:30",
			"16:00:00, skipped: no success of analysis in time: it succeeded at 16:30:00"},
		{"until the midnight after", "daily 16:00", ends(9*time.Hour, nil), "after analysis succeeds", "16:00:00, skipped: no success of analysis by 2026-11-24 00:00:00"},
		{"of what is due on the day after", "daily 02:00+1d", ends(3*time.Hour, nil), "after analysis succeeds", "05:00:00, succeeded"},
		{"until a time of the day after", "daily 16:00", ends(9*time.Hour, nil), "after analysis succeeds until 02:00+1d", "01:00:00, succeeded"},
		{"an end that comes first", "daily 16:00", ends(0, nil), "after analysis succeeds until 15:00",
			"16:00:00, skipped: no success of analysis in time: its end, 15:00, is not after 16:00:00"},
		{"after what is due by the clock", "daily 16:00", ends(time.Minute, nil), "after delayed succeeds", "16:11:00, succeeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 15:50:00")
			w.rec.Do("analysis", test.does)
			w.rec.Do("delayed", ends(time.Minute, nil))
			_, d := w.driver(row("analysis", test.analysis, catchUp(time.Hour)), row("buy", test.buy), row("delayed", "after analysis 10m"))
			d.Until(at("2026-11-24 06:00:00"))
			assert.Equal(t, []string{due + test.want}, w.fared("buy"))
			if buy := w.runs("buy")[0]; buy.Outcome == tradeclock.Succeeded {
				assert.Equal(t, buy.Due, buy.Started, "it starts when it is due")
			}
		})
	}
}

// Chains are as long as they are, and each run of a day has its own.
func TestRule06_ChainsOfChainsAndOfSeveralTimes(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	w.rec.Do("analysis", ends(20*time.Minute, nil))
	w.rec.Do("buy", ends(time.Minute, nil))
	_, d := w.driver(
		row("report", "after confirm succeeds 1m"), row("confirm", "after buy succeeds"),
		row("buy", "after analysis succeeds 5m on mon"), row("analysis", "daily 09:00,14:00", catchUp(time.Hour)),
	)
	d.Until(at("2026-11-25 06:00:00"))
	assert.Equal(t, []string{"2026-11-23@09:00 09:25:00, succeeded", "2026-11-23@14:00 14:25:00, succeeded"}, w.fared("buy"))
	assert.Equal(t, []string{"2026-11-23@09:00 09:26:00, succeeded", "2026-11-23@14:00 14:26:00, succeeded"}, w.fared("confirm"))
	assert.Equal(t, []string{"2026-11-23@09:00 09:27:00, succeeded", "2026-11-23@14:00 14:27:00, succeeded"}, w.fared("report"))

	w.rec.Do("analysis", ends(time.Minute, errRefused))
	d.Until(at("2026-12-01 06:00:00"))
	for _, task := range []string{"buy", "confirm", "report"} {
		assert.Len(t, w.fared(task), 4, task)
	}
	assert.Contains(t, w.fared("report")[2], "no success of confirm: it was skipped: no success of buy: it was skipped: no success of analysis: it failed")
}

// Of each account the run waits for that of its own.
func TestRule06_EachAccountWaitsForItsOwn(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:50:00")
	w.rec.Do("analysis", func(ctx context.Context, run tradeclock.Run) error {
		return map[string]error{"7": errRefused}[run.Account]
	})
	s, d := w.driver(row("analysis", "daily 16:00"), row("buy", "after analysis succeeds"))
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.For(20 * time.Minute)
	var told []string
	for _, r := range w.runs("buy") {
		told = append(told, r.Account+" "+r.Outcome.String())
	}
	assert.ElementsMatch(t, []string{"42 succeeded", "7 skipped"}, told)
}

// The ledger knows what became of what a run waits for: wherever the process dies, the next
// one comes to the same, and to one row.
func TestRule20_AChainAcrossACrash(t *testing.T) {
	for _, delivery := range []tradeclock.Delivery{tradeclock.AtMostOnce, tradeclock.AtLeastOnce} {
		for second := -5; second <= 200; second += 5 {
			for _, away := range []time.Duration{35 * time.Second, 10 * time.Minute} {
				crash := at("2026-11-23 16:00:00").Add(time.Duration(second) * time.Second)
				t.Run(fmt.Sprint(delivery, " ", crash.In(kolkata).Format(time.TimeOnly), " away ", away), func(t *testing.T) {
					w := newWorld(t, "2026-11-23 15:55:00")
					cfg := w.config(
						row("analysis", "daily 16:00", catchUp(time.Hour), func(s *tradeclock.Schedule) { s.Delivery = delivery }),
						row("buy", "after analysis succeeds 1m until 17:30", catchUp(time.Hour)),
					)
					for _, task := range []string{"analysis", "buy"} {
						w.rec.Do(task, ends(time.Minute, nil))
					}
					s := w.scheduler(cfg)
					d := tradeclocktest.NewDriver(t, s, w.clock)
					d.Until(crash)
					d.Crash()
					w.clock.Advance(away)
					s = w.scheduler(cfg)
					tradeclocktest.NewDriver(t, s, w.clock).Until(at("2026-11-23 18:00:00"))

					analysis, buy := w.runs("analysis"), w.runs("buy")
					require.Len(t, analysis, 1)
					require.Len(t, buy, 1, "one row for the occurrence")
					assert.LessOrEqual(t, w.rec.Count("buy"), 1)
					switch {
					case analysis[0].Outcome != tradeclock.Succeeded:
						assert.Equal(t, tradeclock.Interrupted, analysis[0].Outcome)
						assert.Contains(t, buy[0].Reason, "no success of analysis: it was interrupted: ")
						assert.Zero(t, w.rec.Count("buy"))
					default:
						assert.Equal(t, analysis[0].Finished.Add(time.Minute), buy[0].Due)
						assert.Equal(t, 1, w.rec.Count("buy"), buy[0].Reason)
					}
				})
			}
		}
	}
}

// What people do while a run waits is done when it is due, or at once.
func TestRule06_AChainAndPeople(t *testing.T) {
	today := func(task string) tradeclock.TriggerRequest {
		return tradeclock.TriggerRequest{Task: task, Account: "42", Actor: "Ana", ForToday: true}
	}
	halt := func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
		return s.Halt(w.t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "a test", Actor: "Ana"})
	}
	lift := func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
		return s.Lift(w.t.Context(), tradeclock.LiftRequest{Account: "42", Reason: "over", Actor: "Ana"})
	}
	override := func(req tradeclock.OverrideRequest) func(*world, *tradeclock.UnifiedTaskScheduler) error {
		return func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			_, err := s.Override(w.t.Context(), req)
			return err
		}
	}
	trigger := func(task string) func(*world, *tradeclock.UnifiedTaskScheduler) error {
		return func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			_, err := s.Trigger(w.t.Context(), today(task))
			return err
		}
	}
	edit := func(task string, edit store.ScheduleEdit) func(*world, *tradeclock.UnifiedTaskScheduler) error {
		return func(w *world, _ *tradeclock.UnifiedTaskScheduler) error {
			_, err := w.store.UpdateSchedule(w.t.Context(), ops, "", task, 1, edit)
			return err
		}
	}
	disabled, later := true, store.ScheduleEdit{Rule: rule.MustParse("after analysis succeeds 1h")}
	type step struct {
		at string
		do func(*world, *tradeclock.UnifiedTaskScheduler) error
	}
	for name, test := range map[string]struct {
		steps []step
		want  string
	}{
		"halted when it is due":              {[]step{{"16:10", halt}}, "16:00:00, skipped: halted by Ana: a test"},
		"halted when it began to wait":       {[]step{{"15:59", halt}, {"16:05", lift}}, "16:00:00, skipped: no success of analysis: it was skipped: halted by Ana: a test"},
		"halted, and lifted before":          {[]step{{"16:10", halt}, {"16:20", lift}}, "16:30:00, succeeded"},
		"the other disabled before":          {[]step{{"15:55", edit("analysis", store.ScheduleEdit{Disabled: &disabled})}}, "16:00:00, skipped: no success of analysis: its schedule is disabled"},
		"the other disabled as it runs":      {[]step{{"16:10", edit("analysis", store.ScheduleEdit{Disabled: &disabled})}}, "16:30:00, succeeded"},
		"disabled as it waits":               {[]step{{"16:10", edit("buy", store.ScheduleEdit{Disabled: &disabled})}}, "16:00:00, skipped: its schedule was disabled or removed"},
		"edited before":                      {[]step{{"15:55", edit("buy", later)}}, "17:30:00, succeeded"},
		"edited as it waits":                 {[]step{{"16:10", edit("buy", later)}}, "16:30:00, succeeded"},
		"the other triggered before":         {[]step{{"15:52", trigger("analysis")}}, "16:22:00, succeeded"},
		"the other triggered long before":    {[]step{{"15:20", trigger("analysis")}}, "16:00:00, succeeded"},
		"triggered long before, a restart":   {[]step{{"15:20", trigger("analysis")}, {"15:55", nil}}, "16:00:00, succeeded"},
		"triggered as it waits":              {[]step{{"16:10", trigger("buy")}}, "16:00:00, succeeded"},
		"triggered before":                   {[]step{{"15:52", trigger("buy")}}, "16:00:00, succeeded"},
		"the other skipped":                  {[]step{{"15:52", override(overriding("analysis", ""))}}, "16:00:00, skipped: no success of analysis: it was skipped: skipped by Ana: the broker is away"},
		"the other moved later":              {[]step{{"15:52", override(overriding("analysis", "16:20:00"))}}, "16:50:00, succeeded"},
		"the other moved before":             {[]step{{"15:10", override(overriding("analysis", "15:20:00"))}}, "16:00:00, succeeded"},
		"the other moved before, a restart":  {[]step{{"15:10", override(overriding("analysis", "15:20:00"))}, {"15:58", nil}}, "16:00:00, succeeded"},
		"skipped by a person":                {[]step{{"15:52", override(overriding("buy", ""))}}, "16:00:00, skipped: skipped by Ana: the broker is away"},
		"moved by a person, and not waiting": {[]step{{"15:52", override(overriding("buy", "16:05:00"))}}, "16:05:00, succeeded"},
		"the other cancelled": {[]step{{"16:10", func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			_, err := s.Cancel(tradeclock.CancelRequest{Task: "analysis", Account: "42", Actor: "Ana", Reason: "too long"})
			return err
		}}}, "16:00:00, skipped: no success of analysis: it was interrupted: cancelled by Ana: too long"},
		"withdrawn as it waits": {[]step{{"16:10", func(w *world, s *tradeclock.UnifiedTaskScheduler) error {
			return s.Withdraw(w.t.Context(), "42")
		}}}, "16:00:00, skipped: the account was withdrawn"},
		"a crash as it waits":            {[]step{{"16:10", nil}}, "16:00:00, skipped: no success of analysis: it was interrupted: its scheduler stopped before it was settled, in term 1"},
		"a crash when the other is over": {[]step{{"15:20", trigger("analysis")}, {"15:59", nil}}, "16:00:00, succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 15:00:00")
			_, err := w.store.SeedSchedules(t.Context(), row("analysis", "daily 16:00"), row("buy", "after analysis succeeds"))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			w.rec.Do("analysis", ends(30*time.Minute, nil))
			s, d := w.drive(cfg)
			for _, step := range test.steps {
				d.Until(at("2026-11-23 " + step.at + ":00"))
				if step.do == nil { // a restart
					d.Crash()
					w.clock.Advance(31 * time.Second)
					s, d = w.drive(cfg)
					continue
				}
				require.NoError(t, step.do(w, s))
			}
			d.Until(at("2026-11-24 06:00:00"))
			assert.Equal(t, []string{"2026-11-23 " + test.want}, w.fared("buy"))
			assert.Equal(t, w.runs("buy")[0].Outcome == tradeclock.Succeeded, w.rec.Count("buy") == 1)
		})
	}
}

// The policies of a row count from when a chained run is due.
func TestRule06_AChainAndItsPolicies(t *testing.T) {
	until := rule.At(16, 40)
	for name, test := range map[string]struct {
		policy func(*tradeclock.Schedule)
		config func(*tradeclock.Config)
		want   string
		starts string
	}{
		"a spread": {
			policy: func(s *tradeclock.Schedule) { s.Spread, s.CatchUp = time.Minute, 10*time.Minute },
			want:   "16:30:00, succeeded", starts: "16:30:56.579",
		},
		"a group that is busy": {
			policy: func(s *tradeclock.Schedule) { s.Exclusive, s.CatchUp = "evening", 30*time.Minute },
			want:   "16:30:00, succeeded", starts: "16:45:00",
		},
		"a group that is busy for too long": {
			policy: func(s *tradeclock.Schedule) { s.Exclusive, s.CatchUp = "evening", 10*time.Minute },
			want:   "16:00:00, missed: it was due at 16:30:00, and its catch-up of 10m0s had passed: it waited for group evening",
		},
		"a cap of the catch-up": {
			policy: func(s *tradeclock.Schedule) {
				s.Exclusive, s.CatchUp, s.CatchUpUntil = "evening", time.Hour, &until
			},
			want: "16:00:00, missed: it was due at 16:30:00, and its catch-up had ended at 16:40: it waited for group evening",
		},
		"one place": {
			policy: func(s *tradeclock.Schedule) { s.CatchUp = time.Hour },
			config: func(c *tradeclock.Config) { c.MaxConcurrent = 1 },
			want:   "16:30:00, succeeded", starts: "16:45:00",
		},
		"a start limit": {
			policy: func(s *tradeclock.Schedule) { s.StartLimit = "broker" },
			config: func(c *tradeclock.Config) {
				c.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 1, Per: 10 * time.Second}}
			},
			want: "16:30:00, succeeded", starts: "16:30:00",
		},
		"armed": {
			policy: func(*tradeclock.Schedule) {},
			config: func(c *tradeclock.Config) { c.ArmAhead = 5 * time.Second },
			want:   "16:30:00, succeeded", starts: "16:30:00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 15:59:00")
			analysis, buy := row("analysis", "daily 16:00", catchUp(time.Hour)), row("buy", "after analysis succeeds")
			test.policy(&buy)
			cfg := w.config(analysis, buy, row("cleanup", "daily 16:10", catchUp(time.Hour), func(s *tradeclock.Schedule) { s.Exclusive = "evening" }))
			if test.config != nil {
				test.config(&cfg)
			}
			w.rec.Do("analysis", ends(30*time.Minute, nil))
			w.rec.Do("cleanup", ends(35*time.Minute, nil))
			if cfg.MaxConcurrent == 1 {
				w.rec.Do("cleanup", ends(15*time.Minute, nil))
			}
			_, d := w.drive(cfg)
			d.Until(at("2026-11-23 18:00:00"))
			assert.Equal(t, []string{"2026-11-23 " + test.want}, w.fared("buy"))
			if test.starts != "" {
				assert.Equal(t, test.starts, w.runs("buy")[0].Started.In(kolkata).Format("15:04:05.999"))
			}
		})
	}
}

// The watermark does not pass what waits, and goes on when that is decided.
func TestRule05_TheWatermarkWaitsForAChain(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:59:00")
	w.rec.Do("analysis", ends(30*time.Minute, nil))
	_, d := w.driver(row("analysis", "daily 16:00"), row("buy", "after analysis succeeds"))
	mark := func() string {
		states, err := w.store.Schedulers(t.Context())
		require.NoError(t, err)
		return states[0].Watermark.In(kolkata).Format(time.TimeOnly)
	}
	d.Until(at("2026-11-23 16:20:00"))
	assert.Equal(t, "15:59:59", mark())
	d.Until(at("2026-11-23 16:31:00"))
	assert.Equal(t, "16:31:00", mark())
}

// What cannot be waited for is refused, with the form that is right.
func TestRule06_ChainsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		rows []tradeclock.Schedule
		want string
	}{
		"a task that repeats": {
			[]tradeclock.Schedule{row("monitor", "every 1m 09:15-15:30"), row("buy", "after monitor succeeds")},
			`"after monitor succeeds": monitor repeats (every 1m 09:15-15:30): what waits for a success needs a task that is due once, or at the times of a daily rule`,
		},
		"what follows a task that repeats": {
			[]tradeclock.Schedule{row("monitor", "hourly 09:30-15:30"), row("check", "after monitor 1m"), row("buy", "after check succeeds")},
			`"after check succeeds": check repeats (hourly 09:30-15:30)`,
		},
		"by the clock after what waits": {
			[]tradeclock.Schedule{row("analysis", "daily 16:00"), row("buy", "after analysis succeeds"), row("report", "after buy 5m")},
			`"after buy 5m": buy is due when analysis succeeds, and not at a planned time: want "after buy succeeds 5m"`,
		},
		"a cycle": {
			[]tradeclock.Schedule{row("analysis", "after buy succeeds"), row("buy", "after analysis 5m")},
			`a cycle: analysis after buy after analysis`,
		},
		"itself":  {[]tradeclock.Schedule{row("buy", "after buy succeeds")}, `a cycle: buy after buy`},
		"nothing": {[]tradeclock.Schedule{row("analysis", "daily 16:00"), row("buy", "after anlysis succeeds")}, `no schedule of task "anlysis" that it could come after: did you mean "analysis"?`},
		"an anchor that no session has": {
			[]tradeclock.Schedule{row("analysis", "daily 16:00"), row("buy", "after analysis succeeds until lunch.end")},
			"has no phase lunch",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tradeclock.ValidateSchedules(test.rows, exchanges.MustGet("XNSE"))
			assert.ErrorContains(t, err, test.want)
		})
	}
	assert.NoError(t, tradeclock.ValidateSchedules([]tradeclock.Schedule{
		row("close", "daily each close"), row("analysis", "after close 30m"), row("buy", "after analysis succeeds until close+2h"),
	}, exchanges.MustGet("XNSE")))
}

// What is to wait, and what waits, is told of by a scheduler and by a View.
func TestRule32_AChainIsToldOf(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	w.rec.Do("analysis", ends(30*time.Minute, nil))
	cfg := w.config(row("analysis", "daily 16:00", catchUp(time.Hour)), row("buy", "after analysis succeeds 5m until 17:30", func(s *tradeclock.Schedule) { s.Spread = time.Minute }))
	v := w.view(cfg)
	s, d := w.drive(cfg)
	for _, test := range []struct {
		at, explains string
		awaits       bool
	}{
		{"09:00", "is to wait for the success of analysis from 2026-11-23 16:00:00 on (after analysis succeeds 5m until 17:30).", true},
		{"16:20", "waits for the success of analysis since 2026-11-23 16:00:00 (after analysis succeeds 5m until 17:30); " +
			"the next waits for the success of analysis from 2026-11-24 16:00:00 on.", true},
		{"16:40", "was due at 16:35:00, spread by 56.579s, and succeeded (started at 16:35:56); the next waits for the success of analysis from 2026-11-24 16:00:00 on.", false},
	} {
		d.Until(at("2026-11-23 " + test.at + ":00"))
		text, err := s.Explain(t.Context(), "42", "buy", day("2026-11-23"))
		require.NoError(t, err)
		assert.Equal(t, "On 2026-11-23, buy for account 42 "+test.explains, text)
		byView, err := v.Explain(t.Context(), "42", "buy", day("2026-11-23"))
		require.NoError(t, err)
		assert.Equal(t, text, byView)

		agenda := w.agenda(s, "2026-11-23")
		assert.Equal(t, agenda, planOf(t, v, "2026-11-23", view.PlanQuery{Limit: 10}))
		require.Len(t, agenda, 2)
		buy := agenda[1]
		assert.Equal(t, map[bool]string{true: "analysis"}[test.awaits], buy.Awaits)
		if test.awaits {
			assert.Equal(t, at("2026-11-23 16:00:00"), buy.Due.In(kolkata))
			assert.Equal(t, at("2026-11-23 17:30:00"), buy.Until.In(kolkata))
			assert.Zero(t, buy.Offset, "it is known when it is due")
		}
	}
}

// A preview tells what an edit has wait for another.
func TestRule38_APreviewOfAChain(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	cfg := w.config(row("analysis", "daily 16:00"), row("buy", "after analysis 0s"), row("report", "daily 18:00"))
	preview := func(rule string) (told []string) {
		p, err := w.view(cfg).Preview(t.Context(), store.ScheduleChanges{Rows: []tradeclock.Schedule{row("buy", rule)}}, 1)
		require.NoError(t, err)
		for _, c := range p.Changes {
			told = append(told, fmt.Sprint(c.Before.In(kolkata).Format("15:04"), " ", c.After.In(kolkata).Format("15:04"), " ", c.Awaits))
		}
		return told
	}
	assert.Equal(t, []string{"16:00 16:00 analysis"}, preview("after analysis succeeds"))
	assert.Equal(t, []string{"16:00 18:00 report"}, preview("after report succeeds 5m"))
	assert.Empty(t, preview("after analysis 0s"))
}
