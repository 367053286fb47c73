package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
)

// KeepDue keeps what came due between the last plan and the edits that have been read,
// by the rows that were in force: an edit holds from its own instant on, which
// may be long before it is read, as when the host slept. Fresh are the rows that are new
// or different. When one was deleted is not known. It is called before the rows of fresh
// are planned by.
func (e *Engine) KeepDue(before *plan.Plan, fresh []*Row, was func(Key) *Row, now time.Time) {
	now = wall(now)
	pl := &e.planning
	if !e.Term.IsResumed() || !pl.upTo.Before(now) {
		return
	}
	held := make(map[*Row][]heldUntil)
	for _, r := range fresh {
		old := was(r.key())
		if old == nil && r.Account != "" { // it has been one of the accounts of a shared row
			old = was(Key{Task: r.Task()})
		}
		if until := r.HoldsFrom(); old != nil && until.After(pl.upTo) {
			held[old] = append(held[old], heldUntil{old.forThoseOf(r), until, r})
		}
	}
	if len(held) == 0 {
		return
	}
	for _, o := range before.Between(pl.upTo, now) {
		for _, h := range held[RowOf(o)] {
			if o.Due.After(h.until) || h.isDoubtful(o) && h.comesLater(o) {
				continue
			}
			if h.isDoubtful(o) {
				o.Skip = why.EditedTwice
			}
			o.Row = h.row.Row
			pl.kept = append(pl.kept, o)
		}
	}
}

func (r *Row) key() Key { return Key{Task: r.Task(), Account: r.Account} }

// forThoseOf returns the same row for the accounts of another.
func (r *Row) forThoseOf(o *Row) *Row {
	planned := *r.Row
	planned.Account = o.Account
	same := *r
	same.Row, same.Shadowed = &planned, o.Shadowed
	planned.Of = &same
	return &same
}

// heldUntil is a row as it was, for the accounts of the one that has taken its place at
// an instant.
type heldUntil struct {
	row   *Row
	until time.Time
	by    *Row
}

// isDoubtful reports whether another row may have held when an occurrence was due, which
// was never read.
func (h heldUntil) isDoubtful(o plan.Occurrence) bool {
	was := RowOf(o)
	return h.by.key() == was.key() && was.Version > 0 && h.by.Version > was.Version+1
}

// comesLater reports whether the present row brings up the slot of an occurrence itself.
func (h heldUntil) comesLater(o plan.Occurrence) bool {
	if h.by.Policy.Disabled {
		return false
	}
	day := plan.New([]*plan.Row{h.by.Row}).Day(o.Session, o.Due.AddDate(0, 0, rule.MaxDaysOn+1))
	return slices.ContainsFunc(day, func(n plan.Occurrence) bool { return n.Slot == o.Slot })
}

// withKept adds what was kept and is due by an instant. What an edit has removed or
// disabled is recorded, and what it has moved to a time that has come as well is due
// then alone.
func (e *Engine) withKept(due []plan.Occurrence, now time.Time) []plan.Occurrence {
	var later []plan.Occurrence
	for _, o := range e.planning.kept {
		key := RowOf(o).key()
		r := e.facts.Row(key)
		moved := func(n plan.Occurrence) bool { return RowOf(n) == r && n.Slot == o.Slot && n.HasMoved == o.HasMoved }
		switch {
		case o.Due.After(now):
			later = append(later, o)
			continue
		case slices.ContainsFunc(due, moved):
			continue
		case r == nil && e.facts.Quarantined(key):
			o.Skip = cmp.Or(o.Skip, why.Quarantined)
		case r == nil || r.Policy.Disabled:
			o.Skip = cmp.Or(o.Skip, why.Disabled)
		}
		due = append(due, o)
	}
	e.planning.kept = later
	return plan.Sorted(due)
}

// PlanLate keeps what fresh rows had due before the end of the last plan, which did not
// know them yet: the poll of its tick had failed, or was still to come. An edit holds from
// its instant on, whenever it is read. Read is when the rows were read before.
func (e *Engine) PlanLate(fresh []*Row, read time.Time) {
	if !e.Term.IsResumed() {
		return
	}
	pl := &e.planning
	var late []*plan.Row
	first := pl.upTo
	for _, r := range fresh {
		if from := r.HoldsFrom(); !r.Policy.Disabled && from.After(read) && from.Before(pl.upTo) {
			late = append(late, r.Row)
			if from.Before(first) {
				first = from
			}
		}
	}
	if len(late) > 0 {
		pl.late = append(pl.late, plan.New(late).Override(pl.plan.Overrides()).Between(first, pl.upTo)...)
	}
}

// enqueueLate makes runs of what was kept so, by the rows that are still in force. What
// the rule of before had due at the same slot has a row already.
func (e *Engine) enqueueLate(now time.Time) {
	pl := &e.planning
	if pl.late == nil {
		return
	}
	var due []plan.Occurrence
	for _, o := range pl.late {
		if r := e.facts.Row(RowOf(o).key()); r != nil && !r.Policy.Disabled && r.HoldsFrom().Equal(o.Row.HoldsFrom()) {
			o.Row = r.Row
			due = append(due, o)
		}
	}
	pl.late = nil
	e.enqueueLike(wave{planned: now, backdated: true, twice: true}, plan.Sorted(due), e.Accounts.All(), now)
}
