package tradeclock

import (
	"cmp"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// keepDue keeps what came due between the last plan and the edits that a poll has
// brought, by the rows that were in force: an edit holds from its own instant on, which
// may be long before it is read, as when the host slept. Fresh are the rows that are new
// or different. When one was deleted is not known. The caller holds mu.
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
			same.Account, same.run.Shadowed = r.Account, r.run.Shadowed
			held[old] = append(held[old], heldUntil{same, until, r})
		}
	}
	if len(held) == 0 {
		return
	}
	for _, o := range before.Between(s.plan.upTo, now) {
		for _, h := range held[rowOf(o)] {
			if o.Due.After(h.until) || h.isDoubtful(o) && h.comesLater(o) {
				continue
			}
			if h.isDoubtful(o) {
				o.Skip = editedTwice
			}
			o.Row = &h.row.Row
			s.plan.kept = append(s.plan.kept, o)
		}
	}
}

// Why what was due before an edit does not run.
const (
	editedTwice       = "its schedule was edited more than once since it was last read: what held then is not known"
	reasonQuarantined = "its schedule is quarantined"
)

// heldUntil is a row as it was, for the accounts of the one that has taken its place at
// an instant.
type heldUntil struct {
	row   *row
	until time.Time
	by    *row
}

// isDoubtful reports whether another row may have held when an occurrence was due, which
// was never read.
func (h heldUntil) isDoubtful(o plan.Occurrence) bool {
	was := rowOf(o)
	return h.by.Key() == was.Key() && was.Version > 0 && h.by.Version > was.Version+1
}

// comesLater reports whether the present row brings up the slot of an occurrence itself.
func (h heldUntil) comesLater(o plan.Occurrence) bool {
	if h.by.Disabled {
		return false
	}
	day := plan.New([]*plan.Row{&h.by.Row}).Day(o.Session, o.Due.AddDate(0, 0, rule.MaxDaysOn+1))
	return slices.ContainsFunc(day, func(n plan.Occurrence) bool { return n.Slot == o.Slot })
}

// withKept adds what was kept and is due by an instant. What an edit has removed or
// disabled is recorded, and what it has moved to a time that has come as well is due
// then alone.
func (s *UnifiedTaskScheduler) withKept(due []plan.Occurrence, now time.Time) []plan.Occurrence {
	var later []plan.Occurrence
	for _, o := range s.plan.kept {
		r := s.sched.rows[rowOf(o).Key()]
		moved := func(n plan.Occurrence) bool { return rowOf(n) == r && n.Slot == o.Slot }
		switch {
		case o.Due.After(now):
			later = append(later, o)
			continue
		case slices.ContainsFunc(due, moved):
			continue
		case r == nil && s.rejectedFor(o.Row.Account, o.Row.Policy.Task) != nil:
			o.Skip = cmp.Or(o.Skip, reasonQuarantined)
		case r == nil || r.Disabled:
			o.Skip = cmp.Or(o.Skip, reasonDisabled)
		}
		due = append(due, o)
	}
	s.plan.kept = later
	return plan.Sorted(due)
}

// planLate keeps what fresh rows had due before the end of the last plan, which did not
// know them yet: the poll of its tick had failed, or was still to come. An edit holds from
// its instant on, whenever it is read. The caller holds mu.
func (s *UnifiedTaskScheduler) planLate(fresh []*row) {
	if !s.term.resumed {
		return
	}
	upTo := s.plan.upTo
	var late []*plan.Row
	first := upTo
	for _, r := range fresh {
		if from := r.HoldsFrom(); !r.Disabled && from.After(s.sched.read) && from.Before(upTo) {
			late = append(late, &r.Row)
			if from.Before(first) {
				first = from
			}
		}
	}
	if len(late) > 0 {
		s.plan.late = append(s.plan.late, plan.New(late).Between(first, upTo)...)
	}
}

// enqueueLate makes runs of what was kept so, by the rows that are still in force. What
// the rule of before had due at the same slot has a row already.
func (s *UnifiedTaskScheduler) enqueueLate(now time.Time) {
	if s.plan.late == nil {
		return
	}
	var due []plan.Occurrence
	for _, o := range s.plan.late {
		if r := s.sched.rows[rowOf(o).Key()]; r != nil && !r.Disabled && r.HoldsFrom().Equal(o.Row.HoldsFrom()) {
			o.Row = &r.Row
			due = append(due, o)
		}
	}
	s.plan.late = nil
	s.enqueueBackdated(plan.Sorted(due), now)
}
