package exchange

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Compile returns Sessions that answer from what another one says of the dates
// from first to last: the queries for a calendar.Table, for Weekdays, AlwaysOpen
// or a calendar of your own. It asks for each of the dates once, and keeps the
// answers: what the other says later is not noticed.
//
// The error names the dates of which cal knows nothing, and those whose sessions
// are not of one local date: the windows of a phase lie within it or the days beside it,
// in whole seconds, and do not overlap, nor do sessions. It names the first ten. The coverage is at most 200
// years. A calendar that is nil, has no location or panics is an error too.
func Compile(cal calendar.Calendar, first, last calendar.Date) (*Sessions, error) {
	c := &Sessions{first: first, last: last}
	cal, err := c.identify(cal)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if err := checkRange(first, last); err != nil {
		return nil, fmt.Errorf("calendar %s: %w", c.name, err)
	}
	begins := beginnings(first, last, c.loc)
	days := make([]calendar.Session, len(begins)-1)
	var errs problems
	for i := range days {
		s, err := ask(cal, dateOf(number(first)+i))
		if err == nil {
			s, err = adopt(s, dateOf(number(first)+i), c.loc)
		}
		errs.add(dateOf(number(first)+i).String(), err)
		days[i] = s
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("calendar %s: %w", c.name, errs.first())
	}
	if keeper, ok := cal.(calendar.WorkweekKeeper); ok {
		for _, s := range days {
			c.noteWeek(s.Date, keeper.Workweek(s.Date))
		}
	}
	c.set(days, begins)
	if err := c.checkApart(); err != nil {
		return nil, fmt.Errorf("calendar %s: %w", c.name, err)
	}
	c.before, c.after = c.regularHours()
	c.makeAssuming()
	return c, nil
}

// identify takes over what a calendar says of itself, and returns what is to be
// asked for its sessions.
func (c *Sessions) identify(cal calendar.Calendar) (source calendar.Calendar, err error) {
	defer contain(&err)
	if snapshotter, ok := cal.(calendar.Snapshotter); ok {
		cal = snapshotter.Snapshot()
	}
	if cal == nil {
		return nil, errors.New("there is no calendar")
	}
	c.name, c.title, c.loc = cal.Name(), cal.Name(), cal.Location()
	c.basis = "compiled from the calendar " + c.name
	if versioned, ok := cal.(calendar.Versioned); ok {
		c.version = versioned.Version()
	}
	if c.loc == nil {
		return nil, fmt.Errorf("the calendar %s has no location", c.name)
	}
	return cal, nil
}

// ask returns what a calendar says of a date.
func ask(cal calendar.Calendar, d calendar.Date) (s calendar.Session, err error) {
	defer contain(&err)
	return cal.Session(d)
}

// contain makes an error of a panic in a calendar that is somebody else's.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the calendar panicked: %v", r)
	}
}

// adopt returns a session of another calendar with phases of its own, in order, if it is
// one of a date.
func adopt(s calendar.Session, d calendar.Date, loc *time.Location) (calendar.Session, error) {
	begin, end := (-calendar.EndOfDay).On(d, loc), (2*calendar.EndOfDay).On(d, loc)
	var p problems
	if s.Date != d {
		p = append(p, fmt.Errorf("the session is one of %s", s.Date))
	}
	if s.Kind > calendar.Special {
		p = append(p, fmt.Errorf("%s is no kind of session", s.Kind))
	}
	if !s.Open() && s.HoursUnknown {
		p = append(p, errors.New("the date is closed, and its hours are unknown"))
	}
	if (s.EarlyClose || s.LateOpen) && s.Kind != calendar.Shortened {
		p = append(p, errors.New("only a shortened session has an early close or a late open"))
	}
	if len(s.Phases) > 0 && (!s.Open() || s.HoursUnknown) {
		p = append(p, errors.New("the date is closed or of unknown hours, and has phases"))
	}
	s.Phases = slices.Clone(s.Phases)
	slices.SortStableFunc(s.Phases, func(a, b calendar.Phase) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	ends := make(map[string]time.Time)
	for i, w := range s.Phases {
		w.Start, w.End = w.Start.UTC(), w.End.UTC()
		switch {
		case w.Start.Nanosecond() != 0 || w.End.Nanosecond() != 0:
			p.addf(w.Name, "a window that is not in whole seconds")
		case !w.End.After(w.Start):
			p.addf(w.Name, "a window that ends before it starts")
		case w.Start.Before(begin) || w.End.After(end):
			p.addf(w.Name, "a window that is not within the date and those beside it")
		case w.Start.Before(ends[w.Name]):
			p.addf(w.Name, "windows that overlap")
		}
		s.Phases[i], ends[w.Name] = w, w.End
	}
	return s, errors.Join(p...)
}

// regularHours returns the wall times of the first and of the last regular
// session, which are those to assume next to the coverage. They are nil if there
// is no such session.
func (c *Sessions) regularHours() (first, last []calendar.Hours) {
	regular := func(s calendar.Session) bool { return s.Kind == calendar.Regular && !s.HoursUnknown }
	i := slices.IndexFunc(c.days, regular)
	if i < 0 {
		return nil, nil
	}
	j := len(c.days) - 1
	for !regular(c.days[j]) {
		j--
	}
	return c.wallTimes(c.days[i]), c.wallTimes(c.days[j])
}

// wallTimes returns the phases of a session as the market's clocks show them.
func (c *Sessions) wallTimes(s calendar.Session) []calendar.Hours {
	hours := make([]calendar.Hours, len(s.Phases))
	for i, p := range s.Phases {
		hours[i] = calendar.Hours{Phase: p.Name, Start: c.wallTime(p.Start, s.Date), End: c.wallTime(p.End, s.Date)}
	}
	return hours
}

// wallTime returns what the market's clocks show at an instant, seen from a date.
func (c *Sessions) wallTime(t time.Time, d calendar.Date) calendar.WallTime {
	hour, minute, second := t.In(c.loc).Clock()
	days := calendar.WallTime(number(calendar.DateOf(t.In(c.loc))) - number(d))
	return calendar.Wall(hour, minute) + calendar.WallTime(second) + days*calendar.EndOfDay
}
