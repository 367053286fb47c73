package tradeclock

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// horizonDays is how far ahead the next occurrence is looked for. If there is
// none, the plan is made again when that day comes.
const horizonDays = 16

// snapshot is one reading of the schedules, compiled: a market for each calendar
// that the rows are read by. A snapshot is never changed, but for what it
// remembers of sessions, of spans and of where planning is; only one goroutine plans
// at a time.
type snapshot struct {
	groups  map[groupKey]*group
	markets []*market
	byView  map[*calendarView]*market
}

// occurrence is one due instant of a row, for every account that the row holds
// for. An occurrence with a skip reason is recorded and not run.
type occurrence struct {
	row     *row
	due     time.Time
	slot    string
	session calendar.Date
	skip    string
	moved   bool // into the past, by a calendar that changed or came to know more
	// planned is when the slot was due as it was planned before, if it was.
	planned time.Time
}

// newSnapshot compiles rows that vetRows has passed. Each calendar is asked by
// what calendarOf returns for it.
func newSnapshot(rows []*row, calendarOf func(v *calendarView) calendar.Calendar) *snapshot {
	sn := &snapshot{groups: make(map[groupKey]*group), byView: make(map[*calendarView]*market)}
	b := groupBuilder{sn, calendarOf, make(map[groupRef]*group)}
	for _, r := range rows {
		b.groupOf(r).add(r)
	}
	for _, m := range sn.markets {
		m.setReach()
	}
	return sn
}

// patched returns a snapshot with other rows in place of some, none of which an
// after rule links with others. It takes over what sn has, which is not to be used
// any more.
func (sn *snapshot) patched(gone, come []*row) *snapshot {
	touched := make(map[*calendarView]bool)
	for _, r := range gone {
		touched[r.view] = true
		sn.remove(r)
	}
	b := groupBuilder{sn, func(v *calendarView) calendar.Calendar { return v }, make(map[groupRef]*group)}
	for _, r := range come {
		touched[r.view] = true
		g := b.groupOf(r)
		if len(g.rows) > 0 {
			r.share(g.rows[0].policy)
		}
		g.add(r)
	}
	patched := &snapshot{groups: sn.groups, byView: make(map[*calendarView]*market)}
	for _, m := range sn.markets {
		if len(m.groups) == 0 {
			continue
		}
		if touched[m.view] {
			m = m.renewed()
		}
		patched.byView[m.view] = m
		patched.markets = append(patched.markets, m)
	}
	return patched
}

// remove takes a row out of its group, and a group without rows out of its market.
func (sn *snapshot) remove(r *row) {
	key := groupKeyOf(r, groupRef{policy: r.policy, view: r.view, since: priorSince(r)})
	g := sn.groups[key]
	g.remove(r)
	if len(g.rows) == 0 {
		delete(sn.groups, key)
		m := sn.byView[r.view]
		m.groups = slices.DeleteFunc(m.groups, func(o *group) bool { return o == g })
	}
}

// groupBuilder finds the groups of rows.
type groupBuilder struct {
	*snapshot
	calendarOf func(v *calendarView) calendar.Calendar
	known      map[groupRef]*group
}

// groupKey tells the groups apart. Rules are compared by value where their type
// allows it, so that the rows of many accounts with one rule meet.
type groupKey struct {
	view     *calendarView
	timing   timing
	prior    timing
	since    int64
	sessions calendar.SessionSet
	base     *group
	own      *row // set if the rule cannot be compared
}

// groupRef finds the group of rows that share a policy, which is quicker than to
// compare their rules.
type groupRef struct {
	policy *policy
	view   *calendarView
	base   *group
	since  int64 // of a row with a prior rule
}

func (b *groupBuilder) groupOf(r *row) *group {
	ref := groupRef{policy: r.policy, view: r.view, since: priorSince(r)}
	if r.base != nil {
		ref.base = b.groupOf(r.base)
	}
	g := b.known[ref]
	if g == nil {
		g = b.find(r, ref)
		b.known[ref] = g
	}
	return g
}

func priorSince(r *row) int64 {
	if r.Prior == nil {
		return 0
	}
	return r.Since.UnixNano()
}

// find returns the group of the rows that are due when r is, which is a new one for
// the first of them.
func (b *groupBuilder) find(r *row, ref groupRef) *group {
	key := groupKeyOf(r, ref)
	g := b.groups[key]
	if g == nil {
		g = newGroup(r, ref.base)
		b.groups[key] = g
		m := b.marketOf(r.view)
		m.groups = append(m.groups, g)
	}
	return g
}

func groupKeyOf(r *row, ref groupRef) groupKey {
	if !rule.Comparable(r.Rule) || !rule.Comparable(r.Prior) {
		return groupKey{own: r}
	}
	key := groupKey{view: r.view, timing: r.bare, since: ref.since, sessions: r.Sessions, base: ref.base}
	if r.Prior != nil {
		key.prior = timingOf(r.Prior)
	}
	return key
}

func newGroup(r *row, base *group) *group {
	g := &group{timing: r.bare, sessions: r.Sessions, base: base}
	if base != nil {
		_, g.delay, _ = rule.Follows(r.bare.rule)
	}
	if r.Prior != nil {
		g.prior, g.since = timingOf(r.Prior), r.Since
	}
	return g
}

func (b *groupBuilder) marketOf(v *calendarView) *market {
	m := b.byView[v]
	if m == nil {
		m = newMarket(b.calendarOf(v), v.loc)
		m.view = v
		b.byView[v] = m
		b.markets = append(b.markets, m)
	}
	return m
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
func (sn *snapshot) planDay(date calendar.Date, to time.Time) []occurrence {
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
// an after rule follows. That it was disabled is none: what follows it runs.
func (r *row) holdsFrom() time.Time {
	since := r.Since
	for base := r.base; base != nil; base = base.base {
		if !base.Disabled && base.Since.After(since) {
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

// beyond returns the first due instant after t, in the two years after it, or zero if
// none is known: for people, as planning looks no further than its horizon. A once rule
// is due on its date, whatever is known of that.
func (sn *snapshot) beyond(t time.Time) time.Time {
	first := never.due
	for _, m := range sn.markets {
		first = min(first, m.beyond(t))
	}
	if first == never.due {
		return time.Time{}
	}
	return time.Unix(first, 0).UTC()
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
