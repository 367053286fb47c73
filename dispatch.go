package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

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
	if s.queue.pumping {
		s.queue.again = true
		return false
	}
	s.queue.pumping = true
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
		if !s.queue.again || s.life.ended {
			break
		}
	}
	s.watchExpiry()
	s.watchStarts()
	s.queue.batch = 0
	s.queue.pumping = false
	s.activity.End()
}

// nextBatch picks what can start now, having read the halts.
func (s *UnifiedTaskScheduler) nextBatch(ctx context.Context) []*pending {
	q := &s.queue
	known := s.control.fresh || s.control.unread != nil && s.clock.Now().Before(s.control.retryAt)
	q.again, q.startAt, s.control.fresh = false, time.Time{}, false
	if q.isEmpty() {
		return nil
	}
	q.batch = max(q.batch, firstBatch)
	now := s.clock.Now()
	s.enqueueReruns(now)
	s.expire(now)
	s.lineUpSpread(now)
	if !q.hasReady() || s.life.draining {
		return nil
	}
	if !known { // or else what was ordered in another process would be learnt at ticks alone
		_ = s.readHalts(ctx) // nobody gives it up
	}
	return s.pick(s.clock.Now())
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
func (s *UnifiedTaskScheduler) dispatching() bool { return s.queue.pumping || s.books.flushBusy }

// pick takes from the queue what can start now, no more than there are places,
// and reserves for each its place, its task and its group. The caller holds mu.
func (s *UnifiedTaskScheduler) pick(now time.Time) []*pending {
	q := &s.queue
	if s.life.ended || s.life.draining || !s.term.resumed {
		return nil
	}
	var batch, kept []*pending
	s.lineUpPreceding(now)
	for len(batch) < q.batch && !s.crowded() {
		if len(q.ready) == 0 {
			if !s.lineUpNext(now) {
				break
			}
			s.lineUpPreceding(now) // an occurrence that runs may be later than the wave's first
			if len(q.ready) == 0 { // all of these were recorded: there may be many
				q.again = true
				break
			}
		}
		p := q.ready[0]
		q.ready[0], q.ready = nil, q.ready[1:]
		if !p.lined {
			continue
		}
		switch s.admitRun(p, now) {
		case startNow:
			p.lined = false
			s.reserve(p)
			if (q.backoff > 0 || s.books.reconciling > 0 && p.row.repeats()) && p.mayRunUnclaimed() {
				s.startUnclaimed(p, now) // and not wait for the ledger once more
				continue
			}
			batch = append(batch, p)
		case keepReady:
			kept = append(kept, p)
		}
	}
	if len(kept) > 0 {
		q.ready = append(kept, q.ready...)
		slices.SortStableFunc(q.ready, (*pending).compare)
	}
	if len(batch) == q.batch {
		q.batch = min(2*q.batch, fullBatch)
	}
	q.claiming = batch
	return batch
}

// crowded reports whether all places are taken.
func (s *UnifiedTaskScheduler) crowded() bool {
	return s.cfg.MaxConcurrent > 0 && s.queue.places >= s.cfg.MaxConcurrent
}

type admission int

const (
	startNow  admission = iota
	keepReady           // it waits in the ready queue
	movedOn             // it waits elsewhere, or was recorded
)

// admitRun decides whether a ready run starts now.
func (s *UnifiedTaskScheduler) admitRun(p *pending, now time.Time) admission {
	ts := p.task
	current := s.rowFor(p.run.Account, p.run.Task)
	halt, halted := s.haltFor(p.run.Account)
	switch {
	case p.acct.gone:
		p.lined = false
		s.skip(p, reasonWithdrawn)
		return movedOn
	case current == nil || current.Disabled:
		p.lined = false
		s.skip(p, reasonDisabled)
		return movedOn
	case halted:
		p.lined = false
		s.skip(p, haltReason(halt))
		return movedOn
	case s.isHeldUp(p, now):
		return keepReady
	case s.isOvertaken(p, now):
		p.lined = false
		s.miss(p, supersededWaiting(p))
		return movedOn
	case !p.acct.started:
		s.awaitStart(p)
		return movedOn
	}
	if ts.isBusy() && s.besideOthers(p, ts) {
		return movedOn
	}
	if p.row.Exclusive != "" {
		if g := p.acct.group(p.row.Exclusive); g.busy {
			p.waits = "group " + p.row.Exclusive
			g.waiting = append(g.waiting, p)
			s.queue.waiting[p] = struct{}{}
			return movedOn
		}
	}
	if ok, next := s.limits.Reserve(p.row.StartLimit, p.acct.name, now); !ok {
		p.waits = "start limit " + p.row.StartLimit
		s.queue.startsAt(next)
		return keepReady
	}
	return startNow
}

// isOvertaken reports whether a run that comes late is followed by a newer occurrence
// whose offset has not passed yet.
func (s *UnifiedTaskScheduler) isOvertaken(p *pending, now time.Time) bool {
	late := p.waits != "" || now.Sub(p.start()) >= time.Second
	return late && p.row.repeats() && slices.ContainsFunc(s.queue.spread, p.isFollowedBy)
}

// isHeldUp reports whether something keeps a run from starting that may be over soon,
// and notes what.
func (s *UnifiedTaskScheduler) isHeldUp(p *pending, now time.Time) bool {
	switch {
	case now.Round(0).Before(p.run.Due):
		p.waits = "the clock, which was set back"
	case now.Round(0).Before(p.start()):
		s.queue.startsAt(p.start())
	case !s.term.mayStart(p.row.Delivery, now):
		p.waits = "the term, which could not be renewed"
	case s.releases.has(&p.run):
		p.waits = "the ledger, which still has an earlier claim of its slot"
	case s.queue.paused && !p.mayRunUnclaimed():
		if p.waits == "" {
			p.waits = "the ledger, which did not answer"
		}
	case s.books.reconciling > 0 && p.row.repeats() && !(s.books.settlePaused && p.mayRunUnclaimed()):
		p.waits = "the ledger, which does not have the runs of older terms yet"
	case s.control.unread != nil && p.row.Delivery == AtMostOnce:
		p.waits = "the halts, which could not be read"
	case !p.acct.confirmed && p.row.Delivery == AtMostOnce:
		p.waits = "the enrolment of its account"
	default:
		return false
	}
	return true
}

func (s *UnifiedTaskScheduler) reserve(p *pending) {
	s.queue.places++
	p.task.picked(p)
	if p.row.Exclusive != "" {
		p.acct.group(p.row.Exclusive).busy = true
	}
}

// unreserve gives back what reserve took, for a run that does not start. An executor
// that is to stop may have waited for it.
func (s *UnifiedTaskScheduler) unreserve(p *pending) {
	s.queue.places--
	p.task.unpicked(p)
	s.limits.Release(p.row.StartLimit, p.acct.name)
	s.leaveTask(p.task)
	s.leaveGroup(p.acct, p.row.Exclusive)
	s.retire(p.acct)
}

// leaveGroup looks again at the runs that wait for the group, in order: the first may
// not start after all.
func (s *UnifiedTaskScheduler) leaveGroup(a *account, group string) {
	if group == "" {
		return
	}
	g := a.group(group)
	g.busy = false
	if len(g.waiting) > 0 {
		s.queue.unblock(g.waiting)
	}
}

// claim claims a batch in the ledger and starts the runs that it holds. With the
// ledger out of reach, what is delivered at least once starts all the same. The
// caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) claim(ctx context.Context, batch []*pending) {
	runs := s.queue.claims.room(len(batch), s.lanes.claim.IsDirect())
	now := s.clock.Now()
	t, drops := s.term.term, s.queue.drops
	started := now.Round(0).UTC()
	for i, p := range batch {
		p.run.Started, p.run.Term, p.run.Outcome = started, t.Number, Running
		runs[i] = p.run
	}
	s.mu.Unlock()

	claims, err := quiet.Call(ctx, s.lanes.claim, ledgerBound, func(ctx context.Context) ([]Claim, error) {
		return s.claimRuns(ctx, t, batch, runs)
	})
	if err == nil && len(claims) != len(batch) {
		err = fmt.Errorf("the ledger answered %d claims of %d", len(claims), len(batch))
	}

	s.mu.Lock()
	s.queue.claiming = nil
	switch {
	case s.queue.drops != drops:
		for i, p := range batch {
			s.unreserve(p)
			if err == nil && claims[i].Held || err != nil && !errors.Is(err, ErrDeposed) {
				s.giveBack(p, t, NoOutcome, "") // it is planned anew
			}
		}
	case err != nil && !errors.Is(err, ErrDeposed):
		s.claimFailed(batch, err)
	case err != nil:
		for _, p := range batch {
			s.unreserve(p)
		}
		s.deposed(t, err) // at once, or the watermark could pass what was dropped
	default:
		s.clear("claim")
		s.queue.backoff = 0
		now = s.clock.Now()
		for i, p := range batch {
			s.claimed(p, claims[i], now)
		}
	}
}

// claimRuns claims the batch, and reclaims what runs again.
func (s *UnifiedTaskScheduler) claimRuns(ctx context.Context, t Term, batch []*pending, runs []Run) ([]Claim, error) {
	if !slices.ContainsFunc(batch, func(p *pending) bool { return p.replaces != nil }) {
		return s.cfg.Ledger.Claim(ctx, t, runs)
	}
	claims := make([]Claim, len(runs))
	fresh, at := make([]Run, 0, len(runs)), make([]int, 0, len(runs))
	for i, p := range batch {
		if p.replaces == nil {
			fresh, at = append(fresh, runs[i]), append(at, i)
			continue
		}
		claim, err := s.cfg.Ledger.Reclaim(ctx, t, p.replaces.Token, runs[i])
		if err != nil {
			return nil, err
		}
		claims[i] = claim
	}
	if len(fresh) == 0 {
		return claims, nil
	}
	got, err := s.cfg.Ledger.Claim(ctx, t, fresh)
	if err != nil {
		return nil, err
	}
	if len(got) != len(fresh) {
		return nil, fmt.Errorf("the ledger answered %d claims of %d", len(got), len(fresh))
	}
	for i, claim := range got {
		claims[at[i]] = claim
	}
	return claims, nil
}

// claimed starts a run that the ledger holds, and drops one whose slot has an
// outcome already.
func (s *UnifiedTaskScheduler) claimed(p *pending, c Claim, now time.Time) {
	if c.Held && !s.stillMayStart(p, now) {
		s.putBack(p)
		return
	}
	if !c.Held {
		s.unreserve(p)
		s.slotTaken(p, c.Taken)
		return
	}
	p.run.First, p.run.Resumed = c.First, c.Resumed
	switch {
	case s.life.draining:
		s.unreserve(p)
		s.giveBack(p, s.term.term, NoOutcome, "")
		s.queue.push(p) // where it keeps the watermark from passing it
	case p.acct.gone:
		s.unreserve(p)
		s.giveBack(p, s.term.term, Skipped, "the account was withdrawn before it started")
	default:
		s.start(p, false)
	}
}

// slotTaken drops a run whose slot has a row, which accounts for it. By is what is
// known of that row, or nil. A row of another session is that of another occurrence,
// to which the rule gave the same slot: this one has no row, and never will.
func (s *UnifiedTaskScheduler) slotTaken(p *pending, by *Run) {
	if by == nil {
		s.log.Warn("the slot lies before what the ledger keeps: it does not run", "task", p.run.Task, "account", p.run.Account, "slot", p.run.Slot)
		return
	}
	if by.Session != p.run.Session {
		s.slotRecurs(p, by)
		return
	}
	s.log.Debug("the slot is taken", "task", p.run.Task, "account", p.run.Account, "slot", p.run.Slot, "due", p.run.Due,
		"by_due", by.Due, "outcome", by.Outcome.String())
}

func recurs(slot string, session calendar.Date) string {
	return fmt.Sprintf("the rule gave it slot %q, which is that of session %v: a slot is for one occurrence, for ever", slot, session)
}

// slotRecurs tells that a rule gave a slot to two sessions.
func (s *UnifiedTaskScheduler) slotRecurs(p *pending, by *Run) {
	run := p.run
	run.Outcome, run.Started = Skipped, time.Time{}
	run.Reason = recurs(run.Slot, by.Session)
	run.Finished = s.clock.Now().Round(0).UTC()
	s.degrade("slot "+run.Task, fmt.Sprintf("%s does not run for session %v: %s", rowName(run.Task, run.Account), run.Session, run.Reason))
	s.tellRecorded(run)
}

// stillMayStart looks again at what may have changed while the ledger was asked. An
// account that went and came back has an executor that must be started first.
func (s *UnifiedTaskScheduler) stillMayStart(p *pending, now time.Time) bool {
	if !p.acct.started && !p.acct.gone {
		return false
	}
	_, halted := s.haltFor(p.run.Account)
	inTime := !now.Round(0).Before(p.start()) && now.Before(p.expires)
	return !halted && inTime && s.term.mayStart(p.row.Delivery, now)
}

// putBack lines up a run again whose claim the ledger has, or may have. One that a
// newer occurrence has followed meanwhile is missed.
func (s *UnifiedTaskScheduler) putBack(p *pending) {
	p.uncertain = true
	s.unreserve(p)
	newest := p.task.newest
	if p.row.repeats() && newest != nil && newest.run.Due.After(p.run.Due) {
		s.miss(p, supersededWaiting(p))
		return
	}
	s.queue.push(p)
}

// mayRunUnclaimed reports whether a ledger out of reach does not stop the run.
func (p *pending) mayRunUnclaimed() bool {
	return p.row.Delivery == AtLeastOnce && p.replaces == nil && !p.acct.gone
}

// startUnclaimed starts a reserved run that is claimed when it is settled.
func (s *UnifiedTaskScheduler) startUnclaimed(p *pending, now time.Time) {
	p.run.Started, p.run.Term, p.run.Outcome = now.Round(0).UTC(), s.term.term.Number, Running
	p.run.First = p.task.succeeded != p.run.Session && p.run.Repeating
	s.start(p, true)
}

// claimFailed puts back what must not run unclaimed, to be claimed again with the
// same token, and starts the rest. The caller holds mu.
func (s *UnifiedTaskScheduler) claimFailed(batch []*pending, err error) {
	s.degrade("claim", fmt.Sprintf("runs cannot be claimed: %v", err))
	now, waits := s.clock.Now(), "the ledger: "+said.Cut(err.Error(), said.MaxCondition)
	for _, p := range batch {
		if p.mayRunUnclaimed() && s.stillMayStart(p, now) {
			s.startUnclaimed(p, now)
			continue
		}
		p.waits = waits
		s.putBack(p)
	}
	s.queue.backoff = nextRetry(s.queue.backoff)
	s.queue.paused = true
	s.afterLocked(s.queue.backoff, func() {
		s.queue.paused = false
		s.kickLater()
	})
}
