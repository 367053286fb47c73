package tradeclock

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// horizonDays is how far ahead the next occurrence is looked for. If there is
// none, the plan is made again when that day comes.
const horizonDays = 16

// snapshot is one reading of the schedules, compiled: a market for each calendar
// that the rows are read by. A snapshot is never changed, but for what it
// remembers of sessions, of spans and of where planning is; only one goroutine plans
// at a time.
type snapshot struct {
	rows    []*row
	markets []*market
	byView  map[*calendarView]*market
}

// row is a vetted schedule and what it is compared and looked up by.
type row struct {
	Schedule
	text string // of the rule
	kind string
	bare timing // the rule without its filter, and that
	view *calendarView
	base *row // of an after rule
	// shadowed are the accounts that have a row of their own for the task, if this
	// is the row for all others.
	shadowed map[string]bool
}

// occurrence is one due instant of a row, for every account that the row holds
// for. An occurrence with a skip reason is recorded and not run.
type occurrence struct {
	row     *row
	due     time.Time
	slot    string
	session Date
	skip    string
	moved   bool // into the past, by a calendar that changed or came to know more
	// planned is when the slot was due as it was planned before, if it was.
	planned time.Time
}

// newSnapshot compiles rows that vetRows has passed. Each calendar is asked by
// what calendarOf returns for it.
func newSnapshot(rows []*row, calendarOf func(v *calendarView) Calendar) *snapshot {
	sn := &snapshot{rows: rows, byView: make(map[*calendarView]*market)}
	groups := make(map[groupKey]*group)
	byRow := make(map[*row]*group, len(rows))
	for _, r := range rows {
		if sn.byView[r.view] == nil {
			m := newMarket(calendarOf(r.view), r.view.loc)
			sn.byView[r.view] = m
			sn.markets = append(sn.markets, m)
		}
		sn.groupOf(r, groups, byRow)
	}
	for _, m := range sn.markets {
		m.setReach()
	}
	return sn
}

// groupKey tells the groups apart. Rules are compared by value where their type
// allows it, so that the rows of many accounts with one rule meet.
type groupKey struct {
	view     *calendarView
	timing   timing
	prior    timing
	since    int64
	sessions SessionSet
	base     *group
	own      *row // set if the rule cannot be compared
}

func (sn *snapshot) groupOf(r *row, groups map[groupKey]*group, byRow map[*row]*group) *group {
	if g := byRow[r]; g != nil {
		return g
	}
	g := &group{timing: r.bare, sessions: r.Sessions}
	if r.base != nil {
		g.base, g.delay = sn.groupOf(r.base, groups, byRow), r.bare.rule.(after).delay
	}
	if r.Prior != nil {
		g.prior, g.since = timingOf(r.Prior), r.Since
	}
	key := groupKey{own: r}
	if g.timing.comparable() && g.prior.comparable() {
		key = groupKey{view: r.view, timing: g.timing, prior: g.prior, since: g.since.UnixNano(), sessions: g.sessions, base: g.base}
	}
	if known := groups[key]; known != nil {
		g = known
	} else {
		groups[key] = g
		m := sn.byView[r.view]
		m.groups = append(m.groups, g)
	}
	g.rows = append(g.rows, r)
	byRow[r] = g
	return g
}

func timingOf(r Rule) timing {
	bare, filter := splitFilter(r)
	return timing{bare, filter}
}

// plan returns the occurrences that are due in (from, to], in the order in which
// they are to be claimed: by due time, priority, task and account.
//
// It is the pure heart of the scheduler: no I/O, no clock, no goroutine. Cutting
// a range in two never changes what is due in it.
func (sn *snapshot) plan(from, to time.Time) []occurrence {
	if !from.Before(to) {
		return nil
	}
	var found []occurrence
	for _, m := range sn.markets {
		m.seek(from)
		m.advance(to, func(u *upcoming) { found = u.appendTo(found, m.loc) })
	}
	return claimOrder(found)
}

// planDay returns the occurrences of one session date that are due no later than
// to.
func (sn *snapshot) planDay(date Date, to time.Time) []occurrence {
	var found []occurrence
	for _, m := range sn.markets {
		found = m.appendDay(found, m.day(date), time.Time{}, to)
	}
	return claimOrder(found)
}

func claimOrder(found []occurrence) []occurrence {
	slices.SortStableFunc(found, compareOccurrences)
	return found
}

func compareOccurrences(a, b occurrence) int {
	return cmp.Or(
		a.due.Compare(b.due),
		cmp.Compare(a.row.Priority, b.row.Priority),
		cmp.Compare(a.row.Task, b.row.Task),
		cmp.Compare(a.row.Account, b.row.Account),
		cmp.Compare(a.slot, b.slot),
	)
}

// holdsFrom is the instant from which the row's occurrences count: an edit never
// brings up one that is already past, and neither does an edit of the task that
// an after rule follows.
func (r *row) holdsFrom() time.Time {
	since := r.Since
	for base := r.base; base != nil; base = base.base {
		if base.Since.After(since) {
			since = base.Since
		}
	}
	return since
}

// next returns the first due instant after t, or the end of the horizon if
// nothing is due before it; found is false then.
func (sn *snapshot) next(t time.Time) (due time.Time, found bool) {
	for _, m := range sn.markets {
		at, ok := m.next(t)
		if due.IsZero() || at.Before(due) {
			due = at
		}
		found = found || ok
	}
	if due.IsZero() {
		due = t.AddDate(0, 0, horizonDays)
	}
	return due, found
}

// forget drops the days that are not planned any more at an instant.
func (sn *snapshot) forget(now time.Time) {
	for _, m := range sn.markets {
		m.forget(now)
	}
}

// markPlanned notes which occurrences were planned already, by what a calendar said
// before.
func (sn *snapshot) markPlanned(found []occurrence) {
	for i, o := range found {
		found[i].planned = sn.byView[o.row.view].plannedAs(o, o.slot)
	}
}

// unplan forgets what was planned after an instant: it is planned anew.
func (sn *snapshot) unplan(after time.Time) {
	for _, m := range sn.markets {
		for _, slots := range m.planned {
			maps.DeleteFunc(slots, func(_ slotKey, due time.Time) bool { return due.After(after) })
		}
	}
}

// carryOver takes from an older snapshot what was planned by what the calendars
// said before, and the dates of which they did not know all.
func (sn *snapshot) carryOver(old *snapshot) {
	for view, m := range sn.byView {
		if was := old.byView[view]; was != nil {
			m.carryOver(was)
		}
	}
}
