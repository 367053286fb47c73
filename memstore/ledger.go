package memstore

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// ledger is the ledger of one scheduler name. Rows are found by their key;
// ranges and facts are indexes of them, so that no call of a tick looks at more
// rows than it was given.
type ledger struct {
	term    store.Term // the current one, or the last one if leading is false
	leading bool
	expires time.Time
	trusted map[int64]time.Time // until when the holder of each term trusted it at most

	watermark  time.Time
	starts     []time.Time // the watermark at the start of each term, from the first
	floor      time.Time   // what is due before it was pruned
	enrolments map[string]enrolment

	rows   ledgerRows
	ranges map[rangeKey]*rangeIndex
	facts  map[factsKey]sessionFacts // of repeating runs
	single map[string]calendar.Date  // by task, the last session in which it had others

	halts map[string]store.Halt // by account

	overrides []store.Override // in the order of Compare

	requests []*request.Request // in the order in which they were asked
	open     int                // how many of them have no answer
}

type enrolment struct {
	store.Enrolment
	term int64 // the last one that enrolled it
}

type rangeKey struct{ account, task string }

type factsKey struct {
	account, task string
	session       calendar.Date
}

func (s *Store) ledger(scheduler string) *ledger {
	l := s.ledgers[scheduler]
	if l == nil {
		l = &ledger{
			trusted:    make(map[int64]time.Time),
			enrolments: make(map[string]enrolment),
			rows:       ledgerRows{slots: make(map[slotOfTask]rowsOfSlot)},
			ranges:     make(map[rangeKey]*rangeIndex),
			facts:      make(map[factsKey]sessionFacts),
			single:     make(map[string]calendar.Date),
			halts:      make(map[string]store.Halt),
		}
		s.ledgers[scheduler] = l
	}
	return l
}

// fenced returns the ledger in which a write under t may be made.
func (s *Store) fenced(t store.Term) (*ledger, error) {
	l := s.ledgers[t.Scheduler]
	if l == nil || !l.leading || l.term != t {
		return nil, fmt.Errorf("term %d of %s: %w", t.Number, t.Scheduler, store.ErrDeposed)
	}
	return l, nil
}

// Claim makes a row that is Armed or Running for each run whose slot is free.
func (s *Store) Claim(_ context.Context, t store.Term, runs []store.Run) ([]store.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return nil, err
	}
	claims := make([]store.Claim, len(runs))
	room := make([]store.Run, len(runs)) // for the rows: those of one batch come and go together
	for i := range runs {
		claims[i] = l.claim(&runs[i], &room[i])
	}
	return claims, nil
}

// claim makes row the row of the run's slot, if that is free.
func (l *ledger) claim(run, row *store.Run) store.Claim {
	if taken := l.rows.of(run); taken != nil {
		l.begin(taken, run)
		return l.answer(taken, run)
	}
	if span := l.ranges[rangeKey{run.Account, run.Task}].covering(run.Due); span != nil {
		return takenBy(span)
	}
	if !run.Manual && (run.Due.Before(l.floor) || !run.Backdated && !run.Due.After(l.watermark)) {
		return store.Claim{}
	}
	claim := l.start(row, run)
	l.rows.add(row)
	return claim
}

// begin notes that a run which was armed starts. Another of its session may have succeeded
// since it was armed.
func (l *ledger) begin(row, run *store.Run) {
	if row.Outcome != store.Armed || run.Outcome != store.Running || row.Token != run.Token {
		return
	}
	succeeded := l.facts[factsKey{row.Account, row.Task, row.Session}].succeeded
	row.Outcome, row.First = run.Outcome, row.First && (run.First || !succeeded)
	row.Started, row.Attempt, row.Deadline = run.Started, run.Attempt, run.Deadline
}

// start makes row the row of run, Armed or Running under the current term.
func (l *ledger) start(row, run *store.Run) store.Claim {
	late := row.Late
	*row = *run
	row.Details = maps.Clone(run.Details)
	row.Scheduler, row.Term = l.term.Scheduler, l.term.Number
	if row.Late = late; row.Outcome != store.Armed {
		row.Outcome = store.Running
	}
	row.First, row.Resumed, row.RerunUntil = false, false, time.Time{}
	if facts := l.noteClaim(row); row.Repeating {
		row.First, row.Resumed = !facts.succeeded, facts.claimedIn < row.Term
	}
	return l.answer(row, run)
}

// answer says how the row of a slot stands to a run that would start there.
func (l *ledger) answer(row, run *store.Run) store.Claim {
	if row.Outcome.Open() && row.Token == run.Token {
		return store.Claim{Held: true, Outcome: row.Outcome, First: row.First, Resumed: row.Resumed}
	}
	return takenBy(row)
}

func takenBy(row *store.Run) store.Claim {
	taken := store.Run{Session: row.Session, Due: row.Due, Outcome: row.Outcome, Reason: row.Reason, Finished: row.Finished}
	return store.Claim{Outcome: row.Outcome, Taken: &taken}
}

// Reclaim replaces the row of an interrupted run, or of one that never started,
// by run. A row that stands for a range is left: its other slots would be lost.
func (s *Store) Reclaim(_ context.Context, t store.Term, old string, run store.Run) (store.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return store.Claim{}, err
	}
	row := l.rows.of(&run)
	if row == nil {
		return store.Claim{}, nil
	}
	free := row.Outcome == store.Interrupted || neverStarted(row)
	if free && row.Token == old && row.Count <= 1 {
		return l.start(row, &run), nil
	}
	return l.answer(row, &run), nil
}

func neverStarted(row *store.Run) bool {
	return (row.Outcome == store.Missed || row.Outcome == store.Skipped) && row.Token == "" && row.Started.IsZero()
}

// Release gives back the claims of runs that never started.
func (s *Store) Release(_ context.Context, t store.Term, runs []store.Run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return err
	}
	for i := range runs {
		l.release(&runs[i])
	}
	return nil
}

func (l *ledger) release(run *store.Run) {
	row := l.rows.of(run)
	if row == nil || !row.Outcome.Open() || run.Token == "" || row.Token != run.Token {
		return
	}
	l.forgetClaim(row)
	if !run.Outcome.Final() {
		l.rows.drop(row)
		return
	}
	row.Outcome, row.Reason, row.Finished, row.RerunUntil = run.Outcome, run.Reason, run.Finished, run.RerunUntil
	row.Started, row.Attempt = time.Time{}, 0
	if row.Outcome != store.Interrupted { // it is one that never had a token
		row.Token, row.Manual, row.Actor = "", false, ""
	}
}

// Record adds the rows of runs that never started and moves the watermark.
func (s *Store) Record(_ context.Context, t store.Term, outcomes []store.Run, to time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return err
	}
	var taken []store.Run
	for i := range outcomes {
		if err := checkFinal(&outcomes[i]); err != nil {
			return fmt.Errorf("record %w", err)
		}
		if l.cutsShort(&outcomes[i]) {
			taken = append(taken, copyOf(&outcomes[i]))
		}
	}
	if taken != nil {
		return &store.TakenError{Runs: taken}
	}
	for i := range outcomes {
		l.record(&outcomes[i])
	}
	if to.After(l.watermark) {
		l.watermark = to
	}
	return nil
}

func (l *ledger) record(run *store.Run) {
	row := l.rows.of(run)
	switch {
	case row == nil && run.Count <= 1 && l.ranges[rangeKey{run.Account, run.Task}].covering(run.Due) != nil:
		return
	case row == nil:
		row = new(store.Run)
		*row = copyOf(run)
		row.Scheduler, row.Term, row.Token = l.term.Scheduler, l.term.Number, ""
		l.rows.add(row)
	case extends(run, row):
		row.Count, row.LastSlot, row.LastDue = run.Count, run.LastSlot, run.LastDue
	default:
		return
	}
	if row.Count > 1 {
		l.indexRange(row)
	}
}

// cutsShort reports whether the slot of a range is taken by a row that would leave
// out some of its occurrences.
func (l *ledger) cutsShort(run *store.Run) bool {
	if run.Count <= 1 {
		return false
	}
	row := l.rows.of(run)
	return row != nil && !extends(run, row) && row.Through().Before(run.Through())
}

func extends(run, row *store.Run) bool {
	return run.Occurrences() > row.Occurrences() && neverStarted(row) &&
		run.Outcome == row.Outcome && run.Reason == row.Reason
}

// Settle stores the outcomes of runs.
func (s *Store) Settle(_ context.Context, runs []store.Run) ([]store.SettleResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range runs {
		if err := checkFinal(&runs[i]); err != nil {
			return nil, fmt.Errorf("settle %w", err)
		}
	}
	results := make([]store.SettleResult, len(runs))
	for i := range runs {
		if l := s.ledgers[runs[i].Scheduler]; l != nil {
			results[i].Accepted = l.settle(&runs[i])
		}
	}
	return results, nil
}

func (l *ledger) settle(run *store.Run) bool {
	row := l.rows.of(run)
	if row == nil {
		return false
	}
	entitled := run.Token != "" && row.Token == run.Token
	switch {
	case entitled && row.Outcome.Open():
		if row.Outcome == store.Armed {
			row.First = run.First
		}
		row.Outcome, row.Reason = run.Outcome, run.Reason
		row.Started, row.Finished, row.Attempt = run.Started, run.Finished, run.Attempt
		row.Details, row.RerunUntil = maps.Clone(run.Details), run.RerunUntil
		if row.Outcome == store.Succeeded {
			l.noteSuccess(row)
		}
		return true
	case entitled && row.Outcome == run.Outcome:
		return true
	}
	row.Late = &store.LateOutcome{Outcome: run.Outcome, Reason: run.Reason, Finished: run.Finished}
	return false
}

func checkFinal(run *store.Run) error {
	if run.Outcome.Final() {
		return nil
	}
	return fmt.Errorf("%s %s: the outcome %q is not final", store.ScheduleKey{Task: run.Task, Account: run.Account}, run.Slot, run.Outcome)
}

// copyOf returns a run that shares nothing with r that either side changes.
func copyOf(r *store.Run) store.Run {
	c := *r
	c.Details = maps.Clone(r.Details)
	if r.Late != nil {
		late := *r.Late
		c.Late = &late
	}
	return c
}
