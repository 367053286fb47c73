package tradeclock

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
)

// calendarView is a calendar as it last answered: planning asks it, and so never
// waits for a calendar that hangs. It is a Calendar itself. Guarded by mu, but for
// what New and findCalendars set.
type calendarView struct {
	source   calendar.Calendar // the user's
	name     string            // asked for once, as it is the user's to answer
	loc      *time.Location
	direct   calendar.Snapshotter // the source, if it answers from memory
	lane     *quiet.Lane          // to the source
	question *quiet.Lane          // for questions beside the plan

	fixed    calendar.Calendar // the last snapshot of a direct source
	version  string
	phases   phaseNames
	answers  map[calendar.Date]calendarAnswer // of a source that is not direct
	asked    bool                             // it has answered once
	trouble  string                           // what it said is wrong with its data
	covers   calendar.Date                    // to which it covers, or zero
	coming   []calendar.Session               // those of the next weeks that are special or of unknown hours
	askAgain time.Time                        // no question to a direct source of the same version before it
	failing  bool                             // it did not answer, or failed to tell of today
	retry    time.Duration                    // wait before it is asked again then
	retryAt  time.Time                        // and when that is
}

type calendarAnswer struct {
	session calendar.Session
	err     error
}

// newCalendarView asks a calendar for what does not change. Wall times are those
// of loc, or of the calendar's location if it is nil.
func newCalendarView(cal calendar.Calendar, loc *time.Location) *calendarView {
	v := &calendarView{source: cal, name: cal.Name(), loc: loc, phases: phasesOf(cal), answers: make(map[calendar.Date]calendarAnswer)}
	if v.loc == nil {
		v.loc = cal.Location()
	}
	if s, ok := cal.(calendar.Snapshotter); ok {
		v.direct, v.fixed = s, s.Snapshot()
	}
	return v
}

// Name returns the calendar's name.
func (v *calendarView) Name() string { return v.name }

// Version returns that of the data by which it last answered.
func (v *calendarView) Version() string { return v.version }

// Location returns the zone that the rows' wall times are read in.
func (v *calendarView) Location() *time.Location { return v.loc }

// Workweek returns the week of the calendar's market that holds on a date.
func (v *calendarView) Workweek(d calendar.Date) calendar.Workweek {
	if v.fixed != nil {
		return calendar.WorkweekOn(v.fixed, d)
	}
	return calendar.WorkweekOn(v.source, d)
}

// Session returns the last answer for a date.
func (v *calendarView) Session(d calendar.Date) (calendar.Session, error) {
	if v.fixed != nil {
		return plan.SessionOf(v.fixed, d)
	}
	a, ok := v.answers[d]
	if !ok {
		return calendar.Session{Date: d}, fmt.Errorf("it has not answered: %w", calendar.ErrUnknownDate)
	}
	return a.session, a.err
}

// missing returns the dates from first to last of which the view does not know
// all.
func (v *calendarView) missing(first, last calendar.Date) []calendar.Date {
	var dates []calendar.Date
	for d := first; !d.After(last); d = d.AddDays(1) {
		if a, ok := v.answers[d]; !ok || a.err != nil || a.session.HoursUnknown {
			dates = append(dates, d)
		}
	}
	return dates
}

// calendarFacts is what a calendar says of itself, and of the dates that the view
// lacks.
type calendarFacts struct {
	fixed   calendar.Calendar // the snapshot that was asked, if there is one
	version string
	phases  phaseNames
	covered bool
	last    calendar.Date // of the coverage
	left    int           // sessions from today to it, counted if that is asked for
	trouble error         // with the data
	answers map[calendar.Date]calendarAnswer
}

// factsOf asks a calendar for dates. The sessions that are left are counted if the
// end of the coverage is near, or if count is true.
func factsOf(cal calendar.Calendar, dates []calendar.Date, today calendar.Date, count bool) calendarFacts {
	facts := calendarFacts{answers: make(map[calendar.Date]calendarAnswer, len(dates))}
	if t, ok := cal.(calendar.DataChecker); ok {
		facts.trouble = t.DataError()
	}
	if s, ok := cal.(calendar.Snapshotter); ok {
		cal = s.Snapshot()
		facts.fixed = cal
	}
	facts.version, facts.phases = versionOf(cal), phasesOf(cal)
	for _, d := range dates {
		session, err := plan.SessionOf(cal, d)
		facts.answers[d] = calendarAnswer{session, err}
	}
	covered, ok := cal.(calendar.Covered)
	if !ok {
		return facts
	}
	facts.covered = true
	_, facts.last = covered.Coverage()
	if !count && facts.last.After(today.AddDays(coverageWarning)) {
		return facts
	}
	for d := today; !d.After(facts.last); d = d.AddDays(1) {
		if session, err := plan.SessionOf(cal, d); err == nil && session.Open() {
			facts.left++
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

// take brings what the calendar has said into the view. What the same version said of
// a day before holds while the calendar fails.
func (v *calendarView) take(facts calendarFacts) {
	same := v.version == facts.version
	v.fixed, v.version, v.phases, v.covers = facts.fixed, facts.version, facts.phases, facts.last
	for d, a := range facts.answers {
		if a.err == nil || !same || !v.knows(d) {
			v.answers[d] = a
		}
	}
}

// unknown notes that the calendar did not answer for dates.
func (v *calendarView) unknown(dates []calendar.Date, err error) {
	for _, d := range dates {
		if !v.knows(d) {
			v.answers[d] = calendarAnswer{calendar.Session{Date: d}, err}
		}
	}
}

// knows reports whether the calendar has told of a date, if only that there is a
// session.
func (v *calendarView) knows(d calendar.Date) bool {
	a, ok := v.answers[d]
	return ok && a.err == nil
}

// noteFailing notes whether the calendar fails: what is due today waits for it, so it
// is asked again within seconds.
func (v *calendarView) noteFailing(failing bool, now time.Time) {
	v.failing = failing
	if !failing {
		v.retry = 0
		return
	}
	v.retry = nextRetry(v.retry)
	v.retryAt = now.Add(v.retry)
}

// forget drops the answers for dates before one.
func (v *calendarView) forget(before calendar.Date) {
	for d := range v.answers {
		if d.Before(before) {
			delete(v.answers, d)
		}
	}
}
