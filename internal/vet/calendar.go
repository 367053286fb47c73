package vet

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// CoverageWarning is how many days before the end of a calendar's coverage the warnings
// begin.
const CoverageWarning = 30

// Calendar is a calendar as it last answered: planning asks it, and so never
// waits for a calendar that hangs. It is a Calendar itself. What changes of it is guarded by
// who has it.
type Calendar struct {
	Source calendar.Calendar // the user's
	name   string            // asked for once, as it is the user's to answer
	loc    *time.Location
	Direct calendar.Snapshotter // the source, if it answers from memory

	fixed   calendar.Calendar // the last snapshot of a direct source
	version string
	phases  phaseNames
	answers map[calendar.Date]calendarAnswer // of a source that is not direct
	Covers  calendar.Date                    // to which it covers, or zero
}

type calendarAnswer struct {
	session calendar.Session
	err     error
}

// NewCalendar asks a calendar for what does not change. Wall times are those
// of loc, or of the calendar's location if it is nil.
func NewCalendar(cal calendar.Calendar, loc *time.Location) *Calendar {
	v := &Calendar{Source: cal, name: cal.Name(), loc: loc, phases: phasesOf(cal), answers: make(map[calendar.Date]calendarAnswer)}
	if v.loc == nil {
		v.loc = cal.Location()
	}
	if s, ok := cal.(calendar.Snapshotter); ok {
		v.Direct, v.fixed = s, s.Snapshot()
	}
	return v
}

// Name returns the calendar's name.
func (v *Calendar) Name() string { return v.name }

// Version returns that of the data by which it last answered.
func (v *Calendar) Version() string { return v.version }

// Location returns the zone that the rows' wall times are read in.
func (v *Calendar) Location() *time.Location { return v.loc }

// Workweek returns the week of the calendar's market that holds on a date.
func (v *Calendar) Workweek(d calendar.Date) calendar.Workweek {
	if v.fixed != nil {
		return calendar.WorkweekOn(v.fixed, d)
	}
	return calendar.WorkweekOn(v.Source, d)
}

// Session returns the last answer for a date.
func (v *Calendar) Session(d calendar.Date) (calendar.Session, error) {
	if v.fixed != nil {
		return plan.SessionOf(v.fixed, d)
	}
	a, ok := v.answers[d]
	if !ok {
		return calendar.Session{Date: d}, fmt.Errorf("it has not answered: %w", calendar.ErrUnknownDate)
	}
	return a.session, a.err
}

// Missing returns the dates from first to last of which the view does not know
// all.
func (v *Calendar) Missing(first, last calendar.Date) []calendar.Date {
	var dates []calendar.Date
	for d := first; !d.After(last); d = d.AddDays(1) {
		if a, ok := v.answers[d]; !ok || a.err != nil || a.session.HoursUnknown {
			dates = append(dates, d)
		}
	}
	return dates
}

// Facts is what a calendar says of itself, and of the dates that the view
// lacks.
type Facts struct {
	fixed   calendar.Calendar // the snapshot that was asked, if there is one
	Version string
	phases  phaseNames
	Covered bool
	Last    calendar.Date // of the coverage
	Left    int           // sessions from today to it, counted if that is asked for
	Trouble error         // with the data
	answers map[calendar.Date]calendarAnswer
}

// FactsOf asks a calendar for dates. The sessions that are left are counted if the
// end of the coverage is near, or if count is true.
func FactsOf(cal calendar.Calendar, dates []calendar.Date, today calendar.Date, count bool) Facts {
	facts := Facts{answers: make(map[calendar.Date]calendarAnswer, len(dates))}
	if t, ok := cal.(calendar.DataChecker); ok {
		facts.Trouble = t.DataError()
	}
	if s, ok := cal.(calendar.Snapshotter); ok {
		cal = s.Snapshot()
		facts.fixed = cal
	}
	facts.Version, facts.phases = versionOf(cal), phasesOf(cal)
	for _, d := range dates {
		session, err := plan.SessionOf(cal, d)
		facts.answers[d] = calendarAnswer{session, err}
	}
	covered, ok := cal.(calendar.Covered)
	if !ok {
		return facts
	}
	facts.Covered = true
	_, facts.Last = covered.Coverage()
	if !count && facts.Last.After(today.AddDays(CoverageWarning)) {
		return facts
	}
	for d := today; !d.After(facts.Last); d = d.AddDays(1) {
		if session, err := plan.SessionOf(cal, d); err == nil && session.Open() {
			facts.Left++
		}
	}
	return facts
}

func versionOf(cal calendar.Calendar) string {
	if v, ok := cal.(calendar.Versioned); ok {
		return v.Version()
	}
	return ""
}

// Take brings what the calendar has said into the view. What the same version said of
// a day before holds while the calendar fails.
func (v *Calendar) Take(facts Facts) {
	same := v.version == facts.Version
	v.fixed, v.version, v.phases, v.Covers = facts.fixed, facts.Version, facts.phases, facts.Last
	for d, a := range facts.answers {
		if a.err == nil || !same || !v.knows(d) {
			v.answers[d] = a
		}
	}
}

// Unknown notes that the calendar did not answer for dates.
func (v *Calendar) Unknown(dates []calendar.Date, err error) {
	for _, d := range dates {
		if !v.knows(d) {
			v.answers[d] = calendarAnswer{calendar.Session{Date: d}, err}
		}
	}
}

// knows reports whether the calendar has told of a date, if only that there is a
// session.
func (v *Calendar) knows(d calendar.Date) bool {
	a, ok := v.answers[d]
	return ok && a.err == nil
}

// Forget drops the answers for dates before one.
func (v *Calendar) Forget(before calendar.Date) {
	for d := range v.answers {
		if d.Before(before) {
			delete(v.answers, d)
		}
	}
}
