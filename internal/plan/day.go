package plan

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
	// repeats and await are what the occurrences say of themselves.
	repeats bool
	await   *Await
	// skip is why all the spans are skipped, if they are.
	skip string
	// unsure is true if that is because the calendar does not know other dates, which
	// the filter asks for.
	unsure bool
}

// occurrence is the i-th of one of the spans, for each row of the group.
func (c *compiled) occurrence(sp *rule.Span, i int, date calendar.Date, loc *time.Location) Occurrence {
	return Occurrence{
		Due: sp.Due(i), Slot: sp.SlotAt(i, date, loc), Session: date, Skip: cmp.Or(c.skip, sp.Skip), Repeats: c.repeats, Awaits: c.await,
	}
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
		if rule.KindOf(g.root().Rule) == rule.KindOnce {
			return verdict{admitted: true, skip: d.session.Describe()}
		}
		return verdict{}
	}
	admitted, err := m.admits(g, d)
	switch {
	case err != nil:
		return verdict{admitted: true, skip: err.Error(), unknown: err, unsure: true}
	case admitted && !known && !g.everyDay():
		return verdict{admitted: true, skip: NotKnown(m.cal.Name(), d.session.Date, d.unknown), unknown: d.unknown}
	}
	return verdict{admitted: admitted}
}

// spansBy compiles a group's rule on a day by the verdict on it.
func (m *market) spansBy(v verdict, g *group, d *day) compiled {
	if !v.admitted {
		return compiled{}
	}
	repeats := g.awaits == nil && rule.Repeats(m.timingOn(g.root(), d).Rule) // each waits for its own
	spans, err := m.spans(g, m.timingOn(g, d).Rule, d)
	var await *Await
	if err == nil {
		await, err = m.await(g, d, spans)
	}
	switch {
	case err == nil:
		return compiled{spans: spans, repeats: repeats, await: await, skip: v.skip, unsure: v.unsure}
	case v.skip != "":
		err = errors.New(v.skip)
	}
	end := rule.SkippedAt(calendar.EndOfDay.On(d.session.Date, m.loc), err.Error())
	return compiled{spans: []rule.Span{end}, repeats: repeats, err: err, unsure: v.unsure || errors.Is(err, calendar.ErrUnknownDate)}
}

// NotKnown says that a calendar does not know a date, in its own words if they name
// it.
func NotKnown(calendar string, date calendar.Date, err error) string {
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
		admitted, err := m.admitsBy(m.timingOn(at, d).Filter, at, d)
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

// admitsBy asks one filter, for a group.
func (m *market) admitsBy(filter rule.Filter, g *group, d *day) (bool, error) {
	if filter == (rule.Filter{}) {
		return true, nil // most rules have none, and nothing is made for them
	}
	cal, counts := m.cal, func(s calendar.Session) bool { return s.Open() && g.runsOn(s.Kind) }
	if filter.AsksSessions() && d.unknown == nil && !counts(d.session) {
		return false, nil // a closed date is no session
	}
	return filter.Admits(cal, d.session.Date, counts, func(date calendar.Date) (calendar.Session, error) { return SessionOf(cal, date) })
}

// timingOn returns the timing of a group that holds on a day.
func (m *market) timingOn(g *group, d *day) Timing {
	if m.priorHolds(g, d) {
		return g.prior
	}
	return g.Timing
}

// priorHolds reports whether the rule of before the last edit still holds on a day. One of
// another kind takes effect at the next session: not yet on a day of which the old one
// had brought up an occurrence when the edit was made, nor on any day before. A prior of
// the same kind is the same rule with the slots that its times kept, and holds always.
func (m *market) priorHolds(g *group, d *day) bool {
	if g.prior.Rule == nil {
		return false
	}
	if !rule.ChangesKind(g.Rule, g.prior.Rule) {
		return true
	}
	if edited := calendar.DateOf(g.since.In(m.loc)); d.session.Date != edited {
		return d.session.Date.Before(edited)
	}
	spans, err := m.compileRule(g.prior.Rule, d)
	if err != nil || len(spans) == 0 || spans[0].Due(0).After(g.since) {
		return false
	}
	admitted, err := m.admitsBy(g.prior.Filter, g, d)
	return admitted || err != nil
}

// spans compiles a rule on a day. An after rule has the spans of its base, later
// by its delay unless it waits, and with the same slots.
func (m *market) spans(g *group, of rule.Rule, d *day) ([]rule.Span, error) {
	if g.base == nil {
		return m.compileRule(of, d)
	}
	base, err := m.spans(g.base, m.timingOn(g.base, d).Rule, d)
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

// compileRule compiles a rule, which is given the calendar only if it asks it.
func (m *market) compileRule(r rule.Rule, d *day) ([]rule.Span, error) {
	if _, asks := r.(rule.CalendarRule); asks {
		return rule.CompileBy(r, d.session, asked{m.cal, m.loc})
	}
	return rule.Compile(r, d.session, m.loc)
}

// asked is the calendar of a market as a rule may ask it.
type asked struct {
	cal calendar.Calendar
	loc *time.Location
}

func (a asked) Name() string                                         { return a.cal.Name() }
func (a asked) Location() *time.Location                             { return a.loc }
func (a asked) Session(date calendar.Date) (calendar.Session, error) { return SessionOf(a.cal, date) }

// SessionOf asks the calendar for a date. A panic in it is an error, and so is an
// answer for another date: what is not known is never guessed.
func SessionOf(cal calendar.Calendar, date calendar.Date) (s calendar.Session, err error) {
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
