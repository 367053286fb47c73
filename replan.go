package tradeclock

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
)

// calendarChanged makes what a calendar says now the view, compiles its days anew,
// and tells what is different. What the change has moved into the past is planned
// by enqueueRevised. The view and the facts know the dates from first to last. The
// caller holds mu.
func (s *UnifiedTaskScheduler) calendarChanged(v *calendarView, facts calendarFacts, first, last calendar.Date, now time.Time) {
	m := s.sched.snap.byView[v]
	var was []*day
	if m != nil {
		was = m.compileAll(first, last)
	}
	v.take(facts)
	change := CalendarChanged{Calendar: v.name, Version: v.version}
	if m != nil {
		clear(m.days)
		m.line.begun = false
		clear(m.unsure) // of those dates too, was says more
		s.plan.next, s.plan.farUntil = s.plan.upTo, time.Time{}
		s.compareDays(&change, m, was, now)
	}
	s.log.Info("the calendar changed", "calendar", v.name, "version", v.version, "sessions", briefly(change.Sessions),
		"tasks", briefly(change.Tasks), "moved_into_past", change.MovedIntoPast)
	s.events.tell(change)
}

// compareDays notes what is different on days that were compiled before a change.
func (s *UnifiedTaskScheduler) compareDays(change *CalendarChanged, m *market, was []*day, now time.Time) {
	upTo := s.plan.upTo
	if !s.term.resumed {
		upTo = now // another scheduler plans
	}
	for _, old := range was {
		is := m.compileDay(old.session.Date)
		change.compare(old, is, m, upTo)
		if slices.EqualFunc(old.groups, is.groups, compiled.same) {
			continue
		}
		m.revised = append(m.revised, old)
		if !s.term.resumed {
			continue
		}
		for _, o := range m.replan(old, upTo) {
			if o.planned.IsZero() {
				change.MovedIntoPast++
			}
		}
	}
}

// enqueueRevised plans what is due no later than upTo on days of which a calendar
// says something else by now, and was not planned. What follows is planned like
// any other.
func (s *UnifiedTaskScheduler) enqueueRevised(upTo, now time.Time) {
	for _, m := range s.sched.snap.markets {
		for _, was := range m.takeRevised() {
			found := m.replan(was, upTo)
			for _, o := range found {
				m.notePlanned(o, o.slot)
			}
			s.enqueueBackdated(claimOrder(found), now)
		}
	}
}

// compileAll compiles every group on each date of a range.
func (m *market) compileAll(first, last calendar.Date) []*day {
	var days []*day
	for _, date := range datesOf(first, last) {
		days = append(days, m.compileDay(date))
	}
	return days
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
func (m *market) replan(was *day, upTo time.Time) []occurrence {
	is := m.day(was.session.Date)
	var found []occurrence
	for i, g := range m.groups {
		before, after := m.compile(i, was), m.compile(i, is)
		if after.same(*before) {
			continue
		}
		for _, o := range m.appendDue(nil, g, was, before, time.Time{}, upTo) {
			m.notePlanned(o, o.slot)
			if before.err != nil {
				m.notePlanned(o, wholeDate)
			}
		}
		found = m.appendDue(found, g, is, after, time.Time{}, upTo)
	}
	for i, o := range found {
		found[i].planned = cmp.Or(m.plannedAs(o, o.slot), m.plannedAs(o, wholeDate))
		found[i].moved = true
	}
	return found
}

// notePlanned notes that a slot of an occurrence's row was planned.
func (m *market) notePlanned(o occurrence, slot string) {
	slots := m.planned[o.session]
	if slots == nil {
		slots = make(map[slotKey]time.Time)
		m.planned[o.session] = slots
	}
	key := slotKey{o.row.Task, o.row.Account, slot}
	if o.due.After(slots[key]) { // the later one may be of accounts that came since
		slots[key] = o.due
	}
}

// plannedAs returns when a slot of an occurrence's row was due as it was planned, or
// zero.
func (m *market) plannedAs(o occurrence, slot string) time.Time {
	slots := m.planned[o.session]
	if slots == nil {
		return time.Time{}
	}
	return slots[slotKey{o.row.Task, o.row.Account, slot}]
}

// same reports whether two compilations bring up the same occurrences.
func (c compiled) same(o compiled) bool {
	return textOf(c.err) == textOf(o.err) && c.skip == o.skip && slices.Equal(c.spans, o.spans)
}

// compare notes what is different on one date: the session, and what was or is
// still to come of each group.
func (change *CalendarChanged) compare(was, is *day, m *market, upTo time.Time) {
	if !sameSession(was, is) {
		change.Sessions = append(change.Sessions, SessionChange{
			Date: is.session.Date, Before: was.describe(), After: is.describe(),
		})
	}
	for i, g := range m.groups {
		if is.groups[i].same(was.groups[i]) {
			continue
		}
		shift := shiftOf(was.groups[i].slots(was.session.Date, m.loc), is.groups[i].slots(is.session.Date, m.loc), upTo)
		shift.Session = is.session.Date
		if shift.Moved+shift.Appeared+shift.FellAway == 0 {
			continue
		}
		for _, r := range g.rows {
			if !r.Disabled {
				shift.Task, shift.Account = r.Task, r.Account
				change.Tasks = append(change.Tasks, shift)
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

// shiftOf counts what a change did to the slots that were still to come.
func shiftOf(was, is map[string]time.Time, upTo time.Time) TaskChange {
	var shift TaskChange
	for slot, due := range is {
		before, had := was[slot]
		switch {
		case had && (!before.After(upTo) || before.Equal(due)):
			continue
		case had:
			shift.Moved++
		default:
			shift.Appeared++
		}
		if shift.Next.IsZero() || due.Before(shift.Next) {
			shift.Next = due
		}
	}
	for slot, due := range was {
		if _, has := is[slot]; !has && due.After(upTo) {
			shift.FellAway++
		}
	}
	return shift
}

func sameSession(a, b *day) bool {
	x, y := a.session, b.session
	return x.Kind == y.Kind && x.HoursUnknown == y.HoursUnknown && x.Assumed == y.Assumed &&
		(a.unknown == nil) == (b.unknown == nil) && slices.Equal(x.Phases, y.Phases) && a.describe() == b.describe()
}

// describe says what the calendar knew of the date.
func (d *day) describe() string {
	if d.unknown != nil {
		return "unknown"
	}
	text := d.session.Describe()
	if start, end, ok := d.session.Bounds(calendar.PhaseRegular); ok {
		return fmt.Sprintf("%s, from %s to %s", text, start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return text
}

// briefly puts no more of a list into a line of the log than a person reads.
func briefly[T any](list []T) []string {
	const most = 10
	var texts []string
	for i, item := range list {
		if i == most {
			return append(texts, fmt.Sprintf("and %d more", len(list)-most))
		}
		texts = append(texts, said.Cut(fmt.Sprint(item), said.MaxCondition))
	}
	return texts
}
