package tradeclock

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// Bounds of what is read of bad runs.
const (
	recallDays    = 5   // sessions that are read when a term begins
	recallTasks   = 50  // of how many tasks
	recallRows    = 100 // and how many rows of each
	recallsAtOnce = 100 // streaks of which the beginning is read at one tick
)

// verdictOn tells what an outcome means.
func verdictOn(outcome Outcome, reason string) engine.Verdict {
	switch outcome {
	case Succeeded:
		return engine.Good
	case Failed, TimedOut:
		return engine.Bad
	case Missed:
		return engine.VerdictOnMissed(reason)
	case Skipped:
		return engine.VerdictOnSkipped(reason)
	}
	return engine.Neither
}

// The words by which the two kinds of condition are found.
const (
	runsInARow = "streak"
	lostRuns   = "lost"
)

// tellBadRuns keeps the conditions of bad runs. The caller holds mu.
func (s *UnifiedTaskScheduler) tellBadRuns() {
	for _, t := range s.engine.Bad.News() {
		switch name := []string{engine.InARow: runsInARow, engine.Lost: lostRuns}[t.Kind] + " " + t.Task; {
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
		return naming.Row(t.Task, t.First[0])
	}
	return fmt.Sprintf("%s for %d accounts (%s)", t.Task, t.Accounts, said.Names(t.First, t.Accounts))
}

// forgetBadRuns forgets the tasks that do not run any more. The caller holds mu.
func (s *UnifiedTaskScheduler) forgetBadRuns() {
	s.engine.Bad.ForgetAll(func(key engine.Key) bool { return s.runsNow(key) != nil })
	s.tellBadRuns()
}

func (s *UnifiedTaskScheduler) forgetBadRun(key engine.Key) {
	if s.runsNow(key) == nil {
		s.engine.Bad.Forget(key)
		s.tellBadRuns()
	}
}

// runsNow returns the row by which a task of an account runs, or nil if it does not.
func (s *UnifiedTaskScheduler) runsNow(key engine.Key) *vet.Row {
	r := s.rowFor(key.Account, key.Task)
	if _, err := s.enrolled(key.Account); err != nil || r == nil || r.Disabled {
		return nil
	}
	return r
}

// recallRuns reads from the ledger what this process has not seen, beside all else:
// once, when a term has begun, what the last sessions left; and of each streak, once,
// what came before it. Both are bounded, however many accounts and runs there are. The
// caller holds mu.
func (s *UnifiedTaskScheduler) recallRuns() {
	h := &s.health
	if h.recalling || !h.recall && !s.engine.Bad.HasUnknown() || !s.engine.Term.IsResumed() || !s.sched.loaded {
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
		for _, key := range s.engine.Bad.TakeUnknown(recallsAtOnce) {
			s.recallStreak(t, key)
		}
		h.recalling = false
	})
}

// recallSessions reads the bad runs of the last days, task by task.
func (s *UnifiedTaskScheduler) recallSessions(t store.Term) {
	seen := make(map[string]bool)
	for key, r := range s.sched.rows {
		if !r.Disabled {
			seen[key.Task] = true
		}
	}
	tasks := slices.Sorted(maps.Keys(seen))
	from := calendar.DateOf(s.clock.Now().In(s.loc)).AddDays(-recallDays)
	for _, task := range tasks[:min(len(tasks), recallTasks)] {
		runs, ok := s.readPast(t, store.Query{
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
	if over := r.Run.LostUntil(run.Session, run.Through(), s.clock.Now()); run.Outcome == Missed && !over.IsZero() {
		s.engine.Bad.Lose(key, run.Slot, run.Reason, over)
	}
	if !s.engine.HasSucceeded(key) {
		s.engine.Bad.Suspect(key, s.clock.Now())
	}
}

// recallStreak reads what the ledger has of a streak from before this process.
func (s *UnifiedTaskScheduler) recallStreak(t store.Term, key engine.Key) {
	runs, ok := s.readPast(t, store.Query{Scheduler: s.cfg.Name, Account: key.Account, Task: key.Task, NewestFirst: true, Limit: 3 * engine.BadInARow})
	begins, asked := s.engine.Bad.Begins(key)
	if !ok || !asked {
		return
	}
	before, last := 0, ""
	for _, run := range runs {
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
	s.engine.Bad.Recall(key, before, last)
	s.tellBadRuns()
}

// readPast asks the ledger while mu is let go of. It is not ok if it does not answer,
// or if the term has ended meanwhile.
func (s *UnifiedTaskScheduler) readPast(t store.Term, q store.Query) (runs []Run, ok bool) {
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
