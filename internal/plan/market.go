package plan

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// market is one calendar within a plan, with the rows that are read by it:
// rows that are due at the same instants are one group, so that planning costs
// the number of different rules and not of rows.
type market struct {
	of     calendar.Calendar // the one that the rows name
	cal    calendar.Calendar // the one that is asked
	loc    *time.Location
	groups []*group
	back   int // how many days before a session's date its occurrences may lie
	ahead  int // and how many after
	days   map[calendar.Date]*day
	line   timeline
	// forgotten is the date before which days were dropped.
	forgotten calendar.Date
	// unsure are the dates of which the calendar did not know all when it was last
	// asked, and revised those of which it says something else since the last plan:
	// both as they were then.
	unsure  map[calendar.Date]*day
	revised []*day
	// planned are the slots that were planned of dates before they were revised, with
	// their due times. They stay planned, whatever the calendar says next.
	planned map[calendar.Date]map[slotKey]time.Time
}

// slotKey is a slot of a row.
type slotKey struct{ task, account, slot string }

// wholeDate stands for all slots of a date that were recorded at its end as one, since
// nobody knew their instants.
const wholeDate = ""

func newMarket(cal calendar.Calendar, loc *time.Location) *market {
	return &market{
		cal: cal, loc: loc, days: make(map[calendar.Date]*day), unsure: make(map[calendar.Date]*day),
		planned: make(map[calendar.Date]map[slotKey]time.Time),
	}
}

// setReach notes how far from a session's date its occurrences may lie.
func (m *market) setReach() {
	for _, g := range m.groups {
		back, ahead := rule.Reach(g.Rule)
		for base := g.base; base != nil; base = base.base {
			b, a := rule.Reach(base.Rule)
			back, ahead = max(back, b), ahead+max(a, 1)+int(g.delay/(24*time.Hour))
		}
		if g.prior.Rule != nil {
			b, a := rule.Reach(g.prior.Rule)
			back, ahead = max(back, b), max(ahead, a)
		}
		m.back, m.ahead = max(m.back, back), max(m.ahead, ahead)
	}
}

// day returns the date as the calendar has it. A date that the calendar does not
// know, or whose hours it does not know, is asked for again each time, since it
// may learn.
func (m *market) day(date calendar.Date) *day {
	if d := m.days[date]; d != nil {
		return d
	}
	d := &day{groups: make([]compiled, len(m.groups))}
	d.session, d.unknown = SessionOf(m.cal, date)
	if was := m.unsure[date]; was != nil && !sameSession(was, d) {
		m.revised = append(m.revised, was)
	}
	if d.unknown != nil || d.session.HoursUnknown {
		m.unsure[date] = d
		return d
	}
	delete(m.unsure, date)
	m.days[date] = d
	return d
}

// carryOver takes from an older market what was planned of revised dates, and the
// dates of which the calendar did not know all, so that it is noticed when it does.
func (m *market) carryOver(old *market) {
	m.planned = old.planned
	renew := func(was *day) *day {
		return &day{session: was.session, unknown: was.unknown, groups: make([]compiled, len(m.groups))}
	}
	for date, was := range old.unsure {
		m.unsure[date] = renew(was)
	}
	for _, was := range old.revised {
		m.revised = append(m.revised, renew(was))
	}
}

// renewed returns a market of the same groups, whose rows have changed.
func (m *market) renewed() *market {
	n := newMarket(m.cal, m.loc)
	n.of, n.groups = m.of, m.groups
	n.setReach()
	n.carryOver(m)
	return n
}

// takeRevised returns the dates of which the calendar says something else since the
// last call, as they were before.
func (m *market) takeRevised() []*day {
	revised := m.revised
	m.revised = nil
	return revised
}

// forget drops the days that are not planned any more at an instant.
func (m *market) forget(now time.Time) {
	before := calendar.DateOf(now.In(m.loc)).AddDays(-m.ahead - 1)
	if before == m.forgotten {
		return
	}
	m.forgotten = before
	forgetBefore(m.days, before)
	forgetBefore(m.unsure, before)
	forgetBefore(m.planned, before)
	m.revised = slices.DeleteFunc(m.revised, func(d *day) bool { return d.session.Date.Before(before) })
}

func forgetBefore[T any](byDate map[calendar.Date]T, before calendar.Date) {
	for d := range byDate {
		if d.Before(before) {
			delete(byDate, d)
		}
	}
}

// appendDay adds the occurrences of one date that lie in (from, to].
func (m *market) appendDay(found []Occurrence, d *day, from, to time.Time) []Occurrence {
	for i, g := range m.groups {
		found = m.appendDue(found, g, d, m.compile(i, d), from, to)
	}
	return found
}

// appendDue adds the occurrences of one group on one day that lie in (from, to].
func (m *market) appendDue(found []Occurrence, g *group, d *day, c *compiled, from, to time.Time) []Occurrence {
	for j := range c.spans {
		sp := &c.spans[j]
		for i := sp.After(from.Unix()); i < sp.N && !sp.Due(i).After(to); i++ {
			found = g.appendRows(found, c.occurrence(sp, i, d.session.Date, m.loc))
		}
	}
	return found
}

// next returns the first due instant after t, or the end of the horizon if
// nothing is due before it; found is false then. While the calendar is unsure of
// a date that is near, it is no later than a minute after t.
func (m *market) next(t time.Time) (due time.Time, found bool) {
	m.seek(t)
	horizon := t.Unix() + HorizonDays*int64(calendar.EndOfDay)
	due = time.Unix(horizon, 0).UTC()
	if u := m.earliest(horizon); u != nil {
		due, found = u.span.Due(u.i), true
	}
	if soon := t.Add(time.Minute); m.unsureNear(t) && soon.Before(due) {
		due = soon
	}
	return due, found
}

// beyondDays is how many dates market.beyond looks at.
const beyondDays = 2 * 366

// beyond returns the Unix time of the first due instant after t, or that of never if
// none is known. Nothing of the days that it looks at is kept.
func (m *market) beyond(t time.Time) int64 {
	first, from := never.due, t.Unix()
	var others []*group
	for _, g := range m.groups {
		only, isOnce := rule.OnceDate(g.root().Rule)
		switch {
		case g.idle():
		case isOnce:
			first = min(first, m.firstOn(g, m.peek(only), from))
		default:
			others = append(others, g)
		}
	}
	date := calendar.DateOf(t.In(m.loc)).AddDays(-m.ahead)
	for i := 0; len(others) > 0 && i < beyondDays && calendar.Wall(0, 0).On(date.AddDays(-m.back), m.loc).Unix() <= first; i++ {
		d := m.peek(date)
		for _, g := range others {
			first = min(first, m.firstOn(g, d, from))
		}
		date = date.AddDays(1)
	}
	return first
}

// peek returns a date as the calendar has it, and keeps nothing of it.
func (m *market) peek(date calendar.Date) *day {
	d := &day{}
	d.session, d.unknown = SessionOf(m.cal, date)
	return d
}

// firstOn returns the first instant after another at which a group is due on a day, or
// that of never if there is none, or it depends on what the calendar does not know.
func (m *market) firstOn(g *group, d *day, after int64) int64 {
	v := m.verdict(g, d)
	if v.unknown != nil && rule.KindOf(g.root().Rule) != rule.KindOnce {
		return never.due
	}
	for _, sp := range m.spansBy(v, g, d).spans {
		if i := sp.After(max(after, g.from)); i < sp.N {
			return sp.First + int64(i)*sp.Step
		}
	}
	return never.due
}

func (m *market) unsureNear(t time.Time) bool {
	if len(m.unsure) == 0 {
		return false
	}
	last := calendar.DateOf(t.In(m.loc)).AddDays(m.back + 1)
	for date := range m.unsure {
		if !date.After(last) {
			return true
		}
	}
	return false
}
