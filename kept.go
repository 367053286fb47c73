package tradeclock

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
)

// keepDue keeps what came due between the last plan and the edits that a poll has
// brought, by the rows that were in force: an edit holds from its own instant on, which
// may be long before it is read, as when the host slept. Fresh are the rows that are new
// or different. The caller holds mu.
func (s *UnifiedTaskScheduler) keepDue(before *plan.Plan, fresh []*row, was func(ScheduleKey) *row) {
	now := s.clock.Now().Round(0).UTC()
	if !s.term.resumed || !s.plan.upTo.Before(now) {
		return
	}
	follow := make(map[*row][]*row) // those that have taken the place of each
	for _, r := range fresh {
		old := was(r.Key())
		if old == nil && r.Account != "" {
			old = was(ScheduleKey{Task: r.Task})
		}
		if old != nil && r.HoldsFrom().After(s.plan.upTo) {
			follow[old] = append(follow[old], r)
		}
	}
	if len(follow) == 0 {
		return
	}
	for _, o := range before.Between(s.plan.upTo, now) {
		for _, r := range follow[rowOf(o)] {
			if o.Due.After(r.HoldsFrom()) {
				continue
			}
			if r.Account != rowOf(o).Account { // it has been one of the accounts of a shared row
				own := rowOf(o).copied()
				own.Account = r.Account
				o.Row = &own.Row
			}
			s.plan.kept = append(s.plan.kept, o)
		}
	}
}

// withKept adds what was kept and is due by an instant. What an edit has removed or
// disabled does not run, and neither does what it has moved to a time that has come as
// well.
func (s *UnifiedTaskScheduler) withKept(due []plan.Occurrence, now time.Time) []plan.Occurrence {
	var later []plan.Occurrence
	for _, o := range s.plan.kept {
		r := s.sched.rows[rowOf(o).Key()]
		moved := func(n plan.Occurrence) bool { return rowOf(n) == r && n.Slot == o.Slot }
		switch {
		case o.Due.After(now):
			later = append(later, o)
		case r != nil && !r.Disabled && !slices.ContainsFunc(due, moved):
			due = append(due, o)
		}
	}
	s.plan.kept = later
	return plan.Sorted(due)
}
