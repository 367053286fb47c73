package tradeclock

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// reportRows tells what a reading of all rows changed, and what is odd about them.
// Those that are fresh were not in force before, or differently. The caller holds mu.
func (s *UnifiedTaskScheduler) reportRows(old map[store.ScheduleKey]*vet.Row, fresh []*vet.Row, rejected []store.RowError) {
	change := SchedulesChanged{Quarantined: rejected}
	for _, r := range fresh {
		change.compare(old[r.Key()], r)
	}
	if kept := len(s.sched.rows) - len(change.Added); kept < len(old) {
		for key, was := range old {
			if s.sched.rows[key] == nil {
				change.compare(was, nil)
			}
		}
	}
	slices.Sort(change.Removed)
	if old == nil || !change.isEmpty() || !sameErrors(rejected, s.sched.rejected) {
		s.tellRows(change)
	}
	s.sched.rejected = rejected
	var problems []string
	for _, r := range rejected {
		problems = append(problems, r.Error())
	}
	s.setCondition("quarantine", join("quarantined: ", problems))
	s.reportProblems(fresh)
	s.forgetBadRuns()
	s.reportTasks()
	s.reportSilence()
	s.tellPending(fresh)
}

// tellPending logs which edits take effect only at the next session.
func (s *UnifiedTaskScheduler) tellPending(fresh []*vet.Row) {
	for _, r := range fresh {
		if s.sched.silence.pending[r.Key()] == r {
			s.log.Info("an edit takes effect at the next session", "task", r.Task, "account", r.Account, "rule", r.Text, "until_then", r.Prior.String())
		}
	}
}

// compare notes that a row is another than it was. Either may be nil.
func (c *SchedulesChanged) compare(was, is *vet.Row) {
	switch {
	case was == is:
	case was == nil:
		c.Added = append(c.Added, naming.Row(is.Task, is.Account))
		c.noteDelivery(is)
	case is == nil:
		c.Removed = append(c.Removed, naming.Row(was.Task, was.Account))
	case was.Differs(is):
		c.Changed = append(c.Changed, naming.Row(is.Task, is.Account))
		c.noteDelivery(is)
	}
}

func (c *SchedulesChanged) noteDelivery(r *vet.Row) {
	if c.Deliveries == nil {
		c.Deliveries = make(map[string][]Delivery)
	}
	if known := c.Deliveries[r.Task]; !slices.Contains(known, r.Delivery) {
		c.Deliveries[r.Task] = append(known, r.Delivery)
	}
}

func (c *SchedulesChanged) isEmpty() bool { return len(c.Added)+len(c.Changed)+len(c.Removed) == 0 }

func (s *UnifiedTaskScheduler) tellRows(change SchedulesChanged) {
	s.log.Info("schedules", "rows", len(s.sched.rows), "added", len(change.Added), "changed", change.Changed,
		"removed", change.Removed, "quarantined", len(change.Quarantined))
	s.events.tell(change)
}

func sameErrors(a, b []store.RowError) bool {
	return slices.EqualFunc(a, b, func(x, y store.RowError) bool { return x.Error() == y.Error() })
}

// reportProblems turns what is odd about the rows into conditions of health, and
// warns of those that are fresh.
func (s *UnifiedTaskScheduler) reportProblems(fresh []*vet.Row) {
	switch {
	case len(s.sched.rows) > 0:
		s.clear("empty")
	case len(s.sched.rejected) > 0:
		s.degrade("empty", "no schedule can be used: nothing runs")
	default:
		s.degrade("empty", "there are no schedules: nothing runs")
	}
	s.setCondition("once", join("scheduled once, in the past: ", s.pastOnce()))
	var slow []string
	for _, r := range fresh {
		s.clear("slot " + r.Task) // it may have another rule
		if !r.Disabled && s.cfg.TermLength+takeoverWithin > r.EffectiveCatchUp() {
			slow = append(slow, naming.Row(r.Task, r.Account))
		}
	}
	if len(slow) > 0 {
		s.log.Warn("a takeover may take longer than the catch-up of some tasks", "takeover", s.cfg.TermLength+takeoverWithin, "tasks", slow)
	}
}

// pastOnce names the rows that run once and were past already when they began to
// hold, so that they never run.
func (s *UnifiedTaskScheduler) pastOnce() []string {
	var past []*vet.Row
	for _, once := range s.sched.plan.OnceRows() {
		if r := vet.RowBy(once); s.wasPast(once.Policy.Timing.Rule, r) {
			past = append(past, r)
		}
	}
	slices.SortFunc(past, func(a, b *vet.Row) int { return a.Key().Compare(b.Key()) })
	names := make([]string, len(past))
	for i, r := range past {
		names[i] = fmt.Sprintf("%s (%s)", naming.Row(r.Task, r.Account), r.Text)
	}
	return names
}

// wasPast reports whether a row that runs once was past already when it began to
// hold.
func (s *UnifiedTaskScheduler) wasPast(only rule.Rule, r *vet.Row) bool {
	from := r.Since
	if from.IsZero() {
		from = s.engine.Accounts.Began() // zero if the ledger is not new
	}
	if from.IsZero() {
		return false
	}
	return rule.IsPast(only, from, r.View.Location())
}

// reportTasks compares the schedules with what the executors know, for all
// accounts. The caller holds mu.
func (s *UnifiedTaskScheduler) reportTasks() {
	if !s.sched.loaded {
		return
	}
	s.sched.unreported = false
	s.sched.odd = make(map[store.ScheduleKey]string)
	if slices.ContainsFunc(s.engine.Accounts.All(), func(a *engine.Account) bool { return accountOf(a).lists }) {
		for key := range s.sched.rows {
			s.compareTask(key)
		}
	}
	for a := range s.everyAccount() {
		for _, task := range a.known {
			s.compareAccount(a, task)
		}
	}
	s.reportOdd()
}

// compareTask compares a row's task with what the executors of its accounts know.
func (s *UnifiedTaskScheduler) compareTask(key store.ScheduleKey) {
	for _, a := range s.accountsOf(key) {
		s.compareAccount(a, key.Task)
	}
}

// accountsOf returns the accounts that a row may hold for.
func (s *UnifiedTaskScheduler) accountsOf(key store.ScheduleKey) []*account {
	if key.Account == "" {
		return slices.Collect(s.everyAccount())
	}
	if a := s.account(key.Account); a != nil {
		return []*account{a}
	}
	return nil
}

// compareAccount notes whether an account has a schedule of a task that its executor
// does not know, or no schedule of one that it knows.
func (s *UnifiedTaskScheduler) compareAccount(a *account, task string) {
	if !a.lists {
		return
	}
	key := store.ScheduleKey{Task: task, Account: a.Name}
	scheduled, known := s.rowFor(a.Name, task) != nil, slices.Contains(a.known, task)
	switch {
	case a.IsGone() || scheduled == known:
		delete(s.sched.odd, key)
	case known:
		s.sched.odd[key] = fmt.Sprintf("%s has no schedule", naming.Row(task, a.Name))
	default:
		s.sched.odd[key] = fmt.Sprintf("%s has a schedule, and the executor does not know it%s", naming.Row(task, a.Name), spelling.Hint(task, a.known))
	}
}

// oddTasksShown is how many tasks are named in the condition of health.
const oddTasksShown = 10

func (s *UnifiedTaskScheduler) reportOdd() {
	problems := slices.Sorted(maps.Values(s.sched.odd))
	if n := len(problems) - oddTasksShown; n > 0 {
		problems = append(problems[:oddTasksShown], fmt.Sprintf("and %d more", n))
	}
	s.setCondition("tasks", join("", problems))
}

// rowFor returns the row that holds for an account's task, or nil.
func (s *UnifiedTaskScheduler) rowFor(account, task string) *vet.Row {
	if r := s.sched.rows[store.ScheduleKey{Task: task, Account: account}]; r != nil {
		return r
	}
	if r := s.sched.rows[store.ScheduleKey{Task: task}]; r != nil && r.Run.HoldsFor(account) {
		return r
	}
	return nil
}

func join(prefix string, problems []string) string {
	if len(problems) == 0 {
		return ""
	}
	return prefix + strings.Join(problems, "; ")
}

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
