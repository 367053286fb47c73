package tradeclock

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// rest counts what goes on, so that Quiesce can tell when nothing does. Guarded
// by the scheduler's mu.
type rest struct {
	active int // what is at work, parked or not
	parked map[*parking]struct{}
	// deafSink and deafObserver are what they had taken when they were found to hang,
	// or zero.
	deafSink, deafObserver int64
	// waiting has room for one word to each who waits, which it gets when something has
	// come to rest.
	waiting []chan struct{}
}

// parking is a call of user code that waits for a step of the clock, or for
// something else that is only done after Quiesce.
type parking struct {
	ctx   context.Context
	until time.Time // zero: until it says so itself
	// done tells whether the wait is over, if it is not nil. It is called with mu held.
	done func() bool
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
func (s *UnifiedTaskScheduler) Quiesce(ctx context.Context) error {
	if s.toldOrDeaf() { // as after most minutes
		return nil
	}
	for range tellYields {
		if err := s.await(ctx, s.atRestButTelling); err != nil {
			return err
		}
		if s.toldOrDeaf() {
			return nil
		}
		runtime.Gosched()
	}
	s.noteDeaf()
	return s.await(ctx, s.atRestButTelling)
}

// NextWake is the first instant for which the scheduler waits by itself, such as
// that of a retry, a deadline or the renewal of a term, or zero if it waits for none.
// Once it is at rest nothing happens before that, so that a simulation which goes to
// NextWake or NextTick, whichever is first, and rests there passes over nothing.
func (s *UnifiedTaskScheduler) NextWake() time.Time { return s.alarms.next() }

// tellYields is how often Quiesce lets the sink and the observer go first, before
// it takes them to hang: a blink if nothing else goes on.
const tellYields = 1_000_000

// toldOrDeaf reports whether nothing is on its way to the sink or the observer, or
// nothing that has got any further since one was taken to hang.
func (s *UnifiedTaskScheduler) toldOrDeaf() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	beats, events := s.taken()
	sink := s.atRest() || s.rest.deafSink == beats && s.atRestButTelling()
	return sink && (s.events.idle() || s.rest.deafObserver == events)
}

func (s *UnifiedTaskScheduler) noteDeaf() {
	s.mu.Lock()
	defer s.mu.Unlock()
	beats, events := s.taken()
	if !s.atRest() {
		s.rest.deafSink = beats
	}
	if !s.events.idle() {
		s.rest.deafObserver = events
	}
}

// taken counts what the sink and the observer have taken, from 1.
func (s *UnifiedTaskScheduler) taken() (beats, events int64) {
	return 1 + s.lanes.beat.answers, 1 + s.events.delivered.Load()
}

// Started waits until Run has begun its first tick, after which Quiesce may be
// relied on, or until ctx ends, and returns its error then.
func (s *UnifiedTaskScheduler) Started(ctx context.Context) error {
	return s.await(ctx, func() bool { return !s.plan.lastTick.IsZero() || s.life.ended })
}

// await waits until done is true, looking again whenever something came to rest.
// done is called with mu held.
func (s *UnifiedTaskScheduler) await(ctx context.Context, done func() bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.awaitLocked(ctx, done)
}

// awaitLocked is await for a caller that holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) awaitLocked(ctx context.Context, done func() bool) error {
	if done() {
		return nil
	}
	stirred := make(chan struct{}, 1)
	s.rest.waiting = append(s.rest.waiting, stirred)
	defer func() {
		s.rest.waiting = slices.DeleteFunc(s.rest.waiting, func(o chan struct{}) bool { return o == stirred })
	}()
	for !done() {
		s.mu.Unlock()
		ok := s.order.Wait(stirred, ctx.Done())
		s.mu.Lock()
		if !ok {
			return ctx.Err()
		}
	}
	return nil
}

// afterLocked calls f with mu held once d has passed.
func (s *UnifiedTaskScheduler) afterLocked(d time.Duration, f func()) *alarm {
	return s.alarms.after(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// within returns a context that ends after d on the scheduler's clock.
func (s *UnifiedTaskScheduler) within(ctx context.Context, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	al := s.alarms.after(d, func() { cancel(errTooSlow) })
	return ctx, func() {
		s.alarms.stop(al)
		cancel(nil)
	}
}

// atRest reports whether all that goes on waits for the clock. The caller holds mu.
func (s *UnifiedTaskScheduler) atRest() bool { return s.atRestBut(0) }

// atRestButTelling reports it but for a heartbeat that the sink has not taken yet.
func (s *UnifiedTaskScheduler) atRestButTelling() bool {
	if beat := s.lanes.beat.waiting; beat != nil && beat.parked == 0 {
		return s.atRestBut(1)
	}
	return s.atRestBut(0)
}

func (s *UnifiedTaskScheduler) atRestBut(telling int) bool {
	if s.rest.active > len(s.rest.parked)+telling || s.alarms.due() {
		return false
	}
	for p := range s.rest.parked {
		if p.ctx.Err() != nil || !p.until.IsZero() && !s.clock.Now().Before(p.until) || p.done != nil && p.done() {
			return false
		}
	}
	return true
}

// park and unpark enclose a wait of somebody who is counted as active. The caller
// holds mu.
func (s *UnifiedTaskScheduler) park(p *parking) {
	if s.rest.parked == nil {
		s.rest.parked = make(map[*parking]struct{})
	}
	s.rest.parked[p] = struct{}{}
	s.stirLocked()
}

func (s *UnifiedTaskScheduler) unpark(p *parking) { delete(s.rest.parked, p) }

// begin and end enclose activity. The caller does not hold mu.
func (s *UnifiedTaskScheduler) begin() {
	s.mu.Lock()
	s.rest.active++
	s.mu.Unlock()
}

func (s *UnifiedTaskScheduler) end() {
	s.mu.Lock()
	s.endLocked()
	s.mu.Unlock()
}

func (s *UnifiedTaskScheduler) endLocked() {
	s.rest.active--
	s.stirLocked()
}

// stir makes Quiesce look again.
func (s *UnifiedTaskScheduler) stir() {
	s.mu.Lock()
	s.stirLocked()
	s.mu.Unlock()
}

func (s *UnifiedTaskScheduler) stirLocked() {
	for _, stirred := range s.rest.waiting {
		select {
		case stirred <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}

// visitKey finds the visit in the context of a call of user code.
type visitKey struct{}

// visit is a call of user code: how often it is parked just now is guarded by mu.
type visit struct {
	s      *UnifiedTaskScheduler
	parked int
}

// visiting returns the context of a call of user code.
func (s *UnifiedTaskScheduler) visiting(ctx context.Context) (context.Context, *visit) {
	v := &visit{s: s}
	return context.WithValue(ctx, visitKey{}, v), v
}

// Park tells the scheduler that the call of an executor or a store to which ctx
// belongs waits for something that only happens after Quiesce, so that Quiesce
// does not wait for the call. Call the result when the wait is over. It is for
// test doubles; Sleep parks by itself. Outside of such a call it does nothing.
func Park(ctx context.Context) (unpark func()) {
	return parkUntil(ctx, time.Time{})
}

func parkUntil(ctx context.Context, until time.Time) (unpark func()) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return func() {}
	}
	s, p := v.s, &parking{ctx: ctx, until: until}
	s.mu.Lock()
	v.parked++
	s.park(p)
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.unpark(p)
		v.parked--
		s.mu.Unlock()
	}
}
