package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
)

// Table describes a calendar of given days: the sessions of a few years that an
// exchange has announced, or the days of a test. NewTable makes the calendar.
type Table struct {
	// Name identifies the calendar, as in XNSE. Required.
	Name string
	// Version is kept in the record of each run. It may be empty.
	Version string
	// Location is the zone of the wall times. Required.
	Location *time.Location
	// First and Last are the coverage, both included. Of a date outside of it the
	// calendar knows nothing. Required.
	First, Last Date
	// Base says what the days are that Days does not list. It is asked for each
	// day of the coverage once, by NewTable. Without it they are closed.
	Base Calendar
	// Days are the listed days, in any order.
	Days []TableDay
}

// TableDay is what a Table says of one date.
type TableDay struct {
	Date Date `json:"date"`
	// Kind is Closed for a holiday, which is also the zero value.
	Kind SessionKind `json:"kind"`
	// Hours are the windows of the session's phases, in any order. A session
	// without any has no phases.
	Hours []Hours `json:"hours,omitzero"`
	// EarlyClose and LateOpen say which end of a Shortened session was moved. Both may
	// be left out.
	EarlyClose bool `json:"early_close,omitzero"`
	LateOpen   bool `json:"late_open,omitzero"`
	// HoursUnknown says that there is a session and that its hours are not
	// announced yet.
	HoursUnknown bool `json:"hours_unknown,omitzero"`
	// Reason, Announced and Source are those of the session.
	Reason    string `json:"reason,omitzero"`
	Announced Date   `json:"announced,omitzero"`
	Source    string `json:"source,omitzero"`
}

// maxTableDays bounds a coverage to two hundred years.
const maxTableDays = 200 * 366

// NewTable returns the calendar that t describes, which implements Versioned,
// Covered and PhaseLister and never changes, whatever becomes of t. It reports
// all that is wrong with t at once: each problem names its field or date.
func NewTable(t Table) (Calendar, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("table %q: %w", t.Name, err)
	}
	c := &table{
		name: t.Name, version: t.Version, loc: t.Location,
		first: t.First, last: t.Last,
		days: make([]Session, dayNumber(t.Last)-dayNumber(t.First)+1),
	}
	var errs []error
	for _, d := range t.Days {
		s, err := d.Session(t.Location)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.days[c.index(d.Date)] = s
	}
	if err := errors.Join(append(errs, c.fill(t.Base))...); err != nil {
		return nil, fmt.Errorf("table %q: %w", t.Name, err)
	}
	for i := 1; i < len(c.days); i++ {
		if c.days[i-1].Overlaps(c.days[i]) {
			return nil, fmt.Errorf("table %q: the sessions of %s and %s overlap", t.Name, c.days[i-1].Date, c.days[i].Date)
		}
	}
	if keeper, ok := t.Base.(WorkweekKeeper); ok {
		c.week = keeper.Workweek
	}
	c.collectPhases()
	return c, nil
}

// check reports what is wrong with the table apart from the hours of its days.
func (t Table) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := naming.Check(t.Name); err != nil {
		bad("Name: %w", err)
	}
	if t.Location == nil {
		bad("Location: a location is required")
	}
	first, last := t.First.valid(), t.Last.valid()
	if !first {
		bad("First: a date is required")
	}
	if !last {
		bad("Last: a date is required")
	}
	switch covered := first && last; {
	case !covered:
	case t.Last.Before(t.First):
		bad("Last: %s is before First, %s", t.Last, t.First)
	case dayNumber(t.Last)-dayNumber(t.First) >= maxTableDays:
		bad("Last: the coverage is longer than 200 years")
	default:
		errs = append(errs, t.checkDates()...)
	}
	return errors.Join(errs...)
}

func (t Table) checkDates() (errs []error) {
	seen := make(map[Date]bool, len(t.Days))
	for i, d := range t.Days {
		switch {
		case !d.Date.valid():
			errs = append(errs, fmt.Errorf("day %d: a date is required", i))
		case d.Date.Before(t.First) || d.Date.After(t.Last):
			errs = append(errs, fmt.Errorf("%s: outside the coverage, %s to %s", d.Date, t.First, t.Last))
		case seen[d.Date]:
			errs = append(errs, fmt.Errorf("%s: listed twice", d.Date))
		}
		seen[d.Date] = true
	}
	return errs
}

// Session returns the session that the day describes, with its phases in order.
// Hours that cannot be those of one day are refused, each problem naming the date:
// the start and the end of a window lie within the day or one beside it, in order, the
// windows of one phase do not overlap, and are no longer than a day from the first start
// to the last end. Different phases may overlap.
func (d TableDay) Session(loc *time.Location) (Session, error) {
	switch {
	case int(d.Kind) >= len(kindNames):
		return Session{}, fmt.Errorf("%s: %v is no kind of session", d.Date, d.Kind)
	case d.Kind == Closed && (len(d.Hours) > 0 || d.HoursUnknown):
		return Session{}, fmt.Errorf("%s: a closed day has no hours", d.Date)
	case d.HoursUnknown && len(d.Hours) > 0:
		return Session{}, fmt.Errorf("%s: the hours are given and said to be unknown", d.Date)
	case (d.EarlyClose || d.LateOpen) && d.Kind != Shortened:
		return Session{}, fmt.Errorf("%s: only a shortened session has an early close or a late open", d.Date)
	}
	s := Session{
		Date: d.Date, Kind: d.Kind, EarlyClose: d.EarlyClose, LateOpen: d.LateOpen, HoursUnknown: d.HoursUnknown,
		Reason: d.Reason, Announced: d.Announced, Source: d.Source,
	}
	var errs []error
	for _, h := range d.Hours {
		p, err := h.on(d.Date, loc)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.Date, err))
			continue
		}
		s.Phases = append(s.Phases, p)
	}
	slices.SortStableFunc(s.Phases, func(a, b Phase) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	errs = append(errs, checkOverlap(s)...)
	return s, errors.Join(append(errs, d.checkLength()...)...)
}

// checkLength reports phases that are longer than a day, so that they would go on when
// those of the next date begin.
func (d TableDay) checkLength() (errs []error) {
	first, last := make(map[string]WallTime), make(map[string]WallTime)
	for _, h := range d.Hours {
		start, known := first[h.Phase]
		if !known || h.Start < start {
			first[h.Phase] = h.Start
		}
		last[h.Phase] = max(last[h.Phase], h.End)
	}
	for _, h := range d.Hours {
		if start, end := first[h.Phase], last[h.Phase]; end-start > EndOfDay && h.Start == start {
			errs = append(errs, fmt.Errorf("%s: %s from %s to %s: longer than a day", d.Date, h.Phase, start, end))
		}
	}
	return errs
}

// on resolves a window of a day.
func (h Hours) on(d Date, loc *time.Location) (Phase, error) {
	if !ValidPhase(h.Phase) {
		return Phase{}, fmt.Errorf("%q cannot be the name of a phase", h.Phase)
	}
	if !h.Start.nearby() || !h.End.nearby() {
		return Phase{}, fmt.Errorf("%s from %s to %s: not within the day and those beside it", h.Phase, h.Start, h.End)
	}
	p := Phase{Name: h.Phase, Start: h.Start.On(d, loc), End: h.End.On(d, loc)}
	if h.End <= h.Start || !p.End.After(p.Start) {
		return Phase{}, fmt.Errorf("%s from %s to %s: end is not after start", h.Phase, h.Start, h.End)
	}
	return p, nil
}

// checkOverlap reports windows of one phase that overlap, in a session whose
// phases are in order.
func checkOverlap(s Session) (errs []error) {
	last := make(map[string]Phase)
	for _, p := range s.Phases {
		if before, ok := last[p.Name]; ok && p.Start.Before(before.End) {
			errs = append(errs, fmt.Errorf("%s: two windows of %s overlap", s.Date, p.Name))
		}
		last[p.Name] = p
	}
	return errs
}

// dayNumber counts days from the beginning of 1970.
func dayNumber(d Date) int { return int(d.UTC().Unix() / secondsPerDay) }

// table holds a session for each day of its coverage.
type table struct {
	name, version string
	loc           *time.Location
	first, last   Date
	days          []Session
	phases        []string
	week          func(Date) Workweek // that of the base, or nil
}

func (c *table) Name() string                 { return c.name }
func (c *table) Version() string              { return c.version }
func (c *table) Location() *time.Location     { return c.loc }
func (c *table) Coverage() (first, last Date) { return c.first, c.last }
func (c *table) PhaseNames() []string         { return slices.Clone(c.phases) }
func (c *table) Snapshot() Calendar           { return c }

func (c *table) Workweek(d Date) Workweek {
	if c.week == nil {
		return Workweek{}
	}
	return c.week(d)
}

func (c *table) Session(d Date) (Session, error) {
	i := c.index(d)
	if i < 0 || i >= len(c.days) {
		return Session{}, fmt.Errorf("calendar %s: %s: %w, %s to %s", c.name, d, ErrUnknownDate, c.first, c.last)
	}
	return c.days[i], nil
}

func (c *table) index(d Date) int { return dayNumber(d) - dayNumber(c.first) }

// fill asks base for the days that are not listed.
func (c *table) fill(base Calendar) error {
	for i := range c.days {
		if !c.days[i].Date.IsZero() {
			continue
		}
		d := c.first.AddDays(i)
		if base == nil {
			c.days[i] = Session{Date: d, Kind: Closed, Reason: "no session is listed"}
			continue
		}
		s, err := base.Session(d)
		if err != nil {
			return fmt.Errorf("base calendar: %s: %w", d, err)
		}
		s.Phases = slices.Clone(s.Phases)
		c.days[i] = s
	}
	return nil
}

// collectPhases notes the names of all phases, in the order in which they are
// first met. A session of unknown hours may have at least the regular one.
func (c *table) collectPhases() {
	seen := make(map[string]bool)
	note := func(name string) {
		if !seen[name] {
			seen[name] = true
			c.phases = append(c.phases, name)
		}
	}
	for _, s := range c.days {
		if s.HoursUnknown {
			note(PhaseRegular)
		}
		for _, p := range s.Phases {
			note(p.Name)
		}
	}
}
