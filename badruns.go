package tradeclock

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Bounds of what is read of bad runs.
const (
	recallDays    = 5   // sessions that are read when a term begins
	recallTasks   = 50  // of how many tasks
	recallRows    = 100 // and how many rows of each
	recallsAtOnce = 100 // streaks of which the beginning is read at one tick
)

// verdictOn tells what an outcome means. What somebody asked for is neither good nor bad,
// and so is an occurrence in whose place a newer one runs.
func verdictOn(outcome Outcome, reason string) engine.Verdict {
	switch {
	case outcome == Succeeded:
		return engine.Good
	case outcome == Failed, outcome == TimedOut,
		outcome == Missed && !strings.HasPrefix(reason, superseded),
		outcome == Skipped && !strings.HasPrefix(reason, haltedBy) && !strings.HasPrefix(reason, reasonWithdrawn) && reason != reasonDisabled:
		return engine.Bad
	}
	return engine.Neither
}

// countRun counts an outcome. The caller holds mu.
func (s *UnifiedTaskScheduler) countRun(a *account, ts *taskState, run *Run, outcome Outcome, reason string) {
	ts.good = ts.good || outcome == Succeeded
	key := engine.Key{Task: ts.name, Account: a.name}
	s.health.runs.Count(key, run.Slot, run.Due, verdictOn(outcome, reason), reason, ts.good || s.history == nil)
	s.tellBadRuns()
}

// countMissed counts a run that was missed, and tells of one that is delivered at most
// once until its session is over.
func (s *UnifiedTaskScheduler) countMissed(p *pending, reason string) {
	if p.replaces != nil || verdictOn(Missed, reason) != engine.Bad {
		return
	}
	key := engine.Key{Task: p.task.name, Account: p.acct.name}
	s.health.runs.Missed(key, p.run.Slot, p.run.Due, reason, p.task.good || s.history == nil, s.lostUntil(p.row, &p.run))
	s.tellBadRuns()
}

// lostUntil is until when a run is told of that was missed, or zero if it is not.
func (s *UnifiedTaskScheduler) lostUntil(r *row, run *Run) time.Time {
	date := calendar.DateOf(run.Through().In(r.view.loc))
	if date.Before(run.Session) {
		date = run.Session
	}
	over := calendar.EndOfDay.On(date, r.view.loc)
	if r.Delivery != AtMostOnce || !s.clock.Now().Before(over) {
		return time.Time{}
	}
	return over
}

// tellBadRuns keeps the conditions of bad runs. The caller holds mu.
func (s *UnifiedTaskScheduler) tellBadRuns() {
	for _, t := range s.health.runs.News() {
		switch name := []string{engine.InARow: "in a row ", engine.Lost: "lost "}[t.Kind] + t.Task; {
		case t.Accounts == 0:
			s.clear(name)
		case t.Kind == engine.InARow:
			s.degrade(name, fmt.Sprintf("%s was skipped, missed or failed %d times in a row or more, last with: %s",
				troubledTask(t), engine.BadInARow, said.FirstLine(t.Last)))
		default:
			s.degrade(name, fmt.Sprintf("%s has missed a run: %s", troubledTask(t), said.FirstLine(t.Last)))
		}
	}
}

// troubledTask names the task, and whom of the accounts it concerns.
func troubledTask(t engine.Trouble) string {
	if t.Accounts == 1 {
		return rowName(t.Task, t.First[0])
	}
	return fmt.Sprintf("%s for %d accounts (%s)", t.Task, t.Accounts, said.Names(t.First, t.Accounts))
}

// forgetBadRuns forgets the tasks that do not run any more. The caller holds mu.
func (s *UnifiedTaskScheduler) forgetBadRuns() {
	s.health.runs.ForgetAll(func(key engine.Key) bool { return s.runsNow(key) != nil })
	s.tellBadRuns()
}

func (s *UnifiedTaskScheduler) forgetBadRun(key engine.Key) {
	if s.runsNow(key) == nil {
		s.health.runs.Forget(key)
		s.tellBadRuns()
	}
}

// runsNow returns the row by which a task of an account runs, or nil if it does not.
func (s *UnifiedTaskScheduler) runsNow(key engine.Key) *row {
	r := s.rowFor(key.Account, key.Task)
	if _, err := s.accounts.enrolled(key.Account); err != nil || r == nil || r.Disabled {
		return nil
	}
	return r
}

// dropBadRuns forgets all of them, as another scheduler tells of them now. The caller
// holds mu.
func (s *UnifiedTaskScheduler) dropBadRuns() {
	s.health.runs.Drop()
	s.health.recall = false
	s.tellBadRuns()
}

// recallRuns reads from the ledger what this process has not seen, beside all else:
// once, when a term has begun, what the last sessions left; and of each streak, once,
// what came before it. Both are bounded, however many accounts and runs there are. The
// caller holds mu.
func (s *UnifiedTaskScheduler) recallRuns() {
	h := &s.health
	if h.recalling || !h.recall && !h.runs.HasUnknown() || !s.term.resumed || !s.sched.loaded {
		return
	}
	h.recalling = true
	s.activity.Begin()
	s.spawnLocked(func() {
		defer s.activity.End()
		t := s.term.term
		if h.recall {
			h.recall = false
			s.recallSessions(t)
		}
		for _, key := range h.runs.TakeUnknown(recallsAtOnce) {
			s.recallStreak(t, key)
		}
		h.recalling = false
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
		s.tellBadRuns()
	}
}

// recallRun takes in a bad run of the last days.
func (s *UnifiedTaskScheduler) recallRun(run *Run) {
	key := engine.Key{Task: run.Task, Account: run.Account}
	r := s.runsNow(key)
	if r == nil || verdictOn(run.Outcome, run.Reason) != engine.Bad {
		return
	}
	if over := s.lostUntil(r, run); run.Outcome == Missed && !over.IsZero() {
		s.health.runs.Lose(key, run.Slot, run.Reason, over)
	}
	if !s.accounts.byName[key.Account].task(key.Task).good {
		s.health.runs.Suspect(key, s.clock.Now())
	}
}

// recallStreak reads what the ledger has of a streak from before this process.
func (s *UnifiedTaskScheduler) recallStreak(t Term, key engine.Key) {
	runs, ok := s.readPast(t, Query{Scheduler: s.cfg.Name, Account: key.Account, Task: key.Task, Limit: 3 * engine.BadInARow})
	begins, asked := s.health.runs.Begins(key)
	if !ok || !asked {
		return
	}
	before, last := 0, ""
	for _, run := range slices.Backward(runs) {
		if run.Account != key.Account || !run.Due.Before(begins) {
			continue
		}
		if run.Outcome == Succeeded {
			break
		}
		if verdictOn(run.Outcome, run.Reason) == engine.Bad {
			before += run.Occurrences()
			last = cmp.Or(last, run.Reason)
		}
	}
	s.health.runs.Recall(key, before, last)
	s.tellBadRuns()
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
