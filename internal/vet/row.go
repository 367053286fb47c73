package vet

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Row is a vetted schedule: what planning knows of it, and what else is known. It is
// never changed once it is in force, so that what reads it needs no lock.
type Row struct {
	plan.Row
	*policy
	View *Calendar
	Run  engine.Row // what the engine knows of it
}

// policy is what a schedule says, but for whom, since when and in which version,
// with what is worked out from it. The rows of many accounts that say the same
// share one: a row of an account must cost little memory.
type policy struct {
	store.Schedule        // without Account, Since and Version
	Text           string // of the rule
	plan           plan.Policy
	handling       engine.Handling
}

func newPolicy(s store.Schedule) *policy {
	return &policy{
		Schedule: impersonal(s), Text: s.Rule.String(),
		plan: plan.Policy{
			Task: s.Task, Priority: s.Priority, Disabled: s.Disabled, Sessions: s.Sessions,
			Timing: plan.TimingOf(s.Rule), Prior: plan.TimingOf(s.Prior),
		},
		handling: engine.Handling{
			Overlap: overlaps[s.Overlap], Exclusive: s.Exclusive, StartLimit: s.StartLimit, Spread: s.Spread,
			AtLeastOnce: s.Delivery == store.AtLeastOnce, CatchUp: s.EffectiveCatchUp(), CatchUpUntil: s.CatchUpUntil, Retry: engine.Retry(s.Retry),
		},
	}
}

var overlaps = [...]engine.Overlap{
	store.OverlapSkip: engine.OverlapSkip, store.OverlapQueue: engine.OverlapQueue, store.OverlapCancel: engine.OverlapCancel, store.OverlapAllow: engine.OverlapAllow,
}

// newRow returns the row of a schedule with a policy. The view is nil for an after rule:
// see follow.
func newRow(s store.Schedule, p *policy, view *Calendar) *Row {
	r := &Row{Row: plan.Row{Policy: &p.plan, Account: s.Account, Since: s.Since}, policy: p, View: view}
	if view != nil {
		r.Row.Calendar = view
	}
	r.Run = engine.Row{Handling: &p.handling, Version: s.Version}
	r.bind()
	return r
}

// bind lets planning and the engine know the row by itself.
func (r *Row) bind() {
	r.Row.Of, r.Run.Row, r.Run.Of = &r.Run, &r.Row, r
}

// Copied returns a row of its own that is the same.
func (r *Row) Copied() *Row {
	c := *r
	c.bind()
	return &c
}

// BaseRow is the row that an after rule follows, or nil.
func (r *Row) BaseRow() *Row {
	if r.Base == nil {
		return nil
	}
	return RowBy(r.Base)
}

// RowOf returns the row of an occurrence.
func RowOf(o plan.Occurrence) *Row { return RowBy(o.Row) }

// RowBy returns the row that planning knows.
func RowBy(r *plan.Row) *Row { return r.Of.(*engine.Row).Of.(*Row) }

// PlannedRows are the rows as planning knows them.
func PlannedRows(rows []*Row) []*plan.Row {
	planned := make([]*plan.Row, len(rows))
	for i, r := range rows {
		planned[i] = &r.Row
	}
	return planned
}

// impersonal returns s without what a policy leaves to the row.
func impersonal(s store.Schedule) store.Schedule {
	s.Account, s.Since, s.Version = "", time.Time{}, 0
	return s
}

// policyKey is what a policy is compared by: the schedule with the value of its
// CatchUpUntil in place of the pointer.
type policyKey struct {
	store.Schedule
	until   rule.Moment
	bounded bool
}

// policyKeyOf returns the key of the schedule's policy; ok is false if its rules
// cannot be compared.
func policyKeyOf(s store.Schedule) (key policyKey, ok bool) {
	if !rule.Comparable(s.Rule) || !rule.Comparable(s.Prior) {
		return policyKey{}, false
	}
	key.Schedule = impersonal(s)
	if s.CatchUpUntil != nil {
		key.CatchUpUntil, key.until, key.bounded = nil, *s.CatchUpUntil, true
	}
	return key, true
}

// Share makes the policy of another row that of the row, if it says the same.
func (r *Row) Share(like *Row) {
	p := like.policy
	own, ok := policyKeyOf(r.Schedule)
	if other, comparable := policyKeyOf(p.Schedule); ok && comparable && own == other {
		r.policy, r.Policy, r.Run.Handling = p, &p.plan, &p.handling
	}
}

// Stored returns the row as its store would have it.
func (r *Row) Stored() store.Schedule {
	s := r.Schedule
	s.Account, s.Since, s.Version = r.Account, r.Since, r.Run.Version
	return s
}

// Key is the key with the account of the row, which its policy has not.
func (r *Row) Key() store.ScheduleKey { return store.ScheduleKey{Task: r.Task, Account: r.Account} }

// follows returns the task that the policy's rule comes after, if it is such a rule.
func (p *policy) follows() (task string, ok bool) {
	task, _, ok = rule.Follows(p.Rule)
	return task, ok
}

// Differs reports whether anything but Since and Prior is different, which are the
// traces of an edit.
func (r *Row) Differs(o *Row) bool {
	if r.policy == o.policy {
		return r.Run.Version != o.Run.Version
	}
	a, b := r.Stored(), o.Stored()
	if r.Text != o.Text || (a.CatchUpUntil == nil) != (b.CatchUpUntil == nil) ||
		a.CatchUpUntil != nil && *a.CatchUpUntil != *b.CatchUpUntil {
		return true
	}
	a.Rule, b.Rule, a.Prior, b.Prior, a.CatchUpUntil, b.CatchUpUntil = nil, nil, nil, nil, nil, nil
	a.Since, b.Since = time.Time{}, time.Time{}
	return a != b
}

// EngineRow is the row as the engine knows it. That of none is none.
func (r *Row) EngineRow() *engine.Row {
	if r == nil {
		return nil
	}
	return &r.Run
}

// EngineRows are the rows as the engine knows them.
func EngineRows(rows []*Row) []*engine.Row {
	known := make([]*engine.Row, len(rows))
	for i, r := range rows {
		known[i] = &r.Run
	}
	return known
}

// PlannedOverrides are overrides as planning knows them.
func PlannedOverrides(all []store.Override) *plan.Overrides {
	planned := make([]plan.Override, len(all))
	for i, o := range all {
		planned[i] = plan.Override{
			Task: o.Task, Account: o.Account, Slot: o.Slot, Session: o.Session, Due: o.Due, At: o.At, Why: o.Why(),
		}
	}
	return plan.NewOverrides(planned)
}

// skewAllowed is how far the clock of a schedule store may be ahead of the scheduler's.
const skewAllowed = time.Minute

// IsEarly reports whether the row holds from the future of a clock.
func (r *Row) IsEarly(now time.Time) bool {
	return r.HoldsFrom().After(now.Add(skewAllowed))
}

// WaitsForSession reports whether an edit of the row takes effect only at the next
// session.
func (r *Row) WaitsForSession(now time.Time) bool {
	if r.Prior == nil || r.View == nil || !rule.ChangesKind(r.Rule, r.Prior) {
		return false
	}
	edited := calendar.DateOf(r.Since.In(r.View.loc))
	if calendar.DateOf(now.In(r.View.loc)).After(edited) {
		return false
	}
	session, err := plan.SessionOf(r.View, edited)
	if err != nil {
		return false
	}
	return r.PriorHolds(session)
}

// PendingText says which rule takes effect at the next session, and which holds until then.
func (r *Row) PendingText() string {
	return fmt.Sprintf("%s: the rule %s takes effect at the next session, and until then %s holds", naming.Row(r.Task, r.Account), r.Text, r.Prior)
}

// PlannedRow is what planning knows of a schedule that is good. The base is that of an after
// rule, or nil.
func PlannedRow(s store.Schedule, cal calendar.Calendar, base *plan.Row) *plan.Row {
	return &plan.Row{Policy: &newPolicy(s).plan, Account: s.Account, Since: s.Since, Calendar: cal, Base: base}
}

// IsCopyOf reports whether both are the same row, whatever their calendars have answered.
func (r *Row) IsCopyOf(o *Row) bool { return r.policy == o.policy && r.Key() == o.Key() }
