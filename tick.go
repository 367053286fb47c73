package tradeclock

import (
	"context"
	"slices"
	"time"
)

// Tick does one minute's work at the clock's now, for tests, simulations and
// programs with a loop of their own: it takes or renews the term, polls the
// schedules, plans, claims, starts and beats. It returns when what could start
// has started, without waiting for it to finish; Quiesce does that. Call it once
// a minute: a tick that finds the clock more than five minutes further than the
// last one plans nothing yet, and leaves it to the next to confirm the clock. Ticks
// beside a Run, or at the same time, are allowed and do no harm.
//
// The error is that of ctx, or ErrStopped. What else goes wrong is retried by the
// next tick and told by Status.
func (s *UnifiedTaskScheduler) Tick(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.ended {
		return ErrStopped
	}
	s.oneTick(ctx)
	if s.dispatching() {
		s.awaitPump(ctx)
	}
	if !s.life.running { // or else another goroutine does
		s.answerRequests(ctx)
	}
	s.sendBeat(ctx)
	return ctx.Err()
}

// NextTick is when Run would tick next, for a program that calls Tick itself: at the
// next minute boundary of the wall clock, and earlier if something finer is due or is
// to be tried again, or if the term may be had by then.
func (s *UnifiedTaskScheduler) NextTick() time.Time {
	now, wait := s.clock.Now(), s.untilNextWake()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.engine.Term.IsResumed() && !s.term.renewAt.IsZero() {
		wait = min(wait, max(s.term.renewAt.Sub(now), shortestWait))
	}
	return now.Add(wait)
}

// untilNextWake is the time to the next minute boundary of the wall clock, or to
// the next occurrence if that is sooner, or to the next try of what failed and
// something due may wait for.
func (s *UnifiedTaskScheduler) untilNextWake() time.Duration {
	now := s.clock.Now()
	d := nextMinute(now).Sub(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine.Wakes.AreDoubted() {
		return min(d, confirmAfter)
	}
	again := func(at time.Time) { d = min(d, max(at.Sub(now), retryFirst)) }
	if !s.sched.loaded {
		again(s.sched.retryAt)
	}
	if len(s.overrides.unstored) > 0 {
		again(now.Add(retryLast))
	}
	if len(s.sched.notFound) > 0 {
		again(s.sched.lookAt)
	}
	for _, v := range s.sched.watched {
		if v.failing {
			again(v.retryAt)
		}
	}
	for _, at := range [...]time.Time{s.engine.NextLook(), s.armsAt(), s.looksAt()} {
		if at.After(now) {
			d = min(d, at.Sub(now))
		}
	}
	return d
}

// oneTick polls, plans and dispatches. Only one goes on at a time. The caller is
// counted as active and holds mu, which is let go of while anything is asked that
// does not answer from memory.
func (s *UnifiedTaskScheduler) oneTick(ctx context.Context) {
	if s.takeTurn(ctx) != nil {
		return
	}
	defer s.giveTurn()
	now := s.clock.Now()
	s.noteWake(now)
	s.startArmed()
	if !s.life.running { // or else the keeper does, which may wait for the ledger
		s.renewIfDue(ctx, now)
	}
	s.pollIfDue(ctx, now)
	s.storeHalts(ctx)
	s.storeOverrides(ctx)
	s.refreshCalendars(ctx, now)
	if s.readHalts(ctx) != nil || ctx.Err() != nil {
		return // what was not heard out must not be planned by
	}
	s.planUpTo(s.clock.Now())
	s.engine.Bad.Pass(now)
	s.tellBadRuns()
	s.recallRuns()
	s.control.fresh = !s.dispatch.pumping
	s.kick()
	s.arm()
	s.watchArmed()
}

// takeTurn waits until no tick goes on, and keeps others from beginning until
// giveTurn is called. The error is that of ctx if it has ended first, or ErrCrashed. The
// caller of either is counted as active and holds mu.
func (s *UnifiedTaskScheduler) takeTurn(ctx context.Context) error {
	for s.ticking {
		if err := s.await(ctx, func() bool { return !s.ticking }); err != nil {
			return err
		}
		if s.life.crashed.Load() {
			return ErrCrashed // whoever ticks may not come back
		}
	}
	s.ticking = true
	return nil
}

func (s *UnifiedTaskScheduler) giveTurn() {
	s.ticking = false
	s.activity.Stir()
}

// noteWake notices a clock that was set, or a host that slept, since the last
// tick. The caller holds mu.
func (s *UnifiedTaskScheduler) noteWake(now time.Time) {
	from, step, stepped := s.engine.Woke(now)
	switch {
	case from.IsZero():
		s.activity.Stir() // Started waits for it
	case stepped:
		s.act()
		s.log.Warn("the clock stepped, or the host slept", "from", from.UTC(), "to", now.UTC(), "by", step)
		s.events.tell(ClockStepped{From: from.UTC(), To: now.UTC(), By: step})
	}
}

// planUpTo plans what is due until now and puts it into the queue. The caller holds mu.
func (s *UnifiedTaskScheduler) planUpTo(now time.Time) {
	from, planned := s.engine.PlanUpTo(s.overrides.limit(now))
	s.act()
	if planned && len(s.events) > 0 {
		s.events.tell(Ticked{From: from, To: s.engine.Planned()})
	}
}

// longestIdle bounds how far IdleUntil looks: conditions that come with the hours are
// told within one.
const longestIdle = time.Hour

// IdleUntil is until when nothing happens by itself, for a simulation that goes from
// instant to instant: the next due time, the next wake, or an hour, whichever is first.
// A Tick that comes by then takes the time in between as passed, and not as a step of
// the clock; the minutes in between have no heartbeats. It is the clock's now, and the
// simulation is to go on minute by minute, if not everything is at rest: while anything
// runs, was started since IdleUntil was last asked, is tried again, or Run goes on.
//
// Nobody else may write to the stores since the last Tick: what they write is read by
// the next one, and the next one may be too late for it.
func (s *UnifiedTaskScheduler) IdleUntil() time.Time {
	now, wake := s.clock.Now(), s.activity.NextWake()
	s.mu.Lock()
	defer s.mu.Unlock()
	started := s.running.started
	before := s.startedBefore
	s.startedBefore = started
	if started != before || !s.isIdle() {
		return now
	}
	until := now.Add(longestIdle)
	for _, at := range []time.Time{wake, s.engine.NextLook()} {
		if !at.IsZero() && at.Before(until) {
			until = at
		}
	}
	if until.Before(now) {
		return now
	}
	s.engine.Wakes.Idle(until)
	return until
}

// restlessWhile are the conditions under which something is tried again and again.
var restlessWhile = []string{"claim", "halts", "halts unstored", "heartbeat", "held", "lapse", "overrides", "poll", "record", "release", "requests", "resume", "settle", "term"}

// isIdle reports whether all is planned, and nothing goes on or is tried again. The caller
// holds mu.
func (s *UnifiedTaskScheduler) isIdle() bool {
	if s.life.running || s.life.ended || len(s.running.list) > 0 || s.dispatching() {
		return false
	}
	if !s.sched.loaded || !s.engine.Term.IsResumed() || !s.engine.Planned().Equal(s.engine.Wakes.Last().Round(0)) {
		return false
	}
	if len(s.sched.notFound) > 0 || slices.ContainsFunc(s.sched.watched, func(v *watchedCalendar) bool { return v.failing }) {
		return false
	}
	return !slices.ContainsFunc(restlessWhile, func(what string) bool { return s.health.conditions[what] != "" })
}
