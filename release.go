package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// releases are the claims that are to be given back. Guarded by the scheduler's mu.
type releases struct {
	waiting []release
	slots   map[string]int // how many there are, by the ID of their run
	busy    bool           // releaseAll goes on
	paused  bool           // the backoff has not passed yet
	backoff time.Duration  // before the next try, while the ledger is out of reach
	batches batches
}

// release is the claim of a run that never started, made or perhaps made. It is kept
// until the ledger has answered.
type release struct {
	run      Run  // with its token; NoOutcome leaves its slot free
	term     Term // under which it was claimed
	replaces bool // the outcome is that of the row whose place it took
}

// giveBack gives back the claim of a run that certainly never started, whether the
// ledger has it or may have it. Its slot is free then if there is no outcome, and is
// recorded with the outcome otherwise. A run that took the place of a row leaves that
// as it was.
func (s *UnifiedTaskScheduler) giveBack(p *pending, t Term, outcome Outcome, reason string) {
	r := release{run: p.run, term: t, replaces: p.replaces != nil}
	r.run.Outcome, r.run.Reason, r.run.Started = outcome, reason, time.Time{}
	if was := p.replaces; was != nil {
		r.run.Outcome, r.run.Reason, r.run.Finished, r.run.RerunUntil = was.Outcome, was.Reason, was.Finished, was.RerunUntil
	}
	p.uncertain = false
	s.releases.add(r)
	s.releaseLater()
}

func (rs *releases) add(r release) {
	if rs.slots == nil {
		rs.slots = make(map[string]int)
	}
	rs.slots[r.run.ID]++
	rs.waiting = append(rs.waiting, r)
}

// drop forgets the first n, which are done with.
func (rs *releases) drop(n int) {
	for _, r := range rs.waiting[:n] {
		if rs.slots[r.run.ID]--; rs.slots[r.run.ID] == 0 {
			delete(rs.slots, r.run.ID)
		}
	}
	if rs.waiting = rs.waiting[n:]; len(rs.waiting) == 0 {
		rs.waiting = nil
	}
}

// has reports whether a claim of the run's slot is still to be given back.
func (rs *releases) has(run *Run) bool { return len(rs.slots) > 0 && rs.slots[run.ID] > 0 }

// planAnew leaves the slots free: what was to be recorded of them is planned again
// under the term that has begun.
func (rs *releases) planAnew() {
	for i := range rs.waiting {
		if r := &rs.waiting[i]; !r.replaces {
			r.run.Outcome, r.run.Reason = NoOutcome, ""
		}
	}
}

// releaseLater gives back what is to be given back in a goroutine. The caller holds
// mu.
func (s *UnifiedTaskScheduler) releaseLater() {
	rs := &s.releases
	if rs.busy || rs.paused || len(rs.waiting) == 0 {
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
	rs := &s.releases
	for len(rs.waiting) > 0 {
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
	rs := &s.releases
	batch, t := rs.next(), rs.waiting[0].term
	switch {
	case s.term.resumed:
		t = s.term.term
	case s.term.holder != "":
		s.leaveToNext(batch)
		return nil
	}
	claimGoesOn := s.claimGoesOn()
	runs := rs.runsOf(batch, s.lanes.release.IsDirect())
	s.mu.Unlock()
	_, err := quiet.Call(context.Background(), s.lanes.release, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.cfg.Ledger.Release(ctx, t, runs)
	})
	s.mu.Lock()
	switch {
	case errors.Is(err, ErrDeposed):
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

// next returns the next batch: of claims that were made under one term.
func (rs *releases) next() []release {
	n := 0
	for n < len(rs.waiting) && n < fullBatch && rs.waiting[n].term == rs.waiting[0].term {
		n++
	}
	return rs.waiting[:n:n]
}

// runsOf returns the runs as the ledger is told of them.
func (rs *releases) runsOf(batch []release, again bool) []Run {
	runs := rs.batches.room(len(batch), again)
	for i, r := range batch {
		runs[i] = r.run
		if !r.replaces {
			runs[i].Outcome, runs[i].Reason = NoOutcome, ""
		}
	}
	return runs
}

// released records what becomes of the first n runs, whose claims were given back.
func (s *UnifiedTaskScheduler) released(n int) {
	free, first := 0, describeRun(&s.releases.waiting[0].run)
	for _, r := range s.releases.waiting[:n] {
		switch {
		case r.replaces:
		case r.run.Outcome == NoOutcome:
			free++
		case s.term.resumed: // or else the next term plans it again
			s.record(r.run, r.run.Outcome, r.run.Reason)
		}
	}
	s.releases.drop(n)
	if free > 0 {
		s.log.Info("runs that were claimed did not start: their slots are free again", "runs", free, "first", first)
	}
}

// leaveToNext drops claims that cannot be given back any more.
func (s *UnifiedTaskScheduler) leaveToNext(batch []release) {
	s.log.Warn("runs that were claimed did not start, and the term has ended: the next one has them as interrupted",
		"runs", len(batch), "first", describeRun(&batch[0].run))
	s.releases.drop(len(batch))
}

func (s *UnifiedTaskScheduler) releaseFailed(err error) {
	rs := &s.releases
	s.degrade("release", fmt.Sprintf("the claims of %d runs that did not start are not given back yet: %v", len(rs.waiting), err))
	rs.backoff = nextRetry(rs.backoff)
	rs.paused = true
	s.afterLocked(rs.backoff, func() {
		rs.paused = false
		s.releaseLater()
	})
}

// giveBackPending gives back the claims of all that waits to be claimed again. It
// stays in the queue.
func (s *UnifiedTaskScheduler) giveBackPending() {
	for _, p := range s.queue.uncertain() {
		s.giveBack(p, s.term.term, NoOutcome, "")
	}
}

func describeRun(r *Run) string { return fmt.Sprintf("%s %s", rowName(r.Task, r.Account), r.Slot) }
