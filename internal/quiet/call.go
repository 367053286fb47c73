package quiet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/said"
)

// ErrGoexit is the error of a call that ended its goroutine.
var ErrGoexit = errors.New("it ended its goroutine with runtime.Goexit")

// Call makes a call to user code, once the lane is free, and waits for its answer,
// but no longer than bound: the call is then left to return when it likes, with its
// context ended. A panic is an error. Each error names the lane.
//
// The caller must be counted as active; that count goes with the call while the
// caller waits, so that a call which parks lets all be at rest. A call whose caller has
// given it up is counted beside its caller: it is in flight, and its context has ended.
// One that passes its bound is counted no longer, unless it is parked and so known to
// come back.
func Call[T any](ctx context.Context, l *Lane, bound time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	if l.direct {
		return callInPlace(ctx, l, f)
	}
	var answer T
	err := l.make(ctx, bound, func(ctx context.Context) (hand func(), err error) {
		value, err := contained(ctx, l, f)
		return func() { answer = value }, err
	})
	return answer, err
}

// CallInTurn is Call for what people order: one that has not answered in time is waited
// for too, for as long as bound.
func CallInTurn[T any](ctx context.Context, l *Lane, bound time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	for {
		value, err := Call(ctx, l, bound, f)
		if !errors.Is(err, errBlocked) {
			return value, err
		}
		if l.activity.AwaitFor(ctx, bound, func() bool { return !l.IsBusy() }) != nil {
			return value, err
		}
	}
}

func callInPlace[T any](ctx context.Context, l *Lane, f func(ctx context.Context) (T, error)) (none T, err error) {
	if err := l.activity.crashed(); err != nil {
		return none, fmt.Errorf("%s: %w", l.name, err)
	}
	return contained(ctx, l, f)
}

// contained calls f and makes a panic an error.
func contained[T any](ctx context.Context, l *Lane, f func(ctx context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %s", l.name, said.Panic(p))
		}
	}()
	value, err = f(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", l.name, err)
	}
	return value, err
}

// make makes a call in a goroutine. What f returns hands the answer over, and is called
// only if it is still waited for.
func (l *Lane) make(ctx context.Context, bound time.Duration, f func(ctx context.Context) (hand func(), err error)) error {
	a := l.activity
	c := &call{lane: l, visit: a.NewVisit(), answered: make(chan struct{})}
	ctx, c.cancel = context.WithCancelCause(context.WithValue(ctx, Key{}, &c.visit))
	if err := l.enter(ctx, c, bound); err != nil {
		c.cancel(nil)
		return fmt.Errorf("%s: %w", l.name, err)
	}
	// The bound is set first: a call that parks lets the clock go on.
	c.bound = a.After(bound, c.expire)
	a.Go(func() {
		hand, err := func() {}, fmt.Errorf("%s: %w", l.name, ErrGoexit)
		defer func() { c.returned(hand, err) }()
		hand, err = f(ctx)
	})
	if !a.order.Wait(c.answered, ctx.Done()) {
		c.giveUp(context.Cause(ctx))
	}
	return c.err
}

// call is one that has not returned. Guarded by the activity's mu. It counts as activity
// with its caller while that waits, beside it afterwards, and not at all once it hangs.
type call struct {
	lane   *Lane
	visit  Visit
	cancel context.CancelCauseFunc // ends its context
	bound  *Alarm
	// answered is closed when its caller may go on, because an answer is given, or
	// that there is none. err does not change then.
	answered chan struct{}
	given    bool
	err      error
	counted  bool // as active beside its caller, who has left it
}

// give lets the caller go on, and ends the call's context. The caller of give holds mu.
func (c *call) give(err error) {
	c.given, c.err = true, err
	close(c.answered)
	c.cancel(err)
}

// giveUp lets the caller go on without an answer, if there is none yet.
func (c *call) giveUp(cause error) {
	c.lane.activity.mu.Lock()
	defer c.lane.activity.mu.Unlock()
	c.leave(cause)
}

// leave is giveUp for a caller that holds mu.
func (c *call) leave(cause error) {
	if c.given {
		return
	}
	c.counted = true
	c.lane.activity.active++
	c.give(fmt.Errorf("%s: %w", c.lane.name, cause))
	c.lane.activity.stir()
}

// expire notes that the call has not returned within its bound.
func (c *call) expire() {
	a := c.lane.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.lane.call != c {
		return
	}
	c.leave(ErrTooSlow)
	c.lane.late = true
	if c.visit.parked == 0 { // it hangs
		c.counted, c.visit.left = false, true
		a.end(1)
	}
}

// returned frees the lane, and hands the answer over if it is still waited for.
func (c *call) returned(hand func(), err error) {
	a, l := c.lane.activity, c.lane
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alarms.stop(c.bound)
	l.call = nil
	l.answers++
	if l.listener != nil {
		l.listener.Took()
	}
	a.calls = slices.DeleteFunc(a.calls, func(o *call) bool { return o == c })
	switch {
	case !c.given:
		hand()
		c.give(err)
	case c.counted:
		a.active--
	}
	a.stir()
}
