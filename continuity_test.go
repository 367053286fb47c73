package tradeclock_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// stop ends a scheduler that a driver ticks, as the clean end of its process does.
func stop(t *testing.T, s *tradeclock.UnifiedTaskScheduler) {
	t.Helper()
	require.NoError(t, s.Close(t.Context()))
}

// outcomesOf tells the ledger's rows of an account and a task. Either may be
// empty, for all.
func (w *world) outcomesOf(account, task string) []string {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), store.Query{Scheduler: "paper", Account: account, Task: task})
	require.NoError(w.t, err)
	return tell(runs)
}

// A standby that withdrew an account, and took it back, has nothing to tell the ledger
// of that when it takes over: another served the account meanwhile.
func TestRule22_WithdrawalsOfAStandby(t *testing.T) {
	for _, test := range []struct {
		name  string
		back  bool
		calls int
	}{
		{"of an account that came back", true, 0},
		{"of an account that stays away", false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &cluster{world: newWorld(t, "2026-11-23 08:58:30")}
			rows := []tradeclock.Schedule{row("watch", "every 1m 09:00-09:10")}
			first, standby := c.join(rows...), c.join(rows...)
			require.NoError(t, standby.s.Withdraw(t.Context(), "42"))
			c.until("2026-11-23 09:01:30", nil)
			if test.back {
				require.NoError(t, standby.s.Enroll(t.Context(), "42", standby.rec))
			}
			first.ledger.Fail(tradeclocktest.OpLead, errDead)
			c.until("2026-11-23 09:02:30", nil)
			require.Equal(t, int64(2), standby.s.Status().Term)
			assert.Equal(t, test.calls, standby.ledger.Calls(tradeclocktest.OpWithdraw))
			if !test.back {
				require.NoError(t, standby.s.Enroll(t.Context(), "42", standby.rec))
			}
			c.until("2026-11-23 09:04:00", nil)

			for _, run := range c.runs("watch") {
				assert.Equal(t, tradeclock.Succeeded, run.Outcome, run.Slot)
			}
			assert.Len(t, c.runs("watch"), 5, "from 09:00 to 09:04")
		})
	}
}

func TestRule22_RestartOfSecondsCatchesUp(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	rows := []tradeclock.Schedule{row("retry", "daily 09:00"), row("watch", "every 1m 08:55-10:00")}
	first, d := w.driver(rows...)
	d.Until(at("2026-11-23 08:59:00"))
	stop(t, first)

	w.clock.Advance(90 * time.Second) // to 09:00:30
	_, d = w.driver(rows...)
	d.Tick()

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "retry"))
	assert.Equal(t, 30*time.Second, w.runs("retry")[0].Lateness())
	assert.Equal(t, []string{
		"2026-11-23T08:59:00+05:30 succeeded", "2026-11-23T09:00:00+05:30 succeeded",
	}, w.outcomesOf("42", "watch"), "08:58 was before the account was known")
}

func TestRule22_RestartOverAWeekendRecordsOpenDaysOnly(t *testing.T) {
	w := newWorld(t, "2026-11-20 15:00:00") // a Friday
	rows := []tradeclock.Schedule{
		row("buy", "daily 16:05"),
		row("watch", "hourly 09:30-15:30"),
		row("sell", "every 1m 09:15-15:30"),
	}
	first, d := w.driver(rows...)
	d.Tick()
	stop(t, first)

	w.clock.Advance(at("2026-11-23 10:00:00").Sub(w.clock.Now())) // to Monday
	_, d = w.driver(rows...)
	d.Tick()

	assert.Equal(t, []string{"2026-11-20 missed"}, w.outcomesOf("42", "buy"))
	assert.Equal(t, []string{"2026-11-20T15+05:30 missed", "2026-11-23T09+05:30 missed"}, w.outcomesOf("42", "watch"))
	assert.Equal(t, []string{
		"2026-11-20T15:01:00+05:30 missed x29", "2026-11-23T09:15:00+05:30 missed x45", "2026-11-23T10:00:00+05:30 succeeded",
	}, w.outcomesOf("42", "sell"))
}

func TestRule22_AccountThatTheLedgerNeverSawBeginsAtNow(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("retry", "daily 09:00"), row("watch", "every 1m 08:55-10:00"))
	d.Until(at("2026-11-23 09:00:00"))
	w.clock.Advance(30 * time.Second)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 09:02:00"))

	assert.Empty(t, w.outcomesOf("7", "retry"), "09:00 is within the catch-up, and before the account")
	assert.Equal(t, []string{
		"2026-11-23T09:01:00+05:30 succeeded", "2026-11-23T09:02:00+05:30 succeeded",
	}, w.outcomesOf("7", "watch"))
	assert.Len(t, w.outcomesOf("42", "watch"), 3)
}

func TestRule22_NewAccountOfARestartBeginsAtNow(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	rows := []tradeclock.Schedule{row("retry", "daily 09:00")}
	first, d := w.driver(rows...)
	d.Tick()
	stop(t, first)

	w.clock.Advance(at("2026-11-23 09:00:30").Sub(w.clock.Now()))
	second := w.scheduler(w.config(rows...))
	require.NoError(t, second.Enroll(t.Context(), "7", w.rec))
	tradeclocktest.NewDriver(t, second, w.clock).Tick()

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "retry"))
	assert.Empty(t, w.outcomesOf("7", "retry"))
}

func TestRule22_KnownAccountEnrolledLateGetsWhatItMissed(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	rows := []tradeclock.Schedule{row("early", "daily 08:58"), row("retry", "daily 09:00"), row("watch", "every 1m 08:50-10:00")}
	first, d := w.driver(rows...)
	require.NoError(t, first.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 08:56:00"))
	stop(t, first)

	w.clock.Advance(time.Minute)
	second, d := w.driver(rows...)
	d.Until(at("2026-11-23 09:01:00"))
	require.NoError(t, second.Enroll(t.Context(), "7", w.rec)) // its login took four minutes
	d.Until(at("2026-11-23 09:02:00"))

	assert.Equal(t, []string{"2026-11-23 missed"}, w.outcomesOf("7", "early"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("7", "retry"))
	assert.Equal(t, []string{
		"2026-11-23T08:56:00+05:30 succeeded", // of the first process
		"2026-11-23T08:57:00+05:30 missed x4",
		"2026-11-23T09:01:00+05:30 succeeded", "2026-11-23T09:02:00+05:30 succeeded",
	}, w.outcomesOf("7", "watch"))
}

func TestRule22_AccountThatATermLeftOutIsServedFromItsOwnLast(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	rows := []tradeclock.Schedule{row("retry", "daily 09:00"), row("analysis", "daily 09:20")}
	first, d := w.driver(rows...)
	require.NoError(t, first.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 08:56:00"))
	stop(t, first)

	second, d := w.driver(rows...) // without account 7
	d.Until(at("2026-11-23 09:20:00"))
	stop(t, second)

	w.clock.Advance(time.Minute)
	third := w.scheduler(w.config(rows...))
	require.NoError(t, third.Enroll(t.Context(), "7", w.rec))
	tradeclocktest.NewDriver(t, third, w.clock).Tick()

	assert.Equal(t, []string{"2026-11-23 missed"}, w.outcomesOf("7", "retry"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("7", "analysis"), "within its catch-up")
	assert.Len(t, w.outcomesOf("42", ""), 2)
}

func TestRule22_WithdrawnAccountThatComesBack(t *testing.T) {
	for _, test := range []struct {
		name    string
		back    string
		restart bool
		want    []string
	}{
		{name: "within the catch-up it gets what came due", back: "2026-11-23 09:00:30", want: []string{"2026-11-23 succeeded"}},
		{name: "so in the next process", back: "2026-11-23 09:00:30", restart: true, want: []string{"2026-11-23 succeeded"}},
		{name: "after it nothing", back: "2026-11-23 09:01:30"},
		{name: "nor in the next process", back: "2026-11-23 09:01:30", restart: true},
		{name: "hours later nothing", back: "2026-11-23 15:00:00"},
		{name: "nor in a process hours later", back: "2026-11-23 15:00:00", restart: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:55:00")
			rows := []tradeclock.Schedule{row("retry", "daily 09:00"), row("late", "daily 15:01")}
			s, d := w.driver(rows...)
			d.Until(at("2026-11-23 08:59:00"))
			require.NoError(t, s.Withdraw(t.Context(), "42"))
			d.Tick()
			if test.restart {
				stop(t, s)
				w.clock.Advance(at(test.back).Sub(w.clock.Now()))
				_, d = w.driver(rows...)
			} else {
				d.Until(at(test.back))
				require.NoError(t, s.Enroll(t.Context(), "42", w.rec))
			}
			d.Until(at("2026-11-23 15:01:00"))
			assert.Equal(t, test.want, w.outcomesOf("42", "retry"))
			assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "late"))
		})
	}
}

// TestRule22_ComingBackWhileTheEnrolmentIsStored withdraws and enrols an account
// while the ledger is still busy with its first enrolment.
func TestRule22_ComingBackWhileTheEnrolmentIsStored(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("retry", "daily 09:00"))
	cfg.Ledger = faulty
	first := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, first, w.clock)
	d.Tick()
	faulty.Hang(tradeclocktest.OpEnroll)
	require.NoError(t, first.Enroll(t.Context(), "7", w.rec))
	for faulty.Hanging(tradeclocktest.OpEnroll) == 0 {
		runtime.Gosched()
	}
	require.NoError(t, first.Withdraw(t.Context(), "7"))
	require.NoError(t, first.Enroll(t.Context(), "7", w.rec))
	faulty.Heal()
	d.For(time.Minute)
	stop(t, first)

	w.clock.Advance(at("2026-11-23 12:00:00").Sub(w.clock.Now()))
	second := w.scheduler(cfg)
	require.NoError(t, second.Enroll(t.Context(), "7", w.rec))
	tradeclocktest.NewDriver(t, second, w.clock).Tick()
	assert.Equal(t, []string{"2026-11-23 missed"}, w.outcomesOf("7", "retry"), "the ledger has it as enrolled")
}

func TestRule22_PrunedSlotsAreNeverRunAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	buy := row("buy", "daily 09:00", catchUp(31*24*time.Hour))
	first, d := w.driver(buy)
	d.Until(at("2026-11-23 09:01:00"))
	require.NoError(t, first.Withdraw(t.Context(), "42"))
	d.Tick()
	w.clock.Advance(at("2026-12-14 08:00:00").Sub(w.clock.Now()))
	d.For(time.Minute)
	stop(t, first)
	removed, err := w.store.Prune(t.Context(), "paper", at("2026-11-24 00:00:00"))
	require.NoError(t, err)
	require.Equal(t, 1, removed)

	_, d = w.driver(buy)
	d.For(time.Minute)
	assert.NotEmpty(t, w.rec.Runs()[1:], "what came due since the withdrawal is within its catch-up")
	for _, e := range w.rec.Runs()[1:] {
		assert.NotEqual(t, day("2026-11-23"), e.Run.Session)
	}
}

func TestRule23_FirstAndResumed(t *testing.T) {
	noQuotes := errors.New("no quotes")
	type step struct {
		restart, crash bool
		result         error
	}
	for _, test := range []struct {
		name string
		rule string
		step time.Duration
		day  []step
		want []string
	}{
		{
			name: "first until one has succeeded", rule: "every 1m 09:15-15:30", step: time.Minute,
			day:  []step{{result: noQuotes}, {result: tradeclock.Skip("no cash")}, {}, {}},
			want: []string{"first", "first", "first", ""},
		},
		{
			name: "a restart after a success", rule: "every 1m 09:15-15:30", step: time.Minute,
			day:  []step{{}, {restart: true}, {}},
			want: []string{"first", " resumed", " resumed"},
		},
		{
			name: "a restart before any success", rule: "hourly 09:30-15:30", step: time.Hour,
			day:  []step{{result: noQuotes}, {restart: true}, {}},
			want: []string{"first", "first resumed", " resumed"},
		},
		{
			name: "a crash", rule: "every 5m 09:15-15:30", step: 5 * time.Minute,
			day:  []step{{}, {crash: true}, {}},
			want: []string{"first", " resumed", " resumed"},
		},
		{
			name: "a daily rule has neither", rule: "daily 09:15", step: 24 * time.Hour,
			day:  []step{{}, {restart: true}},
			want: []string{"", ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			s, d := w.driver(row("sell", test.rule))
			d.Tick()
			next := s.Status().Next
			for _, step := range test.day {
				if step.restart {
					stop(t, s)
				}
				if step.restart || step.crash {
					s, d = w.driver(row("sell", test.rule))
				}
				w.rec.Do("sell", func(context.Context, tradeclock.Run) error { return step.result })
				d.Until(next)
				next = next.Add(test.step)
			}
			var got []string
			for _, e := range w.rec.Runs() {
				text := ""
				if e.Run.First {
					text = "first"
				}
				if e.Run.Resumed {
					text += " resumed"
				}
				got = append(got, text)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// What has succeeded under an older term may reach the ledger after the next holder
// has taken over, until it has reconciled what that term left: so long nothing is
// claimed that is told whether it is the first.
func TestRule23_OutcomeOfAnOlderTermThatComesLate(t *testing.T) {
	for name, test := range map[string]struct {
		policies []func(*tradeclock.Schedule)
		fault    func(*tradeclocktest.Faulty, tradeclocktest.Op)
		started  string // the second run, while the older term's are not reconciled
	}{
		"at most once":            {nil, faults["fails"], "09:01:12"},
		"at least once":           {[]func(*tradeclock.Schedule){atLeastOnce}, faults["fails"], "09:01:00"},
		"at least once, it hangs": {[]func(*tradeclock.Schedule){atLeastOnce}, faults["hangs"], "09:01:03"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
			watch := row("watch", "every 1m 09:00-09:05", test.policies...)
			before, after := c.join(watch), c.join(watch)
			broken := errors.New("the server restarts")
			c.until("2026-11-23 08:59:59", nil)
			before.ledger.Fail(tradeclocktest.OpSettle, broken)
			c.until("2026-11-23 09:00:05", nil)
			before.ledger.Fail(tradeclocktest.OpLead, broken)
			test.fault(after.ledger, tradeclocktest.OpSettle)
			c.until("2026-11-23 09:01:02", nil)
			require.Equal(t, tradeclock.StateActive, after.s.Status().State)

			before.ledger.Heal()
			c.until("2026-11-23 09:01:10", nil)
			after.ledger.Heal()
			c.until("2026-11-23 09:02:10", nil)

			runs := c.runs("watch")
			require.Len(t, runs, 3)
			assert.Equal(t, tradeclock.Succeeded, runs[0].Outcome, "it came before it was reconciled")
			assert.True(t, runs[0].First)
			assert.False(t, runs[1].First, "the first has succeeded under term %d", runs[0].Term)
			assert.Equal(t, test.started, runs[1].Started.In(kolkata).Format(time.TimeOnly))
			assert.False(t, runs[2].First)
		})
	}
}

// A process that could not store its own outcomes for long, and tries again seconds
// later, settles what an older term left as soon as it has taken over.
func TestRule20_ATakeoverReconcilesAtOnce(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	watch := row("watch", "every 1m 09:00-09:02")
	first, second := c.join(watch), c.join(watch)
	second.rec.Do("watch", takes(5*time.Minute))
	broken := errors.New("the server restarts")
	c.until("2026-11-23 08:59:59", nil)
	first.ledger.Fail(tradeclocktest.OpSettle, broken)
	c.until("2026-11-23 09:00:05", nil)
	first.ledger.Fail(tradeclocktest.OpLead, broken)
	c.until("2026-11-23 09:01:05", nil)
	require.Equal(t, tradeclock.StateActive, second.s.Status().State)

	second.ledger.Fail(tradeclocktest.OpLead, broken)
	second.ledger.Fail(tradeclocktest.OpSettle, broken)
	first.ledger.Heal()
	c.until("2026-11-23 09:01:40", nil)

	require.Equal(t, tradeclock.StateActive, first.s.Status().State)
	assert.Equal(t, []string{"09:00 interrupted", "09:01 interrupted"}, became(c.runs("watch")))
}

// A run that a person brought forward under an older term has its slot: the next holder
// finds that out from the ledger, although it cannot settle yet what that term left.
func TestRule20_ATakeoverStartsNothingThatHasRun(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:58:30")}
	rows := []tradeclock.Schedule{row("watch", "every 1m 09:00-09:05"), row("report", "daily 09:02", atLeastOnce)}
	first, second := c.join(rows...), c.join(rows...)
	c.until("2026-11-23 08:59:50", nil)
	_, err := first.s.Trigger(t.Context(), tradeclock.TriggerRequest{Account: "42", Task: "report", Actor: "me", ForToday: true})
	require.NoError(t, err)
	c.until("2026-11-23 08:59:59", nil)
	broken := errors.New("the server restarts")
	first.ledger.Fail(tradeclocktest.OpSettle, broken)
	c.until("2026-11-23 09:00:05", nil)
	first.ledger.Fail(tradeclocktest.OpLead, broken)
	second.ledger.Fail(tradeclocktest.OpSettle, broken)

	c.until("2026-11-23 09:02:10", nil)

	require.Equal(t, tradeclock.StateActive, second.s.Status().State)
	for _, e := range second.rec.Runs() {
		assert.NotEqual(t, "report", e.Run.Task, "it has succeeded")
	}
	assert.Equal(t, []string{"09:02 succeeded"}, became(c.runs("report")))
}

func TestRule23_FirstIsOfTheSessionAndTheAccount(t *testing.T) {
	w := newWorld(t, "2026-11-23 15:27:00")
	w.rec.Do("sell", func(_ context.Context, run tradeclock.Run) error {
		if run.Account == "7" && run.Session == day("2026-11-23") {
			return errors.New("no quotes")
		}
		return nil
	})
	first := map[string][]string{}
	for _, evening := range []string{"2026-11-23 15:30:00", "2026-11-24 15:30:00"} {
		s := w.scheduler(w.config(row("sell", "every 1m 15:28-15:30")))
		require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
		tradeclocktest.NewDriver(t, s, w.clock).Until(at(evening))
		stop(t, s)
	}
	for _, e := range w.rec.Runs() {
		if e.Run.First {
			first[e.Run.Account] = append(first[e.Run.Account], e.Run.Slot)
		}
		assert.False(t, e.Run.Resumed, "no run of this session had started before the restart: %s", e.Run.Slot)
	}
	assert.Equal(t, map[string][]string{
		"42": {"2026-11-23T15:28:00+05:30", "2026-11-24T15:28:00+05:30"},
		"7":  {"2026-11-23T15:28:00+05:30", "2026-11-23T15:29:00+05:30", "2026-11-24T15:28:00+05:30"},
	}, first)
}

// faultySchedules is a store of schedules whose reading can fail, and a scheduler on
// it.
func (w *world) faultySchedules(rows ...tradeclock.Schedule) (*tradeclocktest.Faulty, *tradeclock.UnifiedTaskScheduler) {
	w.t.Helper()
	for _, r := range rows {
		_, err := w.store.PutSchedule(w.t.Context(), ops, r)
		require.NoError(w.t, err)
	}
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config()
	cfg.Schedules = faulty
	return faulty, w.scheduler(cfg)
}

func TestRule24_FailedPollUsesTheLastGoodRows(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault func(*tradeclocktest.Faulty)
		says  string
	}{
		{"an error", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpRevision, errors.New("disk gone")) }, "disk gone"},
		{"an error of the rows", func(f *tradeclocktest.Faulty) {
			f.LoseAnswer(tradeclocktest.OpRevision)
			f.Fail(tradeclocktest.OpSchedules, errors.New("disk gone"))
		}, "the answer was lost"},
		{"a hang", func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpRevision) }, "no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:00")
			faulty, s := w.faultySchedules(row("retry", "daily 09:00"), row("watch", "every 1m 08:55-10:00"))
			d, stop := tradeclocktest.StartDriver(t, s, w.clock)
			test.fault(faulty)
			d.Until(at("2026-11-23 09:00:00"))
			d.For(3 * time.Second)

			assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "retry"))
			assert.Len(t, w.outcomesOf("42", "watch"), 2)
			assert.Contains(t, s.Status().Degraded,
				"the schedules cannot be read, the last good ones are used: schedule store: "+test.says)

			faulty.Heal()
			d.For(time.Minute)
			assert.Empty(t, s.Status().Degraded)
			require.NoError(t, stop())
		})
	}
}

// panicking is a schedule store that panics, or else has one row.
type panicking struct{ panics atomic.Bool }

func (p *panicking) Schedules(context.Context) ([]tradeclock.Schedule, error) {
	if p.panics.Load() {
		panic("index out of range")
	}
	return []tradeclock.Schedule{row("watch", "every 1m 08:55-10:00")}, nil
}

func TestRule24_PanickingStoreIsContained(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	st := new(panicking)
	cfg := w.config()
	cfg.Schedules = st
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.Tick()
	st.panics.Store(true)
	d.For(time.Minute)
	assert.Equal(t, []string{
		"the schedules cannot be read, the last good ones are used: schedule store: panic: index out of range",
	}, s.Status().Degraded)
	assert.Len(t, w.outcomesOf("42", "watch"), 1)
	st.panics.Store(false)
	d.For(time.Minute)
	assert.Empty(t, s.Status().Degraded)
}

func TestRule24_WithNoRowsYetItPollsOnBackingOff(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	faulty, s := w.faultySchedules(row("watch", "every 1m 08:55-10:00"))
	faulty.Fail(tradeclocktest.OpRevision, errors.New("no connection"))
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	var polls []time.Duration
	start, calls := w.clock.Now(), 0
	d.AtEach = func(now time.Time) {
		if n := faulty.Calls(tradeclocktest.OpRevision); n > calls {
			calls = n
			polls = append(polls, now.Sub(start))
		}
	}
	for range 5 * 60 {
		d.For(time.Second)
	}
	seconds := []time.Duration{0, 1, 3, 7}
	for after := time.Duration(12); after < 60; after += 5 {
		seconds = append(seconds, after)
	}
	for after := time.Duration(60); after <= 300; after += 5 {
		seconds = append(seconds, after)
	}
	for i := range seconds {
		seconds[i] *= time.Second
	}
	assert.Equal(t, seconds, polls, "one to five seconds apart, and at each minute")
	assert.Equal(t, []string{"the schedules cannot be read, nothing runs: schedule store: no connection"}, s.Status().Degraded)
	assert.Equal(t, 6, w.beats.Count(), "heartbeats go on")
	assert.Empty(t, w.rec.Runs())

	faulty.Heal()
	d.Until(at("2026-11-23 08:56:00"))
	assert.Equal(t, []string{"08:55 succeeded", "08:56 succeeded"}, became(w.runs("watch")))
	assert.Empty(t, s.Status().Degraded)
	require.NoError(t, stop())
}

func TestRule24_BadRowsAreQuarantinedOneByOne(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	bad := []tradeclock.Schedule{
		{Task: "no_rule"},
		row("slow", "daily 09:00", func(s *tradeclock.Schedule) { s.Timeout = -time.Second }),
		row("twice", "daily 09:00"),
		row("twice", "daily 09:00"),
		row("orphan", "after nobody 5m"),
		row("ring", "after ring 5m"),
		row("anchored", "daily open+5m"),
	}
	st := &rowsStore{rows: append(bad, row("good", "daily 09:00"))}
	cfg := w.config()
	cfg.Schedules = st
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))

	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "good"))
	assert.Equal(t, 1, w.rec.Count("twice"), "the first of two rows is as good as any")
	var tasks []string
	for _, r := range s.Status().Quarantined {
		tasks = append(tasks, r.Task)
	}
	assert.ElementsMatch(t, []string{"no_rule", "slow", "twice", "orphan", "ring", "anchored"}, tasks)
	require.Len(t, s.Status().Degraded, 1)
	assert.Contains(t, s.Status().Degraded[0], `quarantined: schedule of no_rule: Rule: `)

	st.set(row("good", "daily 09:05"))
	d.For(time.Minute)
	assert.Empty(t, s.Status().Degraded)
	assert.Empty(t, s.Status().Quarantined)
}

// rowsStore is a schedule store that keeps no Since, as a user's own may be.
type rowsStore struct {
	mu   sync.Mutex
	rows []tradeclock.Schedule
	bad  []store.RowError
}

func (r *rowsStore) set(rows ...tradeclock.Schedule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = rows
}

func (r *rowsStore) Schedules(context.Context) ([]tradeclock.Schedule, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bad) > 0 {
		return r.rows, &store.QuarantineError{Rows: r.bad}
	}
	return r.rows, nil
}

func TestRule24_RowsThatTheStoreCannotReadAreReported(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config()
	cfg.Schedules = &rowsStore{
		rows: []tradeclock.Schedule{row("good", "daily 09:00")},
		bad:  []store.RowError{{Task: "torn", Account: "42", Err: errors.New("rule \"daily\": a time is missing")}},
	}
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.For(time.Minute)
	assert.Equal(t, 1, w.rec.Count("good"))
	assert.Equal(t, []string{`quarantined: schedule of torn for account 42: rule "daily": a time is missing`}, s.Status().Degraded)
}

func TestRule24_EmptyStoreIsACondition(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver()
	d.Tick()
	assert.Equal(t, []string{"there are no schedules: nothing runs"}, s.Status().Degraded)
	assert.False(t, s.Status().Healthy())
	last, _ := w.beats.Last()
	assert.Equal(t, s.Status().Degraded, last.Degraded, "the heartbeat says so too")
}

func TestRule24_NoScheduleThatCanBeUsedIsACondition(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config()
	cfg.Schedules = schedulesFunc(func() ([]tradeclock.Schedule, error) {
		return []tradeclock.Schedule{row("buy", "daily 09:01", func(s *tradeclock.Schedule) { s.Timeout = -1 })}, nil
	})
	s, d := w.drive(cfg)
	d.Tick()
	assert.Equal(t, []string{
		"no schedule can be used: nothing runs", "quarantined: schedule of buy: Timeout: -1ns is not between 0 and 744h0m0s",
	}, s.Status().Degraded)
}

func TestRule24_TasksAndSchedulesThatDoNotMeetAreReported(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	mux := new(tradeclock.Mux)
	mux.HandleFunc("buy", func(context.Context, tradeclock.Run) error { return nil })
	mux.HandleFunc("sell", func(context.Context, tradeclock.Run) error { return nil })
	st := &rowsStore{rows: []tradeclock.Schedule{row("buy", "daily 09:00"), row("bye", "daily 09:00")}}
	cfg := w.config()
	cfg.Schedules = st
	cfg.Executor = w.rec.Wrap(mux) // the list of tasks is found through the middleware
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.Tick()
	assert.Equal(t, []string{
		"bye for account 42 has a schedule, and the executor does not know it; sell for account 42 has no schedule",
	}, s.Status().Degraded, "at the start")

	st.set(row("buy", "daily 09:00"), row("sell", "daily 09:05"))
	d.For(time.Minute)
	assert.Empty(t, s.Status().Degraded, "and at each change")
}

func TestRule24_RowOfAnAccountReplacesTheSharedOne(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	own := row("buy", "daily 09:02")
	own.Account = "7"
	off := row("sell", "daily 09:01")
	off.Account, off.Disabled = "7", true
	st := &rowsStore{rows: []tradeclock.Schedule{row("buy", "daily 09:01"), row("sell", "daily 09:01"), own, off}}
	cfg := w.config()
	cfg.Schedules = st
	s := w.scheduler(cfg)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:05:00"))

	var got []string
	for _, run := range w.runs("") {
		got = append(got, run.Account+" "+run.Task+" "+run.Started.In(kolkata).Format("15:04"))
	}
	assert.Equal(t, []string{"42 buy 09:01", "42 sell 09:01", "7 buy 09:02"}, got)

	st.set(row("buy", "daily 09:10"), row("sell", "daily 09:10"))
	d.Until(at("2026-11-23 09:10:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("7", "sell"), "the shared row holds again")
	assert.Len(t, w.outcomesOf("7", "buy"), 1, "the slot has been used")
}

// TestRule25_Edits moves, disables and adds rows of a running scheduler, in a
// store that says from when a row holds and in one that does not.
func TestRule25_Edits(t *testing.T) {
	type edit struct {
		at  string
		row tradeclock.Schedule
	}
	disabled := func(s *tradeclock.Schedule) { s.Disabled = true }
	for _, test := range []struct {
		name  string
		first tradeclock.Schedule
		edits []edit
		until string
		want  []string // "slot outcome @start"
	}{
		{
			name: "to a later time", first: row("buy", "daily 09:05"), until: "09:10:00",
			edits: []edit{{"09:03:20", row("buy", "daily 09:07")}},
			want:  []string{"2026-11-23 succeeded @09:07:00"},
		},
		{
			name: "to an earlier time that is still to come", first: row("buy", "daily 09:30"), until: "09:35:00",
			edits: []edit{{"09:03:20", row("buy", "daily 09:05")}},
			want:  []string{"2026-11-23 succeeded @09:05:00"},
		},
		{
			name: "to a time that is past, within the catch-up", first: row("buy", "daily 09:30"), until: "09:35:00",
			edits: []edit{{"09:03:20", row("buy", "daily 09:02:30")}},
		},
		{
			name: "after it ran", first: row("buy", "daily 09:02"), until: "09:10:00",
			edits: []edit{{"09:03:20", row("buy", "daily 09:05")}},
			want:  []string{"2026-11-23 succeeded @09:02:00"},
		},
		{
			name: "a row that is added", first: row("other", "daily 18:00"), until: "09:10:00",
			edits: []edit{{"09:03:20", row("buy", "every 1m 09:00-09:06")}},
			want:  []string{"2026-11-23T09:04:00+05:30 succeeded @09:04:00", "2026-11-23T09:05:00+05:30 succeeded @09:05:00"},
		},
		{
			name: "disabled and enabled", first: row("buy", "every 1m 09:00-09:08"), until: "09:10:00",
			edits: []edit{{"09:02:20", row("buy", "every 1m 09:00-09:08", disabled)}, {"09:05:20", row("buy", "every 1m 09:00-09:08")}},
			want: []string{
				"2026-11-23T09:01:00+05:30 succeeded @09:01:00", "2026-11-23T09:02:00+05:30 succeeded @09:02:00",
				"2026-11-23T09:06:00+05:30 succeeded @09:06:00", "2026-11-23T09:07:00+05:30 succeeded @09:07:00",
			},
		},
		{
			name: "a policy, which changes nothing of when", first: row("buy", "daily 09:05"), until: "09:10:00",
			edits: []edit{{"09:03:20", row("buy", "daily 09:05", catchUp(time.Hour))}},
			want:  []string{"2026-11-23 succeeded @09:05:00"},
		},
		{
			name: "a grid", first: row("buy", "every 5m 09:00-09:20"), until: "09:20:00",
			edits: []edit{{"09:06:20", row("buy", "every 7m 09:00-09:20")}},
			want:  []string{"2026-11-23T09:05:00+05:30 succeeded @09:05:00", "2026-11-23T09:07:00+05:30 succeeded @09:07:00", "2026-11-23T09:14:00+05:30 succeeded @09:14:00"},
		},
	} {
		for _, keepsSince := range []bool{true, false} {
			t.Run(test.name+map[bool]string{true: ", dated by the store", false: ", not dated"}[keepsSince], func(t *testing.T) {
				w := newWorld(t, "2026-11-23 09:00:00")
				plain := &rowsStore{rows: []tradeclock.Schedule{test.first}}
				cfg := w.config()
				cfg.Schedules = plain
				put := func(r tradeclock.Schedule) { plain.set(test.first, r) }
				if test.first.Task == "buy" {
					put = func(r tradeclock.Schedule) { plain.set(r) }
				}
				if keepsSince {
					cfg.Schedules = w.store
					put = func(r tradeclock.Schedule) {
						_, err := w.store.PutSchedule(t.Context(), ops, r)
						require.NoError(t, err)
					}
					put(test.first)
				}
				d := tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock)
				for _, edit := range test.edits {
					d.Until(at("2026-11-23 " + edit.at))
					put(edit.row)
				}
				d.Until(at("2026-11-23 " + test.until))
				var got []string
				for _, run := range w.runs("buy") {
					got = append(got, tell([]tradeclock.Run{run})[0]+" @"+run.Started.In(kolkata).Format("15:04:05"))
				}
				assert.Equal(t, test.want, got)
			})
		}
	}
}

func TestRule25_RowMadeWhileTheServiceWasDownMissesNothing(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	_, err := w.store.PutSchedule(t.Context(), ops, row("old", "daily 09:00"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	first := w.scheduler(cfg)
	tradeclocktest.NewDriver(t, first, w.clock).Tick()
	stop(t, first)

	w.clock.Advance(at("2026-11-23 09:59:00").Sub(w.clock.Now()))
	_, err = w.store.PutSchedule(t.Context(), ops, row("new", "every 1m 09:00-10:02"))
	require.NoError(t, err)
	w.clock.Advance(90 * time.Second)
	tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock).Tick()

	assert.Equal(t, []string{"2026-11-23 missed"}, w.outcomesOf("42", "old"))
	assert.Equal(t, []string{"2026-11-23T10:00:00+05:30 succeeded"}, w.outcomesOf("42", "new"))
}

func TestRule25_DisablingStopsStartsAndLeavesWhatRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("watch", takes(150*time.Second))
	st := &rowsStore{rows: []tradeclock.Schedule{row("watch", "every 5m 09:00-15:00")}}
	cfg := w.config()
	cfg.Schedules = st
	d := tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock)
	d.Until(at("2026-11-23 09:01:00"))
	st.set(row("watch", "every 5m 09:00-15:00", func(s *tradeclock.Schedule) { s.Disabled = true }))
	d.Until(at("2026-11-23 09:30:00"))
	assert.Equal(t, []string{"2026-11-23T09:00:00+05:30 succeeded"}, w.outcomesOf("42", "watch"))
	assert.Equal(t, at("2026-11-23 09:02:30").UTC(), w.runs("watch")[0].Finished)
}

// TestRule25_WaitingRunOfADisabledRow disables or removes a row while its run waits
// for a group.
func TestRule25_WaitingRunOfADisabledRow(t *testing.T) {
	broker := func(s *tradeclock.Schedule) { s.Exclusive, s.CatchUp = "broker", time.Hour }
	analysis, buy := row("analysis", "daily 09:00", broker), row("buy", "daily 09:00", broker)
	disabled := buy
	disabled.Disabled = true
	for _, test := range []struct {
		name string
		rows []tradeclock.Schedule
	}{
		{"disabled", []tradeclock.Schedule{analysis, disabled}},
		{"removed", []tradeclock.Schedule{analysis}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("analysis", takes(90*time.Second))
			st := &rowsStore{rows: []tradeclock.Schedule{analysis, buy}}
			cfg := w.config()
			cfg.Schedules = st
			_, d := w.drive(cfg)
			d.Until(at("2026-11-23 09:00:00"))
			st.set(test.rows...)
			d.Until(at("2026-11-23 09:05:00"))
			require.Equal(t, []string{"2026-11-23 skipped"}, w.outcomesOf("42", "buy"))
			assert.Equal(t, "its schedule was disabled or removed", w.runs("buy")[0].Reason)
		})
	}
}

// changing is a calendar whose answers can be replaced, with another version.
type changing struct {
	mu      sync.Mutex
	version int
	calendar.Calendar
}

func (c *changing) set(cal calendar.Calendar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	c.Calendar = cal
}

func (c *changing) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strconv.Itoa(c.version)
}

func (c *changing) Session(d calendar.Date) (calendar.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Calendar.Session(d)
}

func TestRule25_CalendarChange(t *testing.T) {
	hours := func(end calendar.WallTime) calendar.Calendar {
		return calendar.Weekdays(kolkata, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: end})
	}
	for _, test := range []struct {
		name  string
		rule  string
		close calendar.WallTime // announced at 13:00:20
		want  []string
		told  int
	}{
		{"a later close is waited for", "daily close-15m", calendar.Wall(16, 0), []string{"2026-11-23 succeeded @15:45:00"}, 0},
		{"an earlier one too", "daily close-15m", calendar.Wall(14, 0), []string{"2026-11-23 succeeded @13:45:00"}, 0},
		{"just past, it runs within its catch-up", "daily close-15m", calendar.Wall(13, 15), []string{"2026-11-23 succeeded @13:00:20"}, 1},
		{"long past, it is missed", "daily close-15m", calendar.Wall(13, 0), []string{"2026-11-23 missed @"}, 1},
		{"what ran stays", "daily open+5m", calendar.Wall(13, 0), []string{"2026-11-23 succeeded @09:20:00"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			cal := &changing{Calendar: hours(calendar.Wall(15, 30))}
			events := new(eventLog)
			cfg := w.config(row("square_off", test.rule))
			cfg.Calendar, cfg.Observers = cal, []tradeclock.Observer{events}
			d := tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock)
			d.Until(at("2026-11-23 13:00:20"))
			cal.set(hours(test.close))
			d.Until(at("2026-11-23 16:05:00"))
			var got []string
			for _, run := range w.runs("square_off") {
				started := ""
				if !run.Started.IsZero() {
					started = run.Started.In(kolkata).Format("15:04:05")
				}
				got = append(got, tell([]tradeclock.Run{run})[0]+" @"+started)
			}
			assert.Equal(t, test.want, got)
			changes := eventsOf[tradeclock.CalendarChanged](events)
			require.Len(t, changes, 1)
			assert.Equal(t, test.told, changes[0].MovedIntoPast)
			if w.runs("square_off")[0].Outcome == tradeclock.Missed {
				assert.Equal(t, "the calendar moved it into the past, where its catch-up of 2m0s had passed", w.runs("square_off")[0].Reason)
			}
		})
	}
}

// TestRule25_ADayThatIsClosedForAWhile closes the exchange while the day goes on,
// and opens it again: each occurrence has one row, and of those that became due
// meanwhile the newest runs.
func TestRule25_ADayThatIsClosedForAWhile(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:54:00")
	cal := &changing{Calendar: calendar.Weekdays(kolkata)}
	cfg := w.config(row("watch", "every 1m 09:55-10:08", func(s *tradeclock.Schedule) { s.Overlap = tradeclock.OverlapAllow }))
	cfg.Calendar = cal
	d := tradeclocktest.NewDriver(t, w.scheduler(cfg), w.clock)
	d.Until(at("2026-11-23 09:55:00"))
	w.clock.Advance(3*time.Minute + 30*time.Second) // 09:56 and 09:57 are missed
	d.Until(at("2026-11-23 10:00:00"))
	cal.set(closed(t))
	d.Until(at("2026-11-23 10:04:30"))
	cal.set(calendar.Weekdays(kolkata))
	w.clock.Advance(30 * time.Second)
	d.Until(at("2026-11-23 10:08:00"))

	assert.Equal(t, []string{
		"09:55 succeeded", "09:56 missed x2", "09:58 succeeded", "09:59 succeeded", "10:00 succeeded",
		"10:01 missed x4", "10:05 succeeded", "10:06 succeeded", "10:07 succeeded",
	}, became(w.runs("watch")))
}
