package plan

import (
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// InNeedOfHours names the tasks that run on a session, by a calendar, and whose instants
// cannot be told without its hours, if these are not known.
func (p *Plan) InNeedOfHours(cal calendar.Calendar, session calendar.Session) []string {
	m := p.byCalendar[cal]
	if m == nil || !session.HoursUnknown {
		return nil
	}
	d := &day{session: session}
	return m.tasksOf(func(g *group) bool {
		v := m.verdict(g, d)
		return g.runsOn(session.Kind) && v.unknown == nil && m.spansBy(v, g, d).lacks()
	})
}

// lacks reports whether not all instants could be told.
func (c compiled) lacks() bool {
	return c.err != nil || slices.ContainsFunc(c.spans, func(sp rule.Span) bool { return sp.Skip != "" })
}

// PassedOver names the tasks that would be due on a special session, by a calendar, if it
// were a regular one, and are not.
func (p *Plan) PassedOver(cal calendar.Calendar, session calendar.Session) []string {
	m := p.byCalendar[cal]
	if m == nil || session.Kind != calendar.Special {
		return nil
	}
	session.Kind = calendar.Regular
	d := &day{session: session}
	return m.tasksOf(func(g *group) bool {
		return g.runsOn(calendar.Regular) && !g.runsOn(calendar.Special) && len(m.spansBy(m.verdict(g, d), g, d).spans) > 0
	})
}

// tasksOf names the tasks of the groups that are chosen, each once.
func (m *market) tasksOf(chosen func(g *group) bool) []string {
	tasks := make(map[string]bool)
	for _, g := range m.groups {
		if g.idle() || !chosen(g) {
			continue
		}
		for _, r := range g.rows {
			if !r.Policy.Disabled {
				tasks[r.Policy.Task] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(tasks))
}

// Reach is how many days before and after a session's date its occurrences may lie, by a
// calendar.
func (p *Plan) Reach(cal calendar.Calendar) (back, ahead int) {
	if m := p.byCalendar[cal]; m != nil {
		back, ahead = m.back, m.ahead
	}
	return back, ahead
}

// widened widens a range of dates by those that the filter and the rule ask for on a date.
func (t Timing) widened(cal calendar.Calendar, date, from, to calendar.Date) (first, last calendar.Date) {
	first, last = from, to
	widen := func(begin, end calendar.Date) {
		if begin.Before(first) {
			first = begin
		}
		if end.After(last) {
			last = end
		}
	}
	widen(t.Filter.Dates(cal, date))
	widen(rule.DatesBy(t.Rule, date))
	return first, last
}

// FilterDates widens a range of a calendar's dates by those that filters, and rules of the
// user's, ask for.
func (p *Plan) FilterDates(cal calendar.Calendar, first, last calendar.Date) (from, to calendar.Date) {
	from, to = first, last
	m := p.byCalendar[cal]
	if m == nil {
		return from, to
	}
	for _, g := range m.groups {
		for _, t := range []Timing{g.Timing, g.prior} {
			from, _ = t.widened(cal, first, from, to)
			_, to = t.widened(cal, last, from, to)
		}
	}
	return from, to
}
