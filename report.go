package tradeclock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
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
