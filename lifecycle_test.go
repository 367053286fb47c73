package tradeclock_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// session is an executor that must be started and stopped, as one that logs in to
// a broker, and says what it was asked to do.
type session struct {
	inner   *tradeclocktest.Recorder
	onStart func(ctx context.Context) error
	onStop  func(ctx context.Context) error

	mu  sync.Mutex
	log []string
}

func (s *session) Start(ctx context.Context, account string) error {
	s.say("start " + account)
	if s.onStart != nil {
		return s.onStart(ctx)
	}
	return nil
}

func (s *session) Stop(ctx context.Context, account string) error {
	s.say("stop " + account)
	if s.onStop != nil {
		return s.onStop(ctx)
	}
	return nil
}

func (s *session) Execute(ctx context.Context, run tradeclock.Run) error {
	s.say("execute " + run.Task)
	defer s.say("executed " + run.Task)
	return s.inner.Execute(ctx, run)
}

func (s *session) say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

func (s *session) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// end ends Run while time passes, and returns its error and how long it took.
func (w *world) end(stop func() error) (time.Duration, error) {
	start := w.clock.Now()
	err := stop()
	return w.clock.Since(start), err
}

func TestRule26_SecondRunIsAnError(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s := w.scheduler(w.config(row("buy", "daily 09:00")))
	_, stop := tradeclocktest.StartDriver(t, s, w.clock)
	assert.ErrorIs(t, s.Run(t.Context()), tradeclock.ErrRunning)
	assert.ErrorIs(t, s.Close(t.Context()), tradeclock.ErrRunning, "Run's context ends it")
	require.NoError(t, stop())
	assert.ErrorIs(t, s.Run(t.Context()), tradeclock.ErrRunning, "it runs once")
	assert.ErrorIs(t, s.Tick(t.Context()), tradeclock.ErrStopped)
	assert.ErrorIs(t, s.Enroll(t.Context(), "7", w.rec), tradeclock.ErrStopped)
	assert.NoError(t, s.Close(t.Context()), "there is nothing to close")
	assert.Equal(t, tradeclock.StateStopped, s.Status().State)
}

func TestRule26_ContextThatHasEndedStartsNothing(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	s := w.scheduler(w.config(row("watch", "every 1m 09:00-10:00")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, s.Run(ctx))
	assert.Empty(t, w.runs(""))
	assert.ErrorIs(t, s.Tick(ctx), context.Canceled)
}

// slowToLead is a ledger that takes a second to grant a term, whatever becomes of
// the call.
type slowToLead struct{ *tradeclocktest.Faulty }

func (l slowToLead) Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (store.Term, error) {
	ctx = context.WithoutCancel(ctx)
	if err := tradeclock.Sleep(ctx, time.Second); err != nil {
		return store.Term{}, err
	}
	return l.Faulty.Lead(ctx, scheduler, holder, ttl, trusted)
}

func TestRule26_StopWhileTheTermIsTaken(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = slowToLead{tradeclocktest.NewFaulty(w.store)}
	s := w.scheduler(cfg)
	_, stop := tradeclocktest.StartDriver(t, s, w.clock)
	_, err := w.end(stop)
	require.NoError(t, err)
	_, err = w.store.Lead(t.Context(), "paper", "next", time.Second, time.Time{})
	assert.NoError(t, err, "nobody is left that holds the term")
}

func TestRule26_DrainLetsRunsFinish(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("buy", takes(25*time.Second))
	s := w.scheduler(w.config(row("buy", "daily 09:00"), row("watch", "every 1s 09:00-10:00")))
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))

	took, err := w.end(stop)
	require.NoError(t, err)
	assert.InDelta(t, 25, took.Seconds(), 1)
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")))
	assert.Len(t, w.runs("watch"), 1, "nothing starts during the drain")
	last, _ := w.beats.Last()
	assert.Equal(t, tradeclock.StateStopped, last.State)
	assert.Empty(t, last.Running)
	term, err := w.store.Lead(t.Context(), "paper", "the next", time.Minute, time.Time{})
	require.NoError(t, err, "the term was resigned")
	assert.Equal(t, int64(2), term.Number)
}

func TestRule26_DrainTimeoutEndsContexts(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	var cause error
	w.rec.Do("buy", func(ctx context.Context, _ tradeclock.Run) error {
		cause = tradeclock.Sleep(ctx, time.Hour)
		return cause
	})
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.DrainTimeout = 10 * time.Second
	s := w.scheduler(cfg)
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))

	took, err := w.end(stop)
	require.NoError(t, err, "it returned when its context ended")
	assert.ErrorIs(t, cause, tradeclock.ErrStopped)
	assert.InDelta(t, 10, took.Seconds(), 1)
	assert.Equal(t, []string{"09:00 interrupted"}, became(w.runs("buy")))
}

func TestRule26_LeakIsNamedAndTheTermKept(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	stuck := w.latch()
	w.rec.Do("buy", stuck.task)
	s := w.scheduler(w.config(row("buy", "daily 09:00")))
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))

	took, err := w.end(stop)
	var leaks *tradeclock.LeakError
	require.ErrorAs(t, err, &leaks)
	require.Len(t, leaks.Running, 1)
	assert.Equal(t, "buy", leaks.Running[0].Task)
	assert.Contains(t, err.Error(), "run 2026-11-23 of buy for account 42 has not returned")
	assert.Less(t, took, time.Minute, "Run returns within a bound")
	_, err = w.store.Lead(t.Context(), "paper", "the next", time.Minute, time.Time{})
	var held *store.HeldError
	assert.ErrorAs(t, err, &held, "what leaked may still write")
}

func TestRule26_OutcomesAreStoredDuringTheDrain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = faulty
	s := w.scheduler(cfg)
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	faulty.Fail(tradeclocktest.OpSettle, errors.New("disk full"))
	d.Until(at("2026-11-23 09:00:00"))
	require.Equal(t, 1, s.Status().Unstored)

	_, err := w.end(stop)
	var leaks *tradeclock.LeakError
	require.ErrorAs(t, err, &leaks)
	require.Len(t, leaks.Unstored, 1)
	assert.Equal(t, tradeclock.Succeeded, leaks.Unstored[0].Outcome)
	assert.Contains(t, err.Error(), "the outcome of run 2026-11-23 of buy for account 42 (succeeded) is not stored")
}

func TestRule26_HangingStoreDoesNotHoldUpTheEnd(t *testing.T) {
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpSettle, tradeclocktest.OpRecord, tradeclocktest.OpResign, tradeclocktest.OpHalts,
	} {
		t.Run(string(op), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("watch", "every 1m 09:00-10:00"))
			cfg.Ledger = faulty
			s := w.scheduler(cfg)
			d, stop := tradeclocktest.StartDriver(t, s, w.clock)
			d.Until(at("2026-11-23 09:00:00"))
			faulty.Hang(op)
			d.Until(at("2026-11-23 09:01:00"))
			took, _ := w.end(stop)
			assert.Less(t, took, 3*time.Minute)
			assert.Equal(t, tradeclock.StateStopped, s.Status().State)
		})
	}
}

func TestRule26_StarterLivesAroundItsRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	exec := &session{inner: w.rec}
	w.rec.Do("buy", takes(20*time.Second))
	cfg := w.config(row("buy", "daily 09:00"))
	// A Starter is found through the middleware that wraps it.
	cfg.Executor = tradeclock.Wrap(exec, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
		return next.Execute(ctx, run)
	})
	s := w.scheduler(cfg)
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	d.Until(at("2026-11-23 09:00:00"))
	_, err := w.end(stop)
	require.NoError(t, err)
	assert.Equal(t, []string{"start 42", "execute buy", "executed buy", "stop 42"}, exec.said())
}

// TestRule28_StartersThatFail holds up the runs of the account whose executor does
// not start, and of no other.
func TestRule28_StartersThatFail(t *testing.T) {
	failing := errors.New("wrong password")
	for _, test := range []struct {
		name    string
		onStart func(w *world) func(ctx context.Context) error
		starts  int
		says    string
		became  []string
	}{
		{
			name: "an error is retried", starts: 3, became: []string{"09:00 succeeded"},
			onStart: func(w *world) func(context.Context) error {
				return func(context.Context) error {
					if w.clock.Now().Before(at("2026-11-23 09:00:01")) {
						return failing
					}
					return nil
				}
			},
		},
		{
			name: "a panic is an error", starts: 33, became: []string{"09:00 missed"},
			says:    `the executor of account "7" does not start: panic: no config`,
			onStart: func(*world) func(context.Context) error { return func(context.Context) error { panic("no config") } },
		},
		{
			name: "a hang", starts: 1, became: []string{"09:00 missed"},
			says: `the executor of account "7" has not started yet: its runs wait for it`,
			onStart: func(*world) func(context.Context) error {
				return func(ctx context.Context) error { return tradeclock.Sleep(ctx, 24*time.Hour) }
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:58")
			s, d := w.run(w.config(row("buy", "daily 09:00")))
			exec := &session{inner: w.rec, onStart: test.onStart(w)}
			require.NoError(t, s.Enroll(t.Context(), "7", exec))
			w.seconds(d, "2026-11-23 09:02:30")
			assert.Equal(t, test.became, became(w.runsOf("7")))
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runsOf("42")))
			assert.Equal(t, test.starts, len(exec.said())-2*w.count("7"))
			if test.says != "" {
				assert.Contains(t, s.Status().Degraded, test.says)
			}
			if test.became[0] == "09:00 missed" {
				assert.Equal(t, "its catch-up of 2m0s had passed: it waited for the start of its executor", w.runsOf("7")[0].Reason)
			}
		})
	}
}

// busyLedger does something while it is asked for a claim.
type busyLedger struct {
	*memstore.Store
	meanwhile func()
}

func (l *busyLedger) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	l.meanwhile()
	return l.Store.Claim(ctx, t, runs)
}

// TestRule28_AWithdrawalDuringAClaim lets an account go and come back while one of its
// runs is claimed: the run waits for the executor that it comes back with.
func TestRule28_AWithdrawalDuringAClaim(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	exec := &session{inner: w.rec}
	cfg := w.config(row("buy", "daily 09:00"), row("sell", "daily 09:02"))
	cfg.Executor = exec
	var s *tradeclock.UnifiedTaskScheduler
	once := sync.OnceFunc(func() {
		require.NoError(t, s.Withdraw(t.Context(), "42"))
		require.NoError(t, s.Enroll(t.Context(), "42", exec))
	})
	cfg.Ledger = &busyLedger{w.store, once}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:02:00"))
	require.NoError(t, s.Quiesce(t.Context()))
	assert.Equal(t, []string{
		"start 42", "stop 42", "start 42", "execute buy", "executed buy", "execute sell", "executed sell",
	}, exec.said())
}

// runsOf returns the ledger's rows of an account.
func (w *world) runsOf(account string) []tradeclock.Run {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), store.Query{Scheduler: "paper", Account: account})
	require.NoError(w.t, err)
	return runs
}

// count is how often an account's tasks were executed.
func (w *world) count(account string) (n int) {
	for _, e := range w.rec.Runs() {
		if e.Run.Account == account {
			n++
		}
	}
	return n
}

// TestRule27_AStandbyForgetsAFailingStart takes the term from a scheduler whose
// executor does not start: that is no concern of a standby.
func TestRule27_AStandbyForgetsAFailingStart(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	ledger := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = ledger
	cfg.Executor = &session{inner: w.rec, onStart: func(context.Context) error { return errors.New("wrong password") }}
	s, d := w.run(cfg)
	w.seconds(d, "2026-11-23 08:59:10")
	require.Equal(t, []string{`the executor of account "42" does not start: wrong password`}, s.Status().Degraded)
	ledger.Fail(tradeclocktest.OpLead, errors.New("out of reach"))
	w.seconds(d, "2026-11-23 08:59:41")
	_, err := w.store.Lead(t.Context(), "paper", "other", 20*time.Second, time.Time{})
	require.NoError(t, err, "the term has expired")
	ledger.Heal()
	w.seconds(d, "2026-11-23 08:59:50")

	assert.Equal(t, tradeclock.StateStandby, s.Status().State)
	assert.Empty(t, s.Status().Degraded)
}

func TestRule26_StopDuringAStart(t *testing.T) {
	for _, test := range []struct {
		name  string
		login func(ctx context.Context) error
		said  []string
	}{
		{"a login that heeds its context", takesOr(10*time.Second, true), []string{"start 42"}},
		{"a login that ends well all the same is undone", takesOr(3*time.Second, false), []string{"start 42", "stop 42"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			exec := &session{inner: w.rec, onStart: test.login}
			cfg := w.config(row("buy", "daily 09:00"))
			cfg.Executor = exec
			s := w.scheduler(cfg)
			_, stop := tradeclocktest.StartDriver(t, s, w.clock)
			took, err := w.end(stop)
			require.NoError(t, err)
			assert.Equal(t, test.said, exec.said())
			assert.LessOrEqual(t, took, 6*time.Second)
		})
	}
}

// takesOr is a login that takes a time, and gives up when its context ends or not.
func takesOr(d time.Duration, heeds bool) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if !heeds {
			ctx = context.WithoutCancel(ctx)
		}
		return tradeclock.Sleep(ctx, d)
	}
}

func TestRule26_ExecutorThatDoesNotStopIsNamed(t *testing.T) {
	for _, test := range []struct {
		name   string
		onStop func(w *world) func(context.Context) error
		leaks  bool
	}{
		{"a hang", func(w *world) func(context.Context) error {
			stuck := w.latch()
			return func(ctx context.Context) error { stuck.wait(ctx); return nil }
		}, true},
		{"a panic", func(*world) func(context.Context) error { return func(context.Context) error { panic("no session") } }, false},
		{"an error", func(*world) func(context.Context) error {
			return func(context.Context) error { return errors.New("not logged in") }
		}, false},
		{"a logout that waits for its context", func(*world) func(context.Context) error { return takesOr(time.Hour, true) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			exec := &session{inner: w.rec, onStop: test.onStop(w)}
			cfg := w.config(row("buy", "daily 09:00"))
			cfg.Executor = exec
			s := w.scheduler(cfg)
			d, stop := tradeclocktest.StartDriver(t, s, w.clock)
			d.Until(at("2026-11-23 09:00:00"))
			_, err := w.end(stop)
			if !test.leaks {
				require.NoError(t, err)
				return
			}
			var leaks *tradeclock.LeakError
			require.ErrorAs(t, err, &leaks)
			assert.Equal(t, []string{"42"}, leaks.Executors)
			assert.Contains(t, err.Error(), `the executor of account "42" has not stopped`)
		})
	}
}

func TestRule28_AccountsComeAndGo(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("watch", "every 1m 09:00-10:00"))
	d.Until(at("2026-11-23 09:00:00"))
	require.ErrorIs(t, s.Withdraw(t.Context(), "7"), tradeclock.ErrUnknownAccount)
	require.ErrorIs(t, s.Enroll(t.Context(), "42", w.rec), tradeclock.ErrEnrolled)
	require.ErrorContains(t, s.Enroll(t.Context(), "7", nil), "an executor is required")
	require.ErrorContains(t, s.Enroll(t.Context(), " 7", w.rec), "begins or ends with a space")
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	assert.Equal(t, []string{"42", "7"}, s.Status().Accounts)
	d.Until(at("2026-11-23 09:01:00"))
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"09:00 succeeded", "09:01 succeeded"}, became(w.runsOf("42")))
	assert.Equal(t, []string{"09:01 succeeded", "09:02 succeeded"}, became(w.runsOf("7")))
}

func TestRule28_OneAccountTouchesNoOther(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("watch", "every 1m 09:00-09:03"))
	stuck := w.latch()
	for account, do := range map[string]func(context.Context, tradeclock.Run) error{
		"panics": func(context.Context, tradeclock.Run) error { panic("nil map") },
		"hangs":  stuck.task,
		"fails":  func(context.Context, tradeclock.Run) error { return errors.New("rejected") },
	} {
		require.NoError(t, s.Enroll(t.Context(), account, tradeclock.ExecutorFunc(do)))
	}
	d.Until(at("2026-11-23 09:03:00"))
	assert.Equal(t, []string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded"}, became(w.runsOf("42")))
	assert.Equal(t, []string{"09:00 failed", "09:01 failed", "09:02 failed"}, became(w.runsOf("panics")))
	assert.Equal(t, []string{"09:00 failed", "09:01 failed", "09:02 failed"}, became(w.runsOf("fails")))
	assert.Equal(t, []string{"09:00 running", "09:01 skipped", "09:02 skipped"}, became(w.runsOf("hangs")))
}

func TestRule28_ComingBackNeverOverlapsTheOldRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	old, renewed := &session{inner: w.rec}, &session{inner: w.rec}
	var running, most int
	var mu sync.Mutex
	w.rec.Do("watch", func(ctx context.Context, _ tradeclock.Run) error {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		defer func() { mu.Lock(); running--; mu.Unlock() }()
		return tradeclock.Sleep(ctx, 150*time.Second)
	})
	cfg := w.config(row("watch", "every 1m 09:00-10:00", func(s *tradeclock.Schedule) { s.Overlap = tradeclock.OverlapQueue }))
	cfg.Executor = old
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:20"))
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	require.NoError(t, s.Enroll(t.Context(), "42", renewed))
	d.Until(at("2026-11-23 09:04:00"))

	assert.Equal(t, 1, most)
	assert.Equal(t, []string{"start 42", "execute watch", "executed watch", "stop 42"}, old.said(), "what ran was left to finish")
	assert.Equal(t, []string{"start 42", "execute watch"}, renewed.said())
	assert.Equal(t, at("2026-11-23 09:02:30").UTC(), w.rec.Runs()[1].Start.UTC(), "when the old run had returned")
}

func TestRule28_WithdrawSkipsWhatIsPending(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("analysis", takes(time.Minute))
	cfg := w.config(row("analysis", "daily 09:00"), row("buy", "daily 09:00", func(s *tradeclock.Schedule) { s.Priority = 1 }))
	cfg.MaxConcurrent = 1
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("analysis")))
	require.Equal(t, []string{"09:00 skipped"}, became(w.runs("buy")))
	assert.Equal(t, "the account was withdrawn", w.runs("buy")[0].Reason)
}
