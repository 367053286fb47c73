package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// ErrNothingDue is wrapped by the error of Timetable.Next and Timetable.Previous if nothing
// is due in the 28 years that they look at, in which all weekdays have met all dates.
var ErrNothingDue = errors.New("nothing is due in 28 years")

// timetableDays is how many dates a timetable looks at.
const timetableDays = 28 * 366

// Timetable tells when one row is due by its calendar, and by that of those that it
// follows. It never changes, and is safe for concurrent use.
type Timetable struct {
	cal   calendar.Calendar
	group *group
	back  int // how many days before a session's date it may be due
	ahead int // and how many after
	// wall is the time of a daily rule that has one, and no prior: the sessions are
	// due in their order then, once each.
	wall *calendar.WallTime
}

// NewTimetable returns when a row is due.
func NewTimetable(r *Row) *Timetable {
	g := chainOf(r)
	m := market{groups: []*group{g}}
	m.setReach()
	t := &Timetable{cal: r.Calendar, group: g, back: m.back, ahead: m.ahead}
	if at, ok := rule.DailyWall(g.Rule); ok && g.prior.Rule == nil {
		t.wall = &at
	}
	return t
}

// chainOf returns a group of a row alone, with those that it follows.
func chainOf(r *Row) *group {
	var base *group
	if r.Base != nil {
		base = chainOf(r.Base)
	}
	g := newGroup(r, base)
	g.add(r)
	return g
}

// market returns the calendar as it is now, so that an answer is of one piece.
func (t *Timetable) market() market {
	m := market{cal: t.cal, loc: t.cal.Location()}
	if s, ok := t.cal.(calendar.Snapshotter); ok {
		m.cal = s.Snapshot()
	}
	return m
}

// Next returns the first instant after an instant, in UTC, at which the schedule is
// due to run. Occurrences that a scheduler would skip, such as those of a session that
// lacks the rule's phase, are passed over. It does not guess: if the first depends on
// what the calendar does not know, the error wraps ErrUnknownDate. It wraps
// ErrNothingDue if there is none, as for a schedule that is disabled, or was due once.
func (t *Timetable) Next(after time.Time) (time.Time, error) {
	m := t.market()
	if t.group.idle() {
		return time.Time{}, errDisabled
	}
	from := max(after.Unix(), t.group.from)
	date := t.firstDate(calendar.DateOf(time.Unix(from, 0).In(m.loc)))
	first := never
	for range timetableDays {
		if first != never && (t.wall != nil || calendar.Wall(0, 0).On(date.AddDays(-t.back), m.loc).Unix() > first.due) {
			break
		}
		if on := t.on(&m, date, from); on.due < first.due {
			first = on
		}
		date = date.AddDays(1)
	}
	if first == never {
		return time.Time{}, ErrNothingDue
	}
	return first.instant("next")
}

var errDisabled = fmt.Errorf("the schedule is disabled: %w", ErrNothingDue)

// Previous returns the last instant before an instant, in UTC, at which the schedule was
// due to run by the row as it is now. It is as Next for the rest.
func (t *Timetable) Previous(before time.Time) (time.Time, error) {
	m := t.market()
	if t.group.idle() {
		return time.Time{}, errDisabled
	}
	to := before.Add(-1).Unix()
	date := calendar.DateOf(before.In(m.loc)).AddDays(t.back)
	last := expected{due: math.MinInt64}
	for range timetableDays {
		// Nothing of this session or an earlier one is due later than that.
		if end := calendar.EndOfDay.On(date.AddDays(t.ahead), m.loc).Unix(); end < last.due || end < t.group.from {
			break
		}
		for _, o := range t.list(&m, date, t.group.from, to) {
			if o.due >= last.due {
				last = o.expected
			}
		}
		date = date.AddDays(-1)
	}
	if last.due == math.MinInt64 {
		return time.Time{}, ErrNothingDue
	}
	return last.instant("previous")
}

// Between returns what the schedule is due to run in (from, to], in order, without what a
// scheduler would skip. If some of it depends on what the calendar does not know, it returns
// what is due before, and an error that wraps ErrUnknownDate.
func (t *Timetable) Between(from, to time.Time) ([]rule.Occurrence, error) {
	m := t.market()
	if t.group.idle() || !from.Before(to) {
		return nil, nil
	}
	var all []timed
	last := calendar.DateOf(to.In(m.loc)).AddDays(t.back)
	for date := calendar.DateOf(from.In(m.loc)).AddDays(-t.ahead); !date.After(last); date = date.AddDays(1) {
		all = append(all, t.list(&m, date, max(from.Unix(), t.group.from), to.Unix())...)
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(a.due, b.due) })
	var due []rule.Occurrence
	for _, o := range all {
		at, err := o.instant("next")
		if err != nil {
			return due, err
		}
		due = append(due, rule.Occurrence{Due: at, Slot: o.slot})
	}
	return due, nil
}

// timed is an occurrence of one session, or what would be one if the calendar knew more.
type timed struct {
	expected
	slot string
}

// list returns what is due on one session date in (from, to], in Unix time.
func (t *Timetable) list(m *market, date calendar.Date, from, to int64) (all []timed) {
	t.spansOn(m, date, func(sp rule.Span, unknown error) bool {
		for i := sp.After(from); i < sp.After(to); i++ {
			all = append(all, timed{expected{sp.First + int64(i)*sp.Step, unknown}, sp.SlotAt(i, date, m.loc)})
		}
		return true
	})
	return all
}

// firstDate is the first session date that may be due on a date or later.
func (t *Timetable) firstDate(on calendar.Date) calendar.Date {
	date := on.AddDays(-t.ahead)
	for g := t.group; g != nil; g = g.base {
		if g.prior.Rule != nil {
			return date
		}
	}
	if only, ok := rule.OnceDate(t.group.root().Rule); ok && only.After(date) {
		return only
	}
	return date
}

// expected is when a schedule is due, or would be if the calendar knew more.
type expected struct {
	due     int64
	unknown error
}

// instant returns the instant, or that it is not known.
func (e expected) instant(which string) (time.Time, error) {
	if e.unknown != nil {
		return time.Time{}, fmt.Errorf("the %s occurrence is not known: %w", which, unknownError{e.unknown})
	}
	return time.Unix(e.due, 0).UTC(), nil
}

// unknownError is ErrUnknownDate in the words of what is not known, which may be the
// hours of a session that is certain.
type unknownError struct{ error }

func (e unknownError) Unwrap() []error { return []error{calendar.ErrUnknownDate, e.error} }

var never = expected{due: math.MaxInt64}

// on returns when the schedule is first due after an instant on one session date. The
// calendar is not asked about a date that is over, nor a list of spans made of a daily
// wall time.
func (t *Timetable) on(m *market, date calendar.Date, from int64) expected {
	var wall int64
	if t.wall != nil {
		if wall = t.wall.On(date, m.loc).Unix(); wall <= from {
			return never
		}
	}
	var d day
	d.session, d.unknown = SessionOf(m.cal, date)
	v := m.verdict(t.group, &d)
	switch {
	case !v.admitted:
		return never
	case t.wall != nil && v.skip == "":
		return expected{due: wall}
	}
	first := never
	t.spansBy(m, &d, v, func(sp rule.Span, unknown error) bool {
		if i := sp.After(from); i < sp.N {
			first = expected{sp.First + int64(i)*sp.Step, unknown}
			return false
		}
		return true
	})
	return first
}

// spansOn calls f for what is due on one session date, until it returns false.
func (t *Timetable) spansOn(m *market, date calendar.Date, f func(sp rule.Span, unknown error) bool) {
	var d day
	d.session, d.unknown = SessionOf(m.cal, date)
	if v := m.verdict(t.group, &d); v.admitted {
		t.spansBy(m, &d, v, f)
	}
}

// spansBy does so by the verdict on the day. What a scheduler would skip is left out, unless
// that is because the calendar does not know enough.
func (t *Timetable) spansBy(m *market, d *day, v verdict, f func(sp rule.Span, unknown error) bool) {
	c := m.spansBy(v, t.group, d)
	of := v.unknown
	if d.session.HoursUnknown || c.unsure && of == nil {
		of = c.err
	}
	for _, sp := range c.spans {
		unknown := of
		if unknown == nil && sp.Skip != "" && d.session.HoursUnknown {
			unknown = errors.New(sp.Skip)
		}
		if unknown == nil && (c.skip != "" || sp.Skip != "") {
			continue
		}
		if !f(sp, unknown) {
			return
		}
	}
}
