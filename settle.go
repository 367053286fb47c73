package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// books is what is still to be written to the ledger. Guarded by the scheduler's
// mu.
type books struct {
	settling      []*settlement
	settleBusy    bool          // settleAll goes on
	settlePaused  bool          // the backoff has not passed yet
	settleBackoff time.Duration // before the next try, while the ledger is out of reach

	flushBusy   bool      // flushAll goes on
	flushAgain  bool      // there may be more to write since the last look
	records     []*record // of runs that never started
	mark        time.Time // the watermark in the ledger
	pauseUntil  time.Time // no write before it
	withdrawals []Enrolment
}

// settlement is an outcome on its way to the ledger. It is kept until it is
// stored.
type settlement struct {
	run       Run
	unclaimed bool // the run was not claimed when it started: claim it first
	unstarted bool // record it, if the ledger does not know the claim
	rerun     bool // if it is delivered at least once, run it again
}

// record is a row of runs that never started, which may still grow.
type record struct {
	run   Run
	row   *row // of a range
	dirty bool // to be written
}

const settleBatch = 1000

// kickSettle settles in a goroutine, for a caller that holds mu.
func (s *UnifiedTaskScheduler) kickSettle() {
	if s.beginSettling() {
		s.spawn(s.settleAll)
	}
}

// settle settles in place if the ledger answers from memory, and else in a
// goroutine.
func (s *UnifiedTaskScheduler) settle() {
	s.mu.Lock()
	mine := s.beginSettling()
	s.mu.Unlock()
	switch {
	case mine && s.lanes.settle.direct:
		s.settleAll()
	case mine:
		s.spawn(s.settleAll)
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
	s.rest.active++
	return true
}

// settleAll stores outcomes in batches until there are none. An error is retried
// for as long as it takes, a second to a minute apart.
func (s *UnifiedTaskScheduler) settleAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.endLocked()
	b := &s.books
	for len(b.settling) > 0 {
		n := min(len(b.settling), settleBatch)
		batch := b.settling[:n:n]
		t, known := s.settleTerm(batch)
		if !known {
			s.settleFailed(errNoTermYet)
			break
		}
		claimGoesOn := s.claimGoesOn()
		s.mu.Unlock()
		results, err := call(context.Background(), s, &s.lanes.settle, ledgerBound, func(ctx context.Context) ([]SettleResult, error) {
			return s.settleBatch(ctx, t, batch)
		})
		s.mu.Lock()
		if err == nil && len(results) != n {
			err = fmt.Errorf("the ledger answered %d settlements of %d", len(results), n)
		}
		if errors.Is(err, ErrDeposed) {
			s.deposedLocked(t, err)
		}
		if err != nil {
			s.settleFailed(err)
			break
		}
		b.settling = b.settling[n:]
		b.settleBackoff = 0
		s.clear("settle")
		unclear := s.settledAll(batch, results, t, claimGoesOn)
		if len(unclear) > 0 {
			b.settling = append(b.settling, unclear...)
			s.settleFailed(errClaimGoesOn)
			break
		}
	}
	if len(b.settling) == 0 {
		b.settling = nil
	}
	b.settleBusy = false
	if len(s.queue.reruns) > 0 || s.recordsDirty() {
		s.kickLocked()
	}
}

var (
	errNoTermYet   = errors.New("it is not known yet whether the term is held")
	errClaimGoesOn = errors.New("a claim that was given up has not returned")
)

// claimGoesOn reports whether a claim was given up and has not returned: it may
// still be made.
func (s *UnifiedTaskScheduler) claimGoesOn() bool {
	left := func(l *lane) bool { return l.busy && l.waiting == nil }
	return left(&s.lanes.claim) || left(&s.lanes.manual)
}

// settleTerm returns the term under which what started unclaimed is claimed. It is
// zero if another scheduler holds the term, which accounts for those runs: their
// outcomes are late evidence then. As long as neither is known they wait.
func (s *UnifiedTaskScheduler) settleTerm(batch []*settlement) (t Term, known bool) {
	switch {
	case s.term.resumed:
		return s.term.term, true
	case s.term.holder != "":
		return Term{}, true
	}
	return Term{}, !slices.ContainsFunc(batch, func(st *settlement) bool { return st.unclaimed })
}

// settleBatch settles a batch, and first claims what started unclaimed.
func (s *UnifiedTaskScheduler) settleBatch(ctx context.Context, t Term, batch []*settlement) ([]SettleResult, error) {
	runs := make([]Run, len(batch))
	var unclaimed []Run
	for i, st := range batch {
		runs[i] = st.run
		if st.unclaimed {
			claim := st.run
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
	s.degrade("settle", fmt.Sprintf("%d outcomes are not stored yet: %v", len(b.settling), err))
	b.settleBackoff = min(max(2*b.settleBackoff, retryFirst), retryLast)
	b.settlePaused = true
	s.alarms.after(b.settleBackoff, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.books.settlePaused = false
		s.kickSettle()
	})
}

// settledAll does what follows from the ledger's answers, and returns what is to be
// settled again, since a claim of it may still be made.
func (s *UnifiedTaskScheduler) settledAll(batch []*settlement, results []SettleResult, t Term, claimGoesOn bool) (unclear []*settlement) {
	for i, st := range batch {
		if st.unstarted && !results[i].Accepted && claimGoesOn {
			unclear = append(unclear, st)
			continue
		}
		if st.unclaimed && !results[i].Accepted && s.term.resumed && s.term.term != t {
			// It was evidence for another holder, and the term that was taken
			// meanwhile counts on it.
			s.books.settling = append(s.books.settling, st)
			continue
		}
		s.settled(st, results[i])
		if st.unclaimed {
			s.clear("claim") // it was claimed now
			s.queue.backoff = 0
		}
	}
	return unclear
}

// settled does what follows from the ledger's answer.
func (s *UnifiedTaskScheduler) settled(st *settlement, result SettleResult) {
	switch {
	case result.Accepted && st.rerun:
		s.queue.reruns = append(s.queue.reruns, st.run)
	case result.Accepted:
	case st.unstarted && st.run.Outcome != Interrupted:
		if s.term.resumed { // or else the next term plans it again
			s.record(st.run, st.run.Outcome, st.run.Reason)
		}
	default:
		s.log.Warn("an outcome came after the run had been settled otherwise", "task", st.run.Task,
			"account", st.run.Account, "slot", st.run.Slot, "outcome", st.run.Outcome.String())
	}
}

// settleUnstarted settles a run that was claimed, or may have been, and is not to
// start.
func (s *UnifiedTaskScheduler) settleUnstarted(p *pending, outcome Outcome, reason string) {
	run := p.run
	run.Outcome, run.Reason, run.Started = outcome, reason, time.Time{}
	run.Finished = s.clock.Now().Round(0).UTC()
	s.books.settling = append(s.books.settling, &settlement{run: run, unstarted: true})
	s.kickSettle()
}

// record keeps the outcome of a run that never started for the next write.
func (s *UnifiedTaskScheduler) record(run Run, outcome Outcome, reason string) *record {
	run.Outcome, run.Reason, run.Started, run.Token = outcome, reason, time.Time{}, ""
	run.Finished = s.clock.Now().Round(0).UTC()
	r := &record{run: run, dirty: true}
	s.books.records = append(s.books.records, r)
	return r
}

// recordRange records a run that never started. If the task's occurrence just
// before it was recorded for the same reason, its row grows instead.
func (s *UnifiedTaskScheduler) recordRange(p *pending, outcome Outcome, reason string) {
	ts := p.acct.task(p.run.Task)
	last := ts.lastRow
	grows := last != nil && p.row.repeats() && last.run.Outcome == outcome && last.run.Reason == reason &&
		last.run.Session == p.run.Session && last.run.Term == p.run.Term && last.run.Through().Equal(p.prev) && p.run.Due.After(p.prev)
	if !grows {
		ts.lastRow = s.record(p.run, outcome, reason)
		ts.lastRow.row = p.row
		return
	}
	last.run.Count = last.run.Occurrences() + 1
	last.run.LastSlot, last.run.LastDue = p.run.Slot, p.run.Due
	last.run.Finished = s.clock.Now().Round(0).UTC()
	if !last.dirty {
		last.dirty = true
		s.books.records = append(s.books.records, last)
	}
}

func (s *UnifiedTaskScheduler) recordsDirty() bool { return len(s.books.records) > 0 }

// flush writes enrolments, the records of what did not run, and the watermark: in
// place if the ledger answers from memory, and else in a goroutine, so that no
// start waits for it.
func (s *UnifiedTaskScheduler) flush() {
	s.mu.Lock()
	b := &s.books
	b.flushAgain = true
	mine := !b.flushBusy && s.hasToFlush()
	if mine {
		b.flushBusy = true
		s.rest.active++
	}
	s.mu.Unlock()
	switch {
	case mine && s.lanes.record.direct:
		s.flushAll()
	case mine:
		s.spawn(s.flushAll)
	}
}

func (s *UnifiedTaskScheduler) hasToFlush() bool {
	b := &s.books
	if !s.term.resumed || !b.pauseUntil.IsZero() && s.clock.Now().Before(b.pauseUntil) {
		return false
	}
	return len(b.withdrawals)+len(s.accounts.unconfirmed)+len(b.records) > 0 || s.safeMark().After(b.mark)
}

func (s *UnifiedTaskScheduler) flushAll() {
	ctx := context.Background()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.endLocked()
	for s.books.flushAgain && s.hasToFlush() {
		s.books.flushAgain = false
		t := s.term.term
		s.mu.Unlock()
		s.flushOnce(ctx, t)
		s.mu.Lock()
	}
	s.books.flushBusy = false
}

func (s *UnifiedTaskScheduler) flushOnce(ctx context.Context, t Term) {
	err := s.flushAccounts(ctx, t)
	if err == nil {
		err = s.flushRecords(ctx, t)
	}
	s.mu.Lock()
	switch {
	case s.term.term != t:
	case err == nil:
		s.clear("record")
		s.books.pauseUntil = time.Time{}
	case !errors.Is(err, ErrDeposed):
		s.degrade("record", fmt.Sprintf("the ledger cannot be written: %v", err))
		s.books.pauseUntil = s.clock.Now().Add(retryFirst)
		s.alarms.after(retryFirst, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kickLocked()
		})
	}
	s.mu.Unlock()
	if errors.Is(err, ErrDeposed) {
		s.deposed(t, err)
	}
}

// flushAccounts tells the ledger which accounts the term serves, once nothing of
// them is pending that lies behind the watermark, and which it does not any more.
func (s *UnifiedTaskScheduler) flushAccounts(ctx context.Context, t Term) error {
	s.mu.Lock()
	withdrawals := s.books.withdrawals
	var confirm []*account
	var enrolments []Enrolment
	for _, a := range s.accounts.unconfirmed {
		if !a.confirmed && !a.gone && !a.behind && a.backlog == 0 {
			confirm = append(confirm, a)
			enrolments = append(enrolments, Enrolment{Account: a.name, From: a.from})
		}
	}
	s.mu.Unlock()
	if len(withdrawals)+len(enrolments) == 0 {
		return nil
	}
	_, err := call(ctx, s, &s.lanes.enroll, ledgerBound, func(ctx context.Context) (struct{}, error) {
		for _, w := range withdrawals {
			if err := s.cfg.Ledger.Withdraw(ctx, t, w.Account, w.Withdrawn); err != nil {
				return struct{}{}, err
			}
		}
		if len(enrolments) == 0 {
			return struct{}{}, nil
		}
		return struct{}{}, s.cfg.Ledger.Enroll(ctx, t, enrolments)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.books.withdrawals = s.books.withdrawals[len(withdrawals):]
	if s.term.term != t {
		return nil
	}
	for _, a := range confirm {
		// An account that was withdrawn meanwhile, and perhaps enrolled again, is
		// written once more.
		a.confirmed = !slices.ContainsFunc(s.books.withdrawals, func(w Enrolment) bool { return w.Account == a.name })
	}
	s.accounts.unconfirmed = slices.DeleteFunc(s.accounts.unconfirmed, func(a *account) bool { return a.confirmed || a.gone })
	if len(confirm) > 0 {
		s.kickLocked()
	}
	return nil
}

// flushRecords writes what did not run, and moves the watermark to where all
// before it is claimed or recorded.
func (s *UnifiedTaskScheduler) flushRecords(ctx context.Context, t Term) error {
	s.mu.Lock()
	records, mark := s.books.records, s.safeMark()
	stale := s.term.term != t || !s.term.resumed // what was pending is dropped, and holds no watermark
	if stale || len(records) == 0 && !mark.After(s.books.mark) {
		s.mu.Unlock()
		return nil
	}
	s.books.records = nil
	var runs []Run
	for _, r := range records {
		r.dirty = false
		runs = append(runs, r.run)
	}
	s.mu.Unlock()

	err := s.writeRecords(ctx, t, runs, mark)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term.term != t {
		return err
	}
	if err != nil {
		return s.writeLater(records, err)
	}
	s.books.mark = mark
	for _, run := range runs {
		s.tellRecorded(run)
	}
	return nil
}

// writeLater keeps the records of a write that failed for the next one. Ranges that
// the ledger cannot keep are parted first, and the next write is at once then: it
// returns no error. The caller holds mu.
func (s *UnifiedTaskScheduler) writeLater(records []*record, err error) error {
	var taken *TakenError
	errors.As(err, &taken)
	b := &s.books
	for _, r := range records {
		switch {
		case r.dirty: // it has grown meanwhile, and is among the records already
		case taken.names(r.run):
			b.records = append(b.records, r.parts()...)
			b.flushAgain, err = true, nil
		default:
			r.dirty = true
			b.records = append(b.records, r)
		}
	}
	return err
}

// parts returns a record for each occurrence of a range but the first, whose slot
// has a row. A part whose slot has one too changes nothing.
func (r *record) parts() []*record {
	var rows []*row
	for base := r.row; base != nil; base = base.base {
		rows = append(rows, base)
	}
	var parts []*record
	for _, o := range newSnapshot(rows, func(v *calendarView) Calendar { return v }).plan(r.run.Due, r.run.Through()) {
		if o.row != r.row {
			continue
		}
		run := r.run
		run.ID = RunID(run.Scheduler, run.Account, run.Task, o.slot)
		run.Slot, run.Session, run.Due = o.slot, o.session, o.due
		run.Count, run.LastSlot, run.LastDue = 0, "", time.Time{}
		parts = append(parts, &record{run: run, dirty: true})
	}
	return parts
}

func (s *UnifiedTaskScheduler) writeRecords(ctx context.Context, t Term, runs []Run, mark time.Time) error {
	if s.lanes.record.direct {
		return s.cfg.Ledger.Record(ctx, t, runs, mark)
	}
	_, err := call(ctx, s, &s.lanes.record, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.cfg.Ledger.Record(ctx, t, runs, mark)
	})
	return err
}

func (s *UnifiedTaskScheduler) tellRecorded(run Run) {
	attrs := []any{"task", run.Task, "account", run.Account, "slot", run.Slot, "occurrences", run.Occurrences(), "reason", run.Reason}
	if run.Outcome == Missed {
		s.log.Warn("run missed", attrs...)
		s.events.tell(RunMissed{run})
		return
	}
	s.log.Info("run skipped", attrs...)
	s.events.tell(RunSkipped{run})
}

// safeMark is the instant up to which every occurrence is claimed or recorded, or
// is in the records that are about to be written. Due times are whole seconds.
func (s *UnifiedTaskScheduler) safeMark() time.Time {
	mark := s.plan.upTo
	hold := func(due time.Time) {
		if before := due.Add(-time.Second); before.Before(mark) {
			mark = before
		}
	}
	if due, ok := s.queue.earliest(); ok {
		hold(due)
	}
	for e := range s.queue.running {
		if e.unclaimed {
			hold(e.run.Due)
		}
	}
	for _, st := range s.books.settling {
		if st.unclaimed || st.unstarted {
			hold(st.run.Due)
		}
	}
	return mark
}
