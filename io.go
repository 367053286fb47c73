package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/said"
)

// lane is the way to one kind of call to a store or a calendar. Of several calls at
// once each waits for the one before it. One that has not answered within its bound
// blocks its lane and nothing else: until it has returned, further calls fail at
// once. Guarded by mu.
type lane struct {
	name string
	// direct is true for what answers from memory, and is called in place.
	direct bool
	busy   bool
	// late is true if the call that keeps the lane busy has not answered in time.
	late bool
	// waiting is the call whose caller waits for it, or nil.
	waiting *visit
	leave   func(cause error) // lets that caller go on without an answer
	answers int64             // calls that have returned
}

type lanes struct {
	poll, lead, halts, order, claim, manual, release, settle, record, enroll, beat, find, past lane
}

// inMemory reports whether a store answers from memory.
func inMemory(store any) bool {
	m, ok := store.(InMemory)
	return ok && m.InMemory() == store
}

func newLanes(cfg Config) lanes {
	memLedger, memBeats := inMemory(cfg.Ledger), inMemory(cfg.Heartbeats)
	_, fixed := cfg.Schedules.(fixedSchedules)
	direct := fixed || inMemory(cfg.Schedules)
	return lanes{
		poll:    lane{name: "schedule store", direct: direct},
		lead:    lane{name: "ledger's terms", direct: memLedger},
		halts:   lane{name: "ledger's halts", direct: memLedger},
		order:   lane{name: "ledger's orders", direct: memLedger},
		manual:  lane{name: "ledger's manual claims", direct: memLedger},
		claim:   lane{name: "ledger's claims", direct: memLedger},
		release: lane{name: "ledger's releases", direct: memLedger},
		settle:  lane{name: "ledger's outcomes", direct: memLedger},
		record:  lane{name: "ledger's records", direct: memLedger},
		enroll:  lane{name: "ledger's enrolments", direct: memLedger},
		beat:    lane{name: "heartbeat sink", direct: memBeats || cfg.Heartbeats == nil},
		find:    lane{name: "Config.Calendars"},
		past:    lane{name: "ledger's history", direct: memLedger},
	}
}

// allLanes returns the lanes to stores, calendars and the sink. The caller holds mu.
func (s *UnifiedTaskScheduler) allLanes() []*lane {
	l := &s.lanes
	all := []*lane{
		&l.poll, &l.lead, &l.halts, &l.order, &l.claim, &l.manual, &l.release, &l.settle, &l.record, &l.enroll,
		&l.find, &l.past, &l.beat,
	}
	for _, v := range s.sched.watched {
		all = append(all, &v.lane, &v.question)
	}
	return all
}

// hanging names the lanes whose call has not returned, but for that of the heartbeat.
// The caller holds mu.
func (s *UnifiedTaskScheduler) hanging() []string {
	var names []string
	for _, one := range s.allLanes() {
		if one.busy && one != &s.lanes.beat {
			names = append(names, one.name)
		}
	}
	return names
}

var (
	errTooSlow = errors.New("no answer in time")
	errBlocked = errors.New("an earlier call has not returned")
	errGoexit  = errors.New("it ended its goroutine with runtime.Goexit")
)

// nextRetry is the wait before the next try of what has failed, after one of d: it
// doubles up to a few seconds.
func nextRetry(d time.Duration) time.Duration { return min(max(2*d, retryFirst), retryLast) }

// answer is what became of a call. It is guarded by the scheduler's mu until done
// is closed.
type answer[T any] struct {
	done   chan struct{}
	given  bool
	value  T
	err    error
	cancel context.CancelCauseFunc
}

// call makes a call to user code, once the lane is free, and waits for its answer,
// but no longer than bound: the call is then left to return when it likes, with its
// context ended. A panic is an error.
//
// The caller must be counted as active; that count goes with the call while the
// caller waits, so that a call which parks lets the scheduler rest. A call that is
// left is active no longer, unless it is parked and so known to come back.
func call[T any](ctx context.Context, s *UnifiedTaskScheduler, l *lane, bound time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	var none T
	if s.life.crashed.Load() {
		return none, ErrCrashed
	}
	if l.direct {
		return contained(ctx, l, f)
	}
	ctx, v := s.visiting(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	a := &answer[T]{done: make(chan struct{}), cancel: cancel}
	s.mu.Lock()
	if err := s.awaitLane(ctx, l, bound); err != nil {
		s.mu.Unlock()
		cancel(nil)
		return none, fmt.Errorf("%s: %w", l.name, err)
	}
	comesBack := false
	leave := func(cause error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.given {
			return
		}
		if comesBack = v.parked > 0; comesBack {
			s.rest.active++ // the caller goes on beside the call
		}
		l.waiting, l.late = nil, errors.Is(cause, errTooSlow)
		a.give(none, fmt.Errorf("%s: %w", l.name, cause))
	}
	l.busy, l.late, l.waiting, l.leave = true, false, v, leave
	s.stirLocked()
	s.mu.Unlock()
	// The bound is set first: a call that parks lets the clock go on.
	bell := s.alarms.after(bound, func() { leave(errTooSlow) })
	defer s.alarms.stop(bell)
	s.spawn(func() {
		var value T
		err := fmt.Errorf("%s: %w", l.name, errGoexit)
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			l.busy = false
			l.answers++
			if !a.given {
				l.waiting = nil
				a.give(value, err)
			} else if comesBack {
				s.rest.active--
			}
			s.stirLocked()
		}()
		value, err = contained(ctx, l, f)
	})
	if !s.order.Wait(a.done, ctx.Done()) {
		leave(context.Cause(ctx))
	}
	return a.value, a.err
}

// awaitLane waits until a lane is free. A call that is merely in flight is not one
// that hangs: it is waited for, though no longer than it may take, also if whoever
// made it has given up. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) awaitLane(ctx context.Context, l *lane, bound time.Duration) error {
	for l.busy && !l.late && !s.life.crashed.Load() {
		answers := l.answers
		bounded, cancel := s.within(ctx, bound)
		err := s.awaitParked(bounded, func() bool { return !l.busy || l.late })
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && l.answers == answers {
			l.late = true
		}
	}
	switch {
	case s.life.crashed.Load():
		return ErrCrashed
	case l.busy:
		return errBlocked
	}
	return nil
}

// inTurn is call for what people order: one that has not answered in time is waited
// for too.
func inTurn[T any](ctx context.Context, s *UnifiedTaskScheduler, l *lane, bound time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	for {
		value, err := call(ctx, s, l, bound, f)
		if !errors.Is(err, errBlocked) {
			return value, err
		}
		if s.awaitFor(ctx, bound, func() bool { return !l.busy }) != nil {
			return value, err
		}
	}
}

// give sets the answer, lets the caller go on, and ends the call's context. The
// caller of give holds mu.
func (a *answer[T]) give(value T, err error) {
	a.given, a.value, a.err = true, value, err
	close(a.done)
	a.cancel(err)
}

// contained calls f and makes a panic an error.
func contained[T any](ctx context.Context, l *lane, f func(ctx context.Context) (T, error)) (value T, err error) {
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
