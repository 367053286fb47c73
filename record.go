package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/store"
)

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
	paused := !s.books.pauseUntil.IsZero() && s.clock.Now().Before(s.books.pauseUntil)
	return !paused && s.engine.HasToWrite()
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

func (s *UnifiedTaskScheduler) flushOnce(ctx context.Context, t store.Term) {
	err := s.flushEnrolments(ctx, t)
	if err == nil {
		err = s.flushRecords(ctx, t)
	}
	if err == nil {
		err = s.flushAccounted(ctx, t)
	}
	switch {
	case errors.Is(err, store.ErrDeposed):
		s.deposed(t, err)
	case s.term.term != t:
	case err == nil:
		s.clear("record")
		s.books.pauseUntil = time.Time{}
		if s.isDegraded("claim") && s.engine.IsClaimed() && !s.claimGoesOn() {
			s.clear("claim") // nothing is left to be claimed
		}
	default:
		s.degrade("record", fmt.Sprintf("the ledger cannot be written: %v", err))
		s.books.pauseUntil = s.clock.Now().Add(retryFirst)
		s.afterLocked(retryFirst, s.kickLater)
	}
}

// flushEnrolments tells the ledger which accounts the term serves.
func (s *UnifiedTaskScheduler) flushEnrolments(ctx context.Context, t store.Term) error {
	admitted := s.engine.ToEnrol()
	if len(admitted.Told) == 0 {
		return nil
	}
	if err := s.writeAccounts(ctx, t, nil, admitted.Told); err != nil || s.term.term != t {
		return err
	}
	s.engine.Enrolled(admitted)
	s.kickLater()
	return nil
}

// flushAccounted tells the ledger which accounts are not served any more, and which are
// accounted for up to the watermark.
func (s *UnifiedTaskScheduler) flushAccounted(ctx context.Context, t store.Term) error {
	if s.term.term != t {
		return nil
	}
	gone, served := s.engine.ToAccount()
	if len(gone)+len(served) == 0 {
		return nil
	}
	if err := s.writeAccounts(ctx, t, gone, served); err != nil || s.term.term != t {
		return err
	}
	s.engine.Accounted(gone, served)
	return nil
}

// writeAccounts lets go of mu meanwhile.
func (s *UnifiedTaskScheduler) writeAccounts(ctx context.Context, t store.Term, gone, served []engine.Enrolment) error {
	if len(gone)+len(served) == 0 {
		return nil
	}
	enrolments := make([]store.Enrolment, len(served))
	for i, e := range served {
		enrolments[i] = store.Enrolment(e)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	_, err := quiet.Call(ctx, s.lanes.enroll, ledgerBound, func(ctx context.Context) (struct{}, error) {
		for _, w := range gone {
			if err := s.cfg.Ledger.Withdraw(ctx, t, store.Enrolment(w)); err != nil {
				return struct{}{}, err
			}
		}
		if len(enrolments) == 0 {
			return struct{}{}, nil
		}
		return struct{}{}, s.cfg.Ledger.Enroll(ctx, t, enrolments)
	})
	return err
}

// flushRecords writes what did not run, and moves the watermark to where all
// before it is claimed or recorded.
func (s *UnifiedTaskScheduler) flushRecords(ctx context.Context, t store.Term) error {
	if s.term.term != t {
		return nil
	}
	records, mark, any := s.engine.ToRecord()
	if !any {
		return nil
	}
	var runs []Run
	for _, r := range records {
		runs = append(runs, s.recordedRun(r))
	}
	err := s.writeRecords(ctx, t, runs, mark)
	if s.term.term != t {
		return err
	}
	if err != nil {
		return s.writeLater(records, err)
	}
	s.engine.Recorded(mark)
	for i, run := range runs {
		s.tellRecorded(run, deliveryOf(records[i].Run.Row), records[i].Tell(run.Occurrences()))
	}
	return nil
}

// recordedRun makes a run of a record of one that never started.
func (s *UnifiedTaskScheduler) recordedRun(r *engine.Record) Run {
	run := s.runOf(r.Run)
	run.Outcome, run.Reason, run.Finished, run.Token = outcomeOf(r.Outcome), r.Reason, r.Finished, ""
	run.Count, run.LastSlot, run.LastDue = r.Count, r.LastSlot, r.LastDue
	return run
}

func outcomeOf(o engine.Outcome) Outcome {
	switch o {
	case engine.Skipped:
		return Skipped
	case engine.Missed:
		return Missed
	}
	return NoOutcome
}

// writeLater keeps the records of a write that failed for the next one. If the ledger
// cannot keep ranges as they are, the next write is at once: it returns no error. The
// caller holds mu.
func (s *UnifiedTaskScheduler) writeLater(records []*engine.Record, err error) error {
	var taken *store.TakenError
	errors.As(err, &taken)
	parted := s.engine.RecordLater(records, func(r *engine.Record) bool { return isNamed(taken, r) })
	if parted {
		s.books.flushAgain = true
		return nil
	}
	return err
}

// writeRecords lets go of mu meanwhile, but for the watermark alone in a ledger that
// answers from memory: a minute without news allocates nothing.
func (s *UnifiedTaskScheduler) writeRecords(ctx context.Context, t store.Term, runs []Run, mark time.Time) error {
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

// tellRecorded tells of a run that never started, of which some occurrences are new.
func (s *UnifiedTaskScheduler) tellRecorded(run Run, delivery Delivery, fresh int) {
	attrs := []any{"task", run.Task, "account", run.Account, "slot", run.Slot, "occurrences", run.Occurrences(), "reason", run.Reason}
	if run.Outcome == Missed {
		s.log.Warn("run missed", attrs...)
		s.events.tell(RunMissed{run, delivery, fresh})
		return
	}
	s.log.Info("run skipped", attrs...)
	s.events.tell(RunSkipped{run, delivery, fresh})
}

// isNamed reports whether a record is one of the ranges of an error, which may be nil.
func isNamed(taken *store.TakenError, record *engine.Record) bool {
	return taken != nil && record.Count > 1 && slices.ContainsFunc(taken.Runs, func(r Run) bool {
		return r.Account == record.Run.Account.Name && r.Task == record.Run.Row.Task() && r.Slot == record.Run.Slot
	})
}
