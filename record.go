package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// record is a row of runs that never started, which may still grow.
type record struct {
	run   Run
	row   *row // of a range
	dirty bool // to be written
}

// record keeps the outcome of a run that never started for the next write.
func (s *UnifiedTaskScheduler) record(run Run, outcome Outcome, reason string) *record {
	run.Outcome, run.Reason, run.Started, run.Token = outcome, cut(reason, maxReason), time.Time{}, ""
	run.Finished = s.clock.Now().Round(0).UTC()
	r := &record{run: run, dirty: true}
	s.books.records = append(s.books.records, r)
	return r
}

// recordRange records a run that never started. If the task's occurrence just
// before it was recorded for the same reason, its row grows instead.
func (s *UnifiedTaskScheduler) recordRange(p *pending, outcome Outcome, reason string) {
	ts := p.task
	last, reason := ts.lastRow, cut(reason, maxReason)
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
// start waits for it. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) flush() {
	b := &s.books
	b.flushAgain = true
	if b.flushBusy || !s.hasToFlush() {
		return
	}
	b.flushBusy = true
	s.rest.active++
	if s.lanes.record.direct {
		s.flushAll()
		return
	}
	s.spawnLocked(s.flushAll)
}

func (s *UnifiedTaskScheduler) hasToFlush() bool {
	b := &s.books
	if !s.term.resumed || !b.pauseUntil.IsZero() && s.clock.Now().Before(b.pauseUntil) {
		return false
	}
	return len(b.withdrawals)+len(s.accounts.unconfirmed)+len(b.records) > 0 || s.safeMark().After(b.mark)
}

// flushAll writes until there is nothing new to write. The caller holds mu, which is
// let go of while a ledger is asked that does not answer from memory.
func (s *UnifiedTaskScheduler) flushAll() {
	ctx := context.Background()
	for s.books.flushAgain && s.hasToFlush() {
		s.books.flushAgain = false
		s.flushOnce(ctx, s.term.term)
	}
	s.books.flushBusy = false
	s.endLocked()
}

func (s *UnifiedTaskScheduler) flushOnce(ctx context.Context, t Term) {
	err := s.flushAccounts(ctx, t)
	if err == nil {
		err = s.flushRecords(ctx, t)
	}
	switch {
	case errors.Is(err, ErrDeposed):
		s.deposed(t, err)
	case s.term.term != t:
	case err == nil:
		s.clear("record")
		s.books.pauseUntil = time.Time{}
		if s.isDegraded("claim") && s.safeMark().Equal(s.plan.upTo) && !s.claimGoesOn() {
			s.clear("claim") // nothing is left to be claimed
		}
	default:
		s.degrade("record", fmt.Sprintf("the ledger cannot be written: %v", err))
		s.books.pauseUntil = s.clock.Now().Add(retryFirst)
		s.alarms.after(retryFirst, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.kickLater()
		})
	}
}

// flushAccounts tells the ledger which accounts the term serves, once nothing of
// them is pending that lies behind the watermark, and which it does not any more.
func (s *UnifiedTaskScheduler) flushAccounts(ctx context.Context, t Term) error {
	withdrawals := s.books.withdrawals
	var confirm []*account
	var enrolments []Enrolment
	for _, a := range s.accounts.unconfirmed {
		if !a.confirmed && !a.gone && !a.behind && a.backlog == 0 {
			confirm = append(confirm, a)
			enrolments = append(enrolments, Enrolment{Account: a.name, From: a.from})
		}
	}
	if len(withdrawals)+len(enrolments) == 0 {
		return nil
	}
	s.mu.Unlock()
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
	s.mu.Lock()
	if err != nil || s.term.term != t {
		return err
	}
	s.books.withdrawals = s.books.withdrawals[len(withdrawals):]
	for _, a := range confirm {
		// An account that was withdrawn meanwhile, and perhaps enrolled again, is
		// written once more.
		a.confirmed = !slices.ContainsFunc(s.books.withdrawals, func(w Enrolment) bool { return w.Account == a.name })
	}
	s.accounts.unconfirmed = slices.DeleteFunc(s.accounts.unconfirmed, func(a *account) bool { return a.confirmed || a.gone })
	if len(confirm) > 0 {
		s.kickLater()
	}
	return nil
}

// flushRecords writes what did not run, and moves the watermark to where all
// before it is claimed or recorded.
func (s *UnifiedTaskScheduler) flushRecords(ctx context.Context, t Term) error {
	if len(s.releases.waiting) > 0 {
		return nil // a row that is to go would keep out the record of its slot
	}
	records, mark := s.books.records, s.safeMark()
	stale := s.term.term != t || !s.term.resumed // what was pending is dropped, and holds no watermark
	if stale || len(records) == 0 && !mark.After(s.books.mark) {
		return nil
	}
	s.books.records = nil
	var runs []Run
	for _, r := range records {
		r.dirty = false
		runs = append(runs, r.run)
	}
	err := s.writeRecords(ctx, t, runs, mark)
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

// writeRecords lets go of mu meanwhile, but for the watermark alone in a ledger that
// answers from memory: a minute without news allocates nothing.
func (s *UnifiedTaskScheduler) writeRecords(ctx context.Context, t Term, runs []Run, mark time.Time) error {
	if s.lanes.record.direct && len(runs) == 0 {
		return s.cfg.Ledger.Record(ctx, t, nil, mark)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
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
	if s.queue.unclaimed > 0 {
		for _, e := range s.queue.running {
			if e.unclaimed {
				hold(e.run.Due)
			}
		}
	}
	for i := range s.books.settling {
		if st := &s.books.settling[i]; st.unclaimed {
			hold(st.run.Due)
		}
	}
	for i := range s.releases.waiting {
		hold(s.releases.waiting[i].run.Due)
	}
	return mark
}
