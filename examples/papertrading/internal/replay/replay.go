// Package replay moves a fake clock through a day, and the scheduler and the
// market with it.
package replay

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
)

// step is how far the clock moves at once. Whatever the services wait for in the
// day is a multiple of it, and so is never late.
const step = 5 * time.Second

// Replay moves Clock. It does so only while Scheduler is at rest, so a slow
// machine makes the replay slower, and no run late.
type Replay struct {
	Clock     *clockwork.FakeClock
	Scheduler *tradeclock.UnifiedTaskScheduler
	// Speed is how many times faster than the real clock the replay goes, if the
	// machine can. Zero is as fast as it can.
	Speed float64
	// Pace is the clock that Speed is measured by: the real one, but for tests.
	Pace tradeclock.Clock
	// Minute is called just before the clock reaches a whole minute, with that
	// minute: the market trades then, so that what is due at the minute sees it.
	Minute func(ctx context.Context, at time.Time) error
	// Stepped is called after each step, when the scheduler is at rest.
	Stepped func(ctx context.Context, now time.Time) error
	// StopAt is an instant at which Until stops, whatever a step is. Zero is none.
	StopAt time.Time

	// The replay began at these instants of Pace and Clock.
	began, beganAt time.Time
}

// Start waits until the scheduler, whose Run was just called in a goroutine, has
// begun its first tick: from then on, Quiesce tells when it is at rest.
func (r *Replay) Start(ctx context.Context) error {
	if err := r.Scheduler.Started(ctx); err != nil {
		return err
	}
	r.began, r.beganAt = r.Pace.Now(), r.Clock.Now()
	return r.Scheduler.Quiesce(ctx)
}

// Until moves the clock to end, or to StopAt if that is sooner.
func (r *Replay) Until(ctx context.Context, end time.Time) error {
	if !r.StopAt.IsZero() && r.StopAt.Before(end) {
		end = r.StopAt
	}
	for now := r.Clock.Now(); now.Before(end); now = r.Clock.Now() {
		next := now.Truncate(step).Add(step)
		if next.After(end) {
			next = end
		}
		if err := r.advance(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// Drain waits for the end of the scheduler's Run, which done tells, and returns its
// error. It moves the clock on while tasks run, which may wait for it. Else it
// leaves the clock alone, unless Run takes longer than a second of the real one.
func (r *Replay) Drain(ctx context.Context, done <-chan error) error {
	for {
		patience := time.Second
		if len(r.Scheduler.Status().Running) > 0 {
			patience = 0
		}
		select {
		case err := <-done:
			return err
		case <-r.Pace.After(patience):
		}
		if err := r.advance(ctx, r.Clock.Now().Add(step)); err != nil {
			return err
		}
	}
}

func (r *Replay) advance(ctx context.Context, next time.Time) error {
	now := r.Clock.Now()
	if r.Speed > 0 {
		due := r.began.Add(time.Duration(float64(next.Sub(r.beganAt)) / r.Speed))
		if err := wait(ctx, r.Pace, due.Sub(r.Pace.Now())); err != nil {
			return err
		}
	}
	if next.Truncate(time.Minute).Equal(next) {
		if err := r.Minute(ctx, next); err != nil {
			return err
		}
	}
	r.Clock.Advance(next.Sub(now))
	if err := r.Scheduler.Quiesce(ctx); err != nil {
		return err
	}
	return r.Stepped(ctx, next)
}

func wait(ctx context.Context, clock tradeclock.Clock, d time.Duration) error {
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
