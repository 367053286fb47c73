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
	if p.run.Repeating && newest != nil && newest.run.Due.After(p.run.Due) {
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
