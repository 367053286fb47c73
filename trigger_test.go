package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// operator is a request to run a task of account 42 now.
func operator(task string) tradeclock.TriggerRequest {
	return tradeclock.TriggerRequest{Task: task, Account: "42", Actor: "an operator"}
}

func TestRule29_TriggerRunsATaskNow(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	w.rec.Do("buy", takes(30*time.Second))
	s, d := w.driver(row("buy", "daily 16:05"))
	d.For(20 * time.Second)

	run, err := s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err)
	assert.Equal(t, tradeclock.Running, run.Outcome)
	assert.Equal(t, "2026-11-23T10:00:20+05:30 manual", run.Slot[:len("2026-11-23T10:00:20+05:30 manual")])
	assert.Equal(t, store.RunID("paper", "42", "buy", run.Slot), run.ID)
	assert.True(t, run.Manual)
	assert.Equal(t, "an operator", run.Actor)
	assert.Equal(t, int64(1), run.Term)
	d.Until(at("2026-11-23 16:06:00"))

	runs := w.runs("buy")
	require.Equal(t, []string{"10:00 succeeded", "16:05 succeeded"}, became(runs), "it stands for no slot of the day")
	assert.Equal(t, "an operator", runs[0].Actor)
	assert.True(t, runs[0].Manual)
	assert.False(t, runs[1].Manual)
}

// A scheduler that has not begun knows no schedules yet: it is the term that it
// lacks, and not the task.
func TestRule29_BeforeTheFirstTick(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	s := w.scheduler(w.config(row("buy", "daily 16:05")))
	_, err := s.Trigger(t.Context(), operator("buy"))
	assert.ErrorIs(t, err, tradeclock.ErrNoTerm)
}

func TestRule29_Refusals(t *testing.T) {
	broker := func(s *tradeclock.Schedule) { s.Exclusive = "broker" }
	for _, test := range []struct {
		name  string
		start string
		req   tradeclock.TriggerRequest
		do    func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver)
		want  error
		says  string
	}{
		{name: "an unknown task", req: operator("sell"), want: tradeclock.ErrUnknownTask, says: `trigger sell for account 42: unknown task: "sell"`},
		{name: "an unknown account", req: tradeclock.TriggerRequest{Task: "buy", Account: "7", Actor: "me"}, want: tradeclock.ErrUnknownAccount},
		{name: "nobody", req: tradeclock.TriggerRequest{Task: "buy", Account: "42"}, says: "trigger buy for account 42: an actor is required"},
		{name: "a weekend", start: "2026-11-22 10:00:00", req: operator("buy"), want: tradeclock.ErrOutsideSession, says: "closed"},
		{
			name: "a task that runs", req: operator("buy"), want: tradeclock.ErrBusy, says: "the task is running",
			do: func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				_, err := s.Trigger(t.Context(), operator("buy"))
				require.NoError(t, err)
			},
		},
		{
			name: "a group that runs", req: operator("buy"), want: tradeclock.ErrBusy, says: "group broker is running",
			do: func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				_, err := s.Trigger(t.Context(), operator("retry"))
				require.NoError(t, err)
			},
		},
		{
			name: "no place", req: operator("buy"), want: tradeclock.ErrBusy, says: "no place is free",
			do: func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				for _, task := range []string{"a", "b"} {
					_, err := s.Trigger(t.Context(), operator(task))
					require.NoError(t, err)
				}
			},
		},
		{
			name: "a halt", req: operator("buy"), want: tradeclock.ErrHalted, says: "halted by risk: limit",
			do: func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "limit", Actor: "risk"}))
			},
		},
		{
			name: "a halt of another process", req: operator("buy"), want: tradeclock.ErrHalted,
			do: func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				require.NoError(t, w.store.Halt(t.Context(), store.Halt{Scheduler: "paper", Account: "42", Reason: "limit", Actor: "risk"}))
			},
		},
		{
			name: "a term that another holds", req: operator("buy"), want: tradeclock.ErrNoTerm,
			do: func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) {
				w.clock.Advance(time.Minute)
				_, err := w.store.Lead(t.Context(), "paper", "another", time.Hour, time.Time{})
				require.NoError(t, err)
				d.Tick()
			},
		},
		{
			name: "a term that has lapsed", req: operator("buy"), want: tradeclock.ErrNoTerm,
			do: func(_ *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				w.clock.Advance(time.Minute)
			},
		},
		{
			name: "a term that was lost unnoticed", req: operator("buy"), want: tradeclock.ErrNoTerm,
			do: func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) {
				term := store.Term{Scheduler: "paper", Holder: s.Status().Instance, Number: 1}
				require.NoError(t, w.store.Resign(t.Context(), term))
			},
		},
		{
			name: "an end", req: operator("buy"), want: tradeclock.ErrStopped,
			do: func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler, _ *tradeclocktest.Driver) { stop(t, s) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.start == "" {
				test.start = "2026-11-23 10:00:00"
			}
			w := newWorld(t, test.start)
			for _, task := range []string{"buy", "retry", "a", "b"} {
				w.rec.Do(task, takes(time.Hour))
			}
			cfg := w.config(row("buy", "daily 16:05", broker), row("retry", "daily 09:00", broker), row("a", "daily 09:00"), row("b", "daily 09:00"))
			cfg.MaxConcurrent = 2
			s, d := w.drive(cfg)
			d.Tick()
			if test.do != nil {
				test.do(t, w, s, d)
			}
			require.NoError(t, s.Quiesce(t.Context()))
			executed := len(w.rec.Runs())
			_, err := s.Trigger(t.Context(), test.req)
			require.Error(t, err)
			if test.want != nil {
				assert.ErrorIs(t, err, test.want)
			}
			assert.Contains(t, err.Error(), test.says)
			require.NoError(t, s.Quiesce(t.Context()))
			assert.Len(t, w.rec.Runs(), executed)
		})
	}
}

func TestRule29_TaskThatTheExecutorDoesNotKnow(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	mux := new(tradeclock.Mux)
	mux.HandleFunc("buy", func(context.Context, tradeclock.Run) error { return nil })
	cfg := w.config(row("sell", "daily 16:05"))
	cfg.Executor = mux
	s, d := w.drive(cfg)
	d.Tick()
	_, err := s.Trigger(t.Context(), operator("sell"))
	assert.ErrorIs(t, err, tradeclock.ErrUnknownTask)
	_, err = s.Trigger(t.Context(), operator("buy"))
	assert.ErrorIs(t, err, tradeclock.ErrUnknownTask, "it has no schedule, and so no policies")
}

func TestRule29_ForceRunsOnAClosedDay(t *testing.T) {
	w := newWorld(t, "2026-11-22 10:00:00") // a Sunday
	s, d := w.driver(row("buy", "daily 16:05"))
	d.Tick()
	req := operator("buy")
	req.Force = true
	_, err := s.Trigger(t.Context(), req)
	require.NoError(t, err)
	d.Tick()
	assert.Equal(t, []string{"10:00 succeeded"}, became(w.runs("buy")))
}

func TestRule29_ManualRunCountsForOverlapAndGroups(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:30")
	w.rec.Do("watch", takes(time.Minute))
	broker := func(s *tradeclock.Schedule) { s.Exclusive = "broker" }
	s, d := w.driver(row("watch", "every 1m 09:00-09:02", broker), row("retry", "daily 09:00", broker))
	d.Tick()
	_, err := s.Trigger(t.Context(), operator("watch"))
	require.NoError(t, err)
	d.Until(at("2026-11-23 09:03:00"))
	assert.Equal(t, []string{"08:59 succeeded", "09:00 skipped", "09:01 succeeded"}, became(w.runs("watch")))
	retry := w.runs("retry")
	require.Equal(t, []string{"09:00 succeeded"}, became(retry))
	assert.Equal(t, 30*time.Second, retry[0].Lateness(), "it waited for the group")
}

func TestRule29_ForToday(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver)
		task string
		want []string
		err  error
		says string
	}{
		{
			name: "a slot to come does not run again", task: "buy", want: []string{"16:05 succeeded"},
		},
		{
			name: "a slot that was missed", task: "late", want: []string{"09:30 succeeded"},
		},
		{
			name: "a slot that ran", task: "early", err: tradeclock.ErrSlotTaken, says: "it is succeeded", want: []string{"10:00 succeeded"},
		},
		{
			name: "a slot that failed had a start", task: "failing", err: tradeclock.ErrSlotTaken, says: "it is failed", want: []string{"10:00 failed"},
		},
		{
			name: "a slot that was skipped by the executor had one too", task: "skipping", err: tradeclock.ErrSlotTaken, says: "it is skipped", want: []string{"10:00 skipped"},
		},
		{
			name: "several slots", task: "watch", says: "the task has 3 occurrences today", want: nil,
		},
		{
			name: "a task that is disabled", task: "off", says: "the schedule is disabled, and has no occurrence today", want: nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:00:00")
			w.rec.Do("failing", func(context.Context, tradeclock.Run) error { return errors.New("rejected") })
			w.rec.Do("skipping", func(context.Context, tradeclock.Run) error { return tradeclock.Skip("no cash") })
			rows := []tradeclock.Schedule{
				row("early", "daily 10:00"), row("failing", "daily 10:00"), row("skipping", "daily 10:00"),
				row("late", "daily 09:30"), row("buy", "daily 16:05"), row("watch", "every 1m 15:00-15:03"),
				row("off", "daily 16:05", func(s *tradeclock.Schedule) { s.Disabled = true }),
			}
			first, d := w.driver(rows...)
			d.Tick()
			stop(t, first)
			w.clock.Advance(at("2026-11-23 10:00:00").Sub(w.clock.Now()))
			s, d := w.driver(rows...)
			d.For(time.Minute)

			req := operator(test.task)
			req.ForToday = true
			run, err := s.Trigger(t.Context(), req)
			if test.says != "" {
				assert.ErrorContains(t, err, test.says)
				if test.err != nil {
					assert.ErrorIs(t, err, test.err)
				}
			} else {
				require.NoError(t, err)
				assert.Equal(t, "2026-11-23", run.Slot)
				assert.True(t, run.Manual)
			}
			d.Tick()
			assert.Equal(t, test.want, became(w.runs(test.task)))
			d.Until(at("2026-11-23 16:10:00"))
			assert.LessOrEqual(t, len(w.runs(test.task)), max(len(test.want), 3), "the slot is not run twice")
			if test.want != nil {
				assert.Equal(t, 1, w.rec.Count(test.task))
			}
		})
	}
}

func TestRule29_ClaimThatIsNotAnswered(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.LoseAnswer(tradeclocktest.OpClaim)
	_, err := s.Trigger(t.Context(), operator("buy"))
	require.ErrorIs(t, err, tradeclocktest.ErrLostAnswer)
	faulty.Heal()
	d.For(time.Minute)
	assert.Empty(t, w.rec.Runs())
	assert.Empty(t, w.runs("buy"), "the claim that was made is given back")
	_, err = s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err, "it blocks nothing")
	d.Tick()
	assert.Len(t, w.rec.Runs(), 1)
}

// TestRule29_ManualRunOfADeadProcess is at most once even if the task is not.
func TestRule29_ManualRunOfADeadProcess(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "daily 16:05", atLeastOnce))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpSettle, errors.New("the process is dead"))
	_, err := s.Trigger(t.Context(), operator("watch"))
	require.NoError(t, err)
	d.Tick()
	w.clock.Advance(40 * time.Second)

	_, d = w.driver(row("watch", "daily 16:05", atLeastOnce))
	d.For(time.Minute)
	assert.Equal(t, []string{"10:00 interrupted"}, became(w.runs("watch")))
	assert.Len(t, w.rec.Runs(), 1)
}

func TestRule29_ATaskOfEveryDayRunsOnADateThatNobodyKnows(t *testing.T) {
	w := newWorld(t, "2028-01-03 10:00:00")
	cfg := w.config(row("backup", "daily 16:05", on(calendar.EveryDay)), row("buy", "daily 16:05"))
	cfg.Calendar = calendarOf(t, mumbai()) // until 2027
	s, d := w.drive(cfg)
	d.Tick()
	_, err := s.Trigger(t.Context(), operator("buy"))
	require.ErrorIs(t, err, tradeclock.ErrOutsideSession)
	_, err = s.Trigger(t.Context(), operator("backup"))
	require.NoError(t, err)
}
