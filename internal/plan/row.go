package plan

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// Row is what planning knows of a schedule. It is valid, and is never changed once a
// plan is made of it.
type Row struct {
	Policy  *Policy
	Account string
	// Since is the instant from which the row holds: what is due later counts.
	Since time.Time
	// Calendar is the one by which the row is read, in its zone. It is compared, and so a
	// pointer, and it answers at once.
	Calendar calendar.Calendar
	// Base is the row that the rule comes after, or nil.
	Base *Row
	// Of is what the caller knows the row by. Planning does not look at it.
	Of any
}

// Policy is what rows of many accounts have alike.
type Policy struct {
	Task     string
	Priority int
	Disabled bool
	Sessions calendar.SessionSet
	Timing   Timing
	// Prior is replaced by Timing at the row's Since, at the next session. Its Rule is nil
	// if there is none.
	Prior Timing
}

// Timing is a rule without its filter, and the filter.
type Timing struct {
	Rule   rule.Rule
	Filter rule.Filter
}

// TimingOf takes a rule apart, which may be nil.
func TimingOf(r rule.Rule) Timing {
	bare, filter := rule.Split(r)
	return Timing{bare, filter}
}

// HoldsFrom is the instant from which the row's occurrences count: an edit never
// brings up one that is already past, and neither does an edit of the task that
// an after rule follows. That it was disabled is none: what follows it runs.
func (r *Row) HoldsFrom() time.Time {
	since := r.Since
	for base := r.Base; base != nil; base = base.Base {
		if !base.Policy.Disabled && base.Since.After(since) {
			since = base.Since
		}
	}
	return since
}

// Root is the row that gives the row its instants: itself, but for an after rule.
func (r *Row) Root() *Row {
	for r.Base != nil {
		r = r.Base
	}
	return r
}

// RunsOn reports whether the row runs on a date, and what it follows does, as the
// calendar has it now.
func (r *Row) RunsOn(date calendar.Date) bool {
	session, err := SessionOf(r.Calendar, date)
	for ; r != nil; r = r.Base {
		if r.Policy.Sessions&calendar.EveryDay == 0 && (err != nil || !r.Policy.Sessions.Has(session.Kind)) {
			return false
		}
	}
	return true
}

// PriorHolds reports whether on a session the rule of before the last edit still holds.
func (r *Row) PriorHolds(session calendar.Session) bool {
	return newMarket(r.Calendar, r.Calendar.Location()).priorHolds(newGroup(r, nil), &day{session: session})
}
