package tradeclock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// starts tells when each run of a task started: "09:15:00".
func (w *world) starts(task string) []string { return startsOf(w.rec, task) }

func startsOf(rec *tradeclocktest.Recorder, task string) []string {
	var starts []string
	for _, e := range rec.Runs() {
		if e.Run.Task == task {
			starts = append(starts, e.Start.In(kolkata).Format("15:04:05"))
		}
	}
	return starts
}

// order tells in which order runs began: "42 buy_orders".
func (w *world) order() []string {
	var order []string
	for _, e := range w.rec.Runs() {
		order = append(order, e.Run.Account+" "+e.Run.Task)
	}
	return order
}

func exclusive(group string) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Exclusive = group }
}

func timeout(d time.Duration) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Timeout = d }
}

func overlap(o tradeclock.Overlap) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Overlap = o }
}

func priority(p int) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Priority = p }
}

// runWithBeats runs a scheduler as run does, and expects a heartbeat in each minute.
func (w *world) runWithBeats(cfg tradeclock.Config) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	cfg.Heartbeats = w.store
	s, d := w.run(cfg)
	d.AtEach = func(now time.Time) {
		beats, err := w.store.Heartbeats(w.t.Context(), "paper")
		require.NoError(w.t, err)
		require.Len(w.t, beats, 1)
		assert.Equal(w.t, now.Truncate(time.Minute).UTC(), beats[0].At.Truncate(time.Minute), "a heartbeat in each minute")
	}
	return s, d
}

func TestRule13_AHangingTaskDelaysNothing(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("broker_sync", w.latch().task)
	s, d := w.runWithBeats(w.config(row("broker_sync", "daily 09:00"), row("sell_monitor", "every 1m 09:01-09:06")))

	w.seconds(d, "2026-11-23 09:06:00")

	assert.Equal(t, []string{"09:01:00", "09:02:00", "09:03:00", "09:04:00", "09:05:00"}, w.starts("sell_monitor"))
	running := s.Status().Running
	require.Len(t, running, 1)
	assert.Equal(t, 6*time.Minute, running[0].Age)
}

// A store that hangs in one call, from before the bell, holds up what needs that
// call's answer, and nothing else: a monitor starts within the bound of a poll.
func TestRule13_AHangingStoreDelaysNoStart(t *testing.T) {
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpSchedules, tradeclocktest.OpRevision, tradeclocktest.OpLead, tradeclocktest.OpHalts,
		tradeclocktest.OpRecord, tradeclocktest.OpSettle,
	} {
		t.Run(string(op), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:10:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			_, err := w.store.SeedSchedules(t.Context(), row("sell_monitor", "every 1m 09:15-09:20", atLeastOnce))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules, cfg.Ledger = faulty, faulty
			_, d := w.runWithBeats(cfg)
			w.seconds(d, "2026-11-23 09:14:55")

			faulty.Hang(op)
			_, err = w.store.PutSchedule(t.Context(), ops, row("eod_cleanup", "daily 18:00")) // there is something to read
			require.NoError(t, err)
			calls := faulty.Calls(op)
			w.seconds(d, "2026-11-23 09:20:00")

			require.Greater(t, faulty.Calls(op), calls, "the fault is felt")
			require.Equal(t, 5, w.rec.Count("sell_monitor"))
			for _, e := range w.rec.Runs() {
				assert.LessOrEqual(t, e.Start.Sub(e.Run.Due), 2*time.Second, e.Run.Slot)
			}
		})
	}
}

// A claim that is not answered holds up a monitor once, for as long as a call to
// the ledger may take; from then on monitors do not wait for it. Orders do.
func TestRule13_AHangingClaim(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20", atLeastOnce), row("buy_orders", "daily 09:19:30"))
	cfg.Ledger = faulty
	_, d := w.runWithBeats(cfg)
	w.seconds(d, "2026-11-23 09:14:55")

	faulty.Hang(tradeclocktest.OpClaim)
	w.seconds(d, "2026-11-23 09:22:00")

	assert.Equal(t, []string{"09:15:10", "09:16:00", "09:17:00", "09:18:00", "09:19:00"}, w.starts("sell_monitor"))
	assert.Empty(t, w.starts("buy_orders"))

	faulty.Heal()
	w.seconds(d, "2026-11-23 09:24:00")
	assert.Empty(t, w.starts("buy_orders"))
	assert.Equal(t, []string{"09:19 missed"}, became(w.runs("buy_orders")))
	for _, run := range w.runs("sell_monitor") {
		assert.Equal(t, tradeclock.Succeeded, run.Outcome, "%s is claimed when it is settled", run.Slot)
	}
}

// mute is an observer that never returns.
func mute(l *latch) tradeclock.Observer {
	return tradeclock.ObserverFunc(func(tradeclock.Event) { l.wait(context.Background()) })
}

func TestRule13_AnObserverDelaysNothing(t *testing.T) {
	for name, observer := range map[string]func(l *latch) tradeclock.Observer{
		"hangs": mute,
		"panics": func(*latch) tradeclock.Observer {
			return tradeclock.ObserverFunc(func(tradeclock.Event) { panic("no screen") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:14:00")
			cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
			cfg.Observers = []tradeclock.Observer{observer(w.latch())}
			_, d := w.runWithBeats(cfg)
			w.seconds(d, "2026-11-23 09:20:00")
			assert.Equal(t, []string{"09:15:00", "09:16:00", "09:17:00", "09:18:00", "09:19:00"}, w.starts("sell_monitor"))
		})
	}
}

func TestRule13_AHangingSinkDelaysNothing(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("sell_monitor", "every 1m 09:15-09:20"))
	cfg.Heartbeats = faulty
	s, d := w.run(cfg)
	faulty.Hang(tradeclocktest.OpBeat)
	w.seconds(d, "2026-11-23 09:20:00")
	assert.Equal(t, []string{"09:15:00", "09:16:00", "09:17:00", "09:18:00", "09:19:00"}, w.starts("sell_monitor"))
	assert.NotZero(t, s.Status().HeartbeatErrors)
}

// TestRule13_AHangingCalendarDelaysNothing has the calendar hang when it is asked for
// further dates: a tick waits for it for two seconds, and plans by what it had said.
func TestRule13_AHangingCalendarDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := clockwork.NewRealClock()
		clock.Sleep(at("2026-11-23 23:30:00").Sub(clock.Now()))
		w := &world{t: t, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock), beats: new(tradeclocktest.Beats)}
		hang := make(chan struct{})
		cal := &liveCalendar{cal: calendarOf(t, mumbai())}
		cfg := w.config(row("monitor", "every 1m 00:00-01:00"))
		cfg.Clock, cfg.Calendar = clock, cal
		s := w.scheduler(cfg)
		ctx, cancel := context.WithDeadline(t.Context(), at("2026-11-24 01:30:00"))
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		clock.Sleep(10 * time.Minute)
		cal.set(calendarOf(t, mumbai()), func(calendar.Date) error { <-hang; return nil })
		clock.Sleep(at("2026-11-24 01:28:30").Sub(clock.Now()))

		assert.Contains(t, fmt.Sprint(s.Status().Degraded), "calendar XNSE does not answer", "it was asked for a further date")
		require.Len(t, w.runs("monitor"), 60)
		for _, run := range w.runs("monitor") {
			assert.LessOrEqual(t, run.Lateness(), 2*time.Second)
		}
		assert.Equal(t, 1+118, w.beats.Count(), "a heartbeat at the start and at each minute")
		close(hang)
		assert.NoError(t, <-ended)
	})
}

// Of what is due at one instant the more urgent starts first, and then the
// accounts take turns, however many tasks each has.
func TestRule13_MaxConcurrentIsFairAndInOrder(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	var rows []tradeclock.Schedule
	add := func(account, task, rule string, policies ...func(*tradeclock.Schedule)) {
		rows = append(rows, row(task, rule, append(policies, func(s *tradeclock.Schedule) { s.Account = account })...))
		w.rec.Do(task, takes(10*time.Second))
	}
	add("ana", "later", "daily 09:00:01")
	add("ana", "one", "daily 09:00")
	add("ana", "three", "daily 09:00")
	add("ana", "two", "daily 09:00")
	add("bob", "urgent", "daily 09:00", priority(-1))
	add("bob", "yes", "daily 09:00")
	add("bob", "zero", "daily 09:00")
	cfg := w.config(rows...)
	cfg.MaxConcurrent, cfg.Account, cfg.Executor = 1, "", nil
	s := w.scheduler(cfg)
	for _, account := range []string{"ana", "bob"} {
		require.NoError(t, s.Enroll(t.Context(), account, w.rec))
	}
	d := tradeclocktest.NewDriver(t, s, w.clock)

	w.seconds(d, "2026-11-23 09:01:30")

	want := []string{"bob urgent", "ana one", "bob yes", "ana three", "bob zero", "ana two", "ana later"}
	assert.Equal(t, want, w.order())
	for i, e := range w.rec.Runs() {
		assert.Equal(t, at("2026-11-23 09:00:00").Add(time.Duration(i)*10*time.Second), e.Start.In(kolkata), e.Run.Task)
	}
}

// Whatever a run waits for, at the end of its catch-up it is missed with that
// reason, to the second, and while the wait goes on.
func TestRule13_MissedSaysWhatItWaitedFor(t *testing.T) {
	refused := errors.New("the disk is full")
	cases := []struct {
		name   string
		rows   []tradeclock.Schedule
		config func(w *world, cfg *tradeclock.Config)
		fault  tradeclocktest.Op
		reason string
	}{
		{"a place",
			[]tradeclock.Schedule{row("stuck", "daily 09:00"), row("buy_orders", "daily 09:01")},
			func(_ *world, cfg *tradeclock.Config) { cfg.MaxConcurrent = 1 }, "",
			"its catch-up of 2m0s had passed: it waited for a place among the concurrent runs"},
		{"a group",
			[]tradeclock.Schedule{row("stuck", "daily 09:00", exclusive("orders")), row("buy_orders", "daily 09:01", exclusive("orders"))},
			nil, "",
			"its catch-up of 2m0s had passed: it waited for group orders"},
		{"the ledger",
			[]tradeclock.Schedule{row("buy_orders", "daily 09:01")},
			nil, tradeclocktest.OpClaim,
			"its catch-up of 2m0s had passed: it waited for the ledger: ledger's claims: the disk is full"},
		{"the halts",
			[]tradeclock.Schedule{row("buy_orders", "daily 09:01")},
			nil, tradeclocktest.OpHalts,
			"its catch-up of 2m0s had passed: it waited for the halts, which could not be read"},
		{"the term",
			[]tradeclock.Schedule{row("buy_orders", "daily 09:01")},
			nil, tradeclocktest.OpLead,
			"its catch-up of 2m0s had passed: it waited for the term, which could not be renewed"},
		{"the start of its executor",
			[]tradeclock.Schedule{row("buy_orders", "daily 09:01")},
			func(w *world, cfg *tradeclock.Config) { cfg.Executor = slowLogin{w.rec, w.latch()} }, "",
			"its catch-up of 2m0s had passed: it waited for the start of its executor"},
		{"the previous run",
			[]tradeclock.Schedule{row("stuck", "hourly 08:59-09:59", overlap(tradeclock.OverlapQueue))},
			nil, "",
			"its catch-up of 2m0s had passed: it waited for the previous run"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:50")
			w.rec.Do("stuck", w.latch().task)
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(c.rows...)
			cfg.Ledger = faulty
			if c.config != nil {
				c.config(w, &cfg)
			}
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:00:30")
			if c.fault != "" {
				faulty.Fail(c.fault, refused)
			}
			due := at("2026-11-23 09:01:00")
			if c.name == "the previous run" {
				due = at("2026-11-23 09:59:00")
				w.seconds(d, "2026-11-23 09:59:00")
			}
			for w.clock.Now().Before(due.Add(2*time.Minute - time.Second)) {
				d.For(time.Second)
			}
			assert.Equal(t, 1, s.Status().Waiting)
			d.For(time.Second)
			assert.Zero(t, s.Status().Waiting)
			faulty.Heal()
			d.For(2 * time.Minute)

			runs := w.runs("")
			missed := runs[len(runs)-1]
			assert.Equal(t, tradeclock.Missed, missed.Outcome)
			assert.Equal(t, c.reason, missed.Reason)
			assert.Equal(t, due, missed.Due.In(kolkata))
			assert.Equal(t, due.Add(2*time.Minute), missed.Finished.In(kolkata))
		})
	}
}

// slowLogin is an executor whose Start hangs.
type slowLogin struct {
	tradeclock.TaskExecutor
	latch *latch
}

func (e slowLogin) Start(ctx context.Context, _ string) error { e.latch.wait(ctx); return nil }
func (e slowLogin) Stop(context.Context, string) error        { return nil }

// watchedLedger notes the size of each batch of claims, and looks at each.
type watchedLedger struct {
	*memstore.Store
	mu     sync.Mutex
	claims []int
	look   func(runs []tradeclock.Run)
}

func (l *watchedLedger) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claims = append(l.claims, len(runs))
	if l.look != nil {
		l.look(runs)
	}
	return l.Store.Claim(ctx, t, runs)
}

func TestRule14_NoMoreAreClaimedThanCanStart(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	ledger := &watchedLedger{Store: w.store}
	var rows []tradeclock.Schedule
	for i := range 7 {
		task := fmt.Sprintf("task_%d", i)
		rows = append(rows, row(task, "daily 09:00"))
		w.rec.Do(task, takes(10*time.Second))
	}
	ledger.look = func(runs []tradeclock.Run) {
		assert.LessOrEqual(t, w.executing()+len(runs), 2, "each of them can start")
		for _, run := range runs {
			assert.Equal(t, w.clock.Now(), run.Started.In(kolkata), "just before it starts")
		}
	}
	cfg := w.config(rows...)
	cfg.Ledger, cfg.MaxConcurrent = ledger, 2
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)

	w.seconds(d, "2026-11-23 09:00:05")
	assert.Len(t, w.runs(""), 2, "what waits for a place is not claimed")
	w.seconds(d, "2026-11-23 09:01:00")

	assert.Len(t, w.rec.Runs(), 7)
	assert.Equal(t, 2, slices.Max(ledger.claims))
}

// executing is how many calls of Execute go on.
func (w *world) executing() int {
	n := 0
	for _, e := range w.rec.Runs() {
		if e.End.IsZero() {
			n++
		}
	}
	return n
}

func TestRule14_AnInstantIsOneBatch(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	ledger := &watchedLedger{Store: w.store}
	cfg := w.config(row("buy_orders", "daily 09:00"), row("analysis", "daily 09:00"))
	cfg.Ledger, cfg.Account, cfg.Executor = ledger, "", nil
	s := w.scheduler(cfg)
	for i := range 20 {
		require.NoError(t, s.Enroll(t.Context(), fmt.Sprint(i), w.rec))
	}
	d := tradeclocktest.NewDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))
	assert.Len(t, w.rec.Runs(), 40)
	assert.Equal(t, []int{40}, ledger.claims)
}

func TestRule14_ABatchsResultsArePerRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("analysis", "daily 09:00"), row("buy_orders", "daily 09:00"), row("eod_cleanup", "daily 09:00"))
	d.Tick()
	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy_orders", Account: "42", Actor: "Ana", ForToday: true})
	require.NoError(t, err)

	d.Until(at("2026-11-23 09:01:00"))

	assert.Equal(t, []string{"42 buy_orders", "42 analysis", "42 eod_cleanup"}, sortedTail(w.order(), 1))
	assert.Len(t, w.runs(""), 3)
}

// sortedTail sorts what started at one instant, whose order is not defined, from
// the i-th on.
func sortedTail(order []string, i int) []string {
	slices.Sort(order[i:])
	return order
}

func TestRule15_Outcomes(t *testing.T) {
	cases := []struct {
		name    string
		do      func(ctx context.Context, run tradeclock.Run) error
		outcome tradeclock.Outcome
		reason  string
	}{
		{"nil", func(context.Context, tradeclock.Run) error { return nil }, tradeclock.Succeeded, ""},
		{"an error", func(context.Context, tradeclock.Run) error { return errors.New("refused") }, tradeclock.Failed, "refused"},
		{"a skip", func(context.Context, tradeclock.Run) error { return tradeclock.Skip("no cash") }, tradeclock.Skipped, "no cash"},
		{"a wrapped skip", func(context.Context, tradeclock.Run) error { return fmt.Errorf("buy: %w", tradeclock.Skip("no cash")) }, tradeclock.Skipped, "no cash"},
		{"a joined skip", func(context.Context, tradeclock.Run) error {
			return errors.Join(errors.New("one"), tradeclock.Skip("no cash"))
		}, tradeclock.Skipped, "no cash"},
		{"a panic", func(context.Context, tradeclock.Run) error { panic("no data") }, tradeclock.Failed, "panic: no data"},
		{"a panic with an error", func(context.Context, tradeclock.Run) error { panic(errors.New("no data")) }, tradeclock.Failed, "panic: no data"},
		{"a panic with nil", func(context.Context, tradeclock.Run) error { panic(nil) }, tradeclock.Failed, "panic: panic called with nil argument"},
		{"the end of its goroutine", func(context.Context, tradeclock.Run) error { runtime.Goexit(); return nil }, tradeclock.Failed, "the executor ended its goroutine with runtime.Goexit"},
		{"a nil pointer as an error", func(context.Context, tradeclock.Run) error { var err *brokerError; return err }, tradeclock.Failed,
			"panic: runtime error: invalid memory address or nil pointer dereference"},
		{"its own context's error", func(context.Context, tradeclock.Run) error { return context.Canceled }, tradeclock.Failed, "context canceled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			w.clock.Advance(-time.Minute)
			w.rec.Do("buy_orders", c.do)
			_, d := w.driver(row("buy_orders", "daily 09:00"), row("analysis", "daily 09:01"))
			d.Until(at("2026-11-23 09:01:00"))
			runs := w.runs("buy_orders")
			require.Len(t, runs, 1)
			assert.Equal(t, c.outcome, runs[0].Outcome)
			assert.Equal(t, c.reason, runs[0].Reason)
			assert.Equal(t, 1, runs[0].Attempt)
			assert.Equal(t, 1, w.rec.Count("analysis"), "the loop goes on")
		})
	}
}

type brokerError struct{ code int }

func (e *brokerError) Error() string { return fmt.Sprint("broker: ", e.code) }

func TestRule15_APanicKeepsItsStack(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("buy_orders", func(context.Context, tradeclock.Run) error { return placeOrders(nil) })
	_, d := w.driver(row("buy_orders", "daily 09:00"))
	d.Until(at("2026-11-23 09:00:00"))
	assert.Contains(t, w.runs("buy_orders")[0].Details["stack"], "placeOrders")
}

func placeOrders(orders map[string]int) error { orders["INFY"] = 10; return nil }

func TestRule15_AStopInterrupts(t *testing.T) {
	cases := []struct {
		name    string
		do      func(ctx context.Context, run tradeclock.Run) error
		outcome tradeclock.Outcome
	}{
		{"what returns the context's error", takes(time.Hour), tradeclock.Interrupted},
		{"what returns another error", func(ctx context.Context, _ tradeclock.Run) error {
			_ = tradeclock.Sleep(ctx, time.Hour)
			return errors.New("half done")
		}, tradeclock.Interrupted},
		{"but not what finishes all the same", func(ctx context.Context, _ tradeclock.Run) error {
			_ = tradeclock.Sleep(ctx, time.Hour)
			return nil
		}, tradeclock.Succeeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			w.rec.Do("buy_orders", c.do)
			cfg := w.config(row("buy_orders", "daily 09:00"))
			s := w.scheduler(cfg)
			d, stop := tradeclocktest.StartDriver(t, s, w.clock)
			w.seconds(d, "2026-11-23 09:00:10")
			require.NoError(t, stop())
			assert.Equal(t, c.outcome, w.runs("buy_orders")[0].Outcome)
		})
	}
}

func TestRule15_Annotate(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	kept := make(chan context.Context, 1)
	w.rec.Do("buy_orders", func(ctx context.Context, _ tradeclock.Run) error {
		tradeclock.Annotate(ctx, "orders", 3)
		tradeclock.Annotate(ctx, "orders", 4)
		tradeclock.Annotate(ctx, "broker", "paper")
		kept <- ctx
		return nil
	})
	_, d := w.driver(row("buy_orders", "daily 09:00"))
	d.Until(at("2026-11-23 09:00:00"))
	tradeclock.Annotate(<-kept, "orders", 5) // too late
	tradeclock.Annotate(t.Context(), "orders", 6)
	d.Until(at("2026-11-23 09:01:00"))
	assert.Equal(t, map[string]any{"orders": 4, "broker": "paper"}, w.runs("buy_orders")[0].Details)
}

func TestRule15_FiveBadRunsDegradeAndASuccessHeals(t *testing.T) {
	for name, bad := range map[string]func(context.Context, tradeclock.Run) error{
		"failed":  func(context.Context, tradeclock.Run) error { return errors.New("refused") },
		"skipped": func(context.Context, tradeclock.Run) error { return tradeclock.Skip("not logged in") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			s, d := w.driver(row("sell_monitor", "every 1m 09:00-10:00"))
			w.rec.Do("sell_monitor", bad)
			d.Until(at("2026-11-23 09:03:00"))
			assert.True(t, s.Status().Healthy(), "four")
			d.Until(at("2026-11-23 09:04:00"))
			require.Len(t, s.Status().Degraded, 1, "five")
			assert.Contains(t, s.Status().Degraded[0], "sell_monitor")
			w.rec.Do("sell_monitor", nil)
			d.Until(at("2026-11-23 09:05:00"))
			assert.True(t, s.Status().Healthy(), "a success")
		})
	}
}

// What executors and stores say is kept in rows, heartbeats and log lines, and is not
// to fill them; and no value that an executor hands over may end the process.
func TestRule15_WhatIsSaidHasBounds(t *testing.T) {
	long := strings.Repeat("the broker's page ", 1<<12)
	for name, do := range map[string]func(ctx context.Context, run tradeclock.Run) error{
		"an error": func(context.Context, tradeclock.Run) error { return errors.New(long) },
		"a skip":   func(context.Context, tradeclock.Run) error { return tradeclock.Skip(long) },
		"a panic":  func(context.Context, tradeclock.Run) error { panic(long) },
		"details": func(ctx context.Context, run tradeclock.Run) error {
			itself := make(map[string]any)
			itself["itself"] = itself
			tradeclock.Annotate(ctx, "itself", itself)
			for i := range 100 {
				tradeclock.Annotate(ctx, fmt.Sprint(i, long), long)
			}
			panic(itself)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			w.rec.Do("watch", do)
			cfg := w.config(row("watch", "every 1m 09:00-10:00"))
			cfg.Ledger = faulty
			var log bytes.Buffer
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s, d := w.drive(cfg)
			d.Until(at("2026-11-23 09:05:00"))
			faulty.Fail(tradeclocktest.OpRecord, errors.New(long))
			faulty.Fail(tradeclocktest.OpHalts, errors.New(long))
			d.Until(at("2026-11-23 09:06:00"))

			require.NotEmpty(t, w.runs("watch"))
			for _, run := range w.runs("watch") {
				assert.NotEmpty(t, run.Reason)
				assert.LessOrEqual(t, len(run.Reason), 2<<10)
				details, err := json.Marshal(run.Details)
				require.NoError(t, err)
				assert.LessOrEqual(t, len(details), 100<<10)
			}
			require.Len(t, s.Status().Degraded, 3)
			for _, condition := range s.Status().Degraded {
				assert.LessOrEqual(t, len(condition), 1<<10)
				if !strings.Contains(condition, "encountered a cycle") {
					assert.Contains(t, condition, " bytes more)")
				}
			}
			for _, line := range strings.Split(log.String(), "\n") {
				assert.LessOrEqual(t, len(line), 4<<10)
			}
		})
	}
}
