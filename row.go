package tradeclock

import (
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// row is a vetted schedule: what planning knows of it, and what else is known. It is
// never changed once it is in force, so that what reads it needs no lock.
type row struct {
	plan.Row
	*policy
	view *calendarView
	run  engine.Row // what the engine knows of it
}

// policy is what a schedule says, but for whom, since when and in which version,
// with what is worked out from it. The rows of many accounts that say the same
// share one: a row of an account must cost little memory.
type policy struct {
	Schedule        // without Account, Since and Version
	text     string // of the rule
	plan     plan.Policy
	handling engine.Handling
}

func newPolicy(s Schedule) *policy {
	return &policy{
		Schedule: impersonal(s), text: s.Rule.String(),
		plan: plan.Policy{
			Task: s.Task, Priority: s.Priority, Disabled: s.Disabled, Sessions: s.Sessions,
			Timing: plan.TimingOf(s.Rule), Prior: plan.TimingOf(s.Prior),
		},
		handling: engine.Handling{
			Overlap: overlaps[s.Overlap], Exclusive: s.Exclusive, StartLimit: s.StartLimit, Spread: s.Spread,
			AtLeastOnce: s.Delivery == AtLeastOnce, CatchUp: s.EffectiveCatchUp(), CatchUpUntil: s.CatchUpUntil, Retry: engine.Retry(s.Retry),
		},
	}
}

var overlaps = [...]engine.Overlap{
	OverlapSkip: engine.OverlapSkip, OverlapQueue: engine.OverlapQueue, OverlapCancel: engine.OverlapCancel, OverlapAllow: engine.OverlapAllow,
}

// newRow returns the row of a schedule with a policy. The view is nil for an after rule:
// see follow.
func newRow(s Schedule, p *policy, view *calendarView) *row {
	r := &row{Row: plan.Row{Policy: &p.plan, Account: s.Account, Since: s.Since}, policy: p, view: view}
	if view != nil {
		r.Row.Calendar = view
	}
	r.run = engine.Row{Handling: &p.handling, Version: s.Version}
	r.bind()
	return r
}

// bind lets planning and the engine know the row by itself.
func (r *row) bind() {
	r.Row.Of, r.run.Row, r.run.Of = &r.run, &r.Row, r
}

// copied returns a row of its own that is the same.
func (r *row) copied() *row {
	c := *r
	c.bind()
	return &c
}

// base is the row that an after rule follows, or nil.
func (r *row) base() *row {
	if r.Base == nil {
		return nil
	}
	return rowBy(r.Base)
}

// rowOf returns the row of an occurrence, and rowBy that which planning knows.
func rowOf(o plan.Occurrence) *row { return rowBy(o.Row) }

func rowBy(r *plan.Row) *row { return r.Of.(*engine.Row).Of.(*row) }

// plannedRows are the rows as planning knows them.
func plannedRows(rows []*row) []*plan.Row {
	planned := make([]*plan.Row, len(rows))
	for i, r := range rows {
		planned[i] = &r.Row
	}
	return planned
}

// impersonal returns s without what a policy leaves to the row.
func impersonal(s Schedule) Schedule {
	s.Account, s.Since, s.Version = "", time.Time{}, 0
	return s
}

// policyKey is what a policy is compared by: the schedule with the value of its
// CatchUpUntil in place of the pointer.
type policyKey struct {
	Schedule
	until   rule.Moment
	bounded bool
}

// policyKeyOf returns the key of the schedule's policy; ok is false if its rules
// cannot be compared.
func policyKeyOf(s Schedule) (key policyKey, ok bool) {
	if !rule.Comparable(s.Rule) || !rule.Comparable(s.Prior) {
		return policyKey{}, false
	}
	key.Schedule = impersonal(s)
	if s.CatchUpUntil != nil {
		key.CatchUpUntil, key.until, key.bounded = nil, *s.CatchUpUntil, true
	}
	return key, true
}

// share makes another policy that of the row, if it says the same.
func (r *row) share(p *policy) {
	own, ok := policyKeyOf(r.Schedule)
	if other, comparable := policyKeyOf(p.Schedule); ok && comparable && own == other {
		r.policy, r.Policy, r.run.Handling = p, &p.plan, &p.handling
	}
}

// schedule returns the row as its store would have it.
func (r *row) schedule() Schedule {
	s := r.Schedule
	s.Account, s.Since, s.Version = r.Account, r.Since, r.run.Version
	return s
}

// Key is the key with the account of the row, which its policy has not.
func (r *row) Key() ScheduleKey { return ScheduleKey{Task: r.Task, Account: r.Account} }

// follows returns the task that the policy's rule comes after, if it is such a rule.
func (p *policy) follows() (task string, ok bool) {
	task, _, ok = rule.Follows(p.Rule)
	return task, ok
}

// differs reports whether anything but Since and Prior is different, which are the
// traces of an edit.
func (r *row) differs(o *row) bool {
	if r.policy == o.policy {
		return r.run.Version != o.run.Version
	}
	a, b := r.schedule(), o.schedule()
	if r.text != o.text || (a.CatchUpUntil == nil) != (b.CatchUpUntil == nil) ||
		a.CatchUpUntil != nil && *a.CatchUpUntil != *b.CatchUpUntil {
		return true
	}
	a.Rule, b.Rule, a.Prior, b.Prior, a.CatchUpUntil, b.CatchUpUntil = nil, nil, nil, nil, nil, nil
	a.Since, b.Since = time.Time{}, time.Time{}
	return a != b
}

// engineRow is the row as the engine knows it. That of none is none.
func (r *row) engineRow() *engine.Row {
	if r == nil {
		return nil
	}
	return &r.run
}

// engineRows are the rows as the engine knows them.
func engineRows(rows []*row) []*engine.Row {
	known := make([]*engine.Row, len(rows))
	for i, r := range rows {
		known[i] = &r.run
	}
	return known
}

// plannedOverrides are overrides as planning knows them.
func plannedOverrides(all []Override) *plan.Overrides {
	planned := make([]plan.Override, len(all))
	for i, o := range all {
		planned[i] = plan.Override{
			Task: o.Task, Account: o.Account, Slot: o.Slot, Session: o.Session, Due: o.Due, At: o.At, Why: o.Why(),
		}
	}
	return plan.NewOverrides(planned)
}
