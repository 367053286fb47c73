// Package plan is the pure heart of the scheduler: which occurrences lie in a stretch of
// time. It owns the plan of a set of rows: the days of their calendars, the spans of their
// rules on these, and where planning is. It is told rows, dates and instants, and answers
// with occurrences. It has no clock, goroutine, lock or I/O, and asks calendars that answer
// at once. It may import calendar, rule and the leaves.
package plan

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// HorizonDays is how far ahead the next occurrence is looked for. If there is
// none, the plan is made again when that day comes.
const HorizonDays = 16

// Plan is one reading of the schedules, compiled: a market for each calendar
// that the rows are read by. A plan is never changed, but for what it
// remembers of sessions, of spans and of where planning is; only one goroutine plans
// at a time.
type Plan struct {
	groups     map[groupKey]*group
	markets    []*market
	byCalendar map[calendar.Calendar]*market
	overrides  *Overrides
	awaited    map[string]bool // the tasks for whose success rows wait
}

// New makes a plan of rows.
func New(rows []*Row) *Plan { return NewBy(rows, itself) }

func itself(cal calendar.Calendar) calendar.Calendar { return cal }

// NewBy makes a plan of rows that asks others in place of their calendars.
func NewBy(rows []*Row, answering func(calendar.Calendar) calendar.Calendar) *Plan {
	p := &Plan{groups: make(map[groupKey]*group), byCalendar: make(map[calendar.Calendar]*market), awaited: make(map[string]bool)}
	b := groupBuilder{p, answering, make(map[groupRef]*group)}
	for _, r := range rows {
		b.groupOf(r).add(r)
	}
	for _, m := range p.markets {
		m.setReach()
	}
	return p
}

// Patched returns a plan with other rows in place of some, none of which an
// after rule links with others. It takes over what p has, which is not to be used
// any more.
func (p *Plan) Patched(gone, come []*Row) *Plan {
	touched := make(map[calendar.Calendar]bool)
	for _, r := range gone {
		touched[r.Calendar] = true
		p.remove(r)
	}
	b := groupBuilder{p, itself, make(map[groupRef]*group)}
	for _, r := range come {
		touched[r.Calendar] = true
		b.groupOf(r).add(r)
	}
	patched := &Plan{groups: p.groups, byCalendar: make(map[calendar.Calendar]*market), overrides: p.overrides, awaited: p.awaited}
	for _, m := range p.markets {
		if len(m.groups) == 0 {
			continue
		}
		if touched[m.of] {
			m = m.renewed()
		}
		patched.byCalendar[m.of] = m
		patched.markets = append(patched.markets, m)
	}
	return patched
}

// Like returns a row of the plan that is due whenever another is, or nil if there is none:
// what they have alike may be shared.
func (p *Plan) Like(r *Row) *Row {
	if r.Base != nil {
		return nil // which has groups of its own
	}
	g := p.groups[groupKeyOf(r, groupRef{policy: r.Policy, calendar: r.Calendar, since: priorSince(r)})]
	if g == nil || len(g.rows) == 0 {
		return nil
	}
	return g.rows[0]
}

// Calendars are those by which rows are read, in the order of the first row of each.
func (p *Plan) Calendars() []calendar.Calendar {
	cals := make([]calendar.Calendar, len(p.markets))
	for i, m := range p.markets {
		cals[i] = m.of
	}
	return cals
}

// OnceRows returns the rows that run once and are not disabled.
func (p *Plan) OnceRows() (rows []*Row) {
	for _, m := range p.markets {
		for _, g := range m.groups {
			if _, isOnce := rule.OnceDate(g.Rule); !isOnce {
				continue
			}
			for _, r := range g.rows {
				if !r.Policy.Disabled {
					rows = append(rows, r)
				}
			}
		}
	}
	return rows
}

// remove takes a row out of its group, and a group without rows out of its market.
func (p *Plan) remove(r *Row) {
	key := groupKeyOf(r, groupRef{policy: r.Policy, calendar: r.Calendar, since: priorSince(r)})
	g := p.groups[key]
	g.remove(r)
	if len(g.rows) == 0 {
		delete(p.groups, key)
		m := p.byCalendar[r.Calendar]
		m.groups = slices.DeleteFunc(m.groups, func(o *group) bool { return o == g })
	}
}

// groupBuilder finds the groups of rows.
type groupBuilder struct {
	*Plan
	answering func(calendar.Calendar) calendar.Calendar
	known     map[groupRef]*group
}

// groupKey tells the groups apart. Rules are compared by value where their type
// allows it, so that the rows of many accounts with one rule meet.
type groupKey struct {
	calendar calendar.Calendar
	timing   Timing
	prior    Timing
	since    int64
	sessions calendar.SessionSet
	base     *group
	own      *Row // set if the rule cannot be compared
}

// groupRef finds the group of rows that share a policy, which is quicker than to
// compare their rules.
type groupRef struct {
	policy   *Policy
	calendar calendar.Calendar
	base     *group
	since    int64 // of a row with a prior rule
}

func (b *groupBuilder) groupOf(r *Row) *group {
	ref := groupRef{policy: r.Policy, calendar: r.Calendar, since: priorSince(r)}
	if r.Base != nil {
		ref.base = b.groupOf(r.Base)
	}
	g := b.known[ref]
	if g == nil {
		g = b.find(r, ref)
		b.known[ref] = g
	}
	return g
}

func priorSince(r *Row) int64 {
	if r.Policy.Prior.Rule == nil {
		return 0
	}
	return r.Since.UnixNano()
}

// find returns the group of the rows that are due when r is, which is a new one for
// the first of them.
func (b *groupBuilder) find(r *Row, ref groupRef) *group {
	key := groupKeyOf(r, ref)
	g := b.groups[key]
	if g == nil {
		g = newGroup(r, ref.base)
		b.groups[key] = g
		m := b.marketOf(r.Calendar)
		m.groups = append(m.groups, g)
		if g.awaits != nil {
			b.awaited[g.awaits.Task] = true
		}
	}
	return g
}

func groupKeyOf(r *Row, ref groupRef) groupKey {
	if !rule.Comparable(r.Policy.Timing.Rule) || !rule.Comparable(r.Policy.Prior.Rule) {
		return groupKey{own: r}
	}
	return groupKey{
		calendar: r.Calendar, timing: r.Policy.Timing, prior: r.Policy.Prior, since: ref.since, sessions: r.Policy.Sessions, base: ref.base,
	}
}

func newGroup(r *Row, base *group) *group {
	g := &group{Timing: r.Policy.Timing, sessions: r.Policy.Sessions, base: base}
	if awaited, awaits := rule.Awaits(g.Rule); awaits && base != nil {
		g.awaits = &awaited
	} else if base != nil {
		_, g.delay, _ = rule.Follows(g.Rule)
	}
	if r.Policy.Prior.Rule != nil {
		g.prior, g.since = r.Policy.Prior, r.Since
	}
	return g
}

func (b *groupBuilder) marketOf(cal calendar.Calendar) *market {
	m := b.byCalendar[cal]
	if m == nil {
		m = newMarket(b.answering(cal), cal.Location())
		m.of = cal
		b.byCalendar[cal] = m
		b.markets = append(b.markets, m)
	}
	return m
}

// Between returns the occurrences that are due in (from, to], in the order in which
// they are to be claimed: by due time, priority, task and account.
//
// Cutting a range in two never changes what is due in it.
func (p *Plan) Between(from, to time.Time) []Occurrence {
	if !from.Before(to) {
		return nil
	}
	var found []Occurrence
	for _, m := range p.markets {
		m.seek(from)
		m.advance(to, func(u *upcoming) { found = u.appendTo(found, m.loc) })
	}
	p.overrides.note(found)
	return Sorted(p.withMoved(found, calendar.Date{}, from, to))
}

// Day returns the occurrences of one session date that are due no later than
// to. One that a person has moved is there twice: see Runs.
func (p *Plan) Day(date calendar.Date, to time.Time) []Occurrence {
	var found []Occurrence
	for _, m := range p.markets {
		found = m.appendDay(found, m.day(date), time.Time{}, to)
	}
	p.overrides.note(found)
	return Sorted(p.withMoved(found, date, time.Time{}, to))
}

// Next returns the first due instant after t, or the end of the horizon if
// nothing is due before it; found is false then.
func (p *Plan) Next(t time.Time) (due time.Time, found bool) {
	due, found = p.nextOfRows(t)
	if p.overrides == nil {
		return due, found
	}
	for found && p.isEmpty(due) {
		due, found = p.nextOfRows(due)
	}
	return p.nextBy(t, due, found)
}

func (p *Plan) nextOfRows(t time.Time) (due time.Time, found bool) {
	for _, m := range p.markets {
		at, ok := m.next(t)
		if due.IsZero() || at.Before(due) {
			due = at
		}
		found = found || ok
	}
	if due.IsZero() {
		due = t.AddDate(0, 0, HorizonDays)
	}
	return due, found
}

// Beyond returns the first due instant after t, in the two years after it, or zero if
// none is known: for people, as planning looks no further than its horizon. A once rule
// is due on its date, whatever is known of that.
func (p *Plan) Beyond(t time.Time) time.Time {
	first := never.due
	for _, m := range p.markets {
		first = min(first, m.beyond(t))
	}
	if first == never.due {
		return time.Time{}
	}
	return time.Unix(first, 0).UTC()
}

// Forget drops the days that are not planned any more at an instant.
func (p *Plan) Forget(now time.Time) {
	for _, m := range p.markets {
		m.forget(now)
	}
}

// CarryOver takes from an older plan what was planned by what the calendars
// said before, and the dates of which they did not know all.
func (p *Plan) CarryOver(old *Plan) {
	for cal, m := range p.byCalendar {
		if was := old.byCalendar[cal]; was != nil {
			m.carryOver(was)
		}
	}
}
