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
	held := make(map[*row][]heldUntil)
	for _, r := range fresh {
		old := was(r.Key())
		if old == nil && r.Account != "" { // it has been one of the accounts of a shared row
			old = was(ScheduleKey{Task: r.Task})
		}
		if until := r.HoldsFrom(); old != nil && until.After(s.plan.upTo) {
			same := old.copied()
			same.Account, same.shadowed = r.Account, r.shadowed
			held[old] = append(held[old], heldUntil{same, until})
		}
	}
	if len(held) == 0 {
		return
	}
	for _, o := range before.Between(s.plan.upTo, now) {
		for _, h := range held[rowOf(o)] {
			if !o.Due.After(h.until) {
				o.Row = &h.row.Row
				s.plan.kept = append(s.plan.kept, o)
			}
		}
	}
}

// heldUntil is a row as it was, for the accounts of the one that has taken its place at
// an instant.
type heldUntil struct {
	row   *row
	until time.Time
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
