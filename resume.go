package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
)

// resume reads what a new term starts from, and reconciles the runs of older
// terms. It is repeated until it succeeds; nothing starts before. The caller holds mu,
// which is let go of while the ledger is asked.
func (s *UnifiedTaskScheduler) resume(ctx context.Context) {
	t := s.term.term
	s.mu.Unlock()
	var said []store.Override
	state, err := quiet.Call(ctx, s.lanes.lead, ledgerBound, func(ctx context.Context) (store.State, error) {
		state, err := s.cfg.Ledger.Resume(ctx, t)
		if err != nil {
			return store.State{}, err
		}
		if said, err = s.readOverrides(ctx, state.Watermark); err != nil {
			return store.State{}, err
		}
		if err = s.readMoved(ctx, said, &state); err != nil {
			return store.State{}, err
		}
		return s.releaseUnstarted(ctx, t, state)
	})
	s.mu.Lock()
	switch {
	case s.term.term != t || s.engine.Term.IsResumed():
		return
	case errors.Is(err, store.ErrDeposed):
		s.loseTerm(err.Error())
		s.term.renewAt = s.clock.Now().Add(retryFirst)
		return
	case err != nil:
		if ctx.Err() == nil {
			s.degrade("resume", fmt.Sprintf("the ledger's state cannot be read, nothing starts: %v", err))
		}
		return
	}
	s.clear("resume")
	s.clear("lapse")
	s.takeOverrides(said)
	s.takeOver(t, state, s.clock.Now())
}

// takeOver begins to plan from a ledger's state, and reconciles the runs of older terms.
// The caller holds mu.
func (s *UnifiedTaskScheduler) takeOver(t store.Term, state store.State, now time.Time) {
	s.dropUnstarted(&state)
	from := engine.State{Term: t.Number, Watermark: state.Watermark}
	for _, e := range state.Enrolments {
		from.Enrolments = append(from.Enrolments, engine.Enrolment(e))
	}
	for _, runs := range [][]Run{state.Ahead, state.Unsettled} {
		for i := range runs {
			entry := answer.EntryOf(&runs[i])
			entry.Ended = answer.EndedOf(&runs[i])
			from.Ahead = append(from.Ahead, entry)
		}
	}
	watermark := s.engine.Resume(from, now)
	if state.Watermark.IsZero() && t.Number > 1 {
		s.log.Warn("the ledger has no watermark: what came due under its older terms may be in no row", "term", t.Number)
	}
	s.logTaken(t, watermark, len(state.Unsettled))
	s.events.tell(TermChanged{Number: t.Number})
	s.beatSoon()
	s.sched.unreported = true // which accounts there are is known now
	s.health.recall = s.history != nil
	s.reconcile(state.Unsettled)
	for i := range state.Interrupted {
		s.runAgain(&state.Interrupted[i])
	}
	s.term.since = firstDue(state.Unsettled, state.Interrupted)
	s.startExecutors()
	if s.life.running {
		s.wake.Ring() // what came due since the watermark need not wait for the minute
	}
}

// dropUnstarted leaves the rows of claims of this process out that certainly never start.
func (s *UnifiedTaskScheduler) dropUnstarted(state *store.State) {
	tokens := make(map[string]bool)
	for _, p := range s.engine.Unstarted() {
		tokens[s.tokenOf(p.Serial)] = true
	}
	isUnstarted := func(r Run) bool { return tokens[r.Token] }
	state.Ahead = slices.DeleteFunc(state.Ahead, isUnstarted)
	state.Unsettled = slices.DeleteFunc(state.Unsettled, isUnstarted)
}

// runAgain hands an interrupted run to the engine, to be run again within its catch-up.
func (s *UnifiedTaskScheduler) runAgain(r *Run) {
	if r.Manual {
		return
	}
	s.engine.RunAgain(engine.Again{
		Key: engine.Key{Task: r.Task, Account: r.Account}, Slot: r.Slot, Session: r.Session, Due: r.Due, Offset: r.Offset,
		Repeats: r.Repeating, Row: r,
	})
}

// logTaken tells that this instance is active, since when everything is accounted for,
// and after whom.
func (s *UnifiedTaskScheduler) logTaken(t store.Term, watermark time.Time, unsettled int) {
	attrs := []any{"term", t.Number, "watermark", watermark, "unsettled", unsettled}
	if before := s.term.held; before.Holder != "" && before.Number < t.Number {
		attrs = append(attrs, "after", before.Holder)
	}
	if trusted := s.engine.Term.Trusted(); !trusted.IsZero() {
		attrs = append(attrs, "until", trusted.Add(s.termMargin()).Round(0).UTC(), "renewed_every", s.cfg.TermLength/3)
	}
	s.log.Info("the term is held", attrs...)
}

// mayNotHaveStarted ends that of a run that was armed, and whose start was not told.
const mayNotHaveStarted = ": it was armed, and may not have started"

// reconcile settles the runs of older terms as interrupted. Those that are
// delivered at least once run again, within their catch-up.
func (s *UnifiedTaskScheduler) reconcile(unsettled []Run) {
	now := s.clock.Now().UTC()
	own := s.ownTokens()
	for _, run := range unsettled {
		if own[run.Token] {
			continue
		}
		run.Reason = fmt.Sprintf("%s, in term %d", why.LeftUnsettled, run.Term)
		if run.Outcome == Armed {
			run.Reason += mayNotHaveStarted
		}
		run.Outcome = Interrupted
		run.Finished = now.Round(0)
		run.RerunUntil = s.rerunUntil(&run)
		s.books.settling = append(s.books.settling, settlement{run: &run, rerun: true})
		s.books.reconciling++
		s.logOutcome(&run)
	}
	s.books.settlePaused = false // the ledger has just answered
	s.settleLater()
}

// firstDue returns the first due time in some lists that are in order, or zero.
func firstDue(lists ...[]Run) (first time.Time) {
	for _, runs := range lists {
		if len(runs) > 0 && (first.IsZero() || runs[0].Due.Before(first)) {
			first = runs[0].Due
		}
	}
	return first
}

// rerunUntil is until when a run that was interrupted may be run again: to the end of
// its catch-up if it is delivered at least once, and zero if not. While no schedules
// are known it is the longest that a catch-up can be.
func (s *UnifiedTaskScheduler) rerunUntil(run *Run) time.Time {
	if run.Manual {
		return time.Time{}
	}
	if !s.sched.loaded {
		return run.Due.Add(store.MaxPolicyLength)
	}
	r := s.rowFor(run.Account, run.Task)
	if r == nil || r.Delivery != AtLeastOnce {
		return time.Time{}
	}
	return r.Run.Expiry(run.Due, run.Session)
}

// ownTokens are those of the runs that go on in this process, or whose outcome is on
// its way to the ledger.
func (s *UnifiedTaskScheduler) ownTokens() map[string]bool {
	own := make(map[string]bool)
	for _, e := range s.running.list {
		own[e.run.Token] = true
	}
	for _, st := range s.books.settling {
		own[st.run.Token] = true
	}
	for _, r := range s.engine.Releases() {
		own[s.tokenOf(r.Run.Serial)] = true
	}
	return own
}
