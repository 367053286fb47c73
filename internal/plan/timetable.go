package plan

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// ErrNothingDue is wrapped by the error of Timetable.Next if nothing is due in the
// two years that it looks ahead.
var ErrNothingDue = errors.New("nothing is due in the next two years")

// timetableDays is how many dates Timetable.Next looks at.
const timetableDays = 2 * 366

// Timetable tells when one row is due by its calendar, which follows no other. It never
// changes, and is safe for concurrent use.
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
	g := newGroup(r, nil)
	g.add(r)
	m := market{groups: []*group{g}}
	m.setReach()
	t := &Timetable{cal: r.Calendar, group: g, back: m.back, ahead: m.ahead}
	if at, ok := rule.DailyWall(g.Rule); ok && g.prior.Rule == nil {
		t.wall = &at
	}
	return t
}

// Next returns the first instant after an instant, in UTC, at which the schedule is
// due to run. Occurrences that a scheduler would skip, such as those of a session that
// lacks the rule's phase, are passed over. It does not guess: if the first depends on
// what the calendar does not know, the error wraps ErrUnknownDate. It wraps
// ErrNothingDue if there is none, as for a schedule that is disabled, or was due once.
func (t *Timetable) Next(after time.Time) (time.Time, error) {
	m := market{cal: t.cal, loc: t.cal.Location()}
	if s, ok := t.cal.(calendar.Snapshotter); ok {
		m.cal = s.Snapshot() // the answer is of one piece
	}
	if t.group.idle() {
		return time.Time{}, fmt.Errorf("the schedule is disabled: %w", ErrNothingDue)
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
	switch {
	case first.unknown != nil:
		return time.Time{}, fmt.Errorf("the next occurrence is not known: %w", unknownError{first.unknown})
	case first == never:
		return time.Time{}, ErrNothingDue
	}
	return time.Unix(first.due, 0).UTC(), nil
}

// firstDate is the first session date that may be due on a date or later.
func (t *Timetable) firstDate(on calendar.Date) calendar.Date {
	date := on.AddDays(-t.ahead)
	if only, ok := rule.OnceDate(t.group.Rule); ok && t.group.prior.Rule == nil && only.After(date) {
		return only
	}
	return date
}

// expected is when a schedule is due, or would be if the calendar knew more.
type expected struct {
	due     int64
	unknown error
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
	c := m.spansBy(v, t.group, &d)
	unknown := v.unknown
	if d.session.HoursUnknown || c.unsure && unknown == nil {
		unknown = c.err
	}
	for _, sp := range c.spans {
		skipped, unknown := c.skip != "" || sp.Skip != "", unknown
		if unknown == nil && sp.Skip != "" && d.session.HoursUnknown {
			unknown = errors.New(sp.Skip)
		}
		if i := sp.After(from); i < sp.N && (!skipped || unknown != nil) {
			return expected{sp.First + int64(i)*sp.Step, unknown}
		}
	}
	return never
}
