package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// resume reads what a new term starts from, and reconciles the runs of older
// terms. It is repeated until it succeeds; nothing starts before. The caller holds mu,
// which is let go of while the ledger is asked.
func (s *UnifiedTaskScheduler) resume(ctx context.Context) {
	t := s.term.term
	s.mu.Unlock()
	state, err := quiet.Call(ctx, s.lanes.lead, ledgerBound, func(ctx context.Context) (State, error) {
		return s.cfg.Ledger.Resume(ctx, t)
	})
	s.mu.Lock()
	switch {
	case s.term.term != t || s.term.resumed:
		return
	case errors.Is(err, ErrDeposed):
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
	s.takeOver(t, state, s.clock.Now())
}

// takeOver begins to plan from a ledger's state, and reconciles the runs of older terms.
// The caller holds mu.
func (s *UnifiedTaskScheduler) takeOver(t Term, state State, now time.Time) {
	s.term.resumed = true
	if t.Number > 1 {
		s.limits.HoldOff(now)
	}
	watermark := s.planFrom(t, state.Watermark, now)
	s.term.known = make(map[string]Enrolment, len(state.Enrolments))
	for _, e := range state.Enrolments {
		s.term.known[e.Account] = e
	}
	s.keepWithdrawals()
	s.books.records = nil // what came to be recorded without a term is planned again
	s.releases.planAnew()
	s.noteAhead(&state)
	for _, a := range s.accounts.sorted() {
		a.forgetPlan()
		s.admit(a, now)
	}
	s.logTaken(t, watermark, len(state.Unsettled))
	s.events.tell(TermChanged{Number: t.Number})
	s.beatSoon()
	s.sched.unreported = true // which accounts there are is known now
	s.health.recall = s.history != nil
	s.reconcile(state.Unsettled)
	s.queue.reruns = append(s.queue.reruns, state.Interrupted...)
	s.term.since = firstDue(state.Unsettled, state.Interrupted)
	s.startExecutors()
	if s.life.running {
		s.wake.Ring() // what came due since the watermark need not wait for the minute
	}
}

// planFrom makes the ledger's watermark, or now if it has none, the instant from which to
// plan, and returns it.
func (s *UnifiedTaskScheduler) planFrom(t Term, watermark, now time.Time) time.Time {
	s.term.began = time.Time{}
	if watermark.IsZero() {
		watermark, s.term.began = now.Round(0).UTC(), now
		if t.Number > 1 {
			s.log.Warn("the ledger has no watermark: what came due under its older terms may be in no row", "term", t.Number)
		}
	}
	s.term.planned = false
	s.plan.upTo, s.plan.next, s.plan.kept, s.plan.late = watermark, time.Time{}, nil, nil
	s.plan.doubted = false
	if s.sched.loaded {
		s.sched.plan.Unplan(watermark)
	}
	return watermark
}

// noteAhead keeps what is accounted for beyond the watermark: the ledger's rows, but for
// those of claims of this process that certainly never start, and what is still to be
// written.
func (s *UnifiedTaskScheduler) noteAhead(state *State) {
	unstarted := s.unstartedTokens()
	isUnstarted := func(r Run) bool { return unstarted[r.Token] }
	state.Ahead = slices.DeleteFunc(state.Ahead, isUnstarted)
	state.Unsettled = slices.DeleteFunc(state.Unsettled, isUnstarted)
	s.term.ahead = make(accountedRows)
	s.term.ahead.add(state.Ahead)
	s.term.ahead.add(state.Unsettled)
	s.term.ahead.add(s.unwritten())
}

// logTaken tells that this instance is active, since when everything is accounted for,
// and after whom.
func (s *UnifiedTaskScheduler) logTaken(t Term, watermark time.Time, unsettled int) {
	attrs := []any{"term", t.Number, "watermark", watermark, "unsettled", unsettled}
	if before := s.term.held; before.Holder != "" && before.Number < t.Number {
		attrs = append(attrs, "after", before.Holder)
	}
	if !s.term.trusted.IsZero() {
		attrs = append(attrs, "until", s.term.trusted.Add(s.termMargin()).Round(0).UTC(), "renewed_every", s.cfg.TermLength/3)
	}
	s.log.Info("the term is held", attrs...)
}

// keepWithdrawals keeps those withdrawals for the new term that the ledger does not
// have and that still hold. An account that has come back was served meanwhile, and
// any other is accounted for as far as the ledger knows.
func (s *UnifiedTaskScheduler) keepWithdrawals() {
	var kept []Enrolment
	for _, w := range s.books.withdrawals {
		e, known := s.term.known[w.Account]
		if _, err := s.accounts.enrolled(w.Account); err == nil || !known || e.away() {
			continue
		}
		if e.Withdrawn, e.Returned = w.Withdrawn, (time.Time{}); e.Withdrawn.Before(e.From) {
			e.Withdrawn = e.From
		}
		s.term.known[w.Account] = e
		kept = append(kept, e)
	}
	s.books.withdrawals = kept
}

// unwritten are the runs of an earlier term that the ledger may have no row of, and
// will get one from this process: those that started with it out of reach.
func (s *UnifiedTaskScheduler) unwritten() []Run {
	var runs []Run
	for _, e := range s.queue.running {
		if e.unclaimed {
			runs = append(runs, e.run)
		}
	}
	for _, st := range s.books.settling {
		if st.unclaimed {
			runs = append(runs, *st.run)
		}
	}
	return runs
}

// accounted is what of one task and account has an outcome, or will get one.
type accounted struct {
	slots   map[string]bool
	ranges  []Run
	started time.Time // when the latest of those that had a start was due
}

// accountedRows is that of all tasks and accounts.
type accountedRows map[ScheduleKey]*accounted

func (all accountedRows) add(runs []Run) {
	for _, r := range runs {
		key := ScheduleKey{Task: r.Task, Account: r.Account}
		if all[key] == nil {
			all[key] = &accounted{slots: make(map[string]bool)}
		}
		all[key].slots[r.Slot] = true
		if !r.Started.IsZero() && !r.Manual && r.Due.After(all[key].started) {
			all[key].started = r.Due
		}
		if r.Count > 1 {
			all[key].ranges = append(all[key].ranges, r)
		}
	}
}

// lastStarted is when the latest run of a task that had a start was due, or zero.
func (all accountedRows) lastStarted(account, task string) time.Time {
	if known := all[ScheduleKey{Task: task, Account: account}]; known != nil {
		return known.started
	}
	return time.Time{}
}

// has reports whether the occurrence is one of theirs, or lies in a range.
func (all accountedRows) has(account, task, slot string, due time.Time) bool {
	known := all[ScheduleKey{Task: task, Account: account}]
	if known == nil {
		return false
	}
	return known.slots[slot] || slices.ContainsFunc(known.ranges, func(r Run) bool {
		return !due.Before(r.Due) && !due.After(r.LastDue)
	})
}

// reconcile settles the runs of older terms as interrupted. Those that are
// delivered at least once run again, within their catch-up.
func (s *UnifiedTaskScheduler) reconcile(unsettled []Run) {
	now := s.clock.Now().UTC()
	own := s.ownTokens()
	for _, run := range unsettled {
		if own[run.Token] {
			continue
		}
		run.Outcome = Interrupted
		run.Reason = fmt.Sprintf("its scheduler stopped before it was settled, in term %d", run.Term)
		run.Finished = now.Round(0)
		run.RerunUntil = s.rerunUntil(&run)
		s.books.settling = append(s.books.settling, settlement{run: &run, rerun: true})
		s.books.reconciling++
		s.tellOutcome(&run)
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
		return run.Due.Add(maxScheduleLength)
	}
	r := s.rowFor(run.Account, run.Task)
	if r == nil || r.Delivery != AtLeastOnce {
		return time.Time{}
	}
	return r.run.Expiry(run.Due, run.Session)
}

// unstartedTokens are those of the runs of earlier claims that certainly never start:
// their claims are given back, or will be once the ledger has answered.
func (s *UnifiedTaskScheduler) unstartedTokens() map[string]bool {
	tokens := make(map[string]bool)
	for i := range s.releases.waiting {
		if r := &s.releases.waiting[i]; !r.replaces {
			tokens[r.run.Token] = true
		}
	}
	for _, a := range s.accounts.sorted() {
		for _, ts := range a.tasks {
			for c := ts.claiming; c != nil; c = c.nextClaim {
				tokens[c.run.Token] = true
			}
		}
	}
	return tokens
}

// ownTokens are those of the runs that go on in this process, or whose outcome is on
// its way to the ledger.
func (s *UnifiedTaskScheduler) ownTokens() map[string]bool {
	own := make(map[string]bool)
	for _, e := range s.queue.running {
		own[e.run.Token] = true
	}
	for _, st := range s.books.settling {
		own[st.run.Token] = true
	}
	for i := range s.releases.waiting {
		own[s.releases.waiting[i].run.Token] = true
	}
	return own
}
