package tradeclock

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
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

// facts are what the engine looks up. Guarded by the scheduler's mu, as the engine is.
type facts struct{ s *UnifiedTaskScheduler }

// InForce returns the row by which a task of an account runs, or nil.
func (f facts) InForce(account, task string) *engine.Row {
	return f.s.rowFor(account, task).EngineRow()
}

// Row returns the row of a key, or nil.
func (f facts) Row(key engine.Key) *engine.Row {
	return f.s.sched.rows[store.ScheduleKey(key)].EngineRow()
}

// Quarantined reports whether the row of a key cannot be used.
func (f facts) Quarantined(key engine.Key) bool { return f.s.rejectedFor(key.Account, key.Task) != nil }

// Halted reports whether a halt is in force for an account, and why.
func (f facts) Halted(account string) (reason string, halted bool) {
	h, halted := f.s.haltFor(account)
	if !halted {
		return "", false
	}
	return h.Why(), true
}

// act does what the engine has to be done beside its answers. It is called after each
// that may have decided anything. The caller holds mu.
func (s *UnifiedTaskScheduler) act() {
	actions := s.engine.Take()
	for _, p := range actions.Cancel {
		p.Of.(*execution).ctx.cancel(errReplaced)
	}
	for _, t := range actions.Taken {
		s.slotTaken(t.Run, &t.By.Of.(*execution).run)
	}
	for _, a := range actions.Blocked {
		s.tellBlocked(accountOf(a))
	}
	s.tellBadRuns()
	s.releaseLater()
}

var errReplaced = errors.New(why.Replaced)

// deliveryOf is how the runs of a row are delivered.
func deliveryOf(r *engine.Row) Delivery {
	if r.AtLeastOnce {
		return AtLeastOnce
	}
	return AtMostOnce
}

// runOf makes a run of what the engine planned, as the ledger and the executor know it.
func (s *UnifiedTaskScheduler) runOf(p *engine.Run) Run {
	return Run{
		ID:              s.newID(p),
		Scheduler:       s.cfg.Name,
		Account:         p.Account.Name,
		Task:            p.Row.Task(),
		Slot:            p.Slot,
		Session:         p.Session,
		Due:             p.Due,
		Offset:          p.Offset,
		Term:            p.Term,
		Token:           s.tokenOf(p.Serial),
		Repeating:       p.Repeats,
		Backdated:       p.Backdated,
		Manual:          p.Actor != "",
		Actor:           p.Actor,
		Calendar:        p.Row.Calendar.Name(),
		CalendarVersion: p.CalendarVersion,
	}
}

// runningOf makes a run of what the engine has picked.
func (s *UnifiedTaskScheduler) runningOf(p *engine.Run) Run {
	run := s.runOf(p)
	run.Started, run.Outcome = p.Started, Running
	return run
}

func (s *UnifiedTaskScheduler) newID(p *engine.Run) string {
	var room [32]byte
	return s.texts.keep(store.AppendRunID(room[:0], s.cfg.Name, p.Account.Name, p.Row.Task(), p.Slot))
}

// tokenOf is the token of a planned start.
func (s *UnifiedTaskScheduler) tokenOf(serial int64) string {
	var room [64]byte
	token := append(append(room[:0], s.holder...), '/')
	return s.texts.keep(strconv.AppendInt(token, serial, 36))
}

// texts keeps short texts, many in one allocation. Guarded by the scheduler's mu.
type texts struct{ b strings.Builder }

func (t *texts) keep(text []byte) string {
	const slab = 4096
	if t.b.Cap()-t.b.Len() < len(text) {
		t.b = strings.Builder{}
		t.b.Grow(max(slab, len(text)))
	}
	from := t.b.Len()
	t.b.Write(text)
	return t.b.String()[from:]
}
