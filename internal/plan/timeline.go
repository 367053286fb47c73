package plan

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// timeline is what a market has due after an instant, in the order of the instants:
// the spans of its days, each with the next of its due instants. It goes on where it
// was left, so that planning costs what is due, and not what might be.
type timeline struct {
	begun  bool
	after  int64         // Unix time: what is due no later has been passed
	coming []upcoming    // a heap: the earliest is the first
	next   calendar.Date // the first date whose spans are not in it
	opens  int64         // nothing of that date or a later one is due before
	// unsure is true if the calendar did not know all of a date in it: it is asked
	// again each time then.
	unsure bool
}

// upcoming is a span, and which of its due instants comes next.
type upcoming struct {
	due   int64
	i     int
	span  *rule.Span
	of    *compiled
	group *group
	day   *day
}

// seek makes the timeline begin after t.
func (m *market) seek(t time.Time) {
	tl := &m.line
	if after := t.Unix(); !tl.begun || tl.unsure || after < tl.after {
		clear(tl.coming)
		m.forgotten = calendar.Date{} // days of long ago may come up once more
		*tl = timeline{begun: true, after: after, coming: tl.coming[:0]}
		m.opensAt(calendar.DateOf(t.In(m.loc)).AddDays(-m.ahead))
	}
	m.advance(t, func(*upcoming) {})
}

// advance calls f for what is due up to t, in order, and leaves it behind.
func (m *market) advance(t time.Time, f func(*upcoming)) {
	to := t.Unix()
	for u := m.earliest(to); u != nil; u = m.earliest(to) {
		f(u)
		m.line.pass()
	}
	m.line.after = to
}

// earliest returns what is due next, or nil if that is not before the limit is over.
func (m *market) earliest(limit int64) *upcoming {
	tl := &m.line
	for tl.opens <= limit && (len(tl.coming) == 0 || tl.opens <= tl.coming[0].due) {
		m.load()
	}
	if len(tl.coming) == 0 || tl.coming[0].due > limit {
		return nil
	}
	return &tl.coming[0]
}

// load adds the spans of the next date to the timeline.
func (m *market) load() {
	tl := &m.line
	d := m.day(tl.next)
	for i, g := range m.groups {
		c := m.compile(i, d)
		if g.idle() {
			continue
		}
		from := max(tl.after, g.from)
		for j := range c.spans {
			sp := &c.spans[j]
			if k := sp.After(from); k < sp.N {
				tl.coming = append(tl.coming, upcoming{due: sp.First + int64(k)*sp.Step, i: k, span: sp, of: c, group: g, day: d})
			}
		}
	}
	tl.unsure = tl.unsure || m.days[tl.next] != d // it is not kept
	for i := len(tl.coming)/2 - 1; i >= 0; i-- {
		tl.sink(i)
	}
	m.opensAt(tl.next.AddDays(1))
}

// opensAt makes a date the next to be loaded.
func (m *market) opensAt(date calendar.Date) {
	m.line.next, m.line.opens = date, calendar.Wall(0, 0).On(date.AddDays(-m.back), m.loc).Unix()
}

// pass leaves the first due instant behind.
func (tl *timeline) pass() {
	first, last := &tl.coming[0], len(tl.coming)-1
	if first.i++; first.i < first.span.N {
		first.due += first.span.Step
	} else {
		tl.coming[0], tl.coming[last] = tl.coming[last], upcoming{}
		tl.coming = tl.coming[:last]
	}
	tl.sink(0)
}

// sink moves an element of the heap down to where it belongs.
func (tl *timeline) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(tl.coming); child++ {
			if tl.coming[child].due < tl.coming[least].due {
				least = child
			}
		}
		if least == i {
			return
		}
		tl.coming[i], tl.coming[least] = tl.coming[least], tl.coming[i]
		i = least
	}
}

// appendTo adds the occurrence for each row of the group.
func (u *upcoming) appendTo(found []Occurrence, loc *time.Location) []Occurrence {
	return u.group.appendRows(found, u.of.occurrence(u.span, u.i, u.day.session.Date, loc))
}
