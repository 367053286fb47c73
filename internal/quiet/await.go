package quiet

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrTooSlow is the error of what has not come within its bound.
var ErrTooSlow = errors.New("no answer in time")

// waiter is somebody who is counted as active and waits for a condition. It is parked
// until something stirs, and active again from then on until it has looked: so it needs
// nobody else to look at the condition. Guarded by mu.
type waiter struct {
	parking parking
	again   chan struct{} // with room for one word: that it is to look again
}

// Await waits until done is true, until ctx ends, with the error of ctx, or until a
// crash. It looks again whenever something has ended, and after Stir. The caller is
// counted as active, and as parked while it waits.
func (a *Activity) Await(ctx context.Context, done func() bool) error {
	w := &waiter{parking: parking{ctx: ctx}, again: make(chan struct{}, 1)}
	a.mu.Lock()
	a.waiting = append(a.waiting, w)
	a.mu.Unlock()
	defer a.forget(w)
	for a.crashed() == nil && !done() {
		a.parkUnstirred(w)
		if !a.order.Wait(w.again, ctx.Done()) {
			return ctx.Err()
		}
	}
	return nil
}

// AwaitFor is Await, but for no longer than d on the clock.
func (a *Activity) AwaitFor(ctx context.Context, d time.Duration, done func() bool) error {
	bounded, cancel := a.Within(ctx, d)
	defer cancel()
	return a.Await(bounded, done)
}

// Within returns a context that ends after d on the clock, with ErrTooSlow as the cause.
func (a *Activity) Within(ctx context.Context, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	alarm := a.After(d, func() { cancel(ErrTooSlow) })
	return ctx, func() {
		alarm.Stop()
		cancel(nil)
	}
}

// Stir lets everybody who waits look again: for what has changed before the activity that
// changed it ends.
func (a *Activity) Stir() {
	a.mu.Lock()
	a.stir()
	a.mu.Unlock()
}

// stir is Stir for a caller that holds mu.
func (a *Activity) stir() {
	for _, w := range a.waiting {
		delete(a.parked, &w.parking)
		hint(w.again)
	}
	a.calm()
}

// parkUnstirred parks a waiter, unless something has stirred since it began to look.
func (a *Activity) parkUnstirred(w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(w.again) == 0 {
		a.park(&w.parking)
	}
}

func (a *Activity) forget(w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.parked, &w.parking)
	a.waiting = slices.DeleteFunc(a.waiting, func(o *waiter) bool { return o == w })
}

// hint sends a word to a channel that has room for one, unless it has one already.
func hint(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
