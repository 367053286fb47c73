package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// books is what is still to be written to the ledger. Guarded by the scheduler's
// mu.
type books struct {
	settling      []settlement
	reconciling   int           // of those, how many are of runs that older terms left
	settleBusy    bool          // settleAll goes on
	settlePaused  bool          // the backoff has not passed yet
	settleBackoff time.Duration // before the next try, while the ledger is out of reach
	settleMost    int           // outcomes at a time: fewer after a batch that took too long, or zero
	inherited     []RunSettled  // of runs that older terms left, to be told once the schedules are known
	outcomes      batches

	flushBusy  bool      // flushAll goes on
	flushAgain bool      // there may be more to write since the last look
	pauseUntil time.Time // no write before it
}

// settlement is an outcome on its way to the ledger. It is kept until it is
// stored.
type settlement struct {
	run      *Run
	delivery Delivery
	// unclaimed is the run as the engine knows it if it was not claimed when it started,
	// and nil else: it is claimed first.
	unclaimed *engine.Run
	rerun     bool // an older term left it: if it is delivered at least once, run it again
}

// settle stores outcomes: in place if the ledger answers from memory, and else in a
// goroutine. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) settle() {
	switch {
	case !s.beginSettling():
	case s.lanes.settle.IsDirect():
		s.settleAll()
	default:
		s.spawnLocked(s.settleAll)
	}
}

// settleLater is settle for a caller that does not let go of mu.
func (s *UnifiedTaskScheduler) settleLater() {
	if s.beginSettling() {
		s.spawnLocked(s.settleAll)
	}
}

// beginSettling reports whether the caller is to settle: nobody else does, and
// there is something.
func (s *UnifiedTaskScheduler) beginSettling() bool {
	b := &s.books
	if b.settleBusy || b.settlePaused || len(b.settling) == 0 {
		return false
	}
	b.settleBusy = true
	s.activity.Begin()
	return true
}

// settleAll stores outcomes in batches until there are none. An error is retried
// for as long as it takes, one to five seconds apart. The caller holds mu, which is
// let go of while the ledger is asked.
func (s *UnifiedTaskScheduler) settleAll() {
	defer s.activity.End()
	b := &s.books
	reconciles := false
	for len(b.settling) > 0 {
		reconciles = reconciles || b.reconciling > 0
		batch := b.nextToSettle()
		n := len(batch)
		t, known := s.settleTerm(batch)
		if !known {
			s.settleFailed(errNoTermYet)
			break
		}
		s.mu.Unlock()
		results, err := quiet.Call(context.Background(), s.lanes.settle, ledgerBound, func(ctx context.Context) ([]store.SettleResult, error) {
			return s.settleBatch(ctx, t, batch)
		})
		s.mu.Lock()
		if err == nil && len(results) != n {
			err = fmt.Errorf("the ledger answered %d settlements of %d", len(results), n)
		}
		if errors.Is(err, store.ErrDeposed) {
			s.deposed(t, err)
		}
		b.sizeNext(n, err)
		if err != nil {
			s.settleFailed(err)
			break
		}
		b.settling = b.settling[n:]
		b.settleBackoff = 0
		s.settledAll(batch, results, t)
		s.clear("settle")
	}
	if len(b.settling) == 0 {
		b.settling = nil
	}
	b.settleBusy = false
	if s.engine.HasAgain() || len(s.engine.Records()) > 0 || reconciles || s.engine.HasWithdrawn() || s.engine.HasReady() {
		s.kickLater() // if it failed, what is delivered at least once waits no longer
	}
}

// nextToSettle returns the next batch. What older terms left comes first and by
// itself: what is claimed after it is told whether any of it has succeeded.
func (b *books) nextToSettle() []settlement {
	n := min(len(b.settling), cmp.Or(b.settleMost, fullBatch))
	if b.reconciling > 0 {
		n = min(n, b.reconciling)
		slices.SortStableFunc(b.settling, func(x, y settlement) int {
			switch {
			case x.rerun == y.rerun:
				return 0
			case x.rerun:
				return -1
			}
			return 1
		})
	}
	return b.settling[:n:n]
}

// sizeNext makes the next batch smaller if this one took too long, so that what takes
// its time holds up few others, and else larger again.
func (b *books) sizeNext(n int, err error) {
	switch {
	case errors.Is(err, quiet.ErrTooSlow):
		b.settleMost = max(1, n/8)
	case err == nil && b.settleMost > 0:
		b.settleMost = min(2*b.settleMost, fullBatch)
	}
}

var (
	errNoTermYet   = errors.New("it is not known yet whether the term is held")
	errClaimGoesOn = errors.New("a claim that was given up has not returned")
)

// claimGoesOn reports whether a claim was given up and has not returned: it may
// still be made.
func (s *UnifiedTaskScheduler) claimGoesOn() bool {
	return s.lanes.claim.IsLeft() || s.lanes.arm.IsLeft() || s.lanes.manual.IsLeft()
}

// settleTerm returns the term under which what started unclaimed is claimed. It is
// zero if another scheduler holds the term, which accounts for those runs: their
// outcomes are late evidence then. As long as neither is known they wait.
func (s *UnifiedTaskScheduler) settleTerm(batch []settlement) (t store.Term, known bool) {
	switch {
	case s.engine.Term.IsResumed():
		return s.term.term, true
	case s.term.holder != "":
		return store.Term{}, true
	}
	return store.Term{}, !slices.ContainsFunc(batch, func(st settlement) bool { return st.unclaimed != nil })
}

// settleBatch settles a batch, and first claims what started unclaimed.
func (s *UnifiedTaskScheduler) settleBatch(ctx context.Context, t store.Term, batch []settlement) ([]store.SettleResult, error) {
	runs := s.books.outcomes.room(len(batch), s.lanes.settle.IsDirect())
	var unclaimed []Run
	for i := range batch {
		st := &batch[i]
		runs[i] = *st.run
		if st.unclaimed != nil {
			claim := *st.run
			claim.Outcome, claim.Reason, claim.Finished = Running, "", time.Time{}
			unclaimed = append(unclaimed, claim)
		}
	}
	if len(unclaimed) > 0 && t.Number != 0 {
		if _, err := s.cfg.Ledger.Claim(ctx, t, unclaimed); err != nil {
			return nil, err
		}
	}
	return s.cfg.Ledger.Settle(ctx, runs)
}

func (s *UnifiedTaskScheduler) settleFailed(err error) {
	b := &s.books
	s.degrade("settle", fmt.Sprintf("outcomes are not stored yet (%d): %v", len(b.settling), err))
	b.settleBackoff = nextRetry(b.settleBackoff)
	b.settlePaused = true
	s.afterLocked(b.settleBackoff, func() {
		s.books.settlePaused = false
		s.settleLater()
	})
}

// settledAll does what follows from the ledger's answers.
func (s *UnifiedTaskScheduler) settledAll(batch []settlement, results []store.SettleResult, t store.Term) {
	for i := range batch {
		st := &batch[i]
		if st.unclaimed != nil && !results[i].Accepted && s.engine.Term.IsResumed() && s.term.term != t {
			// It was evidence for another holder, and the term that was taken
			// meanwhile counts on it.
			s.books.settling = append(s.books.settling, *st)
			continue
		}
		s.settled(st, results[i])
		if st.unclaimed != nil {
			s.engine.Stored(st.unclaimed)
			s.clear("claim") // it was claimed now
			s.claimsAnswer()
		}
	}
}

// settled does what follows from the ledger's answer.
func (s *UnifiedTaskScheduler) settled(st *settlement, result store.SettleResult) {
	if st.rerun {
		s.books.reconciling--
	}
	s.tellSettled(st, !result.Accepted)
	if result.Accepted {
		s.tellEnded(st.run)
	}
	switch {
	case result.Accepted && s.engine.Term.IsResumed() && !st.run.RerunUntil.IsZero(): // or else the next term finds it
		s.runAgain(st.run)
	case result.Accepted:
	default:
		s.log.Warn("an outcome came after the run had been settled otherwise", "task", st.run.Task,
			"account", st.run.Account, "slot", st.run.Slot, "outcome", st.run.Outcome.String())
	}
}

// tellSettled tells what the ledger has. How a run is delivered that an older term left
// is known once the schedules are.
func (s *UnifiedTaskScheduler) tellSettled(st *settlement, late bool) {
	switch {
	case len(s.events) == 0:
	case !st.rerun:
		s.events.tell(RunSettled{*st.run, st.delivery, late})
	default:
		s.books.inherited = append(s.books.inherited, RunSettled{Run: *st.run, Late: late})
		if s.sched.loaded {
			s.tellInherited()
		}
	}
}

// tellInherited tells what became of the runs that older terms left.
func (s *UnifiedTaskScheduler) tellInherited() {
	for _, e := range s.books.inherited {
		if r := s.rowFor(e.Run.Account, e.Run.Task); r != nil {
			e.Delivery = r.Delivery
		}
		s.events.tell(e)
	}
	s.books.inherited = nil
}
