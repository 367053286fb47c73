package tradeclock

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
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
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return sleepReal(ctx, d)
	}
	woken := make(chan struct{})
	al := v.s.alarms.after(d, func() { close(woken) })
	defer v.s.alarms.stop(al)
	defer parkUntil(ctx, al.at)()
	if !v.s.order.Wait(woken, ctx.Done()) {
		return context.Cause(ctx)
	}
	return nil
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
