package tradeclocktest

import (
	"context"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
)

// Driver drives a scheduler on a fake clock, a minute at a time, and waits after
// each step until the scheduler is at rest: without sleeps, and with the same
// result each time. A task that waits with tradeclock.Sleep is at rest, so that
// the clock goes on and wakes it.
//
// The zero value is not ready: use NewDriver, or StartDriver. A Driver is for one
// goroutine.
type Driver struct {
	t     testing.TB
	s     *tradeclock.UnifiedTaskScheduler
	clock *clockwork.FakeClock
	ticks bool

	// AtEach is called at each step once the scheduler is at rest, if it is set.
	AtEach func(now time.Time)
}

// NewDriver returns a driver that calls the scheduler's Tick at each step, and
// closes the scheduler when the test ends.
func NewDriver(t testing.TB, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) *Driver {
	t.Helper()
	d := &Driver{t: t, s: s, clock: clock, ticks: true}
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
// ticks to it, and a function that ends Run and returns its error. Call that
// before the test ends; it may be called again.
func StartDriver(t testing.TB, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock) (d *Driver, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var err error
	go func() {
		defer close(ended)
		err = s.Run(ctx)
	}()
	d = &Driver{t: t, s: s, clock: clock}
	require.NoError(t, s.Started(t.Context()), "the scheduler did not start")
	d.rest()
	stop = func() error {
		cancel()
		<-ended
		return err
	}
	return d, stop
}

// Tick does what is to be done at the clock's now.
func (d *Driver) Tick() {
	d.t.Helper()
	if d.ticks {
		require.NoError(d.t, d.s.Tick(d.t.Context()))
	}
	d.rest()
}

func (d *Driver) rest() {
	d.t.Helper()
	require.NoError(d.t, d.s.Quiesce(d.t.Context()))
	if d.AtEach != nil {
		d.AtEach(d.clock.Now())
	}
}

// Until runs to the instant, it included: a tick at the clock's now, at each
// minute boundary, and whenever something finer is due.
func (d *Driver) Until(instant time.Time) {
	d.t.Helper()
	d.Tick()
	for d.clock.Now().Before(instant) {
		d.advance(d.step(instant))
		d.Tick()
	}
}

// advance lets time pass, and what ends with it end: a second at a time while runs
// go on, since the term that they need is renewed several times a minute.
func (d *Driver) advance(by time.Duration) {
	d.t.Helper()
	for by > 0 {
		step := by
		if len(d.s.Status().Running) > 0 {
			step = min(by, time.Second)
		}
		d.clock.Advance(step)
		by -= step
		require.NoError(d.t, d.s.Quiesce(d.t.Context()))
	}
}

// For runs for a duration, as Until does.
func (d *Driver) For(duration time.Duration) {
	d.t.Helper()
	d.Until(d.clock.Now().Add(duration))
}

// await waits until the scheduler has ended, and lets the time pass that what goes
// on is given for that.
func (d *Driver) await(ended <-chan struct{}) {
	for {
		_ = d.s.Quiesce(context.Background())
		select {
		case <-ended:
			return
		default:
			d.clock.Advance(time.Second)
		}
	}
}

// step is the time to the next minute boundary, the next occurrence or the end,
// whichever is first.
func (d *Driver) step(end time.Time) time.Duration {
	now := d.clock.Now()
	next := now.Truncate(time.Minute).Add(time.Minute)
	if due := d.s.Status().Next; due.After(now) && due.Before(next) {
		next = due
	}
	if end.Before(next) {
		next = end
	}
	return next.Sub(now)
}
