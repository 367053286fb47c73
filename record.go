package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// record is a row of runs that never started, which may still grow.
type record struct {
	run   Run
	row   *row // of a range
	dirty bool // to be written
}

// record keeps the outcome of a run that never started for the next write.
func (s *UnifiedTaskScheduler) record(run Run, outcome Outcome, reason string) *record {
	run.Outcome, run.Reason, run.Started, run.Token = outcome, said.Cut(reason, said.MaxReason), time.Time{}, ""
	run.Finished = s.clock.Now().Round(0).UTC()
	r := &record{run: run, dirty: true}
	s.books.records = append(s.books.records, r)
	return r
}

// recordRange records a run that never started. If the task's occurrence just
// before it was recorded for the same reason, its row grows instead.
func (s *UnifiedTaskScheduler) recordRange(p *pending, outcome Outcome, reason string) {
	if outcome == Missed {
		s.countMissed(p, reason)
	}
	ts := p.task
	last, reason := ts.lastRow, said.Cut(reason, said.MaxReason)
	grows := last != nil && p.run.Repeating && last.run.Outcome == outcome && last.run.Reason == reason &&
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
	s.activity.Begin()
	if s.lanes.record.IsDirect() {
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
	s.activity.End()
}

func (s *UnifiedTaskScheduler) flushOnce(ctx context.Context, t Term) {
	err := s.flushEnrolments(ctx, t)
	if err == nil {
		err = s.flushRecords(ctx, t)
	}
	if err == nil {
		err = s.flushAccounted(ctx, t)
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
		s.afterLocked(retryFirst, s.kickLater)
	}
}

// flushEnrolments tells the ledger which accounts the term serves, before anything is
// accounted for: what is not is told with it. Of an account that has just come back,
// that may begin before it left.
func (s *UnifiedTaskScheduler) flushEnrolments(ctx context.Context, t Term) error {
	if len(s.accounts.unconfirmed) == 0 {
		return nil
	}
	var owing map[string]time.Time
	if len(s.accounts.open) > 0 {
		owing = s.owing()
	}
	admitted := slices.Clone(s.accounts.unconfirmed)
	told, enrolments := make([]Enrolment, len(admitted)), make([]Enrolment, len(admitted))
	for i, a := range admitted {
		told[i] = a.enrolment()
		enrolments[i] = told[i]
		if due, owes := owing[a.name]; owes && a.open && !due.After(a.from) {
			enrolments[i].From = due.Add(-time.Second)
		}
	}
	if err := s.writeAccounts(ctx, t, nil, enrolments); err != nil || s.term.term != t {
		return err
	}
	for i, a := range admitted {
		// One that has gone meanwhile, and perhaps come back, is written once more.
		a.confirmed = a.confirmed || !a.gone && a.enrolment() == told[i]
	}
	s.accounts.unconfirmed = slices.DeleteFunc(s.accounts.unconfirmed, func(a *account) bool { return a.confirmed })
	s.kickLater()
	return nil
}

// flushAccounted tells the ledger which accounts are not served any more, and of
// which the term serves that they are accounted for up to the watermark, once that is
// true of what it has been given.
func (s *UnifiedTaskScheduler) flushAccounted(ctx context.Context, t Term) error {
	if len(s.books.withdrawals)+len(s.accounts.open) == 0 || s.term.term != t || !s.term.resumed {
		return nil
	}
	owing := s.owing()
	owes := func(account string, until time.Time) bool {
		due, owes := owing[account]
		return owes && !due.After(until)
	}
	var gone, served []Enrolment
	for _, w := range s.books.withdrawals {
		if !owes(w.Account, w.Withdrawn) {
			gone = append(gone, w)
		}
	}
	for _, a := range s.accounts.open {
		if a.confirmed && !a.behind && !s.books.mark.Before(a.openTo) && !owes(a.name, a.openTo) {
			served = append(served, Enrolment{Account: a.name, From: a.openTo})
		}
	}
	if err := s.writeAccounts(ctx, t, gone, served); err != nil || s.term.term != t {
		return err
	}
	written := make(map[string]Enrolment, len(gone)+len(served))
	for _, e := range slices.Concat(gone, served) {
		written[e.Account] = e
	}
	s.books.withdrawals = slices.DeleteFunc(s.books.withdrawals, func(w Enrolment) bool { return written[w.Account] == w })
	s.accounts.open = slices.DeleteFunc(s.accounts.open, func(a *account) bool {
		if e := written[a.name]; a.confirmed && e.Withdrawn.IsZero() && e.From.Equal(a.openTo) {
			a.open, s.term.known[a.name] = false, e
		}
		return !a.open
	})
	return nil
}

// writeAccounts lets go of mu meanwhile.
func (s *UnifiedTaskScheduler) writeAccounts(ctx context.Context, t Term, gone, served []Enrolment) error {
	if len(gone)+len(served) == 0 {
		return nil
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	_, err := quiet.Call(ctx, s.lanes.enroll, ledgerBound, func(ctx context.Context) (struct{}, error) {
		for _, w := range gone {
			if err := s.cfg.Ledger.Withdraw(ctx, t, w); err != nil {
				return struct{}{}, err
			}
		}
		if len(served) == 0 {
			return struct{}{}, nil
		}
		return struct{}{}, s.cfg.Ledger.Enroll(ctx, t, served)
	})
	return err
}

// owing are the accounts of which something that came due is neither claimed nor
// recorded, with the due time of the first. Waves are left out: they are of accounts
// that are served, and the watermark waits for them.
func (s *UnifiedTaskScheduler) owing() map[string]time.Time {
	owing := make(map[string]time.Time)
	note := func(run *Run) {
		if due, known := owing[run.Account]; !known || run.Due.Before(due) {
			owing[run.Account] = run.Due
		}
	}
	for _, r := range s.books.records {
		note(&r.run)
	}
	for p := range s.queue.pending() {
		note(&p.run)
	}
	for _, p := range s.queue.claiming {
		note(&p.run)
	}
	for _, e := range s.queue.running {
		if e.unclaimed {
			note(&e.run)
		}
	}
	for i := range s.books.settling {
		if st := &s.books.settling[i]; st.unclaimed {
			note(st.run)
		}
	}
	for i := range s.releases.waiting {
		note(&s.releases.waiting[i].run)
	}
	return owing
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
	for base := r.row; base != nil; base = base.base() {
		rows = append(rows, base)
	}
	var parts []*record
	for _, o := range plan.New(plannedRows(rows)).Between(r.run.Due, r.run.Through()) {
		if rowOf(o) != r.row {
			continue
		}
		run := r.run
		run.ID = RunID(run.Scheduler, run.Account, run.Task, o.Slot)
		run.Slot, run.Session, run.Due = o.Slot, o.Session, o.Due
		run.Count, run.LastSlot, run.LastDue = 0, "", time.Time{}
		parts = append(parts, &record{run: run, dirty: true})
	}
	return parts
}

// writeRecords lets go of mu meanwhile, but for the watermark alone in a ledger that
// answers from memory: a minute without news allocates nothing.
func (s *UnifiedTaskScheduler) writeRecords(ctx context.Context, t Term, runs []Run, mark time.Time) error {
	if s.lanes.record.IsDirect() && len(runs) == 0 {
		return s.cfg.Ledger.Record(ctx, t, nil, mark)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	_, err := quiet.Call(ctx, s.lanes.record, ledgerBound, func(ctx context.Context) (struct{}, error) {
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
