package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Change is what is different since a calendar says something else.
type Change struct {
	Sessions []SessionChange
	Rows     []RowChange
	// MovedIntoPast is how many occurrences are due by now that were not planned.
	MovedIntoPast int
}

// SessionChange is a date of which a calendar says something else than before, in words.
type SessionChange struct {
	Date          calendar.Date
	Before, After string
}

// RowChange counts the occurrences of a row on a session date that are due at another
// instant, have appeared, or have fallen away. Next is the first new instant, or zero.
type RowChange struct {
	Row                       *Row
	Session                   calendar.Date
	Moved, Appeared, FellAway int
	Next                      time.Time
}

// Before is what a plan has of the dates of a calendar that is about to say something
// else. See Plan.Before.
type Before struct {
	market *market // nil if no row is read by the calendar
	days   []*day
}

// Before compiles the dates of a calendar from first to last. Once the calendar says what
// it will, Before.Changed compiles them anew.
func (p *Plan) Before(cal calendar.Calendar, first, last calendar.Date) Before {
	m := p.byCalendar[cal]
	if m == nil {
		return Before{}
	}
	b := Before{market: m}
	for date := first; !date.After(last); date = date.AddDays(1) {
		b.days = append(b.days, m.compileDay(date))
	}
	return b
}

// Changed says what is different by now, of occurrences that are due after upTo or were
// not planned until then. What the change has moved behind upTo is returned by
// Plan.TakeRevised; planning tells whether it is to be counted.
func (b Before) Changed(upTo time.Time, planning bool) (c Change) {
	m := b.market
	if m == nil {
		return c
	}
	clear(m.days)
	m.line.begun = false
	clear(m.unsure) // of those dates too, b says more
	for _, was := range b.days {
		is := m.compileDay(was.session.Date)
		c.compare(was, is, m, upTo)
		if slices.EqualFunc(was.groups, is.groups, compiled.same) {
			continue
		}
		m.revised = append(m.revised, was)
		if !planning {
			continue
		}
		for _, o := range m.replan(was, upTo) {
			if o.Planned.IsZero() {
				c.MovedIntoPast++
			}
		}
	}
	return c
}

// TakeRevised returns what is due no later than upTo on the dates of which calendars say
// something else since the last call: a list for each, in order.
func (p *Plan) TakeRevised(upTo time.Time) (lists [][]Occurrence) {
	for _, m := range p.markets {
		for _, was := range m.takeRevised() {
			found := m.replan(was, upTo)
			for _, o := range found {
				m.notePlanned(o, o.Slot)
			}
			p.overrides.note(found)
			lists = append(lists, Sorted(found))
		}
	}
	return lists
}

// MarkPlanned notes in occurrences which were planned already, by what a calendar said
// before. They may be of rows that the plan has no longer.
func (p *Plan) MarkPlanned(found []Occurrence) {
	for i, o := range found {
		if m := p.byCalendar[o.Row.Calendar]; m != nil && !o.HasMoved {
			found[i].Planned = m.plannedAs(o, o.Slot)
		}
	}
}

// Unplan forgets what was planned after an instant: it is planned anew.
func (p *Plan) Unplan(after time.Time) {
	for _, m := range p.markets {
		for _, slots := range m.planned {
			maps.DeleteFunc(slots, func(_ slotKey, due time.Time) bool { return due.After(after) })
		}
	}
}

func (m *market) compileDay(date calendar.Date) *day {
	d := m.day(date)
	for i := range m.groups {
		m.compile(i, d)
	}
	return d
}

// replan returns what is due no later than upTo on a day that has been revised, of
// the groups for which that makes a difference, and notes what was planned of it. A
// group whose instants nobody knew when the date was over has been recorded at its
// end, and stays so.
func (m *market) replan(was *day, upTo time.Time) []Occurrence {
	is := m.day(was.session.Date)
	var found []Occurrence
	for i, g := range m.groups {
		before, after := m.compile(i, was), m.compile(i, is)
		if after.same(*before) {
			continue
		}
		for _, o := range m.appendDue(nil, g, was, before, time.Time{}, upTo) {
			m.notePlanned(o, o.Slot)
			if before.err != nil {
				m.notePlanned(o, wholeDate)
			}
		}
		found = m.appendDue(found, g, is, after, time.Time{}, upTo)
	}
	for i, o := range found {
		found[i].Planned = cmp.Or(m.plannedAs(o, o.Slot), m.plannedAs(o, wholeDate))
		found[i].Moved = true
	}
	return found
}

// notePlanned notes that a slot of an occurrence's row was planned.
func (m *market) notePlanned(o Occurrence, slot string) {
	slots := m.planned[o.Session]
	if slots == nil {
		slots = make(map[slotKey]time.Time)
		m.planned[o.Session] = slots
	}
	key := slotKey{o.Row.Policy.Task, o.Row.Account, slot}
	if o.Due.After(slots[key]) { // the later one may be of accounts that came since
		slots[key] = o.Due
	}
}

// plannedAs returns when a slot of an occurrence's row was due as it was planned, or
// zero.
func (m *market) plannedAs(o Occurrence, slot string) time.Time {
	slots := m.planned[o.Session]
	if slots == nil {
		return time.Time{}
	}
	return slots[slotKey{o.Row.Policy.Task, o.Row.Account, slot}]
}

// same reports whether two compilations bring up the same occurrences.
func (c compiled) same(o compiled) bool {
	return (c.err == nil) == (o.err == nil) && (c.err == nil || c.err.Error() == o.err.Error()) && c.skip == o.skip && slices.Equal(c.spans, o.spans)
}

// compare notes what is different on one date: the session, and what was or is
// still to come of each group.
func (c *Change) compare(was, is *day, m *market, upTo time.Time) {
	if !sameSession(was, is) {
		c.Sessions = append(c.Sessions, SessionChange{Date: is.session.Date, Before: was.describe(), After: is.describe()})
	}
	for i, g := range m.groups {
		if is.groups[i].same(was.groups[i]) {
			continue
		}
		change := changeOf(was.groups[i].slots(was.session.Date, m.loc), is.groups[i].slots(is.session.Date, m.loc), upTo)
		change.Session = is.session.Date
		if change.Moved+change.Appeared+change.FellAway == 0 {
			continue
		}
		for _, r := range g.rows {
			if !r.Policy.Disabled {
				change.Row = r
				c.Rows = append(c.Rows, change)
			}
		}
	}
}

// slots returns when each of the occurrences that are to run is due.
func (c *compiled) slots(date calendar.Date, loc *time.Location) map[string]time.Time {
	slots := make(map[string]time.Time)
	if c.err != nil || c.skip != "" {
		return slots
	}
	for _, sp := range c.spans {
		if sp.Skip != "" {
			continue
		}
		for i := range sp.N {
			slots[sp.SlotAt(i, date, loc)] = sp.Due(i)
		}
	}
	return slots
}

// changeOf counts what a change did to the slots that were still to come.
func changeOf(was, is map[string]time.Time, upTo time.Time) (change RowChange) {
	for slot, due := range is {
		before, had := was[slot]
		switch {
		case had && (!before.After(upTo) || before.Equal(due)):
			continue
		case had:
			change.Moved++
		default:
			change.Appeared++
		}
		if change.Next.IsZero() || due.Before(change.Next) {
			change.Next = due
		}
	}
	for slot, due := range was {
		if _, has := is[slot]; !has && due.After(upTo) {
			change.FellAway++
		}
	}
	return change
}
