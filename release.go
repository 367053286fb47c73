package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

// releasing is how claims are given back. Guarded by the scheduler's mu.
type releasing struct {
	busy    bool          // releaseAll goes on
	paused  bool          // the backoff has not passed yet
	backoff time.Duration // before the next try, while the ledger is out of reach
	batches batches
}

// releaseLater gives back what is to be given back in a goroutine. The caller holds
// mu.
func (s *UnifiedTaskScheduler) releaseLater() {
	rs := &s.releasing
	if rs.busy || rs.paused || s.arming.busy || len(s.engine.Releases()) == 0 {
		return
	}
	rs.busy = true
	s.activity.Begin()
	s.spawnLocked(s.releaseAll)
}

// releaseAll gives back claims in batches until there are none. An error is retried
// for as long as it takes. The caller holds mu, which is let go of while the ledger is
// asked.
func (s *UnifiedTaskScheduler) releaseAll() {
	defer s.activity.End()
	rs := &s.releasing
	for len(s.engine.Releases()) > 0 && !s.arming.busy { // or a claim might come after it
		if err := s.releaseBatch(); err != nil {
			s.releaseFailed(err)
			break
		}
		rs.backoff = 0
		s.clear("release")
	}
	rs.busy = false
	s.kickLater() // what waited for the slots may start
}

// releaseBatch gives back the claims of one term. Those of a term that another has
// followed are left to its holder, which finds them unsettled.
func (s *UnifiedTaskScheduler) releaseBatch() error {
	batch := s.engine.NextReleases()
	t := store.Term{Scheduler: s.cfg.Name, Holder: s.holder, Number: batch[0].Term}
	switch {
	case s.engine.Term.IsResumed():
		t = s.term.term
	case s.term.holder != "":
		s.leaveToNext(batch)
		return nil
	}
	claimGoesOn := s.claimGoesOn()
	runs := s.releasing.batches.room(len(batch), s.lanes.release.IsDirect())
	for i, r := range batch {
		runs[i] = s.releasedRun(r)
	}
	s.mu.Unlock()
	_, err := quiet.Call(context.Background(), s.lanes.release, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.cfg.Ledger.Release(ctx, t, runs)
	})
	s.mu.Lock()
	switch {
	case errors.Is(err, store.ErrDeposed):
		s.deposed(t, err)
		if s.life.draining { // nobody asks any more who holds the term
			s.leaveToNext(batch)
			return nil
		}
		return err
	case err == nil && claimGoesOn:
		return errClaimGoesOn
	case err != nil:
		return err
	}
	s.released(len(batch))
	return nil
}

// releasedRun is a run as the ledger is told of it whose claim is given back. One that
// took the place of a row leaves that as it was.
func (s *UnifiedTaskScheduler) releasedRun(r engine.Release) Run {
	run := s.runOf(r.Run)
	run.Term = r.Term
	if r.Run.Replaces != nil {
		was := r.Run.Replaces.(*Run)
		run.Outcome, run.Reason, run.Finished, run.RerunUntil = was.Outcome, was.Reason, was.Finished, was.RerunUntil
	}
	return run
}

// released notes what becomes of the first n runs, whose claims were given back.
func (s *UnifiedTaskScheduler) released(n int) {
	first := describe(s.engine.Releases()[0].Run)
	if free := s.engine.Released(n, s.clock.Now()); free > 0 {
		s.log.Info("runs that were claimed did not start: their slots are free again", "runs", free, "first", first)
	}
}

// leaveToNext drops claims that cannot be given back any more.
func (s *UnifiedTaskScheduler) leaveToNext(batch []engine.Release) {
	s.log.Warn("runs that were claimed did not start, and the term has ended: the next one has them as interrupted",
		"runs", len(batch), "first", describe(batch[0].Run))
	s.engine.Leave(len(batch))
}

func (s *UnifiedTaskScheduler) releaseFailed(err error) {
	rs := &s.releasing
	s.degrade("release", fmt.Sprintf("the claims of %d runs that did not start are not given back yet: %v", len(s.engine.Releases()), err))
	rs.backoff = nextRetry(rs.backoff)
	rs.paused = true
	s.afterLocked(rs.backoff, func() {
		rs.paused = false
		s.releaseLater()
	})
}

func describe(p *engine.Run) string {
	return fmt.Sprintf("%s %s", naming.Row(p.Row.Task(), p.Account.Name), p.Slot)
}
