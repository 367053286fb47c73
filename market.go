package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// market is one calendar within a snapshot, with the rows that are read by it:
// rows that are due at the same instants are one group, so that planning costs
// the number of different rules and not of rows.
type market struct {
	view   *calendarView
	cal    Calendar
	loc    *time.Location
	groups []*group
	back   int // how many days before a session's date its occurrences may lie
	ahead  int // and how many after
	days   map[Date]*day
	// unsure are the dates of which the calendar did not know all when it was last
	// asked, and revised those of which it says something else since the last plan:
	// both as they were then.
	unsure  map[Date]*day
	revised []*day
	// planned are the slots that were planned of dates before they were revised, with
	// their due times. They stay planned, whatever the calendar says next.
	planned map[Date]map[slotKey]time.Time
}

// slotKey is a slot of a row.
type slotKey struct{ task, account, slot string }

// wholeDate stands for all slots of a date that were recorded at its end as one, since
// nobody knew their instants.
const wholeDate = ""

// group is a set of rows that are due at the same instants.
type group struct {
	timing
	prior    timing    // replaced by timing at since, at the next session
	since    time.Time // zero unless there is a prior
	sessions SessionSet
	base     *group        // of an after rule
	delay    time.Duration // of an after rule
	rows     []*row
}

// timing is a rule without its filter, and the filter.
type timing struct {
	rule   Rule
	filter Filter
}

// day is a date as the calendar has it, with the spans of each group, in the
// order of market.groups, once they are asked for.
type day struct {
	session Session
	unknown error // what the calendar said instead of a session
	groups  []compiled
}

// compiled is a group's rule on one day: spans, or one skipped occurrence at the
// end of the date with the reason in err.
type compiled struct {
	done  bool
	spans []span
	err   error
	// skip is why all the spans are skipped, if they are.
	skip string
	// unsure is true if that is because the calendar does not know other dates, which
	// the filter asks for.
	unsure bool
}

func newMarket(cal Calendar, loc *time.Location) *market {
	return &market{
		cal: cal, loc: loc, days: make(map[Date]*day), unsure: make(map[Date]*day),
		planned: make(map[Date]map[slotKey]time.Time),
	}
}

// setReach notes how far from a session's date its occurrences may lie.
func (m *market) setReach() {
	for _, g := range m.groups {
		back, ahead := ruleReach(g.rule)
		for base := g.base; base != nil; base = base.base {
			b, a := ruleReach(base.rule)
			back, ahead = max(back, b), ahead+max(a, 1)+int(g.delay/(24*time.Hour))
		}
		if g.prior.rule != nil {
			b, a := ruleReach(g.prior.rule)
			back, ahead = max(back, b), max(ahead, a)
		}
		m.back, m.ahead = max(m.back, back), max(m.ahead, ahead)
	}
}

// appendPlan adds what is due in (from, to].
func (m *market) appendPlan(found []occurrence, from, to time.Time) []occurrence {
	first, last := DateOf(from.In(m.loc)).AddDays(-m.ahead), DateOf(to.In(m.loc)).AddDays(m.back)
	for date := first; !date.After(last); date = date.AddDays(1) {
		found = m.appendDay(found, m.day(date), from, to)
	}
	return found
}

// appendDay adds the occurrences of one date that lie in (from, to].
func (m *market) appendDay(found []occurrence, d *day, from, to time.Time) []occurrence {
	for i, g := range m.groups {
		found = m.appendDue(found, g, d, m.compile(i, d), from, to)
	}
	return found
}

// appendDue adds the occurrences of one group on one day that lie in (from, to].
func (m *market) appendDue(found []occurrence, g *group, d *day, c *compiled, from, to time.Time) []occurrence {
	date := d.session.Date
	if c.err != nil {
		due := endOfDay.On(date, m.loc)
		if due.After(from) && !due.After(to) {
			found = g.appendRows(found, due, date.String(), date, c.err.Error())
		}
		return found
	}
	for _, sp := range c.spans {
		for i := sp.after(from); i < sp.n; i++ {
			due := sp.due(i)
			if due.After(to) {
				break
			}
			found = g.appendRows(found, due, sp.slotAt(i, date, m.loc), date, cmp.Or(c.skip, sp.skip))
		}
	}
	return found
}

// appendRows adds an occurrence for each row of the group that holds at due.
func (g *group) appendRows(found []occurrence, due time.Time, slot string, date Date, skip string) []occurrence {
	for _, r := range g.rows {
		if !r.Disabled && due.After(r.holdsFrom()) {
			found = append(found, occurrence{row: r, due: due, slot: slot, session: date, skip: skip})
		}
	}
	return found
}

// next returns the first due instant after t, or the end of the horizon if
// nothing is due before it; found is false then. While the calendar is unsure of
// a date that is near, it is no later than a minute after t.
func (m *market) next(t time.Time) (due time.Time, found bool) {
	first := DateOf(t.In(m.loc)).AddDays(-m.ahead)
	horizon := first.AddDays(m.ahead + horizonDays)
	best := endOfDay.On(horizon, m.loc)
	for date := first; !date.After(horizon); date = date.AddDays(1) {
		if found && Wall(0, 0).On(date.AddDays(-m.back), m.loc).After(best) {
			break
		}
		d := m.day(date)
		for i, g := range m.groups {
			at, ok := m.nextOf(g, d, m.compile(i, d), t)
			if ok && !at.After(best) {
				best, found = at, true
			}
		}
	}
	if soon := t.Add(time.Minute); m.unsureNear(t) && soon.Before(best) {
		best = soon
	}
	return best, found
}

func (m *market) unsureNear(t time.Time) bool {
	last := DateOf(t.In(m.loc)).AddDays(m.back + 1)
	for date := range m.unsure {
		if !date.After(last) {
			return true
		}
	}
	return false
}

func (m *market) nextOf(g *group, d *day, c *compiled, t time.Time) (time.Time, bool) {
	from, ok := g.holdsFrom()
	if !ok {
		return time.Time{}, false
	}
	if from.After(t) {
		t = from
	}
	if c.err != nil {
		due := endOfDay.On(d.session.Date, m.loc)
		return due, due.After(t)
	}
	for _, sp := range c.spans {
		if i := sp.after(t); i < sp.n {
			return sp.due(i), true
		}
	}
	return time.Time{}, false
}

// holdsFrom is the earliest instant from which an enabled row of the group holds.
func (g *group) holdsFrom() (from time.Time, ok bool) {
	for _, r := range g.rows {
		if r.Disabled {
			continue
		}
		if since := r.holdsFrom(); !ok || since.Before(from) {
			from, ok = since, true
		}
	}
	return from, ok
}

// forget drops the days that are not planned any more at an instant.
func (m *market) forget(now time.Time) {
	before := DateOf(now.In(m.loc)).AddDays(-m.ahead - 1)
	forgetBefore(m.days, before)
	forgetBefore(m.unsure, before)
	forgetBefore(m.planned, before)
	m.revised = slices.DeleteFunc(m.revised, func(d *day) bool { return d.session.Date.Before(before) })
}

func forgetBefore[T any](byDate map[Date]T, before Date) {
	for d := range byDate {
		if d.Before(before) {
			delete(byDate, d)
		}
	}
}

// day returns the date as the calendar has it. A date that the calendar does not
// know, or whose hours it does not know, is asked for again each time, since it
// may learn.
func (m *market) day(date Date) *day {
	if d := m.days[date]; d != nil {
		return d
	}
	d := &day{groups: make([]compiled, len(m.groups))}
	d.session, d.unknown = sessionOf(m.cal, date)
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
	n.view, n.groups = m.view, m.groups
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

// compile returns the i-th group on a day. If the calendar does not know another
// date that matters, the day is not kept, and so compiled again until it does.
func (m *market) compile(i int, d *day) *compiled {
	c := &d.groups[i]
	if c.done {
		return c
	}
	*c = m.gate(m.groups[i], d)
	c.done = true
	if c.unsure {
		delete(m.days, d.session.Date)
	}
	return c
}

// gate is the one place that decides whether a day is a day for a group: before
// any dispatch, from the calendar's answer, the sessions that the rows name and
// the rule's filter.
func (m *market) gate(g *group, d *day) compiled {
	rule := g.timingOn(d, m.loc).rule
	known, everyDay := d.unknown == nil, g.everyDay()
	if known && !g.runsOn(d.session.Kind) {
		if ruleKind(g.rootRule()) == kindOnce {
			return m.skipAll(g, rule, d, d.session.Describe())
		}
		return compiled{}
	}
	admitted, err := m.admits(g, d)
	switch {
	case err != nil:
		c := m.skipAll(g, rule, d, err.Error())
		c.unsure = true
		return c
	case !admitted:
		return compiled{}
	case !known && !everyDay:
		return m.skipAll(g, rule, d, notKnown(m.cal.Name(), d.session.Date, d.unknown))
	}
	spans, err := m.spans(g, rule, d)
	return compiled{spans: spans, err: err}
}

// notKnown says that a calendar does not know a date, in its own words if they name
// it.
func notKnown(calendar string, date Date, err error) string {
	if text := err.Error(); strings.HasPrefix(text, "calendar "+calendar) {
		return text
	}
	return fmt.Sprintf("calendar %s does not know %v: %v", calendar, date, err)
}

// admits asks the filters of a group and of those that it follows. Each counts the
// sessions that its own task runs on.
func (m *market) admits(g *group, d *day) (bool, error) {
	var unknown error
	for at := g; at != nil; at = at.base {
		counts := func(s Session) bool { return s.Open() && at.runsOn(s.Kind) }
		filter := at.timingOn(d, m.loc).filter
		if filter.kind == filterNth && d.unknown == nil && !counts(d.session) {
			return false, nil // a closed date is no session of the period
		}
		admitted, err := filter.admits(d.session.Date, counts, m.session)
		if err != nil {
			unknown = err
			continue
		}
		if !admitted {
			return false, nil
		}
	}
	return true, unknown
}

func (m *market) session(date Date) (Session, error) { return sessionOf(m.cal, date) }

// skipAll is a day on which every occurrence is skipped for one reason. Where the
// instants depend on hours that nobody knows, that is at the end of the date.
func (m *market) skipAll(g *group, rule Rule, d *day, reason string) compiled {
	spans, err := m.spans(g, rule, d)
	if err != nil {
		return compiled{err: errors.New(reason)}
	}
	return compiled{spans: spans, skip: reason}
}

// spans compiles a rule on a day. An after rule has the spans of its base, later
// by its delay, and with the same slots.
func (m *market) spans(g *group, rule Rule, d *day) ([]span, error) {
	if g.base == nil {
		return spansOf(rule, d.session, m.loc)
	}
	base, err := m.spans(g.base, g.base.timingOn(d, m.loc).rule, d)
	if err != nil {
		return nil, err
	}
	spans := slices.Clone(base)
	delay := int64(g.delay / time.Second)
	for i := range spans {
		spans[i].first += delay
		spans[i].shift += delay
	}
	return spans, nil
}

// timingOn returns the timing that holds on a day. A rule that replaced one of
// another kind takes effect at the next session: it does not hold yet on a day of
// which the old one had brought up an occurrence when the edit was made, nor on
// any day before.
func (g *group) timingOn(d *day, loc *time.Location) timing {
	if g.prior.rule == nil {
		return g.timing
	}
	edited := DateOf(g.since.In(loc))
	switch {
	case d.session.Date.Before(edited):
		return g.prior
	case d.session.Date.After(edited):
		return g.timing
	}
	spans, err := spansOf(g.prior.rule, d.session, loc)
	if err != nil || len(spans) == 0 || spans[0].due(0).After(g.since) {
		return g.timing
	}
	return g.prior
}

// runsOn reports whether the group, and what it follows, runs on such a session.
func (g *group) runsOn(k SessionKind) bool {
	for ; g != nil; g = g.base {
		if !g.sessions.Has(k) {
			return false
		}
	}
	return true
}

func (g *group) everyDay() bool {
	for ; g != nil; g = g.base {
		if g.sessions&EveryDay == 0 {
			return false
		}
	}
	return true
}

// rootRule is the rule that gives the group its instants.
func (g *group) rootRule() Rule {
	for g.base != nil {
		g = g.base
	}
	return g.rule
}

// sessionOf asks the calendar for a date. A panic in it is an error, and so is an
// answer for another date: what is not known is never guessed.
func sessionOf(cal Calendar, date Date) (s Session, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the calendar panicked: %v", p)
		}
		if err != nil {
			s = Session{Date: date}
		}
	}()
	s, err = cal.Session(date)
	if err == nil && s.Date != date {
		err = fmt.Errorf("the calendar answered %v for %v", s.Date, date)
	}
	return s, err
}
