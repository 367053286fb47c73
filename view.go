package tradeclock

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// calendarView is the calendar as it last answered: planning asks it, and so
// never waits for a calendar that hangs. It is a Calendar itself. Guarded by mu.
type calendarView struct {
	Calendar
	name    string // asked for once, as it is the user's to answer
	direct  bool   // asked in place, as it answers from memory
	phases  phaseNames
	answers map[Date]calendarAnswer
}

type calendarAnswer struct {
	session Session
	err     error
}

func newCalendarView(cal Calendar, name string) *calendarView {
	return &calendarView{Calendar: cal, name: name, direct: directCalendar(cal), answers: make(map[Date]calendarAnswer)}
}

// directCalendar reports whether a calendar is one of this package's own, which
// answer from memory.
func directCalendar(cal Calendar) bool {
	switch cal.(type) {
	case nil, pattern, *table:
		return true
	}
	return false
}

// Name returns the calendar's name.
func (v *calendarView) Name() string { return v.name }

// Session returns the last answer for a date.
func (v *calendarView) Session(d Date) (Session, error) {
	if v.direct {
		return v.Calendar.Session(d)
	}
	a, ok := v.answers[d]
	if !ok {
		return Session{Date: d}, fmt.Errorf("it has not answered: %w", ErrUnknownDate)
	}
	return a.session, a.err
}

// missing returns the dates from first to last of which the view does not know
// all.
func (v *calendarView) missing(first, last Date) []Date {
	var dates []Date
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
	version string
	phases  phaseNames
	covered bool
	last    Date // of the coverage
	left    int  // sessions from today to it, counted when the end is near
	dates   []Date
	answers []calendarAnswer
}

// refreshCalendar asks the calendar for the dates that the next plan needs, and
// notices when it has another version.
func (s *UnifiedTaskScheduler) refreshCalendar(ctx context.Context, now time.Time) {
	s.mu.Lock()
	if s.sched.view.direct && s.sched.loaded && now.Before(s.sched.askAgain) {
		s.mu.Unlock()
		return // it never changes: once a day is enough
	}
	today := DateOf(now.In(s.loc))
	s.sched.askAgain = time.Time{}
	if s.sched.loaded {
		s.sched.askAgain = endOfDay.On(today, s.loc)
	}
	dates := s.neededDates(now)
	s.mu.Unlock()
	facts, err := s.askCalendar(ctx, dates, today)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.sched.view.unknown(dates, err)
	case facts.version != s.sched.version && s.sched.version != "" && s.sched.loaded:
		s.sched.version = facts.version
		s.calendarChanged(ctx, now)
	default:
		s.sched.version = facts.version
		s.sched.view.take(facts)
	}
	if s.sched.loaded {
		s.checkCoverage(today, facts, err)
	}
}

// neededDates are the dates around now, and back to the last plan or the start of
// an account that lies behind it, that the view does not know.
func (s *UnifiedTaskScheduler) neededDates(now time.Time) []Date {
	if s.sched.view.direct {
		return nil
	}
	from := now
	if up := s.plan.upTo; !up.IsZero() && up.Before(now) {
		from = up
	}
	for _, a := range s.accounts.unconfirmed {
		if a.behind && a.from.Before(from) {
			from = a.from
		}
	}
	back, ahead := 1, 1
	if s.sched.loaded {
		back, ahead = s.sched.snap.back, s.sched.snap.ahead
	}
	first, last := DateOf(from.In(s.loc)).AddDays(-ahead), DateOf(now.In(s.loc)).AddDays(back+horizonDays)
	return s.sched.view.missing(first, last)
}

func (s *UnifiedTaskScheduler) askCalendar(ctx context.Context, dates []Date, today Date) (calendarFacts, error) {
	if s.sched.view.direct { // a minute without news allocates nothing
		return factsOf(s.cfg.Calendar, dates, today), nil
	}
	return call(ctx, s, &s.lanes.calendar, pollBound, func(context.Context) (calendarFacts, error) {
		return factsOf(s.cfg.Calendar, dates, today), nil
	})
}

func factsOf(cal Calendar, dates []Date, today Date) calendarFacts {
	facts := calendarFacts{dates: dates}
	if v, ok := cal.(Versioned); ok {
		facts.version = v.Version()
	}
	for _, d := range dates {
		session, err := sessionOf(cal, d)
		facts.answers = append(facts.answers, calendarAnswer{session, err})
	}
	if len(dates) > 0 {
		facts.phases = phasesOf(cal)
	}
	covered, ok := cal.(Covered)
	if !ok {
		return facts
	}
	facts.covered = true
	_, facts.last = covered.Coverage()
	if facts.last.After(today.AddDays(coverageWarning)) {
		return facts
	}
	for d := today; !d.After(facts.last); d = d.AddDays(1) {
		if session, err := sessionOf(cal, d); err == nil && session.Open() {
			facts.left++
		}
	}
	return facts
}

// take puts answers into the view.
func (v *calendarView) take(facts calendarFacts) {
	if len(facts.dates) > 0 {
		v.phases = facts.phases
	}
	for i, d := range facts.dates {
		v.answers[d] = facts.answers[i]
	}
}

// unknown notes that the calendar did not answer for dates.
func (v *calendarView) unknown(dates []Date, err error) {
	for _, d := range dates {
		v.answers[d] = calendarAnswer{Session{Date: d}, err}
	}
}

// calendarChanged asks the calendar for everything again and compiles the rows
// anew. What the change has moved into the past runs within its catch-up, or is
// missed. It is called with mu held, and lets go of it while it asks.
func (s *UnifiedTaskScheduler) calendarChanged(ctx context.Context, now time.Time) {
	before, today := s.sched.snap, DateOf(now.In(s.loc))
	was := before.planDay(today, s.plan.upTo)
	phases := s.sched.view.phases
	s.sched.view = newCalendarView(s.cfg.Calendar, s.calendarName)
	s.sched.view.phases = phases
	dates := s.neededDates(now)
	s.mu.Unlock()
	facts, err := s.askCalendar(ctx, dates, today)
	s.mu.Lock()
	if err != nil {
		s.sched.view.unknown(dates, err)
	} else {
		s.sched.view.take(facts)
	}
	if !slices.Equal(phases.names, s.sched.view.phases.names) {
		s.sched.revision = "" // rows may have become good or bad: read them again
	}
	s.compile(s.sched.snap.rows)
	moved := without(s.sched.snap.planDay(today, s.plan.upTo), was)
	s.log.Info("the calendar changed", "calendar", s.calendarName, "version", s.sched.version, "moved_into_past", len(moved))
	s.events.tell(CalendarChanged{Calendar: s.calendarName, Version: s.sched.version, MovedIntoPast: len(moved)})
	s.enqueueBackdated(moved, now)
}

const coverageWarning = 30 // days before a calendar's end

// checkCoverage warns while the end of what the calendar covers is near, and
// tells when it does not know today, or failed to answer.
func (s *UnifiedTaskScheduler) checkCoverage(today Date, facts calendarFacts, failed error) {
	if _, err := s.sched.view.Session(today); err != nil {
		s.degrade("calendar", fmt.Sprintf("calendar %s does not know %v, tasks are skipped: %v", s.calendarName, today, err))
		s.clear("coverage")
		return
	}
	if failed != nil {
		s.degrade("calendar", fmt.Sprintf("calendar %s does not answer: %v", s.calendarName, failed))
		return
	}
	s.clear("calendar")
	if !facts.covered || facts.last.After(today.AddDays(coverageWarning)) {
		s.clear("coverage")
		return
	}
	s.degrade("coverage", fmt.Sprintf("calendar %s ends on %v, with %d sessions left", s.calendarName, facts.last, facts.left))
}
