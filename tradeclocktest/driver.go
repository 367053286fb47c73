package tradeclocktest

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
)

// Driver drives a scheduler on a fake clock, and waits after each step until the
// scheduler is at rest: without sleeps, and with the same result each time. It ticks
// when Run would, at each minute and whenever something finer is due, and rests at
// each instant between for which the scheduler waits by itself, such as that of a
// retry: nothing that happens in life is stepped over.
//
// A task that waits with tradeclock.Sleep is at rest, so that the clock goes on and
// wakes it. One that waits for anything else holds up the driver until it returns,
// unless it says so with tradeclock.Park; a task that hangs, whatever becomes of its
// context, is a Hang.
//
// The zero value is not ready: use NewDriver, or StartDriver. A Driver is for one
// goroutine.
type Driver struct {
	t     testing.TB
	s     *tradeclock.UnifiedTaskScheduler
	clock *clockwork.FakeClock
	ended chan struct{} // closed by the end of Run, or nil if the driver ticks

	// AtEach is called after each tick once the scheduler is at rest, if it is set.
	AtEach func(now time.Time)

	// SkipIdle has Until go from one instant at which something can happen to the next,
	// or an hour on, where it would tick at each minute: for months and years. The ledger
	// becomes the same, with fewer heartbeats. Nobody but the tasks of the scheduler may
	// write to the stores while Until goes on. A driver with AtEach, or of StartDriver,
	// goes minute by minute all the same.
	SkipIdle bool
}

// NewDriver returns a driver that calls the scheduler's Tick at each step, and
// closes the scheduler when the test ends. Time passes while it drains.
func NewDriver(t testing.TB, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) *Driver {
	t.Helper()
	d := &Driver{t: t, s: s, clock: clock}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = s.Close(context.Background()) // a test may leave it with runs that leak
		}()
		d.await(closed)
	})
	return d
}

// StartDriver starts the scheduler's Run, and returns a driver that leaves the
// ticks to it, and a function that ends Run and returns its error. Time passes while
// it drains. It may be called again, and is called when the test ends.
func StartDriver(t testing.TB, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) (d *Driver, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d = &Driver{t: t, s: s, clock: clock, ended: make(chan struct{})}
	var err error
	go func() {
		defer close(d.ended)
		err = s.Run(ctx)
	}()
	stop = func() error {
		cancel()
		d.await(d.ended)
		return err
	}
	t.Cleanup(func() { _ = stop() }) // a test may leave it with runs that leak
	require.NoError(t, s.Started(t.Context()), "the scheduler did not start")
	d.rest()
	return d, stop
}

// Tick does what is to be done at the clock's now.
func (d *Driver) Tick() {
	d.t.Helper()
	if d.ended == nil {
		require.NoError(d.t, d.s.Tick(d.t.Context()))
	}
	d.rest()
}

func (d *Driver) rest() {
	d.t.Helper()
	d.quiesce()
	if d.AtEach != nil {
		d.AtEach(d.clock.Now())
	}
}

func (d *Driver) quiesce() {
	d.t.Helper()
	require.NoError(d.t, d.s.Quiesce(d.t.Context()))
}

// Until runs to the instant, it included: a tick at the clock's now, and at each
// instant at which Run would tick.
func (d *Driver) Until(instant time.Time) {
	d.t.Helper()
	d.Tick()
	for first := true; d.clock.Now().Before(instant); first = false {
		d.pass(earlier(d.next(first), instant))
		d.Tick()
	}
}

// next is when to tick next. What was written to the stores before Until is read by its
// second tick at the latest, and nothing is skipped before.
func (d *Driver) next(first bool) time.Time {
	if d.SkipIdle && !first && d.AtEach == nil && d.ended == nil {
		if idle := d.s.IdleUntil(); idle.After(d.clock.Now()) {
			return idle
		}
	}
	return d.s.NextTick()
}

// For runs for a duration, as Until does.
func (d *Driver) For(duration time.Duration) {
	d.t.Helper()
	d.Until(d.clock.Now().Add(duration))
}

// Crash ends the scheduler as a power cut does, and returns when all of it has come
// to its end, but for what hangs: see tradeclock.UnifiedTaskScheduler.Crash. What it
// ran stays in the ledger as running, until another scheduler on the same store takes
// over once the term has expired:
//
//	driver := tradeclocktest.NewDriver(t, newService(store, clock), clock)
//	driver.Until(at(9, 1).Add(30 * time.Second)) // the orders of 09:01 are on their way
//	driver.Crash()
//
//	tradeclocktest.NewDriver(t, newService(store, clock), clock).For(2 * time.Minute)
//	// What became of the run of 09:01? Was any order sent twice?
func (d *Driver) Crash() {
	d.t.Helper()
	d.s.Crash()
	d.quiesce()
	if d.ended != nil {
		<-d.ended
	}
}

// pass lets time pass to an instant, and rests wherever the scheduler wakes before.
func (d *Driver) pass(to time.Time) {
	d.t.Helper()
	for now := d.clock.Now(); now.Before(to); now = d.clock.Now() {
		next := to
		if wake := d.s.NextWake(); wake.After(now) {
			next = earlier(wake, to)
		}
		d.clock.Advance(next.Sub(now))
		d.quiesce()
	}
}

// await waits until the scheduler, which was told to end, has done so, and lets the
// time pass that what goes on is given for that.
func (d *Driver) await(ended <-chan struct{}) {
	for {
		// What rests without having noticed waits for something else than its end.
		noticed := ending(d.s.Status().State)
		_ = d.s.Quiesce(context.Background())
		select {
		case <-ended:
			return
		default:
		}
		now, wake := d.clock.Now(), d.s.NextWake()
		if noticed && wake.After(now) {
			d.clock.Advance(wake.Sub(now))
		} else {
			runtime.Gosched() // it has not noticed yet, or is just about to return
		}
	}
}

func ending(state tradeclock.SchedulerState) bool {
	return state == tradeclock.StateDraining || state == tradeclock.StateStopped
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
