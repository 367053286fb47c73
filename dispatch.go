package tradeclock

import (
	"context"
	"slices"
	"time"
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
			if (q.backoff > 0 || s.books.reconciling > 0 && p.run.Repeating) && p.mayRunUnclaimed() {
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
	return late && p.run.Repeating && slices.ContainsFunc(s.queue.spread, p.isFollowedBy)
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
	case s.books.reconciling > 0 && p.run.Repeating && !(s.books.settlePaused && p.mayRunUnclaimed()):
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
