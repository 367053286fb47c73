package tradeclock

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// Clock is the source of all time: clockwork's interface, so that a test can
// hand the scheduler a clockwork.FakeClock. Nothing in this package asks the
// operating system for the time.
type Clock = clockwork.Clock

// nextMinute returns the first minute boundary of the wall clock after t.
func nextMinute(t time.Time) time.Time {
	return t.Truncate(time.Minute).Add(time.Minute)
}

// Sleep waits for d on the clock of the scheduler whose run ctx belongs to, or
// until ctx ends, and returns the cause then. An executor that waits with it can
// be tested on a fake clock, and Quiesce counts its run as at rest meanwhile.
// Outside a run, it waits on the real clock.
func Sleep(ctx context.Context, d time.Duration) error {
	if v := quiet.VisitOf(ctx); v != nil {
		return v.Sleep(ctx, d)
	}
	return sleepReal(ctx, d)
}

func sleepReal(ctx context.Context, d time.Duration) error {
	timer := clockwork.NewRealClock().NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Park tells the scheduler that the call of an executor or a store to which ctx
// belongs waits for something that only happens after Quiesce, so that Quiesce
// does not wait for the call. Call the result when the wait is over. It is for
// test doubles; Sleep parks by itself. Outside of such a call it does nothing.
func Park(ctx context.Context) (unpark func()) {
	if v := quiet.VisitOf(ctx); v != nil {
		return v.Park(ctx)
	}
	return func() {}
}

// Quiesce waits until the scheduler is at rest: whatever could be planned,
// claimed and started is, every started run has settled, and nothing will happen
// until the clock moves or a caller acts. It is how a test on a fake clock knows
// that a step is over. A run that waits in Sleep is at rest until its time has
// come, and so are retries and runs that wait for such a run. A store or executor
// of a test that hangs says so with Park. A heartbeat sink and an observer are let
// go first, and not waited for if they take their time.
//
// It returns the error of ctx if that ends first.
func (s *UnifiedTaskScheduler) Quiesce(ctx context.Context) error { return s.activity.Rest(ctx) }

// NextWake is the first instant for which the scheduler waits by itself, such as
// that of a retry, a deadline or the renewal of a term, or zero if it waits for none.
// Once it is at rest nothing happens before that, so that a simulation which goes to
// NextWake or NextTick, whichever is first, and rests there passes over nothing.
func (s *UnifiedTaskScheduler) NextWake() time.Time { return s.activity.NextWake() }

// Started waits until Run has begun its first tick, after which Quiesce may be
// relied on, or until ctx ends, and returns its error then.
func (s *UnifiedTaskScheduler) Started(ctx context.Context) error {
	s.activity.Begin()
	defer s.activity.End()
	return s.activity.Await(ctx, s.locked(func() bool { return !s.engine.Wakes.Last().IsZero() || s.life.ended }))
}

// await waits until done is true, looking again whenever something has ended, or until a
// crash. The caller is counted as active, and as parked while it waits, and holds mu,
// which is let go of meanwhile: another may have changed again what done saw. The error
// is that of ctx.
func (s *UnifiedTaskScheduler) await(ctx context.Context, done func() bool) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return s.activity.Await(ctx, s.locked(done))
}

// awaitFor is await for a caller that does not hold mu, and for no longer than d.
func (s *UnifiedTaskScheduler) awaitFor(ctx context.Context, d time.Duration, done func() bool) error {
	return s.activity.AwaitFor(ctx, d, s.locked(done))
}

// locked makes done a condition that is looked at with mu held.
func (s *UnifiedTaskScheduler) locked(done func() bool) func() bool {
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return done()
	}
}

// afterLocked calls f with mu held once d has passed.
func (s *UnifiedTaskScheduler) afterLocked(d time.Duration, f func()) *quiet.Alarm {
	return s.activity.After(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// spawnLocked starts a goroutine for what holds mu, and may let go of it meanwhile.
func (s *UnifiedTaskScheduler) spawnLocked(f func()) {
	s.activity.Go(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}
