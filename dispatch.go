package tradeclock

import (
	"context"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
)

// dispatch is how what the engine picks is started. Guarded by the scheduler's mu.
type dispatch struct {
	pumping  bool          // the pump goes on
	again    bool          // it was kicked meanwhile
	expiry   *quiet.Alarm  // goes off when the first catch-up ends
	expiryAt time.Time     // and that is then
	starting *quiet.Alarm  // goes off when the next run that waits for its time may start
	backoff  time.Duration // before the next claim, while the ledger is out of reach
	claims   batches
	manual   int // how many runs are being claimed that a person triggered
}

// kick starts what can start: in place if the ledger answers from memory, and
// else in a goroutine. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) kick() {
	switch {
	case !s.beginPumping():
	case s.lanes.claim.IsDirect():
		s.pump()
	default:
		s.spawnLocked(s.pump)
	}
}

// kickLater is kick for a caller that does not let go of mu: it never dispatches in
// place.
func (s *UnifiedTaskScheduler) kickLater() {
	if s.beginPumping() {
		s.spawnLocked(s.pump)
	}
}

// beginPumping reports whether the caller is to let the pump go on. If it does
// already, it looks once more at what can start.
func (s *UnifiedTaskScheduler) beginPumping() bool {
	if s.life.ended {
		return false // nobody would end a call that it made
	}
	if s.dispatch.pumping {
		s.dispatch.again = true
		return false
	}
	s.dispatch.pumping = true
	s.activity.Begin()
	return true
}

// pump claims and starts batch by batch until nothing more can start, and stores
// what has become of the rest. Only one goes on at a time. The caller holds mu, which
// is let go of while the ledger is asked.
func (s *UnifiedTaskScheduler) pump() {
	ctx := context.Background()
	for {
		if batch := s.nextBatch(ctx); len(batch) > 0 {
			s.claim(ctx, batch)
			continue
		}
		s.flush()
		if !s.dispatch.again && !s.engine.More() || s.life.ended {
			break
		}
	}
	s.watchExpiry()
	s.watchStarts()
	s.engine.Rest()
	s.dispatch.pumping = false
	s.activity.End()
}

// nextBatch picks what can start now, having read the halts. What need not be claimed
// is started at once.
func (s *UnifiedTaskScheduler) nextBatch(ctx context.Context) []*engine.Run {
	known := s.control.fresh || s.control.unread != nil && s.clock.Now().Before(s.control.retryAt)
	s.dispatch.again, s.control.fresh = false, false
	ready := s.engine.Prepare(s.clock.Now())
	s.act()
	if !ready || s.life.draining {
		return nil
	}
	if !known { // or else what was ordered in another process would be learnt at ticks alone
		_ = s.readHalts(ctx) // nobody gives it up
	}
	if s.life.ended || s.life.draining {
		return nil
	}
	picked := s.engine.Pick(s.clock.Now(), s.obstacles())
	for _, p := range picked.Start {
		s.startClaimed(p)
	}
	s.act()
	return picked.Claim
}

func (s *UnifiedTaskScheduler) obstacles() engine.Obstacles {
	return engine.Obstacles{
		HaltsUnread: s.control.unread != nil, Reconciling: s.books.reconciling > 0, Unsettled: s.books.settlePaused,
	}
}

// awaitPump waits until the pump rests, but no longer than a tick waits for a
// store. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) awaitPump(ctx context.Context) {
	bounded, cancel := s.activity.Within(ctx, pollBound)
	defer cancel()
	// What has not started by then starts when it can.
	_ = s.await(bounded, func() bool { return !s.dispatching() })
}

// dispatching reports whether anything is being claimed or recorded.
func (s *UnifiedTaskScheduler) dispatching() bool { return s.dispatch.pumping || s.books.flushBusy }

// watchExpiry looks through the queue again when the first catch-up in it ends.
func (s *UnifiedTaskScheduler) watchExpiry() {
	d, at := &s.dispatch, s.engine.ExpiresAt()
	if d.expiry != nil && d.expiryAt.Equal(at) {
		return
	}
	d.expiry.Stop()
	d.expiry, d.expiryAt = nil, at
	if at.IsZero() || s.life.draining {
		return
	}
	d.expiry = s.afterLocked(at.Sub(s.clock.Now()), func() {
		d.expiry = nil
		s.kickLater()
	})
}

// watchStarts looks through the queue again when the next run in it may start.
func (s *UnifiedTaskScheduler) watchStarts() {
	d, at := &s.dispatch, s.engine.LookForStarts()
	d.starting.Stop()
	d.starting = nil
	if at.IsZero() || s.life.draining {
		return
	}
	s.keepBetweenTicks()
	d.starting = s.afterLocked(at.Sub(s.clock.Now()), s.kickLater)
}
