package tradeclocktest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// at is an instant of a Monday.
func at(hour, minute, second int) time.Time {
	return time.Date(2026, time.November, 23, hour, minute, second, 0, time.UTC)
}

// office is what the schedulers of a test share. What one of them logs is in log.
type office struct {
	t     *testing.T
	clock *clockwork.FakeClock
	store *memstore.Store
	rec   *tradeclocktest.Recorder
	log   bytes.Buffer
	told  atomic.Int64 // how many events the observer was told
}

func newOffice(t *testing.T) *office {
	clock := clockwork.NewFakeClockAt(at(8, 59, 0))
	return &office{t: t, clock: clock, store: memstore.New(clock), rec: tradeclocktest.NewRecorder(clock)}
}

// config is that of a scheduler whose orders are due at 09:01.
func (o *office) config() tradeclock.Config {
	orders := tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("daily 09:01")}
	return tradeclock.Config{
		Name: "paper", Account: "42", Executor: o.rec, Schedules: tradeclock.FixedSchedules(orders),
		Ledger: o.store, Heartbeats: o.store, Clock: o.clock, Logger: slog.New(slog.NewTextHandler(&o.log, nil)),
		Observers: []tradeclock.Observer{tradeclock.ObserverFunc(func(tradeclock.Event) { o.told.Add(1) })},
	}
}

func (o *office) new(cfg tradeclock.Config) *tradeclock.UnifiedTaskScheduler {
	o.t.Helper()
	s, err := tradeclock.New(cfg)
	require.NoError(o.t, err)
	return s
}

// both runs a test with a driver that ticks and with one that has started Run, in a
// bubble, which holds it to leaving no goroutine behind.
func both(t *testing.T, test func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver)) {
	drivers := map[string]func(o *office, s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver{
		"ticks": func(o *office, s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver {
			return tradeclocktest.NewDriver(o.t, s, o.clock)
		},
		"run": func(o *office, s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver {
			d, _ := tradeclocktest.StartDriver(o.t, s, o.clock)
			return d
		},
	}
	for name, driver := range drivers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				test(o, func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver { return driver(o, s) })
			})
		})
	}
}

func (o *office) outcomes() (told []string) {
	o.t.Helper()
	runs, err := o.store.Runs(o.t.Context(), store.Query{})
	require.NoError(o.t, err)
	for _, r := range runs {
		told = append(told, r.Outcome.String())
	}
	return told
}

// The process dies while the orders of 09:01 are on their way, and the next one says
// so once the term of the dead one has expired.
func TestCrash(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		o.rec.Do("orders", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, time.Minute) })
		driver := drive(o.new(o.config()))
		driver.Until(at(9, 1, 30))
		before, beats, told := o.log.String(), o.beats(), o.told.Load()
		driver.Crash()

		assert.Equal(t, []string{"running"}, o.outcomes())
		executions := o.rec.Runs()
		require.Len(t, executions, 1)
		assert.ErrorIs(t, executions[0].Err, tradeclock.ErrCrashed, "the context of what ran has ended")
		o.clock.Advance(20 * time.Second)
		_, err := o.store.Lead(t.Context(), "paper", "another", time.Minute, time.Time{})
		var held *store.HeldError
		assert.ErrorAs(t, err, &held, "the term is not resigned, and not renewed")
		assert.Equal(t, beats, o.beats(), "no heartbeat says that it has ended")
		assert.Equal(t, before, o.log.String(), "nothing is logged")
		synctest.Wait()
		assert.Equal(t, told, o.told.Load(), "no event is told")

		o.rec.Do("orders", nil)
		drive(o.new(o.config())).Until(at(9, 3, 0))
		assert.Equal(t, []string{"interrupted"}, o.outcomes())
		assert.Equal(t, 1, o.rec.Count("orders"))
	})
}

func (o *office) beats() []store.ReceivedHeartbeat {
	o.t.Helper()
	beats, err := o.store.Heartbeats(o.t.Context(), "paper")
	require.NoError(o.t, err)
	for i := range beats {
		beats[i].Age = 0
	}
	return beats
}

// A crash ends what hangs in a store, without any time.
func TestCrashWhileAStoreHangs(t *testing.T) {
	ops := []tradeclocktest.Op{
		tradeclocktest.OpClaim, tradeclocktest.OpLead, tradeclocktest.OpRecord, tradeclocktest.OpSettle,
		tradeclocktest.OpBeat, tradeclocktest.OpRevision, tradeclocktest.OpHalts,
	}
	for _, op := range ops {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				st := tradeclocktest.NewFaulty(o.store)
				_, err := o.store.SeedSchedules(t.Context(), tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("every 1m 09:00-10:00")})
				require.NoError(t, err)
				cfg := o.config()
				cfg.Ledger, cfg.Heartbeats, cfg.Schedules = st, st, st
				s := o.new(cfg)
				d, stop := tradeclocktest.StartDriver(t, s, o.clock)
				d.Until(at(9, 0, 30))
				st.Hang(op)
				d.Until(at(9, 1, 0))
				require.Equal(t, 1, st.Hanging(op))

				d.Crash()
				assert.Zero(t, st.Hanging(op))
				assert.Equal(t, at(9, 1, 0), o.clock.Now())
				assert.Zero(t, s.NextWake())
				assert.ErrorIs(t, stop(), tradeclock.ErrCrashed)
				calls := st.Calls(op)
				st.Heal()
				o.clock.Advance(time.Hour)
				synctest.Wait()
				assert.Equal(t, calls, st.Calls(op))
			})
		})
	}
}

func TestCrashWhileATaskHangs(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		hang := tradeclocktest.NewHang(o.t)
		o.rec.Do("orders", hang.Execute)
		d := drive(o.new(o.config()))
		d.Until(at(9, 1, 30))
		d.Crash()
		hang.Release()
		synctest.Wait()
		assert.Equal(t, []string{"running"}, o.outcomes(), "nobody looks at what it returns")
	})
}

func TestCrashInTheMiddleOfADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.rec.Do("orders", tradeclocktest.NewHang(t).Execute)
		s := o.new(o.config())
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { err = s.Run(ctx) }()
		for range 2 {
			synctest.Wait()
			o.clock.Advance(time.Minute)
		}
		synctest.Wait()
		require.Equal(t, []string{"running"}, o.outcomes())
		cancel()
		synctest.Wait()
		require.Equal(t, tradeclock.StateDraining, s.Status().State)
		s.Crash()
		synctest.Wait()
		assert.ErrorIs(t, err, tradeclock.ErrCrashed)
		assert.Equal(t, []string{"running"}, o.outcomes())
	})
}

// broker is an executor that is started before its runs.
type broker struct {
	*tradeclocktest.Recorder
	start   func(ctx context.Context)
	stopped bool
}

func (b *broker) Start(ctx context.Context, _ string) error {
	b.start(ctx)
	return nil
}

func (b *broker) Stop(context.Context, string) error {
	b.stopped = true
	return nil
}

// Nobody logs out of the broker of a process that is dead, be it that it was logged in
// or just about to be.
func TestCrashStopsNoExecutor(t *testing.T) {
	starts := map[string]func(ctx context.Context){
		"started":  func(context.Context) {},
		"starting": func(ctx context.Context) { _ = tradeclock.Sleep(ctx, time.Hour) },
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
				b := &broker{Recorder: o.rec, start: start}
				cfg := o.config()
				cfg.Executor = b
				d := drive(o.new(cfg))
				d.Until(at(9, 0, 30))
				d.Crash()
				assert.False(t, b.stopped)
			})
		})
	}
}

// A task may cut the power itself, between one order and the next.
func TestCrashFromATask(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		s := o.new(o.config())
		o.rec.Do("orders", func(context.Context, tradeclock.Run) error {
			s.Crash()
			return nil
		})
		drive(s).Until(at(9, 1, 0))
		assert.Equal(t, []string{"running"}, o.outcomes())
		for _, beat := range o.beats() {
			assert.NotEqual(t, tradeclock.StateStopped, beat.State)
		}
		assert.ErrorIs(t, s.Tick(t.Context()), tradeclock.ErrStopped)
		_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Account: "42", Task: "orders", Actor: "Ana"})
		assert.ErrorIs(t, err, tradeclock.ErrStopped)
	})
}

// crashing is a schedule store in which the power fails, once it is told how.
type crashing struct {
	*memstore.Store
	crash func()
}

func (c *crashing) Revision(ctx context.Context) (string, error) {
	if c.crash != nil {
		c.crash()
	}
	return c.Store.Revision(ctx)
}

// A tick in whose middle the power fails neither beats nor moves the watermark.
func TestCrashInTheMiddleOfATick(t *testing.T) {
	o := newOffice(t)
	st := &crashing{Store: o.store}
	cfg := o.config()
	cfg.Schedules = st
	s := o.new(cfg)
	d := tradeclocktest.NewDriver(t, s, o.clock)
	d.Until(at(9, 0, 0))
	beats := o.beats()
	st.crash = s.Crash
	o.clock.Advance(time.Minute)
	_ = s.Tick(t.Context())

	assert.Equal(t, beats, o.beats())
	o.clock.Advance(time.Minute)
	term, err := o.store.Lead(t.Context(), "paper", "next", time.Minute, time.Time{})
	require.NoError(t, err)
	state, err := o.store.Resume(t.Context(), term)
	require.NoError(t, err)
	assert.Equal(t, at(9, 0, 0), state.Watermark)
}

// A ledger that comes back at 09:01:50 claims the run of 09:01 within its catch-up of a
// minute, as it does in life.
func TestDriverGoesToEachRetry(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		st := tradeclocktest.NewFaulty(o.store)
		cfg := o.config()
		cfg.Ledger = st
		cfg.Schedules = tradeclock.FixedSchedules(tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("daily 09:01"), CatchUp: time.Minute})
		d := drive(o.new(cfg))
		st.Fail(tradeclocktest.OpClaim, errors.New("out of reach"))
		d.Until(at(9, 1, 45))
		st.Heal()
		d.Until(at(9, 3, 0))

		executions := o.rec.Runs()
		require.Len(t, executions, 1, "%v", o.outcomes())
		assert.WithinRange(t, executions[0].Start, at(9, 1, 45), at(9, 1, 56), "claims are retried at least every ten seconds")
	})
}

// The schedules come back at 09:01:40, after they could not be read since the start.
func TestDriverTicksForAPollThatIsRetried(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		st := tradeclocktest.NewFaulty(o.store)
		_, err := o.store.SeedSchedules(t.Context(), tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("daily 09:01")})
		require.NoError(t, err)
		cfg := o.config()
		cfg.Schedules = st
		st.Fail(tradeclocktest.OpRevision, errors.New("out of reach"))
		d := drive(o.new(cfg))
		d.Until(at(8, 59, 10))
		asked := st.Calls(tradeclocktest.OpRevision)
		assert.Greater(t, asked, 2, "it is asked again within seconds")
	})
}

// A standby takes over within five seconds of the end of a term, and in time for what is
// due meanwhile.
func TestDriverTakesOverInTime(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		cfg := o.config()
		cfg.Schedules = tradeclock.FixedSchedules(tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("daily 09:01"), CatchUp: 40 * time.Second})
		first := drive(o.new(cfg))
		first.Until(at(9, 0, 50))
		first.Crash()
		drive(o.new(cfg)).Until(at(9, 2, 0))

		executions := o.rec.Runs()
		require.Len(t, executions, 1, "%v", o.outcomes())
		assert.WithinRange(t, executions[0].Start, at(9, 1, 10), at(9, 1, 25))
	})
}

// Each term is renewed in time, and so nobody else gets it, although nothing runs.
func TestDriverRenewsTheTermOfARun(t *testing.T) {
	o := newOffice(t)
	d, stop := tradeclocktest.StartDriver(t, o.new(o.config()), o.clock)
	d.AtEach = func(time.Time) {
		_, err := o.store.Lead(t.Context(), "paper", "another", time.Minute, time.Time{})
		var held *store.HeldError
		assert.ErrorAs(t, err, &held)
	}
	d.Until(at(9, 30, 0))
	require.NoError(t, stop())
	require.NoError(t, stop(), "it may be called again")
}

// Time passes while a scheduler comes to its end: for what returns in time, and for
// what hangs.
func TestStopLetsTimePass(t *testing.T) {
	tests := []struct {
		name string
		task func(o *office) func(context.Context, tradeclock.Run) error
		took time.Duration
		want string
	}{
		{"nothing runs", func(*office) func(context.Context, tradeclock.Run) error { return nil }, 0, "succeeded"},
		{"a run returns", func(*office) func(context.Context, tradeclock.Run) error {
			return func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 20*time.Second) }
		}, 20 * time.Second, "succeeded"},
		{"a run returns when its context ends", func(*office) func(context.Context, tradeclock.Run) error {
			return func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, time.Hour) }
		}, tradeclock.DefaultDrainTimeout, "interrupted"},
		{"a run hangs", func(o *office) func(context.Context, tradeclock.Run) error {
			return tradeclocktest.NewHang(o.t).Execute
		},
			tradeclock.DefaultDrainTimeout + 5*time.Second, "running"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			o.rec.Do("orders", test.task(o))
			d, stop := tradeclocktest.StartDriver(t, o.new(o.config()), o.clock)
			d.Until(at(9, 1, 0))
			err := stop()
			var leak *tradeclock.LeakError
			assert.Equal(t, test.want == "running", errors.As(err, &leak), "%v", err)
			assert.Equal(t, test.took, o.clock.Since(at(9, 1, 0)))
			assert.Equal(t, []string{test.want}, o.outcomes())
		})
	}
}

// A task that hangs in spite of its context is timed out, and goes on overdue until it
// is released.
func TestHang(t *testing.T) {
	both(t, func(o *office, drive func(s *tradeclock.UnifiedTaskScheduler) *tradeclocktest.Driver) {
		hang := tradeclocktest.NewHang(o.t)
		o.rec.Do("orders", hang.Execute)
		cfg := o.config()
		cfg.Schedules = tradeclock.FixedSchedules(tradeclock.Schedule{Task: "orders", Rule: rule.MustParse("every 1m 09:01-09:05"), Timeout: 30 * time.Second})
		d := drive(o.new(cfg))
		d.Until(at(9, 2, 30))
		assert.Equal(t, 1, hang.Count())
		want := []string{"timed out", "skipped"}
		assert.Equal(t, want, o.outcomes())
		hang.Release()
		d.Until(at(9, 3, 0))
		assert.Equal(t, append(want, "succeeded"), o.outcomes())
	})
}
