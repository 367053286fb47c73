package tradeclock

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// badRuns are the runs that were not to end as they did: a task that does nothing for
// weeks is not healthy, and neither is the day of an order that was missed. What this
// process has not seen of them is read from the ledger. Guarded by the scheduler's mu.
type badRuns struct {
	streaks map[ScheduleKey]*streak
	missed  map[ScheduleKey]missedRun
	// inARow and lost are the accounts of which health tells, by task.
	inARow, lost map[string]*afflicted
	// over is when the first session of a missed run is over.
	over time.Time

	recall    bool          // what the last sessions left is to be read
	recalling bool          // a reading goes on
	unknown   []ScheduleKey // streaks of which the ledger may have the beginning
}

// streak are the skipped, missed and failed runs of a task of an account since one
// that succeeded.
type streak struct {
	count  int       // in this process
	first  time.Time // when the first of those was due
	before int       // in the ledger, before it
	known  bool      // that was read, or there is none
}

// missedRun is a run of an at-most-once task, until its session is over.
type missedRun struct {
	slot string
	over time.Time
}

// afflicted are the accounts of one task for which something is wrong.
type afflicted struct {
	accounts map[string]bool
	last     string // what the last of them came to
	stale    bool   // the condition is to be made anew
}

// Bounds of what is told and read of bad runs.
const (
	accountsShown = 3
	recallDays    = 5   // sessions that are read when a term begins
	recallTasks   = 50  // of how many tasks
	recallRows    = 100 // and how many rows of each
	recallsAtOnce = 100 // streaks of which the beginning is read at one tick
	recallsWait   = 1000
)

func newBadRuns() badRuns {
	return badRuns{
		streaks: make(map[ScheduleKey]*streak), missed: make(map[ScheduleKey]missedRun),
		inARow: make(map[string]*afflicted), lost: make(map[string]*afflicted),
	}
}

// isBad reports whether an outcome counts. What somebody asked for does not, nor does
// an occurrence in whose place a newer one runs.
func isBad(outcome Outcome, reason string) bool {
	switch outcome {
	case Failed, TimedOut:
		return true
	case Missed:
		return !strings.HasPrefix(reason, superseded)
	case Skipped:
		return !strings.HasPrefix(reason, haltedBy) && !strings.HasPrefix(reason, reasonWithdrawn) && reason != reasonDisabled
	}
	return false
}

// countRun counts an outcome. The caller holds mu.
func (s *UnifiedTaskScheduler) countRun(a *account, ts *taskState, run *Run, outcome Outcome, reason string) {
	b, key := &s.health.runs, ScheduleKey{Task: ts.name, Account: a.name}
	if m, missed := b.missed[key]; missed && m.slot == run.Slot && outcome != Missed {
		delete(b.missed, key) // somebody has triggered it since
		s.relieve(b.lost, lostRuns, key)
	}
	switch {
	case outcome == Succeeded:
		ts.good = true
		s.endStreak(key)
	case isBad(outcome, reason):
		st := b.streaks[key]
		if st == nil {
			st = &streak{first: run.Due, known: ts.good || s.history == nil}
			b.streaks[key] = st
			if !st.known && len(b.unknown) < recallsWait {
				b.unknown = append(b.unknown, key)
			}
		}
		if run.Due.Before(st.first) {
			st.first = run.Due // what is read of the ledger ends before it
		}
		st.count++
		s.tellStreak(key, st, reason)
	}
}

func (s *UnifiedTaskScheduler) endStreak(key ScheduleKey) {
	if b := &s.health.runs; b.streaks[key] != nil {
		delete(b.streaks, key)
		s.relieve(b.inARow, runsInARow, key)
	}
}

// tellStreak tells of a streak that has become long.
func (s *UnifiedTaskScheduler) tellStreak(key ScheduleKey, st *streak, reason string) {
	if b := &s.health.runs; st.before+st.count >= badRunsLimit {
		s.afflict(b.inARow, runsInARow, key, reason)
	}
}

// countMissed counts a run that was missed, and tells of one that is delivered at most
// once until its session is over.
func (s *UnifiedTaskScheduler) countMissed(p *pending, reason string) {
	if p.replaces != nil || !isBad(Missed, reason) {
		return
	}
	s.countRun(p.acct, p.task, &p.run, Missed, reason)
	s.noteMissed(p.row, &p.run, reason)
}

func (s *UnifiedTaskScheduler) noteMissed(r *row, run *Run, reason string) {
	b, date := &s.health.runs, calendar.DateOf(run.Through().In(r.view.loc))
	if date.Before(run.Session) {
		date = run.Session
	}
	over := calendar.EndOfDay.On(date, r.view.loc)
	if r.Delivery != AtMostOnce || !s.clock.Now().Before(over) {
		return
	}
	key := ScheduleKey{Task: run.Task, Account: run.Account}
	b.missed[key] = missedRun{run.Slot, over}
	if b.over.IsZero() || over.Before(b.over) {
		b.over = over
	}
	s.afflict(b.lost, lostRuns, key, run.Slot+", "+reason)
}

// The two kinds of condition, with the word by which each is found.
const (
	runsInARow = "in a row"
	lostRuns   = "lost"
)

// afflict adds an account to those of a task of which health tells. Of many, it tells
// at the next tick.
func (s *UnifiedTaskScheduler) afflict(by map[string]*afflicted, kind string, key ScheduleKey, last string) {
	t := by[key.Task]
	if t == nil {
		t = &afflicted{accounts: make(map[string]bool)}
		by[key.Task] = t
	}
	if t.accounts[key.Account] {
		return
	}
	t.accounts[key.Account], t.last = true, last
	s.tellOrWait(by, kind, key.Task)
}

// relieve takes it out again.
func (s *UnifiedTaskScheduler) relieve(by map[string]*afflicted, kind string, key ScheduleKey) {
	if t := by[key.Task]; t != nil && t.accounts[key.Account] {
		delete(t.accounts, key.Account)
		s.tellOrWait(by, kind, key.Task)
	}
}

func (s *UnifiedTaskScheduler) tellOrWait(by map[string]*afflicted, kind, task string) {
	if t := by[task]; len(t.accounts) > accountsShown {
		t.stale = true
		return
	}
	s.tellAfflicted(by, kind, task)
}

func (s *UnifiedTaskScheduler) tellAfflicted(by map[string]*afflicted, kind, task string) {
	t := by[task]
	t.stale = false
	text := ""
	switch {
	case len(t.accounts) == 0:
		delete(by, task)
	case kind == runsInARow:
		text = fmt.Sprintf("%s was skipped, missed or failed %d times in a row or more, last with: %s", t.subject(task), badRunsLimit, said.FirstLine(t.last))
	default:
		text = fmt.Sprintf("%s has missed a run: %s", t.subject(task), said.FirstLine(t.last))
	}
	s.setCondition(kind+" "+task, text)
}

// subject names the task, and whom of the accounts it concerns.
func (t *afflicted) subject(task string) string {
	names := slices.Sorted(maps.Keys(t.accounts))
	if len(names) == 1 {
		return rowName(task, names[0])
	}
	return fmt.Sprintf("%s for %d accounts (%s)", task, len(names), said.Names(names[:min(len(names), accountsShown)], len(names)))
}

// tellBadRuns makes the conditions of many accounts anew, and ends those of sessions
// that are over. The caller holds mu.
func (s *UnifiedTaskScheduler) tellBadRuns(now time.Time) {
	b := &s.health.runs
	if !b.over.IsZero() && !now.Before(b.over) {
		b.over = time.Time{}
		for key, m := range b.missed {
			switch {
			case !now.Before(m.over):
				delete(b.missed, key)
				s.relieve(b.lost, lostRuns, key)
			case b.over.IsZero() || m.over.Before(b.over):
				b.over = m.over
			}
		}
	}
	s.tellStale(b.inARow, runsInARow)
	s.tellStale(b.lost, lostRuns)
}

func (s *UnifiedTaskScheduler) tellStale(by map[string]*afflicted, kind string) {
	for task, t := range by {
		if t.stale {
			s.tellAfflicted(by, kind, task)
		}
	}
}

// forgetBadRuns forgets the tasks that do not run any more. The caller holds mu.
func (s *UnifiedTaskScheduler) forgetBadRuns() {
	for key := range s.health.runs.streaks {
		s.forgetBadRun(key)
	}
	for key := range s.health.runs.missed {
		s.forgetBadRun(key)
	}
}

func (s *UnifiedTaskScheduler) forgetBadRun(key ScheduleKey) {
	if s.runsNow(key) != nil {
		return
	}
	s.endStreak(key)
	if b := &s.health.runs; b.missed[key] != (missedRun{}) {
		delete(b.missed, key)
		s.relieve(b.lost, lostRuns, key)
	}
}

// runsNow returns the row by which a task of an account runs, or nil if it does not.
func (s *UnifiedTaskScheduler) runsNow(key ScheduleKey) *row {
	r := s.rowFor(key.Account, key.Task)
	if _, err := s.accounts.enrolled(key.Account); err != nil || r == nil || r.Disabled {
		return nil
	}
	return r
}

// dropBadRuns forgets all of them, as another scheduler tells of them now. The caller
// holds mu.
func (s *UnifiedTaskScheduler) dropBadRuns() {
	b := &s.health.runs
	for task := range b.inARow {
		s.clear(runsInARow + " " + task)
	}
	for task := range b.lost {
		s.clear(lostRuns + " " + task)
	}
	recalling := b.recalling
	*b = newBadRuns()
	b.recalling = recalling
}

// recallRuns reads from the ledger what this process has not seen, beside all else:
// once, when a term has begun, what the last sessions left; and of each streak, once,
// what came before it. Both are bounded, however many accounts and runs there are. The
// caller holds mu.
func (s *UnifiedTaskScheduler) recallRuns() {
	b := &s.health.runs
	if b.recalling || !b.recall && len(b.unknown) == 0 || !s.term.resumed || !s.sched.loaded {
		return
	}
	b.recalling = true
	s.activity.Begin()
	s.spawnLocked(func() {
		defer s.activity.End()
		t := s.term.term
		if b.recall {
			b.recall = false
			s.recallSessions(t)
		}
		asked := b.unknown[:min(len(b.unknown), recallsAtOnce)]
		b.unknown = b.unknown[len(asked):]
		for _, key := range asked {
			s.recallStreak(t, key)
		}
		b.recalling = false
	})
}

// recallSessions reads the bad runs of the last days, task by task.
func (s *UnifiedTaskScheduler) recallSessions(t Term) {
	seen := make(map[string]bool)
	for key, r := range s.sched.rows {
		if !r.Disabled {
			seen[key.Task] = true
		}
	}
	tasks := slices.Sorted(maps.Keys(seen))
	from := calendar.DateOf(s.clock.Now().In(s.loc)).AddDays(-recallDays)
	for _, task := range tasks[:min(len(tasks), recallTasks)] {
		runs, ok := s.readPast(t, Query{
			Scheduler: s.cfg.Name, Task: task, From: from, Limit: recallRows, Outcomes: []Outcome{Failed, TimedOut, Skipped, Missed},
		})
		if !ok {
			return
		}
		for i := range runs {
			s.recallRun(&runs[i])
		}
	}
}

// recallRun takes in a bad run of the last days.
func (s *UnifiedTaskScheduler) recallRun(run *Run) {
	b, key := &s.health.runs, ScheduleKey{Task: run.Task, Account: run.Account}
	r := s.runsNow(key)
	if r == nil || !isBad(run.Outcome, run.Reason) {
		return
	}
	if run.Outcome == Missed {
		s.noteMissed(r, run, run.Reason)
	}
	if b.streaks[key] == nil && !s.accounts.byName[key.Account].task(key.Task).good {
		b.streaks[key] = &streak{first: s.clock.Now()}
		b.unknown = append(b.unknown, key)
	}
}

// recallStreak reads what the ledger has of a streak from before this process.
func (s *UnifiedTaskScheduler) recallStreak(t Term, key ScheduleKey) {
	runs, ok := s.readPast(t, Query{Scheduler: s.cfg.Name, Account: key.Account, Task: key.Task, Limit: 3 * badRunsLimit})
	st := s.health.runs.streaks[key]
	if !ok || st == nil || st.known {
		return
	}
	st.known = true
	last := ""
	for _, run := range slices.Backward(runs) {
		if run.Account != key.Account || !run.Due.Before(st.first) {
			continue
		}
		if run.Outcome == Succeeded {
			break
		}
		if isBad(run.Outcome, run.Reason) {
			st.before += run.Occurrences()
			if last == "" {
				last = run.Reason
			}
		}
	}
	if st.before+st.count == 0 {
		s.endStreak(key)
		return
	}
	s.tellStreak(key, st, last)
}

// readPast asks the ledger while mu is let go of. It is not ok if it does not answer,
// or if the term has ended meanwhile.
func (s *UnifiedTaskScheduler) readPast(t Term, q Query) (runs []Run, ok bool) {
	if s.life.draining || s.term.term != t {
		return nil, false
	}
	s.mu.Unlock()
	runs, err := quiet.Call(context.Background(), s.lanes.past, ledgerBound, func(ctx context.Context) ([]Run, error) {
		return s.history.Runs(ctx, q)
	})
	s.mu.Lock()
	if err != nil {
		s.log.Warn("what went wrong before cannot be read", "task", q.Task, "account", q.Account, "error", err)
	}
	return runs, err == nil && s.term.term == t
}
