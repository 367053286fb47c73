package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
)

// batches gives room for the runs of one batch after the other.
type batches struct{ last []Run }

// room returns room for n runs: that of the last batch, if the ledger answers from
// memory. That one keeps nothing of what it is given, and another might.
func (b *batches) room(n int, again bool) []Run {
	if !again {
		return make([]Run, n)
	}
	b.last = slices.Grow(b.last[:0], n)[:n]
	return b.last
}

// claim claims a batch in the ledger and starts the runs that it holds. With the
// ledger out of reach, what is delivered at least once starts all the same. The
// caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) claim(ctx context.Context, batch []*engine.Run) {
	runs := s.dispatch.claims.room(len(batch), s.lanes.claim.IsDirect())
	for i, p := range batch {
		runs[i] = s.runningOf(p)
	}
	t, drops := s.term.term, s.engine.Drops()
	s.mu.Unlock()

	claims, err := quiet.Call(ctx, s.lanes.claim, ledgerBound, func(ctx context.Context) ([]store.Claim, error) {
		return s.claimRuns(ctx, t, batch, runs)
	})
	if err == nil && len(claims) != len(batch) {
		err = fmt.Errorf("the ledger answered %d claims of %d", len(claims), len(batch))
	}

	s.mu.Lock()
	s.engine.Answered()
	switch {
	case s.engine.Drops() != drops: // they are planned anew
		for i, p := range batch {
			s.engine.Outlived(p, err == nil && claims[i].Held || err != nil && !errors.Is(err, store.ErrDeposed))
		}
	case err != nil && !errors.Is(err, store.ErrDeposed):
		s.claimFailed(batch, err)
	case err != nil:
		for _, p := range batch {
			s.engine.Unpick(p)
		}
		s.deposed(t, err) // at once, or the watermark could pass what was dropped
	default:
		s.clear("claim")
		s.claimsAnswer()
		now := s.clock.Now()
		for i, p := range batch {
			s.claimed(p, &runs[i], claims[i], now)
		}
	}
	s.act()
	for _, p := range batch {
		s.retire(accountOf(p.Account)) // which may have waited for it
	}
}

// claimRuns claims the batch, and reclaims what runs again.
func (s *UnifiedTaskScheduler) claimRuns(ctx context.Context, t store.Term, batch []*engine.Run, runs []Run) ([]store.Claim, error) {
	if !slices.ContainsFunc(batch, func(p *engine.Run) bool { return p.Replaces != nil }) {
		return s.cfg.Ledger.Claim(ctx, t, runs)
	}
	claims := make([]store.Claim, len(runs))
	fresh, at := make([]Run, 0, len(runs)), make([]int, 0, len(runs))
	for i, p := range batch {
		if p.Replaces == nil {
			fresh, at = append(fresh, runs[i]), append(at, i)
			continue
		}
		claim, err := s.cfg.Ledger.Reclaim(ctx, t, p.Replaces.(*Run).Token, runs[i])
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
func (s *UnifiedTaskScheduler) claimed(p *engine.Run, run *Run, c store.Claim, now time.Time) {
	switch {
	case !c.Held:
		s.engine.Unpick(p)
		s.slotTaken(p, c.Taken)
	case s.engine.Claimed(p, s.life.draining, now):
		run.First, run.Resumed = c.First, c.Resumed
		s.start(p, *run)
	}
}

// slotTaken drops a run whose slot has a row, which accounts for it. By is what is
// known of that row, or nil. A row of another session is that of another occurrence,
// to which the rule gave the same slot: this one has no row, and never will.
func (s *UnifiedTaskScheduler) slotTaken(p *engine.Run, by *Run) {
	attrs := []any{"task", p.Row.Task(), "account", p.Account.Name, "slot", p.Slot}
	switch {
	case by == nil:
		s.log.Warn("the slot lies before what the ledger keeps: it does not run", attrs...)
	case by.Session != p.Session:
		s.slotRecurs(p, by)
	default:
		s.tellEnded(by)
		s.log.Debug("the slot is taken", append(attrs, "due", p.Due, "by_due", by.Due, "outcome", by.Outcome.String())...)
	}
}

// slotRecurs tells that a rule gave a slot to two sessions.
func (s *UnifiedTaskScheduler) slotRecurs(p *engine.Run, by *Run) {
	run := s.runOf(p)
	run.Outcome, run.Reason = Skipped, why.Recurs(run.Slot, by.Session.String())
	run.Finished = s.clock.Now().Round(0).UTC()
	s.degrade("slot "+run.Task, fmt.Sprintf("%s does not run for session %v: %s", naming.Row(run.Task, run.Account), run.Session, run.Reason))
	s.tellRecorded(run, deliveryOf(p.Row), 1)
}

// startClaimed starts a run that was armed, or is claimed when it is settled.
func (s *UnifiedTaskScheduler) startClaimed(p *engine.Run) {
	run := s.runningOf(p)
	if run.First = s.engine.IsFirst(p); p.IsArmed() {
		run.First, run.Resumed = p.First, p.Resumed
	}
	s.start(p, run)
}

// claimFailed puts back what must not run unclaimed, to be claimed again with the
// same token, and starts the rest. The caller holds mu.
func (s *UnifiedTaskScheduler) claimFailed(batch []*engine.Run, err error) {
	s.degrade("claim", fmt.Sprintf("runs cannot be claimed: %v", err))
	for _, p := range s.engine.ClaimsFail(batch, why.WaitsForLedger+": "+said.Cut(err.Error(), said.MaxCondition), s.clock.Now()) {
		s.startClaimed(p)
	}
	d := &s.dispatch
	d.backoff = nextRetry(d.backoff)
	s.afterLocked(d.backoff, func() {
		s.engine.TryClaims()
		s.kickLater()
	})
}

// claimsAnswer ends the backoff of claims, as the ledger has taken some.
func (s *UnifiedTaskScheduler) claimsAnswer() {
	s.dispatch.backoff = 0
	s.engine.ClaimsAnswer()
}
