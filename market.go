package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/rule"
)

// market is one calendar within a snapshot, with the rows that are read by it:
// rows that are due at the same instants are one group, so that planning costs
// the number of different rules and not of rows.
type market struct {
	view   *calendarView
	cal    calendar.Calendar
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

// group is a set of rows that are due at the same instants.
type group struct {
	timing
	prior    timing    // replaced by timing at since, at the next session
	since    time.Time // zero unless there is a prior
	sessions calendar.SessionSet
	base     *group        // of an after rule
	delay    time.Duration // of an after rule
	rows     []*row
	from     int64 // Unix time: nothing that is due then or before counts
	holding  int   // how many rows hold from then on; zero if all are disabled
}

// timing is a rule without its filter, and the filter.
type timing struct {
	rule   rule.Rule
	filter rule.Filter
}

// day is a date as the calendar has it, with the spans of each group, in the
// order of market.groups, once they are asked for.
type day struct {
	session calendar.Session
	unknown error // what the calendar said instead of a session
	groups  []compiled
}

// compiled is a group's rule on one day. If err is set, its instants cannot be told, as
// where they depend on hours that nobody knows, and the spans are one skipped
// occurrence at the end of the date.
type compiled struct {
	done  bool
	spans []rule.Span
	err   error
	// skip is why all the spans are skipped, if they are.
	skip string
	// unsure is true if that is because the calendar does not know other dates, which
	// the filter asks for.
	unsure bool
}

func newMarket(cal calendar.Calendar, loc *time.Location) *market {
	return &market{
		cal: cal, loc: loc, days: make(map[calendar.Date]*day), unsure: make(map[calendar.Date]*day),
		planned: make(map[calendar.Date]map[slotKey]time.Time),
	}
}

// setReach notes how far from a session's date its occurrences may lie.
func (m *market) setReach() {
	for _, g := range m.groups {
		back, ahead := rule.Reach(g.rule)
		for base := g.base; base != nil; base = base.base {
			b, a := rule.Reach(base.rule)
			back, ahead = max(back, b), ahead+max(a, 1)+int(g.delay/(24*time.Hour))
		}
		if g.prior.rule != nil {
			b, a := rule.Reach(g.prior.rule)
			back, ahead = max(back, b), max(ahead, a)
		}
		m.back, m.ahead = max(m.back, back), max(m.ahead, ahead)
	}
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
	for _, sp := range c.spans {
		for i := sp.After(from.Unix()); i < sp.N; i++ {
			due := sp.Due(i)
			if due.After(to) {
				break
			}
			found = g.appendRows(found, due, sp.SlotAt(i, date, m.loc), date, cmp.Or(c.skip, sp.Skip))
		}
	}
	return found
}

// appendRows adds an occurrence for each row of the group that holds at due.
func (g *group) appendRows(found []occurrence, due time.Time, slot string, date calendar.Date, skip string) []occurrence {
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
	m.seek(t)
	horizon := t.Unix() + horizonDays*int64(calendar.EndOfDay)
	due = time.Unix(horizon, 0).UTC()
	if u := m.earliest(horizon); u != nil {
		due, found = u.span.Due(u.i), true
	}
	if soon := t.Add(time.Minute); m.unsureNear(t) && soon.Before(due) {
		due = soon
	}
	return due, found
}

// beyond returns the Unix time of the first due instant after t, or that of never if
// none is known. Nothing of the days that it looks at is kept.
func (m *market) beyond(t time.Time) int64 {
	first, from := never.due, t.Unix()
	var others []*group
	for _, g := range m.groups {
		only, isOnce := rule.OnceDate(g.rootRule())
		switch {
		case g.idle():
		case isOnce:
			first = min(first, m.firstOn(g, m.peek(only), from))
		default:
			others = append(others, g)
		}
	}
	date := calendar.DateOf(t.In(m.loc)).AddDays(-m.ahead)
	for i := 0; len(others) > 0 && i < timetableDays && calendar.Wall(0, 0).On(date.AddDays(-m.back), m.loc).Unix() <= first; i++ {
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
	d.session, d.unknown = sessionOf(m.cal, date)
	return d
}

// firstOn returns the first instant after another at which a group is due on a day, or
// that of never if there is none, or it depends on what the calendar does not know.
func (m *market) firstOn(g *group, d *day, after int64) int64 {
	v := m.verdict(g, d)
	if v.unknown != nil && rule.KindOf(g.rootRule()) != rule.KindOnce {
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

func (g *group) add(r *row) {
	g.rows = append(g.rows, r)
	g.count(r)
}

// count notes from when on a row holds, unless it is disabled.
func (g *group) count(r *row) {
	if r.Disabled {
		return
	}
	switch from := r.holdsFrom().Unix(); {
	case g.idle() || from < g.from:
		g.from, g.holding = from, 1
	case from == g.from:
		g.holding++
	}
}

// remove takes a row out. The others are looked at only if it was the last of those
// that held first.
func (g *group) remove(r *row) {
	i := slices.Index(g.rows, r)
	g.rows = slices.Delete(g.rows, i, i+1)
	if r.Disabled || r.holdsFrom().Unix() != g.from {
		return
	}
	if g.holding--; g.holding > 0 {
		return
	}
	for _, r := range g.rows {
		g.count(r)
	}
}

// idle reports whether all rows of the group are disabled.
func (g *group) idle() bool { return g.holding == 0 }

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

// day returns the date as the calendar has it. A date that the calendar does not
// know, or whose hours it does not know, is asked for again each time, since it
// may learn.
func (m *market) day(date calendar.Date) *day {
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
	g := m.groups[i]
	*c = m.spansBy(m.verdict(g, d), g, d)
	c.done = true
	if c.unsure {
		delete(m.days, d.session.Date)
	}
	return c
}

// verdict is whether a day is a day for a group, and why its occurrences are skipped
// if they are. That is unknown if the calendar did not know a date which matters.
type verdict struct {
	admitted bool
	skip     string
	unknown  error
	// unsure is true if that is another date, which the filter asks for.
	unsure bool
}

// verdict is the one place that decides whether a day is a day for a group: before
// any dispatch, from the calendar's answer, the sessions that the rows name and
// the rule's filter.
func (m *market) verdict(g *group, d *day) verdict {
	known := d.unknown == nil
	if known && !g.runsOn(d.session.Kind) {
		if rule.KindOf(g.rootRule()) == rule.KindOnce {
			return verdict{admitted: true, skip: d.session.Describe()}
		}
		return verdict{}
	}
	admitted, err := m.admits(g, d)
	switch {
	case err != nil:
		return verdict{admitted: true, skip: err.Error(), unknown: err, unsure: true}
	case admitted && !known && !g.everyDay():
		return verdict{admitted: true, skip: notKnown(m.cal.Name(), d.session.Date, d.unknown), unknown: d.unknown}
	}
	return verdict{admitted: admitted}
}

// spansBy compiles a group's rule on a day by the verdict on it.
func (m *market) spansBy(v verdict, g *group, d *day) compiled {
	if !v.admitted {
		return compiled{}
	}
	spans, err := m.spans(g, g.timingOn(d, m.loc).rule, d)
	switch {
	case err == nil:
		return compiled{spans: spans, skip: v.skip, unsure: v.unsure}
	case v.skip != "":
		err = errors.New(v.skip)
	}
	end := rule.SkippedAt(calendar.EndOfDay.On(d.session.Date, m.loc), err.Error())
	return compiled{spans: []rule.Span{end}, err: err, unsure: v.unsure}
}

// notKnown says that a calendar does not know a date, in its own words if they name
// it.
func notKnown(calendar string, date calendar.Date, err error) string {
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
		counts := func(s calendar.Session) bool { return s.Open() && at.runsOn(s.Kind) }
		filter := at.timingOn(d, m.loc).filter
		if _, _, nth := filter.Nth(); nth && d.unknown == nil && !counts(d.session) {
			return false, nil // a closed date is no session of the period
		}
		admitted, err := filter.Admits(d.session.Date, counts, m.session)
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

func (m *market) session(date calendar.Date) (calendar.Session, error) { return sessionOf(m.cal, date) }

// spans compiles a rule on a day. An after rule has the spans of its base, later
// by its delay, and with the same slots.
func (m *market) spans(g *group, of rule.Rule, d *day) ([]rule.Span, error) {
	if g.base == nil {
		return rule.Compile(of, d.session, m.loc)
	}
	base, err := m.spans(g.base, g.base.timingOn(d, m.loc).rule, d)
	if err != nil {
		return nil, err
	}
	spans := slices.Clone(base)
	delay := int64(g.delay / time.Second)
	for i := range spans {
		spans[i].First += delay
		spans[i].Shift += delay
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
	edited := calendar.DateOf(g.since.In(loc))
	switch {
	case d.session.Date.Before(edited):
		return g.prior
	case d.session.Date.After(edited):
		return g.timing
	}
	spans, err := rule.Compile(g.prior.rule, d.session, loc)
	if err != nil || len(spans) == 0 || spans[0].Due(0).After(g.since) {
		return g.timing
	}
	return g.prior
}

// runsOn reports whether the group, and what it follows, runs on such a session.
func (g *group) runsOn(k calendar.SessionKind) bool {
	for ; g != nil; g = g.base {
		if !g.sessions.Has(k) {
			return false
		}
	}
	return true
}

func (g *group) everyDay() bool {
	for ; g != nil; g = g.base {
		if g.sessions&calendar.EveryDay == 0 {
			return false
		}
	}
	return true
}

// rootRule is the rule that gives the group its instants.
func (g *group) rootRule() rule.Rule {
	for g.base != nil {
		g = g.base
	}
	return g.rule
}

// sessionOf asks the calendar for a date. A panic in it is an error, and so is an
// answer for another date: what is not known is never guessed.
func sessionOf(cal calendar.Calendar, date calendar.Date) (s calendar.Session, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the calendar panicked: %s", said.Panic(p))
		}
		if err != nil {
			s = calendar.Session{Date: date}
		}
	}()
	s, err = cal.Session(date)
	if err == nil && s.Date != date {
		err = fmt.Errorf("the calendar answered %v for %v", s.Date, date)
	}
	return s, err
}
